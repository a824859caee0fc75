"""Zip files of strangers: sizes in their headers are checked before memory is taken for them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from unveil.storage.short_reads import ShortReads

LARGEST_DIRECTORY = 4 * 2**20  # bytes, of some 50,000 members; a checkpoint of a large network has a few thousand
CHUNK = 2**20  # bytes read at a time
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1  # bit of a member's flags


@contextmanager
def open_zip(path: str | os.PathLike[str]) -> Iterator[zipfile.ZipFile]:
    """A zip file to read from; BadZipFile where it is not one, or lists too many members."""
    with ShortReads(path, LARGEST_DIRECTORY) as stream, _archive(stream) as archive:
        yield archive


def _archive(stream: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except zipfile.BadZipFile as error:
        stream.seek(0)
        if stream.read(4) == b"PK\x03\x04":  # the list of contents is at the end
            raise zipfile.BadZipFile("it is cut short, or damaged at its end") from error
        raise


def read_member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """The bytes of a member; BadZipFile where there are more than ``largest``, whatever the header says."""
    parts, left = [], largest
    with open_member(archive, name) as member:
        while part := member.read(CHUNK):
            left -= len(part)
            if left < 0:
                raise zipfile.BadZipFile(f"{name} has more than {largest} bytes")
            parts.append(part)
    return b"".join(parts)


def open_member(archive: zipfile.ZipFile, name: str) -> BinaryIO:
    """A member to read from; it must not be encrypted, nor compressed by a rare method."""
    member = archive.getinfo(name)
    if member.flag_bits & ENCRYPTED:
        raise zipfile.BadZipFile(f"{name!a} is encrypted")
    if member.compress_type not in METHODS:
        raise zipfile.BadZipFile(f"{name!a} is compressed by a method that is not read")
    return archive.open(member)  # type: ignore[return-value]
