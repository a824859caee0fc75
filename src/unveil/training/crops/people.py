"""Who photographs show, from a file that says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.storage.files import printable
from unveil.training.crops.photo import Photo


def with_people(photos: Sequence[Photo], path: Path) -> list[Photo]:
    """The photographs with the people of a file, "" for those that it does not name.

    The file is an npy with a person for each photograph, in their order, or text with "name person" on each line, as
    CelebA's ``identity_CelebA.txt``; a name may go without the source that `Photo.name` begins with.

    Raises:
        UnveilError: the file is missing or damaged, or has nothing to do with the photographs.
    """
    if path.suffix == ".npy":
        return [replace(photo, person=person) for photo, person in zip(photos, _numbered(path, photos), strict=True)]
    people = dict(_named(path))
    found = [people.get(photo.name, people.get(photo.name.partition("/")[2], "")) for photo in photos]
    if not any(found):
        raise UnveilError(
            f"{printable(path)} names no photograph, such as {photos[0].name}; write a name and a person on each line"
        )
    return [replace(photo, person=person) for photo, person in zip(photos, found, strict=True)]


def _numbered(path: Path, photos: Sequence[Photo]) -> list[str]:
    try:
        people = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UnveilError(f"{printable(path)} cannot be read as an npy file of people ({error}); check it") from error
    if people.shape != (len(photos),) or people.dtype.kind not in "iuU":
        raise UnveilError(
            f"{printable(path)} holds {people.dtype} {people.shape}, not one whole number or name "
            f"for each of the {len(photos)} photographs; write it in their order"
        )
    return [str(person) for person in people]


def _named(path: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UnveilError(f"cannot read the people in {printable(path)} ({error}); give a text or npy file") from error
    for number, line in enumerate(lines, 1):
        words = line.rsplit(maxsplit=1)
        if len(words) == 2:
            yield words[0], words[1]
        elif words:
            raise UnveilError(f"{printable(path)}, line {number}, is no name with a person; write both")
