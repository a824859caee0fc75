"""Where a head's skin may have wrinkles, and the dense mesh that shows them."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from unveil.geometry.mesh import vertex_normals
from unveil.geometry.visibility import behind
from unveil.heads.face_area import SEVEN, face_sphere
from unveil.heads.landmarks import IBUG68_PARTS
from unveil.heads.model import MorphableModel
from unveil.heads.skin.albedo import SIZE
from unveil.heads.skin.dense import DenseMesh, dense_mesh
from unveil.heads.skin.detail import DetailSurface
from unveil.typing import Bools, Float32s, Float64s

# Texels around these parts that are left out too: hair, or other skin than that of the face.
MARGINS = {"right_brow": 4, "left_brow": 4, "right_eye": 2, "left_eye": 2, "outer_lips": 2, "nose_base": 2}
REACH, FRONTAL = 1.4, 0.25  # radii of `face_sphere` that skin may reach; least z of its normals
PARTS = 4  # into which edges of the head's mesh are divided: then they are no longer than a texel
SOFT = 1.5  # texels over which the edge of the skin fades


@lru_cache(maxsize=2)
def wrinkle_surface(model: MorphableModel) -> DetailSurface:
    """The surface of a head whose displacements all come from photographs; no part of them is everybody's."""
    mesh = dense_mesh(model.uv.astype(np.float64), model.uv_faces, model.faces, SIZE)
    mask = clear_skin(model, mesh)
    return DetailSurface(model, np.zeros((SIZE, SIZE), np.float32), mask, mask, mesh, PARTS, smooth=True)


def clear_skin(model: MorphableModel, mesh: DenseMesh) -> Float32s:
    """Where the face is skin, and not brows, eyes, lips or nostrils: [256, 256], 0 to 1."""
    area = np.asarray(_front(model), np.float32)
    skin = (mesh.as_map(mesh.interpolate(area[:, None]), 0)[..., 0] > 0.99).astype(np.uint8)
    points = _landmarks_in_map(model)
    for part, margin in MARGINS.items():
        first, last = IBUG68_PARTS[part]
        outline = points[first:last].round().astype(np.int32)
        blot = np.zeros_like(skin)
        if "brow" in part:
            cv2.polylines(blot, [outline], isClosed=False, color=1)
        else:
            cv2.fillPoly(blot, [outline], 1)
        skin[cv2.dilate(blot, np.ones((2 * margin + 1,) * 2, np.uint8)) > 0] = 0
    inner = cv2.erode(skin, np.ones((3, 3), np.uint8), borderValue=0).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inner, (0, 0), SOFT) * skin, np.float32)


def _front(model: MorphableModel) -> Bools:
    """Which vertices [V] are face or forehead, up to where hair may begin."""
    template = np.asarray(model.head.template, np.float64)
    centre, radius = face_sphere(np.asarray(model.landmarks68(template), np.float64)[list(SEVEN)])
    near = np.linalg.norm(template - centre, axis=1) < REACH * radius
    frontal = vertex_normals(template, model.faces)[:, 2] > FRONTAL
    eyeballs = [name.endswith("eye") for name in model.head.joint_names]
    still = np.asarray(model.head.skin_weights)[:, eyeballs].sum(axis=1) < 0.5
    return np.asarray(near & frontal & still & ~behind(template * [1, -1, -1], model.faces))


def _landmarks_in_map(model: MorphableModel) -> Float64s:
    """The 68 landmarks [68, 2] as column and row of a map."""
    row = {tuple(face): k for k, face in enumerate(np.asarray(model.faces).tolist())}
    marks = model.landmarks68
    corners = np.stack([model.uv[model.uv_faces[row[tuple(face)]]] for face in np.asarray(marks.triangles).tolist()])
    uv = np.einsum("nk,nkc->nc", np.asarray(marks.barycentric), corners)
    return np.asarray(uv * [SIZE, -SIZE] + [-0.5, SIZE - 0.5])
