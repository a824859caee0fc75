"""Where the photograph shows a head: from the frame of its GLB to pixels."""

from __future__ import annotations

import numpy as np

from unveil.faces.face import ReconstructedFace
from unveil.heads.model import MorphableModel
from unveil.typing import Float64s


def head_to_image(face: ReconstructedFace, model: MorphableModel) -> Float64s:
    """[3, 4]: takes (x, y, z, 1) of the upright head, in metres, to x, y and a depth in pixels of the photograph.

    It turns the head as the photograph shows it, and expressions go along. It is exact for cameras without perspective,
    and for others the nearest by least squares.
    """
    upright = np.asarray(model.vertices(model.upright(face.coefficients)), np.float64)
    with_one = np.column_stack([upright, np.ones(len(upright))])
    return np.asarray(np.linalg.lstsq(with_one, face.projected.astype(np.float64), rcond=None)[0].T)
