"""Small clips of the photograph that comes with unveil: it moves, is hidden for a moment, goes and comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from unveil.assets.store import packaged
from unveil.photos.io import read_image
from unveil.typing import Image

RATE = 10.0
FACE = (slice(20, 110), slice(80, 150))  # rows and columns of the face in a frame that has not moved


def photograph() -> Image:
    """The photograph at half its size, [256, 256, 3]."""
    return np.asarray(cv2.resize(read_image(packaged("demo.jpg")), (256, 256), interpolation=cv2.INTER_AREA), np.uint8)


def moved(right: int) -> Image:
    """The photograph so many pixels farther to the right."""
    return np.roll(photograph(), right, axis=1)


def occluded() -> Image:
    """The photograph with the face painted over."""
    image = photograph()
    image[FACE] = (90, 110, 60)
    return image


def without_face() -> Image:
    """The lower half of the photograph, twice."""
    return np.vstack([photograph()[128:]] * 2)


def comes_and_goes() -> Iterator[Image]:
    """16 frames: a face that moves, is hidden for a moment, moves on, is out of the picture, and comes back."""
    yield from (moved(2 * k) for k in range(5))
    yield from (occluded() for _ in range(3))
    yield from (moved(8 + 2 * k) for k in range(3))
    yield from (without_face() for _ in range(2))
    yield from (moved(2 * k) for k in range(3))


SEEN = [*range(5), *range(8, 11), *range(13, 16)]  # frames of `comes_and_goes` that show the face


def write_clip(path: Path, frames: Iterable[Image], rate: float = RATE) -> Path:
    """Write frames as a clip, and give back its path."""
    from unveil.video.movie import write_movie

    write_movie(path, frames, rate)
    return path
