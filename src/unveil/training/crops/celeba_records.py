"""CelebA as TensorFlow Datasets keeps it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from unveil.assets.protobuf import Value
from unveil.errors import UnveilError
from unveil.storage.files import printable
from unveil.training.crops.photo import Photo, Points5
from unveil.training.crops.prepared import SPLITS
from unveil.training.crops.tfrecord import read_example, read_records

TITLE = "celeb_a"  # of the data set; others have other features, and no person
SHARD = re.compile(r"(.+)-(train|validation|test)\.tfrecord-(\d{5})-of-(\d{5})")
POINTS = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")  # as they lie in the picture
POINT_KEYS = tuple(f"landmarks/{point}_{axis}" for point in POINTS for axis in "xy")
PERSON_KEY = "identity/Identity_No"  # from version 2.1.0 on


def record_files(folder: Path) -> list[Path]:
    """The TFRecord files of CelebA in a folder, in order.

    Raises:
        UnveilError: they are of another data set, or some of a series are missing.
    """
    files = {path: match for path in sorted(folder.iterdir()) if (match := SHARD.fullmatch(path.name))}
    for match in files.values():
        if match[1] != TITLE:
            raise UnveilError(f"{printable(folder)} has TFRecord files of {printable(match[1])}; give those of {TITLE}")
        there = sum(other.group(1, 2, 4) == match.group(1, 2, 4) for other in files.values())
        if there != int(match[4]):
            raise UnveilError(
                f"{printable(folder)} has {there} of the {int(match[4])} files of {match[1]}-{match[2]}; copy the rest"
            )
    return list(files)


def recorded(files: Sequence[Path], note: Callable[[str], None] | None = None) -> list[Photo]:
    """The photographs of CelebA's TFRecord files; they keep no names, so the place in the file is the name.

    Args:
        files: in the order of the photographs.
        note: is given a line where people are not known.

    Raises:
        UnveilError: a file is damaged, cut short, or holds something else.
    """
    photos = [photo for path in files for photo in _photos(path)]
    if note is not None and (unknown := sum(not photo.person for photo in photos)):
        note(
            f"{printable(files[0].parent)} does not say who is in {unknown} of its {len(photos)} photographs, which "
            "celeb_a does from version 2.1.0 on: people are apart as far as the official split has them apart"
        )
    return photos


def _photos(path: Path) -> Iterator[Photo]:
    title, split = re.split(r"-(train|validation|test)\.", path.name)[:2]
    for number, (position, data) in enumerate(read_records(path)):
        try:
            features = read_example(data)
            image = features["image"][0]
        except (ValueError, KeyError, IndexError) as error:
            raise _no_image(path, number) from error
        if not isinstance(image, slice):
            raise _no_image(path, number)
        person = _first(features, PERSON_KEY)
        yield Photo(
            f"{printable(path.name)}/{number:06d}",
            path,
            position + image.start,
            image.stop - image.start,
            "" if person is None else f"{title}/{person}",
            SPLITS.index(split),
            *_annotations(features),
        )


def _no_image(path: Path, number: int) -> UnveilError:
    return UnveilError(f"record {number} of {printable(path)} holds no image; give the files of {TITLE}")


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
