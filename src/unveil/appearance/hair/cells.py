"""The colours of the cells of a class map, and of hair among them."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.models.classes import CLASS_SIZE, HAIR
from unveil.photos.crop import Crop
from unveil.typing import Float32s, Floats, Image

SURE = 0.8  # probability from which on a cell shows what hair looks like
FEWEST = 20  # such cells that say what colour hair has


def hair_colour(photograph: Image, classes: Float32s, crop: Crop) -> Floats | None:
    """The median [3] of CIELAB of hair in a photograph, by the class map [9, K, K] of a crop; None without hair."""
    lab, seen = cells_of(photograph, crop)
    sure = (classes[HAIR] > SURE) & (seen > 0)
    return np.median(lab[sure], axis=0) if np.count_nonzero(sure) > FEWEST else None


def cells_of(photograph: Image, crop: Crop) -> tuple[Float32s, Float32s]:
    """CIELAB [K, K, 3] of the cells of a crop, and which of them [K, K] the photograph shows."""
    cells = crop.resized(CLASS_SIZE)
    lab = cv2.cvtColor(cells.warp(photograph).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.asarray(lab, np.float32), inside(cells, photograph)


def inside(crop: Crop, photograph: Image) -> Float32s:
    """Which pixels [W, W] of a crop are of the photograph."""
    lit = np.full(photograph.shape[:2], 255, np.uint8)
    return np.asarray(cv2.erode(crop.warp(lit), np.ones((3, 3))) > 250, np.float32)
