"""Visibility of a mesh's vertices: some are turned away or lie behind another part."""

from __future__ import annotations

import numpy as np

from unveil.geometry.arrays import bounds
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import nearest_depth
from unveil.typing import Bools, Floats, Ints

DEPTH_SIZE = 256  # pixels along the longer side of a head, to find out what lies in front
DEPTH_SLACK = 0.02  # of the longer side: so far behind still counts as in front (5 mm of 25 cm)
LEAST_COSINE = 0.15  # between normal and viewing direction: more edge-on than this nothing is recognised


def behind(points: Floats, faces: Ints) -> Bools:
    """Whether each vertex [V] is turned away, or lies behind another part, as seen along z.

    Args:
        points: [V, 3], x to the right, y down, z away from the viewer, all in one unit.
        faces: [F, 3] triangles, counter-clockwise seen from outside.
    """
    edge_on = -vertex_normals(points, faces)[:, 2] < LEAST_COSINE
    return np.asarray(behind_another_part(points, faces, DEPTH_SIZE, DEPTH_SLACK) | edge_on)


def behind_another_part(points: Floats, faces: Ints, size: int, slack: float) -> Bools:
    """Whether each vertex [V] lies behind another part, as seen along z; frame and units as in `behind`.

    Args:
        points: [V, 3].
        faces: [F, 3].
        size: pixels along the longer side of the mesh, to find out what lies in front.
        slack: of the longer side: so far behind still counts as in front.
    """
    low, high = bounds(points)
    pixels = (points - low) * (size / max(float((high - low)[:2].max()), 1e-9))
    depth = nearest_depth(pixels, faces, size + 1, size + 1)
    column, row = np.rint(pixels[:, :2]).astype(int).T
    return np.asarray(pixels[:, 2] - depth[row, column] > slack * size)
