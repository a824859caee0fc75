"""Whatever stands in place of an npz file is one line that names it."""

from pathlib import Path

import numpy as np
import pytest

from unveil.errors import UnveilError
from unveil.storage.npz import open_npz, write_npz


def read(path: Path) -> np.ndarray:
    with open_npz(path, otherwise="is no file of ours", advice="make it again") as file:
        return np.asarray(file["wanted"])


def test_arrays_come_back(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", wanted=np.arange(3))
    assert read(tmp_path / "a.npz").tolist() == [0, 1, 2]


def test_what_is_no_such_file_is_one_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", something=np.arange(3))
    np.savez(tmp_path / "whole.npz", wanted=np.arange(1000))
    np.savez(tmp_path / "objects.npz", wanted=np.array([print], object))
    np.save(tmp_path / "one.npy", np.arange(3))
    whole = (tmp_path / "whole.npz").read_bytes()
    for name, content in {"cut": whole[:500], "empty": b"", "text": b"hello\nworld", "zip": b"PK\x03\x04"}.items():
        (tmp_path / f"{name}.npz").write_bytes(content)
    (tmp_path / "whole.npz").unlink()
    for path in (*tmp_path.iterdir(), tmp_path, tmp_path / "absent.npz"):
        with pytest.raises(UnveilError) as raised:
            read(path)
        message = str(raised.value)
        assert message.startswith(f"{path} is no file of ours (")
        assert message.endswith("); make it again")
        assert "\n" not in message


def test_other_errors_of_the_block_pass(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", wanted=np.arange(3))
    with (
        pytest.raises(UnveilError, match="mine"),
        open_npz(tmp_path / "a.npz", otherwise="is no file of ours", advice="make it again"),
    ):
        raise UnveilError("mine")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_npz(tmp_path / "new" / "a.npz", {"wanted": np.arange(5), "names": np.array(["ä", "b"]), "one": 2.5})
    assert read(tmp_path / "new" / "a.npz").tolist() == [0, 1, 2, 3, 4]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.npz"]
    (tmp_path / "file").touch()
    with pytest.raises(UnveilError, match=r"cannot write .*a\.npz"):
        write_npz(tmp_path / "file" / "a.npz", {"wanted": np.arange(5)})
