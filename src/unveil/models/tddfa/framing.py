"""The input of 3DDFA_V2's networks (Guo et al. 2020): how faces are cut out, and their pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from unveil.errors import UnveilError
from unveil.models.encoder import require_crops
from unveil.photos.crop import Crop
from unveil.photos.detection import Detection
from unveil.photos.framing import Framing
from unveil.typing import Float32s, Images

INPUT_SIZE = 120  # pixels per side
DETECTOR_SHIFT, DETECTOR_SIDE = 0.14, 1.58  # down, and side of the crop, in mean sides of the detector's box


def network_input(crops: Images) -> Float32s:
    """RGB crops [N, 120, 120, 3] as the networks take them: BGR [N, 3, 120, 120], about -1 to 1."""
    require_crops(crops, INPUT_SIZE)
    pixels = np.ascontiguousarray(crops[..., ::-1].transpose(0, 3, 1, 2), np.float32)
    return np.asarray((pixels - np.float32(127.5)) / np.float32(128))


def _around_detection(face: Detection, size: int) -> Crop:
    left_top, right_bottom = np.asarray(face.box_ltrb, np.float64).reshape(2, 2)
    centre = (left_top + right_bottom) / 2 + [0, DETECTOR_SHIFT * face.size]
    return Crop.from_square(centre, DETECTOR_SIDE * face.size, size)


def _around_landmarks(landmarks68: ArrayLike, size: int) -> Crop:
    """The square whose side is the diagonal of the square around the landmarks' box."""
    points = np.asarray(landmarks68, np.float64)[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    side = float((high - low).max())
    if not side > 0:
        raise UnveilError("cannot cut out a face whose landmarks are all in one place: give those of a face")
    return Crop.from_square((low + high) / 2, np.sqrt(2) * side, size)


FRAMING = Framing(_around_detection, _around_landmarks)
