"""Which triangle of a mesh each pixel sees: a z-buffer on the CPU, compiled by numba.

Pixel centres are at integers, x to the right, y down, smaller z nearer. Back faces are drawn like front
faces; on a closed mesh the depth test hides them. NumPy only: nothing here has gradients.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unveil.geometry.compiled import compiled
from unveil.typing import Bools, Float32s, Float64s, Int32s

# Barycentrics may be this much below zero: an exact test leaves single-pixel cracks along shared edges.
INSIDE_TOLERANCE = -1e-5


@dataclass(frozen=True)
class Raster:
    """The triangle of a mesh that each pixel of a height x width image sees, and where in it."""

    depth: Float32s  # [H, W], in the unit of the vertices' z; inf where empty
    triangle: Int32s  # [H, W], row of ``faces``; -1 where empty
    barycentric: Float32s  # [H, W, 3], weights of the triangle's corners; 0 where empty

    @property
    def covered(self) -> Bools:  # [H, W]
        """Pixels that see the mesh."""
        return self.triangle >= 0


def rasterize(vertices_px: ArrayLike, faces: ArrayLike, height: int, width: int, first_row: int = 0) -> Raster:
    """Draw ``faces`` [F, 3] of ``vertices_px`` [V, 3] (x, y in pixels, z smaller nearer) with a depth test.

    Parts outside the image are cut off; triangles without area or with a corner that is not finite are left
    out. Where two triangles are equally near, the first in ``faces`` is kept. The image may be a part of a larger one,
    so many rows from that ``first_row`` on.

    Raises:
        ValueError: arrays of another shape, or faces that name no vertex.
    """
    vertices, triangles = _checked(vertices_px, faces)
    raster = Raster(
        depth=np.full((height, width), np.inf, dtype=np.float32),
        triangle=np.full((height, width), -1, dtype=np.int32),
        barycentric=np.zeros((height, width, 3), dtype=np.float32),
    )
    _fill(vertices, triangles, first_row, raster.depth, raster.triangle, raster.barycentric)
    return raster


def nearest_depth(vertices_px: ArrayLike, faces: ArrayLike, height: int, width: int) -> Float32s:
    """The ``depth`` [H, W] of `rasterize`, in a third of the time."""
    depth = np.full((height, width), np.inf, dtype=np.float32)
    _fill_depth(*_checked(vertices_px, faces), depth)
    return depth


def _checked(vertices_px: ArrayLike, faces: ArrayLike) -> tuple[Float64s, Int32s]:
    vertices = np.ascontiguousarray(vertices_px, dtype=np.float64)
    triangles = np.ascontiguousarray(faces, dtype=np.int32)
    if vertices.ndim != 2 or vertices.shape[1] != 3 or triangles.ndim != 2 or triangles.shape[1] != 3:
        raise ValueError(f"expected [V, 3] and [F, 3], got {vertices.shape} and {triangles.shape}")
    if triangles.size and (triangles.min() < 0 or triangles.max() >= len(vertices)):
        raise ValueError(f"faces name vertices outside 0..{len(vertices) - 1}")
    return vertices, triangles


def interpolate(raster: Raster, faces: ArrayLike, attributes: ArrayLike) -> Float32s:
    """Values per vertex ``attributes`` [V, C] at the pixels of ``raster``: [H, W, C], 0 where empty.

    Raises:
        ValueError: attributes of another number of dimensions.
    """
    values = np.ascontiguousarray(attributes, dtype=np.float32)
    if values.ndim != 2:
        raise ValueError(f"expected attributes [V, C], got {values.shape}")
    triangles = np.ascontiguousarray(faces, dtype=np.int32)
    image = np.zeros((*raster.triangle.shape, values.shape[1]), dtype=np.float32)
    _interpolate(raster.triangle, raster.barycentric, triangles, values, image)
    return image


@compiled
def _fill(vertices: Any, faces: Any, first_row: Any, depth: Any, triangle: Any, barycentric: Any) -> None:
    height, width = depth.shape
    last_row = first_row + height - 1
    for f in range(faces.shape[0]):
        ax, ay, az = vertices[faces[f, 0]]
        bx, by, bz = vertices[faces[f, 1]]
        cx, cy, cz = vertices[faces[f, 2]]
        if max(ay, by, cy) < first_row or min(ay, by, cy) > last_row:
            continue
        doubled_area = (ax - cx) * (by - cy) - (bx - cx) * (ay - cy)
        # Written so that a NaN fails the test too.
        if not (abs(doubled_area) > 1e-12 and np.isfinite(doubled_area) and np.isfinite(az + bz + cz)):
            continue
        u_x, u_y = (by - cy) / doubled_area, (cx - bx) / doubled_area
        v_x, v_y = (cy - ay) / doubled_area, (ax - cx) / doubled_area
        left, right = max(min(ax, bx, cx), 0.0), min(max(ax, bx, cx), width - 1.0)
        top = int(np.ceil(max(min(ay, by, cy), float(first_row))))
        bottom = int(np.floor(min(max(ay, by, cy), float(last_row))))
        for y in range(top, bottom + 1):
            u_row, v_row = u_y * (y - cy), v_y * (y - cy)
            first, last = _within(u_x, u_row, cx, left, right)
            first, last = _within(v_x, v_row, cx, first, last)
            first, last = _within(-u_x - v_x, 1.0 - u_row - v_row, cx, first, last)
            if not first <= last:
                continue
            row = y - first_row
            for x in range(int(np.ceil(first)), int(np.floor(last)) + 1):
                u, v = u_x * (x - cx) + u_row, v_x * (x - cx) + v_row
                w = 1.0 - u - v
                z = np.float32(u * az + v * bz + w * cz)
                if z < depth[row, x]:
                    depth[row, x] = z
                    triangle[row, x] = f
                    barycentric[row, x, 0] = u
                    barycentric[row, x, 1] = v
                    barycentric[row, x, 2] = w


@compiled
def _within(slope: Any, start: Any, centre: Any, first: Any, last: Any) -> Any:
    """The part of a row from ``first`` to ``last`` where a weight, ``start`` at ``centre``, is not below zero."""
    if slope == 0:
        return first, (last if start >= INSIDE_TOLERANCE else first - 1)
    edge = centre + (INSIDE_TOLERANCE - start) / slope
    return (max(first, edge), last) if slope > 0 else (first, min(last, edge))


@compiled
def _fill_depth(vertices: Any, faces: Any, depth: Any) -> None:
    """As `_fill`, with a test at each pixel of the box around a triangle, which the compiler makes vectors of."""
    height, width = depth.shape
    for f in range(faces.shape[0]):
        ax, ay, az = vertices[faces[f, 0]]
        bx, by, bz = vertices[faces[f, 1]]
        cx, cy, cz = vertices[faces[f, 2]]
        doubled_area = (ax - cx) * (by - cy) - (bx - cx) * (ay - cy)
        if not (abs(doubled_area) > 1e-12 and np.isfinite(doubled_area) and np.isfinite(az + bz + cz)):
            continue
        left = int(np.ceil(max(min(ax, bx, cx), 0.0)))
        right = int(np.floor(min(max(ax, bx, cx), width - 1.0)))
        top = int(np.ceil(max(min(ay, by, cy), 0.0)))
        bottom = int(np.floor(min(max(ay, by, cy), height - 1.0)))
        if left > right or top > bottom:
            continue
        u_x, u_y = (by - cy) / doubled_area, (cx - bx) / doubled_area
        v_x, v_y = (cy - ay) / doubled_area, (ax - cx) / doubled_area
        for y in range(np.uint32(top), np.uint32(bottom + 1)):  # unsigned: see `_interpolate`
            u_row, v_row = u_y * (y - cy), v_y * (y - cy)
            for x in range(np.uint32(left), np.uint32(right + 1)):
                u, v = u_x * (x - cx) + u_row, v_x * (x - cx) + v_row
                w = 1.0 - u - v
                if min(u, v, w) >= INSIDE_TOLERANCE:
                    z = np.float32(u * az + v * bz + w * cz)
                    depth[y, x] = min(depth[y, x], z)


@compiled
def _interpolate(triangle: Any, barycentric: Any, faces: Any, values: Any, image: Any) -> None:
    height, width, channels = image.shape
    for y in range(height):
        for x in range(width):
            if triangle[y, x] < 0:
                continue
            f = np.uint32(triangle[y, x])  # unsigned: numba asks of no signed index whether it counts from the end
            a, b, c = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
            u, v, w = barycentric[y, x, 0], barycentric[y, x, 1], barycentric[y, x, 2]
            for k in range(channels):
                image[y, x, k] = u * values[a, k] + v * values[b, k] + w * values[c, k]
