"""A photograph to train on: where its bytes are, and what is known about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from unveil.errors import UnveilError
from unveil.photos.io import MAX_BYTES
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable

HOLDER = FileKind("file of photographs", "see that it stays there and readable", 2**44)

Points5 = tuple[float, ...]  # [10] x, y of the eyes, nose and mouth corners, left to right in the picture


class HolderError(UnveilError):
    """A file that holds many photographs has changed, which says nothing about any single one of them."""


@dataclass(frozen=True)
class Photo:
    """A photograph that has not been read yet."""

    name: str  # unique among all photographs
    path: Path  # of the file that holds it
    offset: int  # of its first byte there
    size: int  # bytes
    person: str = ""  # "" where unknown
    split: int | None = None  # the official one (`prepared.SPLITS`), where there is one
    attributes: frozenset[str] | None = None  # what holds of the face, where somebody has noted it
    points: Points5 | None = None  # image pixels, where they were annotated

    @property
    def loose(self) -> bool:
        """Whether it is a file of its own, not part of a tar or of records."""
        return self.offset == 0

    def read(self) -> bytes:
        """The bytes of the picture.

        Raises:
            HolderError: the file that holds it among others is no longer what it was.
            UnveilError: it is too large, or its own file is no longer what it was.
        """
        if self.size > MAX_BYTES:
            raise UnveilError(f"{self.name} is larger than {MAX_BYTES // 2**20} MB; leave it out")
        try:
            with HOLDER.opened(self.path) as file:
                file.seek(self.offset)
                data = file.read(self.size)
            if len(data) < self.size:
                raise UnveilError(f"{printable(self.path)} is cut short within {self.name}; copy it again")
        except UnveilError as error:
            if self.loose:
                raise
            raise HolderError(str(error)) from error
        return data


def check_unique(photos: Iterable[Photo]) -> None:
    """UnveilError where two photographs have one name."""
    seen: set[str] = set()
    for photo in photos:
        if photo.name in seen:
            raise UnveilError(f"two photographs are named {photo.name}; rename one of the folders or tars they are in")
        seen.add(photo.name)


def fingerprint(photos: Iterable[Photo]) -> str:
    """A short hash of a list of photographs and what is known of them, wherever they are."""
    digest = hashlib.sha256()
    for photo in photos:
        known = "" if photo.attributes is None else ",".join(sorted(photo.attributes))
        parts = (photo.name, photo.size, photo.person, photo.split, known, photo.points)
        digest.update(repr(parts).encode())
    return digest.hexdigest()[:16]
