"""A head in a photograph, and which pixels of a crop the photograph covers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unveil.models.classes import CLASS_SIZE
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.typing import Float32s, Float64s, Floats, Image

# Black bars beside a photograph.
BLACK = 20  # grey level up to which a pixel is black
SPECKS = 0.02  # share of the pixels in a line of a bar that may be brighter
BAR_STEPS = 200  # lines of a photograph that are looked at, about


@dataclass(frozen=True, eq=False)
class Sighted:
    """A head in a photograph."""

    photograph: Image  # RGB [H, W, 3]
    projected: Floats  # [V, 3] vertices in pixels of the photograph, and a depth in pixels
    neutral: Floats  # [V, 3] the same vertices in model space without expression and pose
    classes: Float32s  # [9, K, K] probability of each of `CLASSES` in the cells of the crop
    crop: Crop

    def in_crop(self, crop: Crop) -> Floats:
        """The vertices [V, 3] in pixels of a crop, and their depth."""
        return np.column_stack([crop.to_crop(self.projected[:, :2]), self.projected[:, 2]])

    @cached_property
    def cells(self) -> tuple[Float32s, Float32s]:
        """CIELAB [K, K, 3] of the cells of the class map, and which of them [K, K] the photograph shows."""
        cells = self.crop.resized(CLASS_SIZE)
        return to_cielab(cells.warp(self.photograph)), inside(cells, self.photograph)


def on_face(at: Floats, eyes: Floats) -> tuple[Float64s, Float64s]:
    """Places on a face: how far across it, to the subject's left, and how far down, from between the eyes.

    Args:
        at: [H, W, 2] places in pixels.
        eyes: [2, 2] centres of the eyes in pixels, the subject's right one first.

    Returns:
        Both [H, W], in distances between the eyes.
    """
    along = np.asarray(eyes[1] - eyes[0], np.float64)
    along /= max(float(along @ along), 1e-9)
    away = at - np.mean(eyes, axis=0)
    return away @ along, away @ np.array([-along[1], along[0]])


def inside(crop: Crop, photograph: Image) -> Float32s:
    """1 where pixels [W, W] of a crop are of the photograph and not of a black bar beside it, elsewhere 0."""
    y, x = np.mgrid[: crop.size, : crop.size]
    at, margin = crop.to_image(np.stack([x, y], axis=-1)), 1 / crop.scale  # a pixel, so that its neighbours count too
    first, last = _without_bars(photograph)
    return np.asarray(((at >= first + margin) & (at <= last - margin)).all(axis=-1), np.float32)


def _without_bars(photograph: Image) -> tuple[Float64s, Float64s]:
    """The first and the last x and y of a photograph without black bars at its edges."""
    ends = []
    step = [max(1, side // BAR_STEPS) for side in photograph.shape[:2]]
    some = photograph[:: step[0], :: step[1]]
    red, green, blue = np.moveaxis(some, -1, 0) > BLACK
    bright = red | green | blue
    for axis, length in ((0, photograph.shape[1]), (1, photograph.shape[0])):
        lines = np.flatnonzero(bright.mean(axis=axis) > SPECKS)
        every = step[1 - axis]
        first, last = (lines[0], lines[-1]) if len(lines) else (0, len(some) - 1)
        bars = first > 0, last < some.shape[1 - axis] - 1
        ends.append((first * every if bars[0] else 0, last * every if bars[1] else length - 1))
    first, last = np.array(ends, np.float64).T
    return first, last
