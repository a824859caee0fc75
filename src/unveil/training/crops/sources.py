"""The photographs of a source. Nothing is unpacked.

A source is a folder of pictures, a tar of pictures or a folder of tars, or CelebA (`training.crops.layouts`). Whatever
it is, it comes down to a list of `Photo`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from unveil.errors import UnveilError
from unveil.photos.folder import PictureFolder
from unveil.photos.tar import tar_pictures
from unveil.storage.files import printable, resolved
from unveil.storage.names import files_named
from unveil.training.crops import celeba_records
from unveil.training.crops.layouts import find_celeba
from unveil.training.crops.photo import Photo


def find_photos(
    path: Path,
    *,
    person_folders: bool = False,
    people_known: bool = False,
    note: Callable[[str], None] | None = None,
) -> list[Photo]:
    """The photographs of a source, always in the same order.

    Args:
        path: a folder of pictures, searched to its depths; a tar, or a folder of tars; CelebA's folder, as published or
            as TensorFlow Datasets keeps it, one in it or one that holds it.
        person_folders: in a folder or a tar, pictures in one folder show one person.
        people_known: who is in the photographs is said otherwise.
        note: is given a line about what a folder holds besides pictures, and where a data set does not say who is in
            its photographs.

    Raises:
        UnveilError: there is nothing of the kind, or a list that belongs to it is missing or damaged.
    """
    if celeba_records.SHARD.fullmatch(path.name) and path.is_file():
        raise UnveilError(f"{printable(path)} is one file of a data set; give its folder")
    if not path.is_dir():
        return _in_tar(path, person_folders=person_folders)
    if (photos := find_celeba(path, people_known=people_known, note=note)) is not None:
        return photos
    found = PictureFolder(path)
    photos = list(_in_folder(found, person_folders=person_folders))
    if tars := files_named(path, ".tar"):
        if note is not None and photos:
            note(f"left out of {printable(path)}: {len(photos)} pictures beside its tars")
        return [photo for tar in tars for photo in _in_tar(tar, person_folders=person_folders)]
    if note is not None and (left_out := found.left_out()):
        note(left_out)
    if not photos:
        where = f"the folder {printable(path)}"
        raise UnveilError(f"no pictures in {where}; put photographs there, such as .jpg or .png files, or tars of them")
    return photos


def _in_folder(found: PictureFolder, *, person_folders: bool) -> Iterator[Photo]:
    """The photographs of a folder and all its subfolders, in the order of plain names; other files are counted."""
    folder, source = found.folder, resolved(found.folder).name

    def unlisted(_: OSError) -> None:
        found.other["folder that cannot be read"] += 1

    for parent, folders, files in os.walk(folder, onerror=unlisted):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            pictures = len(found.pictures)
            try:
                if not name.startswith("."):
                    found.add(path, recursive=True)
                if len(found.pictures) == pictures:
                    continue
                size = path.stat().st_size
            except OSError:  # it vanished just now, or its folder may be listed but not entered
                found.other["file that cannot be read"] += 1
                continue
            inside = printable(path.relative_to(folder).as_posix())
            person = _folder_of(source, inside) if person_folders else ""
            yield Photo(f"{source}/{inside}", path, 0, size, person)


def _in_tar(path: Path, *, person_folders: bool) -> list[Photo]:
    photos = []
    for member in tar_pictures(path):
        inside = printable(member.name.removeprefix("./"))
        person = _folder_of(path.stem, inside) if person_folders else ""
        photos.append(Photo(f"{path.stem}/{inside}", path, member.offset, member.size, person))
    return photos


def _folder_of(source: str, inside: str) -> str:
    """The person whose folder a picture is in, "" where it is in none."""
    parent = str(PurePosixPath(inside).parent)
    return "" if parent == "." else f"{source}/{parent}"
