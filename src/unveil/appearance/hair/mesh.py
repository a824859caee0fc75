"""The mesh of a hair cap: the part of a frame's grid that is covered, cut where the hair ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.appearance.hair.frame import COLUMNS, ROWS
from unveil.typing import Bools, Float32s, Float64s, Floats, Int64s

WIDE = COLUMNS + 1  # columns of the grid as a picture shows it: the first comes again at the end
FINE = 1_000_000  # parts of a column or row by which vertices are told apart


@dataclass(frozen=True, eq=False)
class CapMesh:
    """Triangles of a cap, and where its vertices lie on the grid."""

    faces: Int64s  # [F, 3]
    uv_faces: Int64s  # [F, 3] rows of `places`
    places: Float64s  # [T, 2] column and row
    shown: Int64s  # [N] the place of each vertex

    def vertices(self, points: Floats) -> Float64s:
        """The vertices [N, 3] of nodes at points [R, C, 3]."""
        column, row = self.places[self.shown].T
        left, top = np.floor(column).astype(int), np.minimum(np.floor(row).astype(int), ROWS - 2)
        x, y = (column - left)[:, None], (row - top)[:, None]
        left, right = left % COLUMNS, (left + 1) % COLUMNS
        upper = points[top, left] * (1 - x) + points[top, right] * x
        lower = points[top + 1, left] * (1 - x) + points[top + 1, right] * x
        return np.asarray(upper * (1 - y) + lower * y)

    @property
    def uv(self) -> Float32s:
        """Texture coordinates [T, 2] of the places, v up."""
        return np.column_stack([self.places[:, 0] / COLUMNS, 1 - self.places[:, 1] / (ROWS - 1)]).astype(np.float32)

    def part(self, kept: Bools) -> CapMesh:
        """Some of the triangles [F]."""
        used, uv_faces = np.unique(self.uv_faces[kept], return_inverse=True)
        vertices, faces = np.unique(self.faces[kept], return_inverse=True)
        shown = np.zeros(len(vertices), np.int64)
        shown[faces.ravel()] = uv_faces.ravel()
        return CapMesh(faces.reshape(-1, 3), uv_faces.reshape(-1, 3), self.places[used], shown)


def cap_mesh(cover: Floats) -> CapMesh:
    """The grid's triangles where the cover [R, C] is above zero, cut along zero."""
    value = np.hstack([cover, cover[:, :1]]).astype(np.float64).ravel()
    row, column = (axis.ravel() for axis in np.mgrid[: ROWS - 1, :COLUMNS])
    a = row * WIDE + column
    grid = np.concatenate([np.column_stack([a, a + WIDE, a + 1]), np.column_stack([a + 1, a + WIDE, a + WIDE + 1])])
    count = (value[grid] > 0).sum(axis=1)
    corners = [grid[count == 3].reshape(-1, 3, 1).repeat(2, axis=2)]
    for triangle in grid[(count > 0) & (count < 3)].tolist():
        outline = _outline(triangle, value)
        corners.append(np.array([[outline[0], outline[k], outline[k + 1]] for k in range(1, len(outline) - 1)]))
    ends = np.sort(np.concatenate(corners), axis=2)  # [F, 3, 2] the two nodes between which each corner lies
    keys, uv_faces = np.unique(ends[..., 0] * len(value) + ends[..., 1], return_inverse=True)
    pairs = np.column_stack(np.divmod(keys, len(value)))
    first, second = value[pairs[:, 0]], value[pairs[:, 1]]
    share = np.where(pairs[:, 0] == pairs[:, 1], 0, first / np.where(first == second, 1, first - second))[:, None]
    at = np.stack([pairs % WIDE, pairs // WIDE], axis=-1).astype(np.float64)  # [T, 2 ends, column and row]
    places = at[:, 0] * (1 - share) + at[:, 1] * share
    around = np.rint(np.where(places[:, :1] >= COLUMNS, [0.0, 1.0], 1.0) * places * FINE).astype(np.int64)
    around[around[:, 1] == 0, 0] = 0  # the first row is one point
    _, shown, index = np.unique(around[:, 0] * FINE * ROWS + around[:, 1], return_index=True, return_inverse=True)
    uv_faces = uv_faces.reshape(-1, 3)
    faces = index.ravel()[uv_faces]
    whole = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    return CapMesh(faces[whole], uv_faces[whole], places, shown)


def _outline(triangle: list[int], value: Float64s) -> list[tuple[int, int]]:
    """The part of a triangle where the value is above zero, as corners between two of its nodes."""
    outline = []
    for here, following in zip(triangle, triangle[1:] + triangle[:1], strict=True):
        if value[here] > 0:
            outline.append((here, here))
        if (value[here] > 0) != (value[following] > 0):
            outline.append((here, following))
    return outline
