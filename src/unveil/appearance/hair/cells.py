"""The colours of the cells of a class map, and of hair among them."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.models.classes import CLASS_SIZE, SKIN
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Image

SURE = 0.8  # probability from which on a cell shows what skin looks like
FEWEST = 20  # such cells that say what colour skin has
# What is unlike skin: the pixels a side that are looked at, the cells of skin that are compared, the weights of CIELAB,
# and the distance in it from which on no skin has the colour.
LOOKED_AT, SAMPLES, WEIGHTS, UNLIKE = 72, 100, np.array([0.5, 1, 1], np.float32), 12.0


def unlike_skin(photograph: Image, classes: Float32s, crop: Crop) -> Bools:
    """Which pixels [H, W] beyond a crop, of which a class map [9, K, K] tells nothing, are coloured unlike its skin."""
    lab, seen = cells_of(photograph, crop)
    skin = lab[(classes[SKIN] > SURE) & (seen > 0)]
    shape = photograph.shape[:2]
    if len(skin) < FEWEST:
        return np.zeros(shape, np.bool_)
    scale = min(1.0, LOOKED_AT / max(shape))
    height, width = (max(1, round(side * scale)) for side in shape)
    small = cv2.resize(photograph, (width, height), interpolation=cv2.INTER_AREA)
    colours = to_cielab(small / np.float32(255))
    y, x = np.mgrid[:height, :width].astype(np.float64)
    places = crop.to_crop(np.stack([x.ravel(), y.ravel()], axis=1) / scale)
    beyond = ((places < 0) | (places > crop.size - 1)).any(axis=1).reshape(height, width)
    some, others = skin[:: -(-len(skin) // SAMPLES)] * WEIGHTS, colours[beyond] * WEIGHTS
    apart = ((some**2).sum(axis=1) - 2 * others @ some.T).min(axis=1, initial=np.inf) + (others**2).sum(axis=1)
    unlike = np.zeros((height, width), np.uint8)
    unlike[beyond] = apart > UNLIKE**2
    unlike = cv2.morphologyEx(unlike, cv2.MORPH_OPEN, np.ones((3, 3)))  # no moles
    return np.asarray(cv2.resize(unlike, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0)


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
