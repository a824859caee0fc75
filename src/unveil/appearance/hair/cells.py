"""The colours of the cells of a class map, and of hair among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from unveil.models.classes import CLASS_SIZE, SKIN
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Float64s, Floats, Image

SURE = 0.8  # probability from which on a cell shows what skin looks like
FEWEST = 20  # such cells that say what colour skin has
# Grey level up to which a bar beside a photograph is black, the share of its pixels that are brighter, and the lines of
# a photograph that are looked at.
BLACK, SPECKS, BAR_STEPS = 20, 0.02, 200
# What is unlike skin: the pixels a side that are looked at, the cells of skin that are compared, the weights of CIELAB,
# and the distance in it from which on no skin has the colour.
LOOKED_AT, SAMPLES, WEIGHTS, UNLIKE = 72, 100, np.array([0.5, 1, 1], np.float32), 9.5
# In distances of the eyes from the middle between them, down the face and across: where it is skin without beard or
# fringe; and above and beside what hair and hats may be taken for skin.
PLAIN, PLAIN_ACROSS, BROWS_AT, BESIDE, BESIDE_TO = (0.15, 0.8), 0.75, -0.42, 0.95, 0.9


@dataclass(frozen=True, eq=False)
class Sighted:
    """A head in a photograph."""

    photograph: Image  # RGB [H, W, 3]
    projected: Floats  # [V, 3] vertices in pixels of it, and a depth in pixels
    neutral: Floats  # [V, 3] the same vertices in model space without expression and pose
    classes: Float32s  # [9, K, K] probability of each of `CLASSES` in the cells of the crop
    crop: Crop

    def in_crop(self, crop: Crop) -> Floats:
        """The vertices [V, 3] in pixels of a crop, and their depth."""
        return np.column_stack([crop.to_crop(self.projected[:, :2]), self.projected[:, 2]])

    @cached_property
    def cells(self) -> tuple[Float32s, Float32s]:
        """CIELAB [K, K, 3] of those cells, and which of them [K, K] the photograph shows."""
        return cells_of(self.photograph, self.crop)


def unlike_skin(photograph: Image, classes: Float32s, crop: Crop, eyes: Floats) -> Bools:
    """Which pixels [H, W] above the brows and beside the eyes of a face are coloured unlike its skin.

    There hair and hats are now and then taken for skin; and beyond its crop, a class map [9, K, K] tells nothing.
    ``eyes`` [2, 2] are their middles, the right one first, in pixels of the photograph.
    """
    lab, seen = cells_of(photograph, crop)
    cells = crop.resized(CLASS_SIZE)
    y, x = np.mgrid[:CLASS_SIZE, :CLASS_SIZE]
    across, down = on_face(np.stack([x, y], axis=-1).astype(np.float64), cells.to_crop(eyes))
    sure = (classes[SKIN] > SURE) & (seen > 0)
    plain = sure & (np.abs(across) < PLAIN_ACROSS) & (down > PLAIN[0]) & (down < PLAIN[1])
    skin = lab[plain if np.count_nonzero(plain) >= FEWEST else sure]
    shape = photograph.shape[:2]
    if len(skin) < FEWEST:
        return np.zeros(shape, np.bool_)
    scale = min(1.0, LOOKED_AT / max(shape))
    height, width = (max(1, round(side * scale)) for side in shape)
    small = np.asarray(cv2.resize(photograph, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    colours = to_cielab(small)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    at = np.stack([x, y], axis=-1) / scale
    places = crop.to_crop(at.reshape(-1, 2))
    beyond = ((places < 0) | (places > crop.size - 1)).any(axis=1).reshape(height, width)
    across, down = on_face(at, eyes)
    beyond |= (down < BROWS_AT) | ((np.abs(across) > BESIDE) & (down < BESIDE_TO))
    some, others = skin[:: -(-len(skin) // SAMPLES)] * WEIGHTS, colours[beyond] * WEIGHTS
    apart = ((some**2).sum(axis=1) - 2 * others @ some.T).min(axis=1, initial=np.inf) + (others**2).sum(axis=1)
    unlike = np.zeros((height, width), np.uint8)
    unlike[beyond] = apart > UNLIKE**2
    unlike = cv2.morphologyEx(unlike, cv2.MORPH_OPEN, np.ones((3, 3)))  # no moles
    unlike = cv2.dilate(unlike, np.ones((3, 3)))  # nor what is mixed with it, or in its shade
    return np.asarray(cv2.resize(unlike, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0)


def on_face(at: Floats, eyes: Floats) -> tuple[Float64s, Float64s]:
    """How far places [H, W, 2] lie across a face [H, W], to the left of the subject, and down it from between the eyes.

    Both are in distances of the eyes, whose middles [2, 2] are given, the right one first.
    """
    along = np.asarray(eyes[1] - eyes[0], np.float64)
    along /= max(float(along @ along), 1e-9)
    away = at - np.mean(eyes, axis=0)
    return away @ along, away @ np.array([-along[1], along[0]])


def cells_of(photograph: Image, crop: Crop) -> tuple[Float32s, Float32s]:
    """CIELAB [K, K, 3] of the cells of a crop, and which of them [K, K] the photograph shows."""
    cells = crop.resized(CLASS_SIZE)
    return to_cielab(cells.warp(photograph)), inside(cells, photograph)


def inside(crop: Crop, photograph: Image) -> Float32s:
    """Which pixels [W, W] of a crop are of the photograph, and of no black bar beside it."""
    y, x = np.mgrid[: crop.size, : crop.size]
    at, margin = crop.to_image(np.stack([x, y], axis=-1)), 1 / crop.scale  # their neighbours are of it, too
    first, last = _without_bars(photograph)
    return np.asarray(((at >= first + margin) & (at <= last - margin)).all(axis=-1), np.float32)


def _without_bars(photograph: Image) -> tuple[Float64s, Float64s]:
    """The first and the last x and y of what lies between black bars at the edges of a photograph."""
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
