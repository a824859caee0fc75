"""What is written is read."""

from pathlib import Path

import numpy as np
import pytest

from unveil.errors import UnveilError
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.npz import write_npz

KIND = FileKind("file of ours", "make it again", 2**20)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_npz(tmp_path / "new" / "a.npz", {"wanted": np.arange(5), "names": np.array(["ä", "b"]), "one": 2.5})
    assert read_arrays(tmp_path / "new" / "a.npz", KIND)["wanted"].tolist() == [0, 1, 2, 3, 4]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.npz"]
    (tmp_path / "file").touch()
    with pytest.raises(UnveilError, match=r"cannot write .*a\.npz"):
        write_npz(tmp_path / "file" / "a.npz", {"wanted": np.arange(5)})


def test_an_array_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", {"one": 1, "two": 2})
    arrays = read_arrays(tmp_path / "a.npz", KIND, ("three",))
    with pytest.raises(UnveilError, match=r"\(it has no array 'three'; it has one, two\)"), KIND.checking(tmp_path):
        assert arrays["three"]
    assert arrays.get("three") is None
