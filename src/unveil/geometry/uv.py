"""The texels of a texture: which point of the surface each one shows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from unveil.geometry.rasterize import rasterize


@dataclass(frozen=True, eq=False)
class TexelMap:
    """A square texture of ``size`` texels a side; the N texels inside its islands lie on triangles of the mesh.

    Rows go down from v = 1, and the centre of texel (row i, column j) is at u = (j + 0.5) / size,
    v = 1 - (i + 0.5) / size, as graphics hardware has it.
    """

    size: int
    texels: NDArray[np.int32]  # [N] row * size + column
    triangle: NDArray[np.int32]  # [N] row of faces
    barycentric: NDArray[np.float32]  # [N, 3]
    nearest: NDArray[np.int32]  # [size * size] for every texel the nearest of the N: itself inside the islands

    def spread(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The texture [size, size, C] of values [N, C]; outside the islands the nearest value inside.

        Filling what lies between islands keeps filtering and mipmaps from drawing seams.
        """
        return np.take(values, self.nearest, axis=0).reshape(self.size, self.size, -1)


def texel_map(uv: ArrayLike, uv_faces: ArrayLike, size: int) -> TexelMap:
    """The texels of a ``size`` x ``size`` texture with coordinates ``uv`` [T, 2] (v up), faces ``uv_faces`` [F, 3]."""
    corners = np.asarray(uv, dtype=np.float64)
    flat = np.stack([corners[:, 0] * size - 0.5, (1 - corners[:, 1]) * size - 0.5, np.zeros(len(corners))], axis=1)
    raster = rasterize(flat, uv_faces, size, size)
    texels = np.flatnonzero(raster.covered).astype(np.int32)
    if not len(texels):
        raise ValueError(f"no triangle covers a texel of a {size} x {size} texture")
    return TexelMap(
        size=size,
        texels=texels,
        triangle=raster.triangle.ravel()[texels],
        barycentric=raster.barycentric.reshape(-1, 3)[texels],
        nearest=_nearest(raster.covered),
    )


def _nearest(covered: NDArray[np.bool_]) -> NDArray[np.int32]:
    """For every pixel the number of the nearest covered one, counted along the rows: [H * W]."""
    outside = (~covered).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    # OpenCV numbers the covered pixels in an order of its own: translate to ours.
    number = np.zeros(labels.max() + 1, dtype=np.int32)
    number[labels[covered]] = np.arange(np.count_nonzero(covered), dtype=np.int32)
    nearest: NDArray[np.int32] = number[labels].ravel()
    return nearest
