"""Zip files of strangers: what their headers promise is checked before memory is taken for it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LARGEST_DIRECTORY = 4 * 2**20  # bytes, of some 50,000 members; a checkpoint of a large network has a few thousand
CHUNK = 2**20  # bytes read at a time


class _ShortReads(io.BufferedReader):
    """A file of which no more than a directory is read at a time, so that `zipfile` cannot be told to."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:  # of the end of the file, which has less than a directory
            size = LARGEST_DIRECTORY
        if size > LARGEST_DIRECTORY:
            raise zipfile.BadZipFile(f"it asks for {size} bytes at once")
        return super().read(size)


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file to read from; BadZipFile where it is none, or lists too many members."""
    with _ShortReads(io.FileIO(path)) as stream, zipfile.ZipFile(stream) as archive:
        yield archive


def read_member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """The bytes of a member; BadZipFile where they are more than ``largest``, whatever the header says."""
    parts, left = [], largest
    with archive.open(name) as member:
        while part := member.read(CHUNK):
            left -= len(part)
            if left < 0:
                raise zipfile.BadZipFile(f"{name} has more than {largest} bytes")
            parts.append(part)
    return b"".join(parts)
