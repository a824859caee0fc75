"""The namespace of functions that fits the arrays at hand, and reductions of points that NumPy is slow at.

Along the first axis of three columns, and along a last axis of three, NumPy reduces three numbers at a time.
"""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np

from unveil.typing import Floats, Int64s

FEW = 512  # points whose nearest ones are looked for at once


def array_namespace(*arrays: Any) -> Any:
    """The functions of the array API standard for arrays: NumPy's own for its arrays, or a wrapper of torch's.

    NumPy follows the standard since release 2.1; a wrapper of it takes 25 ms to import.
    """
    if all(isinstance(array, np.ndarray | np.generic) for array in arrays):
        return np
    return array_api_compat.array_namespace(*arrays)


def bounds(points: Floats) -> tuple[Floats, Floats]:
    """The least and the largest x, y, ... [C] of points [N, C]; NaN does not count."""
    columns = np.ascontiguousarray(points.T)
    return np.asarray(np.fmin.reduce(columns, axis=1)), np.asarray(np.fmax.reduce(columns, axis=1))


def squared_lengths(vectors: Floats) -> Floats:
    """The squared lengths [...] of vectors [..., 3]."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.asarray(x * x + y * y + z * z)


def nearest(points: Floats, among: Floats) -> Int64s:
    """The row of ``among`` [V, 3] nearest to each of points [N, 3]."""
    squares = squared_lengths(among)
    parts = np.array_split(points, len(points) // FEW + 1)
    return np.concatenate([(squares - 2 * part @ among.T).argmin(axis=1) for part in parts])
