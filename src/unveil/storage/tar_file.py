"""Tars of strangers: members are listed by position and read in place. Nothing is unpacked, no name is followed."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from unveil.storage.file_kind import FileKind
from unveil.storage.short_reads import ShortReads

LARGEST_HEADER = 2**20  # bytes of a long name or of what else is noted of a member


class TarMember(NamedTuple):
    """A file in a tar."""

    name: str  # as it stands in the tar
    offset: int  # of its first byte in the tar
    size: int  # bytes


def tar_members(path: Path, kind: FileKind) -> Iterator[TarMember]:
    """The plain files of a tar, which is not compressed, in its order.

    Raises:
        UnveilError: it is missing, no tar, compressed, damaged or cut short.
    """
    with (
        kind.opened(path, "a tar"),
        ShortReads(path, LARGEST_HEADER) as stream,
        _whole(),
        tarfile.open(fileobj=stream, mode="r:") as archive,
    ):
        place = -1
        while member := archive.next():
            if member.size < 0 or member.offset_data <= place:  # or it would be listed without end
                raise ValueError("it is damaged: the size of a file in it is wrong")
            place = member.offset_data
            archive.members = []  # type: ignore[attr-defined]  # or all of them are kept in memory
            if member.isreg() and not member.issparse():
                yield TarMember(member.name, member.offset_data, member.size)
        stream.seek(archive.offset)
        if stream.read(tarfile.BLOCKSIZE).strip(b"\0"):  # `tarfile` takes any block that is no header for the end
            raise tarfile.ReadError("no header")


@contextmanager
def _whole() -> Iterator[None]:
    try:
        yield
    except tarfile.TarError as error:
        raise ValueError(f"it is compressed, cut short or damaged: {error}") from error


def read_tar_member(path: Path, member: TarMember, kind: FileKind) -> bytes:
    """The bytes of a file in a tar; UnveilError where it has changed since it was listed."""
    with kind.opened(path, "a tar") as stream:
        stream.seek(member.offset)
        data = stream.read(member.size)
        if len(data) < member.size:
            raise ValueError("it is cut short")
    return data
