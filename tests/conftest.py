"""Settings that all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

from unveil.assets import store

settings.register_profile("unveil", deadline=None)  # machines are noisy: no timed assertions
settings.load_profile("unveil")


@pytest.fixture(autouse=True)
def no_files_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have model files of their own; no test is to find them."""
    monkeypatch.delenv(store.ASSETS_VARIABLE, raising=False)
    monkeypatch.setattr(store, "user_folder", lambda: tmp_path / "user")
