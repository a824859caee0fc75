"""Visibility of a mesh's vertices: some are turned away or lie behind another part."""

from __future__ import annotations

import numpy as np

from unveil.geometry.arrays import bounds
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import rasterize
from unveil.typing import Bools, Floats, Ints

DEPTH_SIZE = 256  # pixels along the longer side of a head, to find out what lies in front
DEPTH_SLACK = 0.02  # of the longer side: so far behind still counts as in front (5 mm of 25 cm)
LEAST_COSINE = 0.15  # between normal and viewing direction: more edge-on than this nothing is recognised


def behind(points: Floats, faces: Ints) -> Bools:
    """Whether each vertex [V] is turned away, or lies behind another part, for who looks along z.

    Args:
        points: [V, 3], x to the right, y down, z away from the viewer, all in one unit.
        faces: [F, 3] triangles, counter-clockwise seen from outside.
    """
    low, high = bounds(points)
    longer = max(float((high - low)[:2].max()), 1e-9)
    pixels = (points - low) * (DEPTH_SIZE / longer)
    depth = rasterize(pixels, faces, DEPTH_SIZE + 1, DEPTH_SIZE + 1).depth
    column, row = np.rint(pixels[:, :2]).astype(int).T
    covered = pixels[:, 2] - depth[row, column] > DEPTH_SLACK * DEPTH_SIZE
    return np.asarray(covered | (-vertex_normals(points, faces)[:, 2] < LEAST_COSINE))
