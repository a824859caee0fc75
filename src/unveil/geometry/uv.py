"""The texels of a texture: which point of the surface each one shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike

from unveil.geometry.compiled import compiled
from unveil.geometry.rasterize import rasterize
from unveil.typing import Bools, Float32s, Float64s, Int32s, UInt8s


@dataclass(frozen=True, eq=False)
class TexelMap:
    """A square texture of ``size`` texels a side; the N texels inside its islands lie on triangles of the mesh.

    Rows go down from v = 1, and the centre of texel (row i, column j) is at u = (j + 0.5) / size,
    v = 1 - (i + 0.5) / size, as graphics hardware has it.
    """

    size: int
    texels: Int32s  # [N] row * size + column
    triangle: Int32s  # [N] row of faces
    barycentric: Float32s  # [N, 3]
    nearest: Int32s  # [size * size] for every texel the nearest of the N: itself inside the islands

    def spread(self, values: UInt8s) -> UInt8s:
        """The texture [size, size, C] of values [N, C]; outside the islands the nearest value inside.

        Filling what lies between islands keeps filtering and mipmaps from drawing seams.
        """
        picture = np.empty((len(self.nearest), values.shape[1]), values.dtype)
        _spread(np.ascontiguousarray(values), self.nearest, picture)
        return picture.reshape(self.size, self.size, -1)

    def by_triangle(self) -> TexelMap:
        """The same with the texels of each triangle together, for loops that fetch its corners once."""
        order = np.argsort(self.triangle.astype(np.min_scalar_type(self.triangle.max())), kind="stable")
        number = np.empty(len(order), np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
        return TexelMap(
            self.size, self.texels[order], self.triangle[order], self.barycentric[order], number[self.nearest]
        )


def texel_map(uv: ArrayLike, uv_faces: ArrayLike, size: int) -> TexelMap:
    """The texels of a ``size`` x ``size`` texture with coordinates ``uv`` [T, 2] (v up), faces ``uv_faces`` [F, 3]."""
    corners = np.asarray(uv, dtype=np.float64)
    flat = np.stack([corners[:, 0] * size - 0.5, (1 - corners[:, 1]) * size - 0.5, np.zeros(len(corners))], axis=1)
    raster = rasterize(flat, uv_faces, size, size)
    covered = raster.covered
    texels = np.flatnonzero(covered).astype(np.int32)
    if not len(texels):
        raise ValueError(f"no triangle covers a texel of a {size} x {size} texture")
    triangle, barycentric = raster.triangle.ravel()[texels], raster.barycentric.reshape(-1, 3)[texels]
    del raster  # 20 bytes a texel
    return TexelMap(size, texels, triangle, barycentric, nearest=_nearest(covered))


@compiled
def _spread(values: Any, rows: Any, picture: Any) -> None:
    for n in range(len(rows)):
        row = np.uint32(rows[n])
        for c in range(values.shape[1]):
            picture[n, c] = values[row, c]


def vertex_tangents(vertices: ArrayLike, faces: ArrayLike, uv: ArrayLike, uv_faces: ArrayLike) -> Float64s:
    """Mean direction [V, 3] in which u rises around each vertex, of unit length; zero where there is none.

    Args:
        vertices: [V, 3].
        faces: [F, 3].
        uv: [T, 2] texture coordinates.
        uv_faces: [F, 3] rows of ``uv`` for the corners of each face.
    """
    positions, triangles = np.asarray(vertices, np.float64), np.asarray(faces)
    corners, coordinates = positions[triangles], np.asarray(uv, np.float64)[np.asarray(uv_faces)]
    e1, e2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    d1, d2 = coordinates[:, 1] - coordinates[:, 0], coordinates[:, 2] - coordinates[:, 0]
    # Solves e = d_u * P_u + d_v * P_v for P_u, up to the area, which then weights the mean.
    turn = np.sign(d1[:, 0] * d2[:, 1] - d2[:, 0] * d1[:, 1])[:, None]
    along = turn * (d2[:, 1:] * e1 - d1[:, 1:] * e2)
    total = np.zeros_like(positions)
    for corner in range(3):
        np.add.at(total, triangles[:, corner], along)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.where(length > 0, length, 1))


def _nearest(covered: Bools) -> Int32s:
    """For every pixel the number of the nearest covered one, counted along the rows: [H * W]."""
    outside = (~covered).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    # OpenCV numbers the covered pixels in an order of its own: translate to ours.
    number = np.zeros(labels.max() + 1, dtype=np.int32)
    number[labels[covered]] = np.arange(np.count_nonzero(covered), dtype=np.int32)
    nearest: Int32s = number[labels].ravel()
    return nearest
