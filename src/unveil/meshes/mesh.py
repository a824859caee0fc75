"""The result of reading a mesh file: vertices and triangles, and texture coordinates where the format has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.reprs import short_repr
from unveil.typing import Float64s, Int64s


@dataclass(frozen=True, eq=False)
class Mesh:
    """Vertices [V, 3] in whatever frame and unit the file has, and triangles [F, 3] as vertex indices; F may be 0."""

    vertices: Float64s
    faces: Int64s
    __repr__ = short_repr

    def __post_init__(self) -> None:
        if not len(self.vertices):
            raise ValueError("it has no vertices")
        bad = int((~np.isfinite(self.vertices)).any(axis=1).sum())
        if bad:
            raise ValueError(f"{bad} of its {len(self.vertices)} vertices are not finite numbers")
        require_rows(self.faces, len(self.vertices), "vertex")


@dataclass(frozen=True, eq=False)
class TexturedMesh(Mesh):
    """A mesh whose corners have texture coordinates of their own."""

    uv: Float64s  # [T, 2] v up
    uv_faces: Int64s  # [F, 3] rows of uv
    __repr__ = short_repr

    def __post_init__(self) -> None:
        super().__post_init__()
        require_rows(self.uv_faces, len(self.uv), "texture coordinate")


def require_rows(faces: Int64s, count: int, what: str) -> None:
    """Raise a ValueError where corners [F, 3] name rows that are not among the first ``count``."""
    if len(faces) and not 0 <= faces.min() <= faces.max() < count:
        raise ValueError(f"a face names a {what} that is not there")


def triangulated(polygons: Int64s) -> Int64s:
    """Triangles [F, 3] of polygons [P, n] of as many corners each, cut from the first corner."""
    if polygons.shape[1] < 3:
        raise ValueError("a face has fewer than 3 corners")
    return np.concatenate([polygons[:, [0, k, k + 1]] for k in range(1, polygons.shape[1] - 1)])
