"""CelebA (Liu et al., "Deep learning face attributes in the wild", 2015) as its authors and others publish it.

Its authors' archive has Img, Anno and Eval; torchvision puts all beside each other; Kaggle has the lists as CSV, none
of people, and the pictures in a folder in a folder of one name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from unveil.errors import UnveilError
from unveil.storage.files import printable, resolved
from unveil.training.crops.celeba_lists import CelebaList
from unveil.training.crops.photo import Photo
from unveil.training.crops.prepared import SPLITS

PARTITION, ATTRIBUTES, PEOPLE = "list_eval_partition.txt", "list_attr_celeba.txt", "identity_CelebA.txt"
LANDMARKS = {  # by the folder of the pictures: aligned and cropped, or as they were found
    "img_align_celeba": "list_landmarks_align_celeba.txt",
    "img_celeba": "list_landmarks_celeba.txt",
}
LISTS = (PARTITION, ATTRIBUTES, PEOPLE, *LANDMARKS.values())
LIST_NAMES = frozenset(f"{Path(name).stem}{suffix}" for name in LISTS for suffix in (".txt", ".csv"))
PLACES = ("", "Img", "Anno", "Eval")  # folders of the authors' archive
POINTS = 10  # columns of landmarks


def has_lists(folder: Path) -> bool:
    """Whether a folder has one of CelebA's lists, beside the pictures or in Anno and Eval."""
    return any(_list(folder, name).is_file() for name in LISTS)


def has_pictures(folder: Path) -> bool:
    """Whether a folder has the folder of CelebA's pictures, of its own or in Img."""
    return any(_find(folder, name).is_dir() for name in LANDMARKS)


def published(folder: Path, note: Callable[[str], None] | None = None) -> list[Photo]:
    """The photographs of CelebA's folder in the order of its lists.

    Args:
        folder: has the pictures and the lists, as in the module's head.
        note: is given a line where the people are not known.

    Raises:
        UnveilError: a list or a picture is missing, or the lists do not go together.
    """
    pictures = _pictures(folder)
    partition = CelebaList.read(_list(folder, PARTITION), columns=1)
    people = _people(folder, note)
    attributes = CelebaList.read(_list(folder, ATTRIBUTES))
    landmarks = CelebaList.read(_list(folder, LANDMARKS[pictures.name]))
    if landmarks.columns != POINTS:
        raise UnveilError(f"{landmarks.path} has {landmarks.columns} columns, not {POINTS}; get it again")
    for one in (people, attributes, landmarks):
        if one is not None:
            one.check_names(partition)
    source = resolved(folder).name
    sizes = _file_sizes(pictures)
    missing = [name for name in partition.rows if name not in sizes]
    if missing:
        raise UnveilError(
            f"{printable(pictures)} lacks {len(missing)} of the {len(partition.rows)} pictures in "
            f"{partition.path.name}, such as {missing[0]}; unpack the pictures again"
        )
    return [
        Photo(
            f"{source}/{name}",
            pictures / name,
            0,
            sizes[name],
            "" if people is None else f"{source}/{people.rows[name][0]}",
            partition.number(name, 0, range(len(SPLITS))),
            frozenset(
                title for title, value in zip(attributes.titles, attributes.rows[name], strict=True) if value > 0
            ),
            tuple(float(value) for value in landmarks.rows[name]),
        )
        for name in partition.rows
    ]


def _pictures(folder: Path) -> Path:
    """The folder of the pictures, which may be in one of its own name."""
    found = next((path for name in LANDMARKS if (path := _find(folder, name)).is_dir()), None)
    if found is None:
        raise UnveilError(f"{printable(folder)} has no folder {' or '.join(LANDMARKS)}; unpack CelebA's pictures there")
    while (found / found.name).is_dir():
        found /= found.name
    return found


def _people(folder: Path, note: Callable[[str], None] | None) -> CelebaList | None:
    """Who is in the pictures; None for Kaggle's copy, which has no such list."""
    path = _list(folder, PEOPLE)
    if not path.is_file() and _list(folder, PARTITION).suffix == ".csv":
        if note is not None:
            note(
                f"{printable(folder)} has no {PEOPLE}: who is in the photographs is not known, and people are apart as "
                "far as the official split has them apart"
            )
        return None
    return CelebaList.read(path, columns=1)


def _find(folder: Path, name: str) -> Path:
    """Where a file or folder of CelebA is; directly in the folder if it is nowhere."""
    paths = [folder / place / name for place in PLACES]
    return next((path for path in paths if path.exists()), paths[0])


def _list(folder: Path, name: str) -> Path:
    """Where a list is, as text or as CSV."""
    as_csv = _find(folder, str(Path(name).with_suffix(".csv")))
    as_text = _find(folder, name)
    return as_csv if as_csv.is_file() and not as_text.is_file() else as_text


def _file_sizes(folder: Path) -> dict[str, int]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
