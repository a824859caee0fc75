"""Any name can be in a legend."""

from pathlib import Path

import pytest
from extras import needs

from unveil.evaluation.legend import LONGEST, label
from unveil.evaluation.now.report import write_plot


def test_a_plain_name_stays() -> None:
    assert label("openhead/clear") == "openhead/clear"


@pytest.mark.parametrize("name", ["\udcff", r"$\frac$", "_mine", "n" * 250, "two\nlines"])
def test_odd_names_are_drawn(tmp_path: Path, name: str) -> None:
    needs("matplotlib")
    import numpy as np

    assert len(label(name).replace(r"\$", "$").lstrip()) <= LONGEST
    assert write_plot(tmp_path / "plot.png", {name: np.ones(3)})
