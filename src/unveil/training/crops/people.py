"""The people in photographs, from a file that names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from unveil.errors import UnveilError
from unveil.storage.arrays import read_array
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.text import read_text
from unveil.training.crops.photo import Photo

PEOPLE = FileKind("list of people", "give a text with a name and a person on each line, or an npy file", 2**30)


def with_people(photos: Sequence[Photo], path: Path) -> list[Photo]:
    """The photographs with the people of a file, "" for those that it does not name.

    The file is an npy with a person for each photograph, in their order, or text with "name person" on each line, as
    CelebA's ``identity_CelebA.txt``; a name may go without the source that `Photo.name` begins with.

    Raises:
        UnveilError: the file is missing or damaged, or has nothing to do with the photographs.
    """
    if path.suffix.lower() == ".npy":
        return [replace(photo, person=person) for photo, person in zip(photos, _numbered(path, photos), strict=True)]
    people = dict(_named(path))
    found = [people.get(photo.name, people.get(photo.name.partition("/")[2], "")) for photo in photos]
    if not any(found):
        raise UnveilError(
            f"{printable(path)} names no photograph, such as {photos[0].name}; write a name and a person on each line"
        )
    return [replace(photo, person=person) for photo, person in zip(photos, found, strict=True)]


def _numbered(path: Path, photos: Sequence[Photo]) -> list[str]:
    people = read_array(path, PEOPLE)
    if people.shape != (len(photos),) or people.dtype.kind not in "iuU":
        raise UnveilError(
            f"{printable(path)} holds {people.dtype} {people.shape}, not one whole number or name "
            f"for each of the {len(photos)} photographs; write it in their order"
        )
    return [str(person) for person in people]


def _named(path: Path) -> Iterator[tuple[str, str]]:
    lines = read_text(path, PEOPLE).splitlines()
    for number, line in enumerate(lines, 1):
        words = line.rsplit(maxsplit=1)
        if len(words) == 2:
            yield words[0], words[1]
        elif words:
            raise UnveilError(f"{printable(path)}, line {number}, is no name with a person; write both")
