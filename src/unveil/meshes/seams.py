"""Meshes for graphics hardware, where a vertex has one texture coordinate: vertices are doubled along UV seams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.reprs import short_repr
from unveil.typing import Int64s


@dataclass(frozen=True, eq=False)
class SplitMesh:
    """A mesh of K >= V vertices in which position and texture coordinate share one index."""

    vertex: Int64s  # [K] the vertex of the original mesh
    uv: Int64s  # [K] its row of the texture coordinates
    faces: Int64s  # [F, 3] indices below K
    __repr__ = short_repr


def split_at_seams(faces: Int64s, uv_faces: Int64s) -> SplitMesh:
    """Give each pair of vertex (``faces`` [F, 3]) and texture coordinate (``uv_faces`` [F, 3]) a vertex of its own."""
    if faces.shape != uv_faces.shape:
        raise ValueError(f"faces {faces.shape} and uv_faces {uv_faces.shape} must have one shape")
    uv_count = int(uv_faces.max(initial=0)) + 1
    pairs = faces.astype(np.int64) * uv_count + uv_faces
    unique, index = np.unique(pairs, return_inverse=True)
    return SplitMesh(unique // uv_count, unique % uv_count, index.reshape(faces.shape))
