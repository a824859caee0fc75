"""How much of the surface of the face lies around each vertex of a head."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.geometry.mesh import face_normals
from unveil.geometry.visibility import behind
from unveil.heads.model import MorphableModel
from unveil.typing import Floats

NOSE_BOTTOM, INNER_EYES, OUTER_EYES = 33, (39, 42), (36, 45)  # iBUG-68


@lru_cache(maxsize=2)
def face_area(model: MorphableModel) -> NDArray[np.float32]:
    """The share [V] of the face's surface that lies around each vertex; it sums to one and is 0 elsewhere.

    The face is what somebody in front of the template sees of it within the ball that the NoW benchmark cuts scans
    with: around a point 0.3 of the way from the bottom of the nose to its bridge, with a radius of 1.4 times the
    mean of the outer distance of the eyes and the length of the nose.
    """
    template = np.asarray(model.head.template, np.float64)
    marks = np.asarray(model.landmarks68(template), np.float64)
    bridge, bottom = marks[list(INNER_EYES)].mean(axis=0), marks[NOSE_BOTTOM]
    eyes = np.linalg.norm(marks[OUTER_EYES[0]] - marks[OUTER_EYES[1]])
    radius = 1.4 * (eyes + np.linalg.norm(bridge - bottom)) / 2
    within = np.linalg.norm(template - (bottom + 0.3 * (bridge - bottom)), axis=1) < radius
    area = vertex_areas(template, model.faces) * (within & ~behind(template * [1, -1, -1], model.faces))
    return np.asarray(area / area.sum(), np.float32)


def vertex_areas(vertices: Floats, faces: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Area [V] around each vertex [V, 3], in the square of their unit: a third of the triangles [F, 3] that it has."""
    triangles = np.linalg.norm(face_normals(vertices, faces), axis=1) / 2
    areas = np.bincount(faces.ravel(), np.repeat(triangles / 3, 3), minlength=len(vertices))
    return np.asarray(areas, np.float64)
