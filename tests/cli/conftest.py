"""What several tests of the command line start from."""

from collections.abc import Callable
from typing import Any

import pytest
from constant_learner import fitting_coefficients, write_learner

import unveil
from unveil.reconstruct.pipeline import Reconstructor


@pytest.fixture(scope="session")
def learner(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A learner that answers the same for every crop; do not write into its file."""
    model = unveil.load_openhead()
    path = tmp_path_factory.mktemp("learner") / "constant.onnx"
    return str(write_learner(path, model.layout, fitting_coefficients(model)))


@pytest.fixture
def fail_on_the_first(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Lets an error be raised for the first photograph that is reconstructed."""

    def arrange(error: Exception) -> None:
        reconstruct, calls = Reconstructor.reconstruct, []

        def fail_once(*arguments: Any, **options: Any) -> Any:
            calls.append(arguments)
            if len(calls) == 1:
                raise error
            return reconstruct(*arguments, **options)

        monkeypatch.setattr(Reconstructor, "reconstruct", fail_once)

    return arrange
