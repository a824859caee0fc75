"""Landmarks as points on triangles: the 68 of iBUG, and a jaw line that slides with the yaw of the head."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unveil.geometry.arrays import array_namespace
from unveil.geometry.rotation import Array
from unveil.reprs import short_repr

# First index and one past the last of each part in iBUG-68 order. "Left" and "right" are the subject's.
IBUG68_PARTS: dict[str, tuple[int, int]] = {
    "jaw": (0, 17),
    "right_brow": (17, 22),
    "left_brow": (22, 27),
    "nose_bridge": (27, 31),
    "nose_base": (31, 36),
    "right_eye": (36, 42),
    "left_eye": (42, 48),
    "outer_lips": (48, 60),
    "inner_lips": (60, 68),
}

# The index each landmark takes in a mirrored picture.
IBUG68_MIRROR: tuple[int, ...] = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """L points on a mesh, each by its triangle and barycentric coordinates."""

    triangles: Array  # [L, 3] vertex indices
    barycentric: Array  # [L, 3] rows sum to one
    __repr__ = short_repr

    def __call__(self, vertices: Array) -> Array:
        """Positions [..., L, 3] on vertices [..., V, 3]."""
        xp = array_namespace(vertices)
        return xp.sum(vertices[..., self.triangles, :] * self.barycentric[..., None], axis=-2)


@dataclass(frozen=True, eq=False)
class SlidingContour:
    """The 17 points of the visible jaw line, tabulated by whole degrees of yaw.

    Annotators of photographs mark the outline of the cheek, which is another line on the face for each yaw.
    Row 0 belongs to ``first_degree``, each next row to one degree more. Beyond the table, its first or last row holds.
    """

    first_degree: int
    triangles: Array  # [R, 17, 3] vertex indices
    barycentric: Array  # [R, 17, 3]
    __repr__ = short_repr

    def __call__(self, vertices: Array, rotation: Array) -> Array:
        """Positions [..., 17, 3] on vertices [..., V, 3] of heads turned by rotation [..., 3, 3]."""
        xp = array_namespace(vertices)
        row = self.row(rotation)
        triangles = xp.reshape(self.triangles[row, ...], (*row.shape, -1))  # [..., 51]
        corners = xp.take_along_axis(vertices, triangles[..., None], axis=-2)
        corners = xp.reshape(corners, (*row.shape, 17, 3, 3))
        return xp.sum(corners * self.barycentric[row, ...][..., None], axis=-2)

    def row(self, rotation: Array) -> Array:
        """Row of the table [...] for rotations [..., 3, 3], from their y Euler angle."""
        xp = array_namespace(rotation)
        yaw = xp.atan2(-rotation[..., 2, 0], xp.sqrt(rotation[..., 0, 0] ** 2 + rotation[..., 1, 0] ** 2))
        degrees = xp.astype(xp.round(yaw * (180.0 / math.pi)), xp.int64)
        return xp.clip(degrees - self.first_degree, 0, self.triangles.shape[0] - 1)
