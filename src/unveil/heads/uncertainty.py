"""From the standard deviations of coefficients to those of vertices, in millimetres.

A vertex is a sum of basis vectors times coefficients, so that to first order, and as if the coefficients erred
independently, its squared deviation is the sum of squares of basis vector times deviation. They do not err quite
independently: a learner's file has a `vertex_scale`, measured on people it was not trained on, that makes up for it.
Coefficients that err together move some vertices less than the sum says (lips) and some more (the tip of the nose), so
the scale has two numbers for each vertex, for what shape and what expression do to it. A photograph does not show how
large a head is or where exactly it stands, so the distances of the calibration are those that remain of the face after
a small similarity.

Pose and camera are left out: they say where the head is in the crop, not which form it has. The lengths hold for the
posed head as well, because turning it does not change them. What a learner is uncertain about is what its teacher
says of the clear face; how far the teacher is from the person's true head is not in these numbers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.geometry.arrays import squared_lengths
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.typing import Float32s, Floats

MILLIMETRES = 1000.0  # per metre


def vertex_uncertainty(model: MorphableModel, deviations: Coefficients, vertex_scale: Floats | float = 1.0) -> Float32s:
    """Root mean square distance [..., V], in millimetres, of vertices from where they should be.

    Args:
        model: the head model of the coefficients.
        deviations: [..., M] standard deviations of the coefficients, in their units.
        vertex_scale: factors [2, V] from calibration, of what shape and expression do to each vertex, or one for all.
    """
    squares = np.square(np.asarray(vertex_scale)) * np.square(parts_of_uncertainty(model, deviations))
    return np.asarray(np.sqrt(squares.sum(axis=-2)), np.float32)


def parts_of_uncertainty(model: MorphableModel, deviations: Coefficients) -> Float32s:
    """How far off vertices are by the shape and by the expression, uncalibrated: [..., 2, V] in millimetres."""
    groups = (model.shape(deviations), deviations["expression"])
    pairs = zip(groups, _squared_lengths(model), strict=True)
    return np.asarray(np.sqrt(np.stack([np.square(group) @ lengths for group, lengths in pairs], axis=-2)), np.float32)


@lru_cache(maxsize=2)
def _squared_lengths(model: MorphableModel) -> tuple[NDArray[Any], NDArray[Any]]:
    """Squared displacement [K, V], in square millimetres, of each vertex by one unit of shape, and of expression."""
    bases = (np.asarray(basis) * MILLIMETRES for basis in (model.head.shape_basis, model.head.expression_basis))
    shape, expression = (squared_lengths(basis) for basis in bases)
    return shape, expression
