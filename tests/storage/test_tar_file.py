"""Tars are listed and read in place, and one that was made to do harm is one line."""

import io
import os
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from unveil.errors import UnveilError
from unveil.storage.file_kind import FileKind
from unveil.storage.tar_file import read_tar_member, tar_members

KIND = FileKind("tar of ours", "make it again", 2**34)


def write_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def header(name: str = "a", size: bytes = b"00000000001\0", kind: bytes = b"0") -> bytes:
    """A header of 512 bytes with a right sum, whatever it says."""
    data = bytearray(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT))
    data[124:136], data[156:157], data[148:156] = size, kind, b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    return bytes(data)


def test_files_are_listed_and_read(tmp_path: Path) -> None:
    files = {"a": b"first", "ä" * 200: b"", "../b": os.urandom(3000), "/etc/c": b"x" * 512}
    write_tar(tmp_path / "a.tar", files)
    with tarfile.open(tmp_path / "a.tar", "a") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo(f"other {kind!r}")
            member.type, member.linkname = kind, "a"
            archive.addfile(member)
    members = list(tar_members(tmp_path / "a.tar", KIND))
    assert {member.name: read_tar_member(tmp_path / "a.tar", member, KIND) for member in members} == files


def number(value: int) -> bytes:
    """A size that has more than octal digits."""
    return value.to_bytes(12, "big", signed=True) if value < 0 else b"\x80" + value.to_bytes(11, "big")


FAULTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "an empty file"),
    "text": (b"hello\nworld" * 100, ""),
    "zip": (b"PK\3\4" + bytes(600), "a zip file"),
    "gzip": (b"\x1f\x8b" + bytes(600), "a gzip file: unpack it"),
    "cut in a file": (header(size=b"00000010000\0") + bytes(100), "cut short or damaged: unexpected end"),
    "cut in a header": (header() + bytes(512) + header()[:99], "cut short"),
    "no header": (header() + bytes(512) + b"x" * 512, "cut short or damaged"),
    "endless": (header(size=number(-512)), ""),
    "backwards": (header() + bytes(512) + header("b", number(-1024)), ""),
    "a long name of gigabytes": (header(size=number(2**40), kind=b"L"), "bytes at once"),
    "a note of gigabytes": (header(size=number(2**40), kind=b"x"), "bytes at once"),
    "a note of less than nothing": (header(size=number(-512), kind=b"x"), ""),
    "notes about notes": (b"".join(header(size=b"0" * 11 + b"\0", kind=b"x") for _ in range(20_000)), ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_such_tar_is_one_line(fault: str, tmp_path: Path) -> None:
    data, reason = FAULTS[fault]
    (tmp_path / "a.tar").write_bytes(data)
    refused(lambda: list(tar_members(tmp_path / "a.tar", KIND)), reason)


def test_neither_folders_nor_devices_are_read(tmp_path: Path) -> None:
    for path, reason in {tmp_path: "a folder", Path("/dev/zero"): "no regular file"}.items():
        refused(lambda path=path: list(tar_members(path, KIND)), reason)


def test_a_tar_that_has_become_shorter_is_noticed(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"a": b"first"})
    (member,) = tar_members(tmp_path / "a.tar", KIND)
    (tmp_path / "a.tar").write_bytes((tmp_path / "a.tar").read_bytes()[:515])
    refused(lambda: read_tar_member(tmp_path / "a.tar", member, KIND), "cut short")


def test_a_list_of_many_files_takes_no_memory(tmp_path: Path) -> None:
    """`tarfile` would keep some 400 bytes of each."""
    (tmp_path / "a.tar").write_bytes(header(size=b"0" * 11 + b"\0") * 20_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in tar_members(tmp_path / "a.tar", KIND)) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def refused(read: Callable[[], object], reason: str) -> None:
    with pytest.raises(UnveilError) as raised:
        read()
    message = str(raised.value)
    assert reason in message
    assert "\n" not in message
    assert message.endswith("make it again")
