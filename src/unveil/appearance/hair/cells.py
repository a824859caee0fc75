"""The colours of the cells of a class map, and of hair among them."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.models.classes import CLASS_SIZE, SKIN
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Float64s, Floats, Image

SURE = 0.8  # probability from which on a cell shows what skin looks like
FEWEST = 20  # such cells that say what colour skin has
# What is unlike skin: the pixels a side that are looked at, the cells of skin that are compared, the weights of CIELAB,
# and the distance in it from which on no skin has the colour.
LOOKED_AT, SAMPLES, WEIGHTS, UNLIKE = 72, 100, np.array([0.5, 1, 1], np.float32), 9.5
# In distances of the eyes from the middle between them, down the face and across: where it is skin without beard or
# fringe; and above and beside what hair and hats may be taken for skin.
PLAIN, PLAIN_ACROSS, BROWS_AT, BESIDE, BESIDE_TO = (0.15, 0.8), 0.75, -0.42, 0.95, 0.9


def unlike_skin(photograph: Image, classes: Float32s, crop: Crop, eyes: Floats) -> Bools:
    """Which pixels [H, W] above the brows and beside the eyes of a face are coloured unlike its skin.

    There hair and hats are now and then taken for skin; and beyond its crop, a class map [9, K, K] tells nothing.
    ``eyes`` [2, 2] are their middles, the right one first, in pixels of the photograph.
    """
    lab, seen = cells_of(photograph, crop)
    cells = crop.resized(CLASS_SIZE)
    y, x = np.mgrid[:CLASS_SIZE, :CLASS_SIZE]
    across, down = _on_face(np.stack([x, y], axis=-1).astype(np.float64), cells.to_crop(eyes))
    sure = (classes[SKIN] > SURE) & (seen > 0)
    plain = sure & (np.abs(across) < PLAIN_ACROSS) & (down > PLAIN[0]) & (down < PLAIN[1])
    skin = lab[plain if np.count_nonzero(plain) >= FEWEST else sure]
    shape = photograph.shape[:2]
    if len(skin) < FEWEST:
        return np.zeros(shape, np.bool_)
    scale = min(1.0, LOOKED_AT / max(shape))
    height, width = (max(1, round(side * scale)) for side in shape)
    small = cv2.resize(photograph, (width, height), interpolation=cv2.INTER_AREA)
    colours = to_cielab(small / np.float32(255))
    y, x = np.mgrid[:height, :width].astype(np.float64)
    at = np.stack([x, y], axis=-1) / scale
    places = crop.to_crop(at.reshape(-1, 2))
    beyond = ((places < 0) | (places > crop.size - 1)).any(axis=1).reshape(height, width)
    across, down = _on_face(at, eyes)
    beyond |= (down < BROWS_AT) | ((np.abs(across) > BESIDE) & (down < BESIDE_TO))
    some, others = skin[:: -(-len(skin) // SAMPLES)] * WEIGHTS, colours[beyond] * WEIGHTS
    apart = ((some**2).sum(axis=1) - 2 * others @ some.T).min(axis=1, initial=np.inf) + (others**2).sum(axis=1)
    unlike = np.zeros((height, width), np.uint8)
    unlike[beyond] = apart > UNLIKE**2
    unlike = cv2.morphologyEx(unlike, cv2.MORPH_OPEN, np.ones((3, 3)))  # no moles
    unlike = cv2.dilate(unlike, np.ones((3, 3)))  # nor what is mixed with it, or in its shade
    return np.asarray(cv2.resize(unlike, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0)


def _on_face(at: Float64s, eyes: Floats) -> tuple[Float64s, Float64s]:
    """How far places [H, W, 2] lie across the face and down it from between ``eyes`` [2, 2], in their distance."""
    along = np.asarray(eyes[1] - eyes[0], np.float64)
    along /= max(float(along @ along), 1e-9)
    away = at - np.mean(eyes, axis=0)
    return away @ along, away @ np.array([-along[1], along[0]])


def cells_of(photograph: Image, crop: Crop) -> tuple[Float32s, Float32s]:
    """CIELAB [K, K, 3] of the cells of a crop, and which of them [K, K] the photograph shows."""
    cells = crop.resized(CLASS_SIZE)
    return to_cielab(cells.warp(photograph) / np.float32(255)), inside(cells, photograph)


def inside(crop: Crop, photograph: Image) -> Float32s:
    """Which pixels [W, W] of a crop are of the photograph."""
    y, x = np.mgrid[: crop.size, : crop.size]
    at, margin = crop.to_image(np.stack([x, y], axis=-1)), 1 / crop.scale  # their neighbours are of it, too
    last = np.array(photograph.shape[1::-1]) - 1
    return np.asarray(((at >= margin) & (at <= last - margin)).all(axis=-1), np.float32)
