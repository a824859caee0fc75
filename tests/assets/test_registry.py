"""The table of packaged files agrees with the files."""

import hashlib

import pytest

from unveil.assets import store
from unveil.assets.registry import PACKAGED, PackagedFile
from unveil.errors import UnveilError


def test_every_file_is_in_the_table() -> None:
    present = {path.name for path in store.data_folder().iterdir() if not path.name.startswith(".")}
    assert present == {file.name for file in PACKAGED.values()}


@pytest.mark.parametrize("file", PACKAGED.values(), ids=lambda file: file.name)
def test_hash(file: PackagedFile) -> None:
    assert hashlib.sha256(store.packaged(file.name).read_bytes()).hexdigest() == file.sha256


def test_a_missing_file_is_one_clear_line(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "data_folder", lambda: tmp_path)
    with pytest.raises(UnveilError, match=r"demo\.jpg .*missing.*install") as raised:
        store.packaged("demo.jpg")
    assert "\n" not in str(raised.value)
    with pytest.raises(KeyError):
        store.packaged("no-such-file")
