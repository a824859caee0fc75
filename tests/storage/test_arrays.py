"""Whatever stands in place of an npz or npy file is one line that names it, and takes no memory."""

import os
import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from child import finished
from peak_memory import needs_peak_memory, run_command

from unveil.errors import UnveilError
from unveil.storage.arrays import MOST_UNFOLDED, map_array, read_array, read_arrays
from unveil.storage.file_kind import FileKind

KIND = FileKind("file of ours", "make it again", 2**20)


def npy(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(shape: object, descr: str = "<f8", version: bytes = b"\1\0") -> bytes:
    """The beginning of an npy file that says what it likes."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text.encode()


def npz(path: Path, content: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def test_another_format_is_named_and_so_are_those_that_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", format=np.array(2))
    arrays = read_arrays(tmp_path / "a.npz", KIND)
    assert arrays.require_format(1, 2) == 2
    with pytest.raises(ValueError, match="it has format 2, this unveil reads 3 and 4"):
        arrays.require_format(3, 4)


def test_arrays_come_back(tmp_path: Path) -> None:
    arrays = {
        "names": np.array(["ä", "bcd"]),
        "none": np.empty((0, 3)),
        "one": np.array(2.5),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big": np.arange(4, dtype=">i4"),
        "flags": np.array([True, False]),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)
        found = read_arrays(tmp_path / "a.npz", KIND)
        assert list(found) == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
    assert list(read_arrays(tmp_path / "a.npz", KIND, ("one", "absent"))) == ["one"]
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
        np.testing.assert_array_equal(read_array(tmp_path / f"{name}.npy", KIND), array)
        np.testing.assert_array_equal(map_array(tmp_path / f"{name}.npy", KIND), array)


NPY_FAULTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is an empty file"),
    "text": (b"hello\nworld", "magic string"),
    "cut in the header": (npy(np.arange(9))[:50], ""),
    "cut": (npy(np.arange(9))[:-1], "more than the file holds"),
    "longer": (npy(np.arange(9)) + b"x", "goes on after its end"),
    "objects": (npy(np.array([{}], object)), "Python objects"),
    "records": (npy(np.zeros(2, "i4,f8")), "no numbers or text"),
    "times": (npy(np.zeros(2, "M8[s]")), "no numbers or text"),
    "negative": (header((-1,)) + bytes(64), "negative"),
    "two negatives": (header((-2, -4)) + bytes(64), "negative"),
    "huge": (header((10**30,)), "more than the file holds"),
    "huge of nothing": (header((10**12,), "<U0"), "more than the file holds"),
    "many sides": (header((1,) * 70, "|u1") + b"x", ""),
    "no tuple": (header("[3]") + bytes(24), "shape"),
    "no dtype": (header((3,), "what") + bytes(24), "descr"),
    "code": (header("__import__('os').system('true')"), ""),
    "version": (header((3,), version=b"\7\0") + bytes(24), "version"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git-LFS pointer"),
    "page": (b"<!DOCTYPE html><html>", "a saved web page"),
    "gzip": (b"\x1f\x8b" + bytes(30), "a gzip file"),
    "CRLF": (npy(np.frombuffer(b"a\nb\n\0\n" * 9, np.uint8)).replace(b"\n", b"\r\n"), "copied as text"),
}


@pytest.mark.parametrize("fault", NPY_FAULTS)
def test_no_such_array_is_one_line(fault: str, tmp_path: Path) -> None:
    data, reason = NPY_FAULTS[fault]
    (tmp_path / "a.npy").write_bytes(data)
    npz(tmp_path / "a.npz", {"wanted.npy": data})
    assert reason in refused(lambda: read_array(tmp_path / "a.npy", KIND), tmp_path / "a.npy")
    assert reason in refused(lambda: map_array(tmp_path / "a.npy", KIND), tmp_path / "a.npy")
    refused(lambda: read_arrays(tmp_path / "a.npz", KIND), tmp_path / "a.npz")


def encrypted(path: Path) -> None:
    npz(path, {"wanted.npy": npy(np.arange(9))})
    data = bytearray(path.read_bytes())
    for place in (6, data.index(b"PK\1\2") + 8):  # flags in the member's header and in the list of contents
        data[place] |= 1
    path.write_bytes(bytes(data))


def named_twice(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("wanted.npy", npy(np.arange(9)))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("wanted.npy", npy(np.arange(8)))


def wrong_sum(path: Path) -> None:
    npz(path, {"wanted.npy": npy(np.full(9, 77, np.uint8))})
    path.write_bytes(path.read_bytes().replace(b"M" * 9, b"N" * 9))


def cut_short(path: Path) -> None:
    npz(path, {"wanted.npy": npy(np.arange(99))})
    path.write_bytes(path.read_bytes()[:500])


NPZ_FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "encrypted": (encrypted, "is encrypted"),
    "named twice": (named_twice, "two arrays of one name"),
    "wrong sum": (wrong_sum, "CRC"),
    "cut short": (cut_short, "it is cut short"),
    "no zip": (lambda path: path.write_bytes(npy(np.arange(3))), "it is an npy file"),
    "JSON": (lambda path: path.write_bytes(b'{"error": "no"}'), "it is JSON"),
    "other members": (lambda path: npz(path, {"hello.txt": b"hello"}), "magic string"),
    "lzma": (lambda path: npz(path, {"wanted.npy": npy(np.arange(9))}, zipfile.ZIP_LZMA), "method that is not read"),
    "a folder": (lambda path: path.mkdir(), "it is a folder"),
    "nothing": (lambda path: None, ""),
}


@pytest.mark.parametrize("fault", NPZ_FAULTS)
def test_no_such_npz_is_one_line(fault: str, tmp_path: Path) -> None:
    make, reason = NPZ_FAULTS[fault]
    make(tmp_path / "a.npz")
    assert reason in refused(lambda: read_arrays(tmp_path / "a.npz", KIND), tmp_path / "a.npz")


def test_a_missing_file_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match=r"a\.npz does not exist; make it again"):
        read_arrays(tmp_path / "a.npz", KIND)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_neither_pipes_nor_devices_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    for path in (tmp_path / "pipe.npz", Path("/dev/zero"), Path("/dev/full")):
        for read in (read_arrays, read_array, map_array):
            assert "no regular file" in refused(lambda path=path, read=read: read(path, KIND), path)


def test_sizes_are_limited(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros(2**19, np.uint8), b=np.zeros(2**19 + 1, np.uint8))
    assert "more than 1 MB" in refused(lambda: read_arrays(tmp_path / "a.npz", KIND), tmp_path / "a.npz")
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(2**19, np.uint8), b=np.zeros(2**19 + 1, np.uint8))
    assert "more than" in refused(lambda: read_arrays(tmp_path / "a.npz", KIND), tmp_path / "a.npz")


@needs_peak_memory
def test_what_unfolds_takes_no_memory(tmp_path: Path) -> None:
    """A few megabytes that unfold to just more than may be, in a file that may be large."""
    path = tmp_path / "a.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.npy", "w", force_zip64=True) as member,
    ):
        member.write(header((MOST_UNFOLDED + 2**20,), "|u1"))
        for _ in range(MOST_UNFOLDED // 2**20 + 1):
            member.write(bytes(2**20))
    code = (
        "from unveil.storage import arrays; from unveil.storage.file_kind import FileKind;"
        "from unveil.errors import UnveilError\n"
        "try: arrays.read_arrays(sys.argv[1], FileKind('file of ours', 'make it again', 2**40))\n"
        "except UnveilError as error: print(error)\n"
        "assert peak_memory() < arrays.MOST_UNFOLDED"
    )
    done = finished([*run_command(code), path])
    assert "may hold" in done.stdout


def refused(read: Callable[[], object], path: Path) -> str:
    """The line about a file that is read in vain."""
    with pytest.raises(UnveilError) as raised:
        read()
    message = str(raised.value)
    assert str(path) in message
    assert "\n" not in message
    assert message.endswith("make it again")
    return message
