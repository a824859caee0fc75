"""CelebA (Liu et al., "Deep learning face attributes in the wild", 2015), as published and from TensorFlow Datasets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from unveil.assets.protobuf import Value
from unveil.errors import UnveilError
from unveil.storage.files import printable
from unveil.training.crops.photo import Photo, Points5
from unveil.training.crops.prepared import SPLITS
from unveil.training.crops.tfrecord import read_example, read_records

PARTITION, ATTRIBUTES, PEOPLE = "list_eval_partition.txt", "list_attr_celeba.txt", "identity_CelebA.txt"
LANDMARKS = {  # by the folder of the pictures: aligned and cropped, or as they were found
    "img_align_celeba": "list_landmarks_align_celeba.txt",
    "img_celeba": "list_landmarks_celeba.txt",
}
PLACES = ("", "Img", "Anno", "Eval")  # folders of the published archive
SHARD = re.compile(r"(.+)-(train|validation|test)\.tfrecord-(\d{5})-of-(\d{5})")
POINTS = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")  # as they lie in the picture
POINT_KEYS = tuple(f"landmarks/{point}_{axis}" for point in POINTS for axis in "xy")
PERSON_KEY = "identity/Identity_No"  # from version 2.1.0 on


def is_published(folder: Path) -> bool:
    """Whether a folder is CelebA, with the pictures or lists that its authors publish."""
    return any((folder / place / name).exists() for place in PLACES for name in (*LANDMARKS, PARTITION))


def published(folder: Path) -> list[Photo]:
    """The photographs of CelebA's folder in the order of its lists, which may be beside the pictures or in Anno, Eval.

    Raises:
        UnveilError: a list or a picture is missing, or the lists do not go together.
    """
    pictures = next((path for name in LANDMARKS if (path := _find(folder, name)).is_dir()), None)
    if pictures is None:
        raise UnveilError(f"{printable(folder)} has no folder {' or '.join(LANDMARKS)}; unpack CelebA's pictures there")
    partition = _List.read(_find(folder, PARTITION), columns=1)
    people = _List.read(_find(folder, PEOPLE), columns=1)
    attributes = _List.read(_find(folder, ATTRIBUTES))
    landmarks = _List.read(_find(folder, LANDMARKS[pictures.name]))
    if landmarks.columns != len(POINT_KEYS):
        raise UnveilError(f"{landmarks.path} has {landmarks.columns} columns, not {len(POINT_KEYS)}; get it again")
    for one in (people, attributes, landmarks):
        one.check_names(partition)
    source = folder.resolve().name
    sizes = _file_sizes(pictures)
    missing = [name for name in partition.rows if name not in sizes]
    if missing:
        raise UnveilError(
            f"{printable(pictures)} lacks {len(missing)} of the {len(partition.rows)} pictures in {PARTITION}, such as "
            f"{missing[0]}; unpack the pictures again"
        )
    return [
        Photo(
            f"{source}/{name}",
            pictures / name,
            0,
            sizes[name],
            f"{source}/{people.rows[name][0]}",
            partition.number(name, 0, range(len(SPLITS))),
            frozenset(
                title for title, value in zip(attributes.titles, attributes.rows[name], strict=True) if value > 0
            ),
            tuple(float(value) for value in landmarks.rows[name]),
        )
        for name in partition.rows
    ]


def record_files(folder: Path) -> list[Path]:
    """The TFRecord files of a data set in a folder, in order; UnveilError where some of a series are missing."""
    files = {path: match for path in sorted(folder.iterdir()) if (match := SHARD.fullmatch(path.name))}
    for match in files.values():
        there = sum(other.group(1, 2, 4) == match.group(1, 2, 4) for other in files.values())
        if there != int(match[4]):
            raise UnveilError(
                f"{printable(folder)} has {there} of the {int(match[4])} files of {match[1]}-{match[2]}; copy the rest"
            )
    return list(files)


def recorded(files: Iterable[Path]) -> list[Photo]:
    """The photographs of CelebA's TFRecord files; they keep no names, so the place in the file is the name.

    Raises:
        UnveilError: a file is damaged, cut short, or holds something else.
    """
    photos = []
    for path in files:
        title, split = re.split(r"-(train|validation|test)\.", path.name)[:2]
        for number, (position, data) in enumerate(read_records(path)):
            try:
                features = read_example(data)
                image = features["image"][0]
            except (ValueError, KeyError, IndexError) as error:
                raise UnveilError(
                    f"record {number} of {printable(path)} holds no image ({error}); give the files of celeb_a"
                ) from error
            if not isinstance(image, slice):
                raise UnveilError(f"record {number} of {printable(path)} holds no image; give the files of celeb_a")
            place = (position + image.start, image.stop - image.start)
            name = f"{printable(path.name)}/{number:06d}"
            person = _first(features, PERSON_KEY)
            photos.append(
                Photo(
                    name,
                    path,
                    *place,
                    "" if person is None else f"{title}/{person}",
                    SPLITS.index(split),
                    *_annotations(features),
                )
            )
    return photos


def _annotations(features: dict[str, list[Value]]) -> tuple[frozenset[str] | None, Points5 | None]:
    """Attributes that hold, and landmarks, of the features of one photograph."""
    known = {key.partition("/")[2]: value for key, value in features.items() if key.startswith("attributes/")}
    attributes = frozenset(name for name, value in known.items() if value and value[0] == 1) if known else None
    numbers = [_first(features, key) for key in POINT_KEYS]
    points = tuple(float(number) for number in numbers if number is not None)
    return attributes, points if len(points) == len(POINT_KEYS) else None


def _first(features: dict[str, list[Value]], key: str) -> int | None:
    value = features.get(key)
    return value[0] if value and isinstance(value[0], int) else None


@dataclass(frozen=True)
class _List:
    """One of CelebA's lists: a row of whole numbers for each picture."""

    path: Path
    titles: tuple[str, ...]  # of the columns, where the list names them
    columns: int
    rows: dict[str, list[int]]

    @classmethod
    def read(cls, path: Path, columns: int | None = None) -> _List:
        """Read a list; without ``columns`` it begins with the number of rows and the titles of the columns."""
        again = "get it again from where CelebA is published"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as error:
            raise UnveilError(f"{printable(path)} is missing; {again}") from error
        except (OSError, ValueError) as error:
            raise UnveilError(f"cannot read {printable(path)} ({error}); {again}") from error
        try:
            stated = len(lines) if columns else int(lines[0])
            titles = () if columns else tuple(lines[1].split())
            count = columns or len(titles)
            rows = {}
            for line in lines if columns else lines[2:]:
                name, *words = line.split()
                if len(words) != count:
                    raise ValueError(f"{name} has {len(words)} values, not {count}")
                rows[name] = [int(word) for word in words]
        except (ValueError, IndexError) as error:
            raise UnveilError(f"{printable(path)} is damaged ({error}); {again}") from error
        if len(rows) != stated or not rows:
            raise UnveilError(f"{printable(path)} should have {stated} pictures but has {len(rows)}; {again}")
        return cls(path, titles, count, rows)

    def check_names(self, other: _List) -> None:
        """UnveilError where the two lists are not about the same pictures."""
        if odd := sorted(self.rows.keys() ^ other.rows.keys()):
            raise UnveilError(
                f"{printable(self.path)} and {other.path.name} differ in {len(odd)} pictures, such as {odd[0]}; "
                "get both again from where CelebA is published"
            )

    def number(self, name: str, column: int, allowed: range) -> int:
        """A value that must be one of those allowed."""
        value = self.rows[name][column]
        if value not in allowed:
            raise UnveilError(
                f"{printable(self.path)} has {value} for {name}, not one of {list(allowed)}; get it again"
            )
        return value


def _find(folder: Path, name: str) -> Path:
    """Where a file or folder of CelebA is; directly in the folder if it is nowhere."""
    paths = [folder / place / name for place in PLACES]
    return next((path for path in paths if path.exists()), paths[0])


def _file_sizes(folder: Path) -> dict[str, int]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
