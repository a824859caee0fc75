"""Boxes laid over a whole photograph, for a network that recognises a face when it is near one.

A detector goes by eyes, nose and mouth, and loses the face where these are hidden. A face that matters to whoever took
the photograph fills much of it, so a few boxes are near enough for a network that walks to the face from there.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from unveil.photos.detect import SMALLEST_FACE
from unveil.photos.detection import Detection
from unveil.typing import Float64s

SIDES = (0.75, 0.45)  # of the boxes, in short sides of the photograph
APART = 0.65  # largest distance from one box to the next, in sides of the box
LEAST = SMALLEST_FACE / 2  # side of a box in image pixels; in a smaller face there is too little to see
MOST = 64  # boxes of one size; a picture that needs more is a long strip, and no photograph of a face
NOT_DETECTED = 0.0  # the score of a face that was found this way


def laid_boxes(shape: tuple[int, ...]) -> list[Detection]:
    """Boxes without keypoints that cover a photograph [H, W, ...] and overlap, the largest first."""
    boxes = []
    for side in (share * min(shape[:2]) for share in SIDES):
        y, x = (_middles(length, side) for length in shape[:2])
        if side >= LEAST and len(y) * len(x) <= MOST:
            boxes += [Detection(_box(middle, side), score=NOT_DETECTED) for middle in product(x, y)]
    return boxes


def _middles(length: int, side: float) -> Float64s:
    """Centres of the boxes along a photograph's side, which they cover from end to end; image pixels."""
    count = 1 + int(np.ceil((length - side) / (APART * side)))
    return np.linspace(side / 2, length - side / 2, count) - 0.5


def _box(middle: tuple[float, float], side: float) -> np.ndarray:
    return np.concatenate([np.subtract(middle, side / 2), np.add(middle, side / 2)]).astype(np.float32)
