"""Triangle meshes: normals."""

from __future__ import annotations

import numpy as np
from array_api_compat import is_torch_array

from unveil.geometry.arrays import array_namespace
from unveil.geometry.rotation import Array


def face_normals(vertices: Array, faces: Array) -> Array:
    """Normals [..., F, 3] of triangles, of length twice their area, for vertices [..., V, 3] and faces [F, 3]."""
    xp = array_namespace(vertices)
    a, b, c = (xp.take(vertices, faces[:, i], axis=-2) for i in range(3))  # a third of the time that an index takes
    return _cross(b - a, c - a)


def vertex_normals(vertices: Array, faces: Array) -> Array:
    """Unit normals [..., V, 3]: the area-weighted mean of the normals of the triangles around each vertex.

    A vertex in no triangle, or only in degenerate ones, gets a zero normal.
    """
    xp = array_namespace(vertices)
    normals = face_normals(vertices, faces)
    total = xp.zeros_like(vertices)
    for corner in range(3):
        total = _add_rows(total, faces[:, corner], normals)
    length = xp.sqrt(xp.sum(total * total, axis=-1))[..., None]
    return total / xp.where(length > 0, length, xp.ones_like(length))


def _cross(a: Array, b: Array) -> Array:
    xp = array_namespace(a, b)
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return xp.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def _add_rows(total: Array, rows: Array, values: Array) -> Array:
    """``total[..., rows, :] += values`` with repeated rows summed; the array API standard has no scatter-add."""
    if is_torch_array(total):
        return total.index_add(-2, rows, values)
    flat = total.reshape(-1, *total.shape[-2:])
    for t, v in zip(flat, values.reshape(-1, *values.shape[-2:]), strict=True):
        for axis in range(3):
            t[:, axis] += np.bincount(rows, weights=v[:, axis], minlength=t.shape[0])
    return total
