"""Cut a mesh along a line on its surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.reprs import short_repr
from unveil.typing import Bools, Float64s, Floats, Int64s, Ints


@dataclass(frozen=True, eq=False)
class CutMesh:
    """What is left of a mesh: triangles, and where their corners lie on edges of the mesh that was cut."""

    faces: Int64s  # [G, 3]
    ends: Int64s  # [K, 2] vertices of the old mesh, twice the same where a vertex was one before
    share: Float64s  # [K] of the second of them
    __repr__ = short_repr

    def at(self, values: Floats) -> Floats:
        """Values [K, C] between those [V, C] of the old vertices."""
        share = self.share.astype(values.dtype)[:, None]
        return np.asarray(values[self.ends[:, 0]] * (1 - share) + values[self.ends[:, 1]] * share)


def cut_mesh(faces: Ints, value: Floats) -> CutMesh:
    """The part of triangles [F, 3] in which a value, that vertices have [V], is above zero.

    Which triangles are cut, and their order, depend on the values at their corners alone.
    """
    above = value[faces] > 0
    count = above.sum(axis=1)
    whole = np.asarray(faces[count == 3])
    a, b, c = _turned(faces[count == 1], above[count == 1]).T
    d, e, f = _turned(faces[count == 2], ~above[count == 2]).T
    first = np.concatenate([whole, np.stack([a, a, a], 1), np.stack([d, e, f], 1), np.stack([d, f, d], 1)])
    second = np.concatenate([whole, np.stack([a, b, c], 1), np.stack([e, e, f], 1), np.stack([e, f, f], 1)])
    low, high = np.minimum(first, second).astype(np.int64), np.maximum(first, second)
    edges, corners = np.unique(low * len(value) + high, return_inverse=True)
    ends = np.stack(np.divmod(edges, len(value)), axis=1)
    one, other = value[ends].astype(np.float64).T
    share = np.where(one == other, 0, one / np.where(one == other, 1, one - other))
    return CutMesh(corners.reshape(-1, 3), ends, np.where(ends[:, 0] == ends[:, 1], 0, share))


def _turned(faces: Ints, odd: Bools) -> Ints:
    """Triangles [F, 3] with the one corner first that is ``odd`` [F, 3]."""
    return np.take_along_axis(faces, (odd.argmax(axis=1)[:, None] + np.arange(3)) % 3, axis=1)
