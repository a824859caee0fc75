"""Where a photograph shows a head: from the frame of its GLB to pixels."""

from __future__ import annotations

import numpy as np

from unveil.faces.whole import to_photograph
from unveil.geometry.camera import to_pixels
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.photos.crop import Crop
from unveil.typing import Float64s


def head_to_image(coefficients: Coefficients, model: MorphableModel, crop: Crop) -> Float64s:
    """Matrix [3, 4] from (x, y, z, 1) of the upright head, in metres, to x, y and depth in pixels of the photograph.

    It includes the head's rotation in the photograph, and holds for every expression. It is exact for cameras without
    perspective. For others, it is the least squares fit at the landmarks.

    Args:
        coefficients: of the head [M], in the crop.
        model: its head model.
        crop: the crop of the photograph.
    """
    points = model.landmark_model()
    upright = np.asarray(points.vertices(points.upright(coefficients)), np.float64)
    in_crop = to_pixels(points.project(points.vertices(coefficients), coefficients), crop.size)
    projected = to_photograph(np.asarray(in_crop, np.float64), crop)
    with_one = np.column_stack([upright, np.ones(len(upright))])
    return np.asarray(np.linalg.lstsq(with_one, projected, rcond=None)[0].T)
