"""Hair that a head wears: a mesh of its own, which the head's joints carry, and a picture on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from unveil.reprs import short_repr
from unveil.typing import Float32s, Int64s, UInt8s

if TYPE_CHECKING:
    from unveil.heads.model import MorphableModel

HAIR = "hair"  # the name of the part
JOINT = "neck"  # which turns the head, and hair with it
ROUGHNESS = 0.75
FEW = 512  # vertices whose nearest ones are looked for at once


@dataclass(frozen=True, eq=False)
class Hair:
    """The hair of one person. It does not move with the face: no expression unit moves a scalp by a millimetre."""

    vertices: Float32s  # [N, 3] metres, around the person's neutral head in model space
    faces: Int64s  # [F, 3] counter-clockwise seen from outside
    uv: Float32s  # [T, 2] v up, in the picture
    uv_faces: Int64s  # [F, 3]
    picture: UInt8s  # [h, w, 3] RGB, first row at v = 1
    hidden: Float32s  # [N] 1 where the photograph does not show the hair, 0 where it does
    anchors: Int64s  # [N] a vertex of the head near to each
    __repr__ = short_repr


def wearing(whole: MorphableModel, hair: Hair) -> MorphableModel:
    """A whole head with parts and the hair of one person as one more part; the shape of its coefficients is theirs."""
    head, parts, count = whole.head, whole.parts, len(hair.vertices)
    if parts is None:
        raise ValueError("only a whole head wears hair")
    first, joints = len(head.template), np.zeros((count, len(head.joint_names)), np.float32)
    joints[:, head.joint_names.index(JOINT)] = 1
    still = [np.zeros((len(basis), count, 3), np.float32) for basis in (head.shape_basis, head.expression_basis)]
    faces = np.concatenate([whole.faces, hair.faces + first])
    return replace(
        whole,
        head=replace(
            head,
            template=np.concatenate([head.template, hair.vertices]),
            faces=faces,
            shape_basis=np.concatenate([head.shape_basis, still[0]], axis=1),
            expression_basis=np.concatenate([head.expression_basis, still[1]], axis=1),
            skin_weights=np.concatenate([head.skin_weights, joints]),
        ),
        uv=np.concatenate([whole.uv, hair.uv]),
        uv_faces=np.concatenate([whole.uv_faces, hair.uv_faces + len(whole.uv)]),
        mirror_vertices=whole.mirror_vertices[:0],  # hair has two sides of its own
        parts=replace(
            parts,
            names=(*parts.names, HAIR),
            of_faces=np.concatenate([parts.of_faces, np.full(len(hair.faces), len(parts.names), np.uint8)]),
            anchors=np.concatenate([parts.anchors, hair.anchors]),
            roughness=(*parts.roughness, ROUGHNESS),
            colours=np.concatenate([parts.colours, np.zeros((count, 3), np.uint8)]),
            pictures={HAIR: hair.picture},
        ),
    )


def nearest(points: Float32s, among: Float32s) -> Int64s:
    """The row of ``among`` [V, 3] nearest to each of points [N, 3]."""
    squares = (among**2).sum(axis=1)
    parts = np.array_split(points, len(points) // FEW + 1)
    return np.concatenate([(squares - 2 * part @ among.T).argmin(axis=1) for part in parts])
