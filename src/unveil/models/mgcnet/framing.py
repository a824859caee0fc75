"""How MGCNet (Shang et al. 2020) wants faces cut out: five points of the face at five places of the crop."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from unveil.errors import UnveilError
from unveil.photos.crop import Crop
from unveil.photos.detection import Detection
from unveil.photos.framing import Framing
from unveil.typing import Float64s

INPUT_SIZE = 224  # pixels per side
# The subject's right and left eye, nose tip, right and left corner of the mouth, in pixels of that crop.
PLACES = np.array(
    [
        [81.672401, 88.470589],
        [141.862671, 88.462921],
        [112.0, 132.863434],
        [87.397392, 153.562943],
        [136.007263, 153.552078],
    ]
)


def five_points(landmarks68: ArrayLike) -> Float64s:
    """The five points [5, 2] of iBUG-68 landmarks [68, 2]: means of the eyes, nose tip, corners of the mouth."""
    points = np.asarray(landmarks68, np.float64)[:, :2]
    return np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[33], points[48], points[54]])


def _from_landmarks(landmarks68: ArrayLike, size: int) -> Crop:
    return _similarity(five_points(landmarks68), PLACES, size)


def _from_detection(face: Detection, size: int) -> Crop:
    """By the detector's eyes, nose and mouth."""
    places = np.concatenate([PLACES[:3], PLACES[3:].mean(axis=0, keepdims=True)])
    return _similarity(np.asarray(face.keypoints, np.float64)[:4], places, size)


def _similarity(points: Float64s, places: Float64s, size: int) -> Crop:
    """The similarity with the least squared distance of points [N, 2] of an image from places [N, 2] of the crop.

    With x + iy for (x, y) it is a complex factor and a shift (Umeyama 1991 for the plane, without mirroring).
    """
    source, target = (array[:, 0] + 1j * array[:, 1] for array in (points, places))
    centred = source - source.mean()
    spread = np.vdot(centred, centred).real
    if not (np.isfinite(points).all() and spread > 0):
        raise UnveilError("cannot cut out a face whose eyes, nose and mouth are in one place: give those of a face")
    factor = np.vdot(centred, target) / spread
    shift = target.mean() - factor * source.mean()
    matrix = np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])
    return Crop(matrix, INPUT_SIZE).resized(size)


FRAMING = Framing(_from_detection, _from_landmarks, guided=True)
