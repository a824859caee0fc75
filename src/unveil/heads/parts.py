"""The parts of a whole head besides skin and eyes: teeth, tongue and lashes, the same for everybody, and hair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from unveil.heads.head import Head
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Int64s, UInt8s

HAIR = "hair"  # the name of the part
HAIR_JOINT = "neck"  # turns the head, and the hair with it
HAIR_ROUGHNESS = 0.75


@dataclass(frozen=True, eq=False)
class MeshParts:
    """The parts of a whole head: which part each of its F triangles belongs to. In files, each has its own material.

    The vertices of the whole head are the V of the head that it completes, in their order, and then P of its own.
    """

    names: tuple[str, ...]  # such as "skin", "upper_teeth"
    of_faces: UInt8s  # [F] rows of ``names``
    anchors: Int64s  # [P] for each of its own vertices, the one of the first V whose values it takes
    roughness: tuple[float, ...]  # of the materials: 0 mirrors, 1 is dull
    colours: UInt8s  # [P, 3] RGB of its own vertices in white light, since a photograph hardly shows them
    pictures: Mapping[str, UInt8s] = field(default_factory=dict)  # [h, w, 3] of parts that are not in the texture
    __repr__ = short_repr

    @property
    def materials(self) -> list[tuple[str, float]]:
        """Name and roughness of each part."""
        return list(zip(self.names, self.roughness, strict=True))

    def faces_of(self, name: str) -> Int64s:
        """Rows of the triangles of a part."""
        return np.flatnonzero(self.of_faces == self.names.index(name))

    def extended(self, values: Floats) -> Floats:
        """Values [V] for all V + P vertices: each of the whole head's own takes that of its anchor."""
        return np.concatenate([values, values[self.anchors]])


@dataclass(frozen=True, eq=False)
class HairEnds:
    """The loose ends of hair around its cap, between which the skin shows."""

    vertices: Float32s  # [N, 3] as those of the cap
    faces: Int64s  # [F, 3]
    uv: Float32s  # [T, 2]
    uv_faces: Int64s  # [F, 3]
    picture: UInt8s  # [h, w, 4] RGB and opacity
    hidden: Float32s  # [N]
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class HairCap:
    """The hair of one person. It does not move with the face: no expression unit moves a scalp by a millimetre."""

    vertices: Float32s  # [N, 3] metres, around the person's neutral head in model space
    faces: Int64s  # [F, 3] counter-clockwise seen from outside
    uv: Float32s  # [T, 2] v up, in the picture
    uv_faces: Int64s  # [F, 3]
    picture: UInt8s  # [h, w, 3] RGB, first row at v = 1
    hidden: Float32s  # [N] 1 where the photograph does not show the hair, 0 where it does
    anchors: Int64s  # [N] a vertex of the head near each
    ends: HairEnds | None = None  # for files with opacity
    __repr__ = short_repr


def with_hair(head: Head, parts: MeshParts, hair: HairCap) -> tuple[Head, MeshParts]:
    """A whole head and its parts, with the hair of one person as one more part.

    Shape coefficients do not move the hair, so the head may only be used with those of that person.
    """
    count, joints = len(hair.vertices), np.zeros((len(hair.vertices), len(head.joint_names)), np.float32)
    joints[:, head.joint_names.index(HAIR_JOINT)] = 1
    more = replace(
        head,
        template=np.concatenate([head.template, hair.vertices]),
        faces=np.concatenate([head.faces, hair.faces + len(head.template)]),
        skin_weights=np.concatenate([head.skin_weights, joints]),
    )
    return more, replace(
        parts,
        names=(*parts.names, HAIR),
        of_faces=np.concatenate([parts.of_faces, np.full(len(hair.faces), len(parts.names), np.uint8)]),
        anchors=np.concatenate([parts.anchors, hair.anchors]),
        roughness=(*parts.roughness, HAIR_ROUGHNESS),
        colours=np.concatenate([parts.colours, np.zeros((count, 3), np.uint8)]),
        pictures={HAIR: hair.picture},
    )
