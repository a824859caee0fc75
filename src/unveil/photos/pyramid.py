"""A photograph at a series of scales, in which the detector looks for faces of every size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from unveil.photos.blazeface import FACE_RANGE, GRID
from unveil.photos.crop import Crop
from unveil.typing import Image

COARSEST = 64  # long side of the photograph, in network pixels: a face may fill all of it
ALWAYS = 128  # small photographs are searched up to this long side at least
FINEST = 2048
MOST_PIXELS = 3072 * 2048  # of the finer picture that is searched where nothing certain was found, for its memory
MARGIN = 16  # black network pixels around the photograph, for faces that its border cuts


def levels_of(image: Image, smallest_face: float) -> Iterator[Image]:
    """The picture [H, W, 3] at long sides of ..., 128, 64 network pixels, from where the smallest face shows."""
    height, width = image.shape[:2]
    long_side = max(height, width)
    finest = max(ALWAYS, min(FINEST, long_side * FACE_RANGE[0] / smallest_face))
    side = COARSEST * 2 ** int(np.log2(finest / COARSEST))
    while side >= COARSEST:
        image = _resized(image, [max(1, round(length * side / long_side)) for length in (width, height)])
        yield image
        side //= 2


def finer_levels(image: Image, smallest_face: float, finest: Image) -> list[Image]:
    """The picture [H, W, 3] twice as large as its finest level, as far as memory goes.

    None where the smallest faces, of so many image pixels a side, show already.
    """
    height, width = image.shape[:2]
    finest_scale = max(finest.shape[:2]) / max(height, width)
    scale = min(2 * finest_scale, float(np.sqrt(MOST_PIXELS / (width * height))))
    if finest_scale >= min(scale, FACE_RANGE[0] / smallest_face):
        return []
    return [_resized(image, [max(1, round(length * scale)) for length in (width, height)])]


def _resized(image: Image, size: Sequence[int]) -> Image:
    """The picture with (width, height) pixels, averaged where they are fewer."""
    interpolation = cv2.INTER_AREA if max(size) < max(image.shape[:2]) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def pad_to_grid(level: Image) -> Image:
    """A black margin, and more of it right and below up to a multiple of the network's grid."""
    height, width = level.shape[:2]
    right, bottom = (MARGIN + -(length + 2 * MARGIN) % GRID for length in (width, height))
    return np.asarray(cv2.copyMakeBorder(level, MARGIN, bottom, MARGIN, right, cv2.BORDER_CONSTANT), np.uint8)


class Scales:
    """A photograph in several scales, of which the coarsest that will do is looked at.

    Args:
        image: the photograph.
        levels: the same, smaller, the coarsest first.
    """

    def __init__(self, image: Image, levels: Sequence[Image]) -> None:
        self.image = image
        self._levels = [(level, np.array(image.shape[1::-1]) / level.shape[1::-1]) for level in levels]

    def seen_in(self, crop: Crop) -> Image:
        """The pixels [S, S, 3] of a crop of the photograph."""
        for level, step in self._levels:
            if crop.scale * step.max() <= 1:
                matrix = np.column_stack([crop.matrix[:, :2] * step, crop.to_crop((step - 1) / 2)])
                return Crop(matrix, crop.size).warp(level)
        return crop.warp(self.image)
