"""A face that is linear in shape and expression, with one joint that turns all of it and no texture coordinates."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from unveil.heads.head import Head
from unveil.heads.landmarks import SlidingContour, SurfacePoints
from unveil.heads.layout import CoefficientLayout
from unveil.heads.model import MorphableModel
from unveil.heads.placement import Placement
from unveil.typing import Float64s, Floats, Int64s

METRES = 1e-6  # per micrometre, the unit of the Basel Face Model


class FaceArrays(NamedTuple):
    """A face that is linear in shape and expression; lengths in metres."""

    template: Floats  # [V, 3]
    shape: Floats  # [S, V, 3]
    expression: Floats  # [E, V, 3]
    faces: Int64s  # [F, 3]
    landmarks68: Int64s  # [68] vertices


def rigid_face(name: str, layout: CoefficientLayout, face: FaceArrays, placement: Placement) -> MorphableModel:
    """A model without texture coordinates whose one joint, at the origin, turns all of it."""
    landmarks = SurfacePoints(
        np.repeat(face.landmarks68[:, None], 3, axis=1),
        np.tile(np.array([1, 0, 0], np.float32), (len(face.landmarks68), 1)),
    )
    return MorphableModel(
        name=name,
        layout=layout,
        head=Head(
            template=face.template.astype(np.float32),
            faces=face.faces,
            shape_basis=face.shape.astype(np.float32),
            expression_basis=face.expression.astype(np.float32),
            joint_names=("root",),
            joint_parents=(-1,),
            joint_template=np.zeros((1, 3), np.float32),
            joint_shape_basis=np.zeros((len(face.shape), 1, 3), np.float32),
            skin_weights=np.ones((len(face.template), 1), np.float32),
        ),
        expression_names=(),
        landmarks68=landmarks,
        contour=SlidingContour(0, landmarks.triangles[None, :17], landmarks.barycentric[None, :17]),  # for every yaw
        uv=np.zeros((0, 2), np.float32),
        uv_faces=np.zeros((0, 3), np.int64),
        mirror_vertices=np.zeros(0, np.int64),
        placement=placement,
    )


def vertex_columns(columns: Any, count: int) -> Float64s:
    """The first ``count`` columns of an array [3V, K] as vertices [count, V, 3]."""
    values = np.asarray(columns, np.float64)
    if values.ndim != 2 or len(values) == 0 or len(values) % 3 or values.shape[1] < count:
        raise ValueError(f"an array is {values.shape} and not (3 x vertices, {count} or more)")
    if not np.isfinite(values).all():
        raise ValueError("an array holds numbers that are not finite")
    return np.ascontiguousarray(values[:, :count].T).reshape(count, -1, 3)


def outward(triangles: Any, vertices: Floats) -> Int64s:
    """Triangles [3, F] as faces [F, 3], counter-clockwise as seen from in front of the face."""
    faces = np.asarray(triangles).astype(np.int64).T
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(f"the triangles are {faces.shape[::-1]} and not (3, faces)")
    if faces.size and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise ValueError(f"a triangle names vertex {faces.max()} of {len(vertices)}; they are those of another mesh")
    corners = vertices[faces][..., :2]  # [F, 3, 2] as seen from the front
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    towards_viewer = np.sum(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) >= 0
    return faces if towards_viewer else np.ascontiguousarray(faces[:, ::-1])
