"""The mesh of a hair cap: the covered part of a frame's grid, cut where hair ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from unveil.appearance.hair.frame import COLUMNS, ROWS
from unveil.geometry.compiled import compiled
from unveil.typing import Bools, Float32s, Float64s, Floats, Int64s

WIDE = COLUMNS + 1  # columns of the grid in a picture, where the first is repeated at the end
ALONG = (0, 1, WIDE - 1, WIDE)  # from the number of a node to its own and those of the nodes that its edges lead to
EDGE = 0.002  # share of a picture's height that is kept from its edges: more than half a texel
FINE = 1_000_000  # parts of a column or row; vertices closer than one are the same


@dataclass(frozen=True, eq=False)
class CapMesh:
    """Triangles of a cap, and where its vertices lie on the grid."""

    faces: Int64s  # [F, 3]
    uv_faces: Int64s  # [F, 3] rows of `places`
    places: Float64s  # [T, 2] column and row
    shown: Int64s  # [N] the place of each vertex

    def vertices(self, points: Floats) -> Float64s:
        """The vertices [N, 3] if the nodes are at points [R, C, 3]."""
        column, row = self.places[self.shown].T
        left, top = np.floor(column).astype(int), np.minimum(np.floor(row).astype(int), ROWS - 2)
        x, y = (column - left)[:, None], (row - top)[:, None]
        left, right = left % COLUMNS, (left + 1) % COLUMNS
        upper = points[top, left] * (1 - x) + points[top, right] * x
        lower = points[top + 1, left] * (1 - x) + points[top + 1, right] * x
        return np.asarray(upper * (1 - y) + lower * y)

    @property
    def uv(self) -> Float32s:
        """Texture coordinates [T, 2] of the places, v up; kept from the edges, where a picture may repeat."""
        down = np.clip(self.places[:, 1] / (ROWS - 1), EDGE, 1 - EDGE)
        return np.column_stack([self.places[:, 0] / COLUMNS, 1 - down]).astype(np.float32)

    def part(self, kept: Bools) -> CapMesh:
        """The mesh of those triangles that are ``kept`` [F]."""
        used, uv_faces = np.unique(self.uv_faces[kept], return_inverse=True)
        vertices, faces = np.unique(self.faces[kept], return_inverse=True)
        shown = np.zeros(len(vertices), np.int64)
        shown[faces.ravel()] = uv_faces.ravel()
        return CapMesh(faces.reshape(-1, 3), uv_faces.reshape(-1, 3), self.places[used], shown)


def cap_mesh(cover: Floats) -> CapMesh:
    """The triangles of the grid where the cover [R, C] is above zero, cut where it is zero."""
    value = np.hstack([cover, cover[:, :1]]).astype(np.float64).ravel()
    grid = grid_faces()
    corners = np.empty((2 * len(grid), 3), np.int64)
    corners = corners[: _cut(value, grid, corners)]
    used = np.zeros(len(value) * len(ALONG), np.bool_)
    used[corners] = True
    uv_faces = (np.cumsum(used) - 1)[corners]
    first, way = np.divmod(np.flatnonzero(used), len(ALONG))
    second = first + np.array(ALONG)[way]
    one, other = value[first], value[second]
    share = np.where(way == 0, 0, one / np.where(one == other, 1, one - other))[:, None]
    at = np.stack([np.stack([node % WIDE, node // WIDE], axis=-1) for node in (first, second)], axis=1)
    at = at.astype(np.float64)  # [T, 2 ends, column and row]
    places = at[:, 0] * (1 - share) + at[:, 1] * share
    around = np.rint(np.where(places[:, :1] >= COLUMNS, [0.0, 1.0], 1.0) * places * FINE).astype(np.int64)
    around[around[:, 1] == 0, 0] = 0  # the first row is one point
    _, shown, index = np.unique(around[:, 0] * FINE * ROWS + around[:, 1], return_index=True, return_inverse=True)
    faces = index.ravel()[uv_faces]
    whole = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    return CapMesh(faces[whole], uv_faces[whole], places, shown)


@lru_cache(maxsize=1)
def grid_faces() -> Int64s:
    """The nodes [F, 3] of all triangles, numbered row by row with `WIDE` in a row."""
    row, column = (axis.ravel() for axis in np.mgrid[: ROWS - 1, :COLUMNS])
    a = row * WIDE + column
    return np.concatenate([np.column_stack([a, a + WIDE, a + 1]), np.column_stack([a + 1, a + WIDE, a + WIDE + 1])])


@compiled
def _cut(value: Any, grid: Any, corners: Any) -> Any:
    """Write the corners [F, 3] of triangles, or parts of them, where values are above zero; return how many there are.

    A corner is ``first * len(ALONG) + way``: on the edge from the first of two nodes to the one `ALONG` that way, or,
    where the way is 0, the node itself. Whole triangles come first.
    """
    count = 0
    for whole in (True, False):
        for t in range(len(grid)):
            above = 0
            for k in range(3):
                above += value[grid[t, k]] > 0
            if above == 0 or (above == 3) != whole:
                continue
            found, first, before = 0, 0, 0
            for k in range(3):
                here, following = grid[t, k], grid[t, (k + 1) % 3]
                for other in (here, following):
                    if value[here] <= 0 if other == here else (value[here] > 0) == (value[other] > 0):
                        continue
                    low, high = min(here, other), max(here, other)
                    corner = low * len(ALONG)
                    for way in range(len(ALONG)):
                        if high - low == ALONG[way]:
                            corner += way
                    if found == 0:
                        first = corner
                    elif found > 1:
                        corners[count, 0], corners[count, 1], corners[count, 2] = first, before, corner
                        count += 1
                    before = corner
                    found += 1
    return count
