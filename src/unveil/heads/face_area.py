"""How much of the surface of the face lies around each vertex of a head."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from unveil.geometry.mesh import face_normals
from unveil.geometry.visibility import behind
from unveil.heads.model import MorphableModel
from unveil.typing import Float32s, Float64s, Floats, Ints

# iBUG-68: outer and inner corner of the right eye, inner and outer of the left, nose bottom, corners of the mouth.
SEVEN = (36, 39, 42, 45, 33, 48, 54)


@lru_cache(maxsize=2)
def face_area(model: MorphableModel) -> Float32s:
    """The share [V] of the face's surface that lies around each vertex: 0 outside the face, one in sum.

    The face is what is seen of the template from the front, within `face_sphere`.
    """
    template = np.asarray(model.head.template, np.float64)
    marks = np.asarray(model.landmarks68(template), np.float64)
    centre, radius = face_sphere(marks[list(SEVEN)])
    within = np.linalg.norm(template - centre, axis=1) < radius
    area = vertex_areas(template, model.faces) * (within & ~behind(template * [1, -1, -1], model.faces))
    return np.asarray(area / area.sum(), np.float32)


def face_sphere(landmarks: Float64s) -> tuple[Float64s, float]:
    """Centre [3] and radius of the ball that the NoW benchmark cuts scans with, from the landmarks `SEVEN` [7, 3].

    Its centre is 0.3 of the way from the bottom of the nose to its bridge, its radius 1.4 times the mean of the outer
    distance of the eyes and the length of the nose.
    """
    bridge = (landmarks[1] + landmarks[2]) / 2
    nose = bridge - landmarks[4]
    width = np.linalg.norm(landmarks[3] - landmarks[0])
    return landmarks[4] + 0.3 * nose, float(1.4 * (width + np.linalg.norm(nose)) / 2)


def vertex_areas(vertices: Floats, faces: Ints) -> Float64s:
    """Area [V] around each vertex [V, 3], in their unit squared: a third of each triangle [F, 3] at it."""
    triangles = np.linalg.norm(face_normals(vertices, faces), axis=1) / 2
    areas = np.bincount(faces.ravel(), np.repeat(triangles / 3, 3), minlength=len(vertices))
    return np.asarray(areas, np.float64)
