"""Points spread over the face, whose places in the picture a learner predicts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from unveil.heads.face_area import face_area
from unveil.heads.model import MorphableModel
from unveil.reprs import short_repr
from unveil.typing import Float32s, Int64s

COUNT = 262  # points, about
MIDDLE = 24  # of these, on the plane of symmetry


@dataclass(frozen=True, eq=False)
class FacePoints:
    """Vertices of a head that are spread over its face, the same on both sides."""

    vertices: Int64s  # [P]
    mirror: Int64s  # [P] the point on the other side; the point itself where the model has no mirrored vertices
    front: Float32s  # [P, 2] on the template, from the front, y down; their mean is 0, their mean square length 1
    __repr__ = short_repr


@lru_cache(maxsize=2)
def face_points(model: MorphableModel) -> FacePoints:
    """About `COUNT` points of a model's face, always the same."""
    face = np.flatnonzero(face_area(model) > 0)
    template = np.asarray(model.head.template, np.float64)
    other = np.asarray(model.mirror_vertices)
    if not len(other):
        vertices = _spread(face, COUNT)
        mirror = np.arange(len(vertices))
    else:
        face = face[np.isin(other[face], face)]
        middle = _spread(face[other[face] == face], MIDDLE)
        left = _spread(face[(other[face] != face) & (template[face, 0] > 0)], (COUNT - MIDDLE) // 2)
        vertices = np.concatenate([middle, left, other[left]])
        m, k = np.arange(len(middle)), len(middle) + np.arange(len(left))
        mirror = np.concatenate([m, k + len(left), k])
    flat = template[vertices][:, :2] * [1, -1]
    flat -= flat.mean(axis=0)
    size = np.sqrt((flat**2).sum(axis=1).mean())
    return FacePoints(vertices.astype(np.int64), mirror.astype(np.int64), (flat / size).astype(np.float32))


def _spread(vertices: Int64s, count: int) -> Int64s:
    """About ``count`` of the vertices, evenly by their number."""
    return vertices[:: max(1, round(len(vertices) / count))]
