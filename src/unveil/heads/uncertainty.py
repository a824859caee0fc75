"""From the standard deviations of coefficients to those of vertices, in millimetres.

A vertex is a sum of basis vectors times coefficients. If the errors of the coefficients were independent, its squared
deviation would be the sum of the squares of basis vector times deviation. They are not quite independent: where
coefficients err together, some vertices move less than this sum says (the lips) and some more (the tip of the nose). So
a learner's file has a `vertex_scale`, measured on people it was not trained on, with two factors for each vertex: one
for its errors by the shape, one for those by the expression. A photograph shows neither the exact size of a head nor
its exact place, so the calibration measures the distances that remain after the face is aligned by a small similarity.

Pose and camera are left out: they say where the head is in the crop, not which form it has. The lengths hold for the
posed head as well, because turning does not change them. What the learner is uncertain about is what its teacher says
about the clear face. How far the teacher is from the person's true head is not included.
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
    """Root mean square distance [..., V], in millimetres, to expect of vertices from their true places.

    Args:
        model: the head model of the coefficients.
        deviations: [..., M] standard deviations of the coefficients, in their units.
        vertex_scale: factors [2, V] from calibration, for the errors by shape and by expression; or one for all.
    """
    squares = np.square(np.asarray(vertex_scale)) * np.square(parts_of_uncertainty(model, deviations))
    return np.asarray(np.sqrt(squares.sum(axis=-2)), np.float32)


def parts_of_uncertainty(model: MorphableModel, deviations: Coefficients) -> Float32s:
    """How far off vertices may be by the shape and by the expression, before calibration: [..., 2, V] millimetres."""
    groups = (model.shape(deviations), deviations["expression"])
    pairs = zip(groups, _squared_lengths(model), strict=True)
    return np.asarray(np.sqrt(np.stack([np.square(group) @ lengths for group, lengths in pairs], axis=-2)), np.float32)


@lru_cache(maxsize=2)
def _squared_lengths(model: MorphableModel) -> tuple[NDArray[Any], NDArray[Any]]:
    """Squared displacement [K, V], in square millimetres, of each vertex by one unit of shape, and of expression."""
    bases = (np.asarray(basis) * MILLIMETRES for basis in (model.head.shape_basis, model.head.expression_basis))
    shape, expression = (squared_lengths(basis) for basis in bases)
    return shape, expression
