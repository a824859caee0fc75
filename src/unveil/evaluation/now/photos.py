"""The photographs of the NoW benchmark: which, where they lie, and the face boxes that come with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from unveil.assets.unpickle import read_pickled_npy
from unveil.errors import UnveilError
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.text import read_text
from unveil.typing import Float64s

CHALLENGES = ("multiview_neutral", "multiview_expressions", "multiview_occlusions", "selfie")
IMAGE_LIST = "imagepathsvalidation.txt"
LIST_FILE = FileKind("list of NoW's photographs", "use NoW's own list", 2**24)
# Where in the dataset's folder its parts may lie: there, or where its archives unpack to.
PLACES = (PurePath(), PurePath("final_release_version"), PurePath("NoW_Dataset/final_release_version"))
SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class NowImage:
    """A photograph of the benchmark."""

    subject: str
    challenge: str  # of CHALLENGES
    name: str  # of the file, such as IMG_0041.jpg

    @property
    def path(self) -> PurePath:
        """``<subject>/<challenge>/<name>``, by which lists and folders of the benchmark name it."""
        return PurePath(self.subject, self.challenge, self.name)

    def __str__(self) -> str:
        return printable(self.path.as_posix())


def read_image_list(path: Path) -> tuple[NowImage, ...]:
    """The photographs of a list with one path ``<subject>/<challenge>/<name>`` in each line.

    Raises:
        UnveilError: the list is missing or empty, names a photograph twice, or has a line of another form.
    """
    lines = read_text(path, LIST_FILE).split()
    images: dict[NowImage, None] = {}  # a set that keeps the order
    for line in lines:
        parts = PurePath(line).parts[-3:]
        if len(parts) != 3 or parts[1] not in CHALLENGES or ".." in parts:
            raise UnveilError(
                f"{printable(path)} has the line {line!r}, which is not <subject>/<challenge>/<image> with one of "
                f"{', '.join(CHALLENGES)}; use NoW's own list"
            )
        image = NowImage(*parts)
        if image in images:
            raise UnveilError(f"{printable(path)} names {image} twice; use NoW's own list")
        images[image] = None
    if not images:
        raise UnveilError(f"{printable(path)} names no photograph; use NoW's own list")
    return tuple(images)


def find_part(dataset: Path, part: str) -> Path | None:
    """Where a file or folder of the benchmark lies in its folder, or None."""
    return next((dataset / place / part for place in PLACES if (dataset / place / part).exists()), None)


def part_of(dataset: Path, part: str) -> Path:
    """Where a file or folder of the benchmark lies; UnveilError where it does not."""
    found = find_part(dataset, part)
    if found is None:
        raise UnveilError(
            f"{printable(dataset)} has no {part}; give the folder of the NoW dataset, which has {IMAGE_LIST}, scans, "
            "scans_lmks_onlypp and iphone_pictures"
        )
    return found


def read_face_box(path: Path) -> Float64s:
    """A face's box [4], left, top, right, bottom in image px, from the file that the benchmark has beside a photograph.

    These are pickles; whatever is in them, they are only read as numbers.

    Raises:
        UnveilError: the file cannot be read, or has no such box.
    """
    values = read_pickled_npy(path)
    try:
        box = np.array([float(values[side]) for side in SIDES])
    except (KeyError, TypeError, ValueError) as error:
        raise UnveilError(f"{printable(path)} has no {', '.join(SIDES)} of a face; copy it from NoW again") from error
    if not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
        raise UnveilError(f"{printable(path)} has the box {box.tolist()}, which has no area; copy it from NoW again")
    return box
