"""What of a head the network saw, and what not: covered, turned away, behind another part, or beyond its crop."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.geometry.mesh import face_normals, vertex_normals
from unveil.geometry.rasterize import rasterize
from unveil.imaging.crop import Crop
from unveil.morphable.model import MorphableModel

Floats = NDArray[np.floating[Any]]

DEPTH_SIZE = 256  # pixels along the longer side of a head, to find out what lies in front
DEPTH_SLACK = 0.02  # of the longer side: so far behind still counts as in front (5 mm of 25 cm)
LEAST_COSINE = 0.15  # between normal and viewing direction: more edge-on than this nothing is recognised
# Probability from which a pixel counts as covered. To leave out a little skin costs less than to paint a piece of a
# mask onto a face.
COVERED = 0.3
CASTS = 0.035  # of the crop's side: what covers a face blurs and shades it this far around itself

NOSE_BOTTOM, INNER_EYES, OUTER_EYES = 33, (39, 42), (36, 45)  # iBUG-68


def hidden_vertices(
    occlusion: NDArray[np.float32], crop: Crop, projected: Floats, faces: NDArray[np.integer[Any]]
) -> NDArray[np.float32]:
    """Probability [V] that the network did not see a vertex.

    Args:
        occlusion: [K, K] probability that something covers that cell of the crop, row 0 on top.
        crop: what the network saw.
        projected: [V, 3] vertices in image px and a depth in px, smaller is nearer.
        faces: [F, 3] triangles.
    """
    cells = len(occlusion) / crop.size  # per crop pixel
    x, y = ((crop.to_crop(projected[:, :2]) + 0.5) * cells - 0.5).astype(np.float32).T  # in cells, centres at integers
    covered = cv2.remap(occlusion, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    last = len(occlusion) - 0.5
    outside = (np.minimum(x, y) < -0.5) | (np.maximum(x, y) > last)
    return np.where(outside | behind(projected, faces), 1, covered).astype(np.float32)


def behind(points: Floats, faces: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Whether each vertex [V] is turned away, or lies behind another part, for who looks along z.

    Args:
        points: [V, 3], x to the right, y down, z away from the viewer, all in one unit.
        faces: [F, 3] triangles, counter-clockwise seen from outside.
    """
    low = points.min(axis=0)
    longer = max(float(np.ptp(points[:, :2], axis=0).max()), 1e-9)
    pixels = (points - low) * (DEPTH_SIZE / longer)
    depth = rasterize(pixels, faces, DEPTH_SIZE + 1, DEPTH_SIZE + 1).depth
    column, row = np.rint(pixels[:, :2]).astype(int).T
    covered = pixels[:, 2] - depth[row, column] > DEPTH_SLACK * DEPTH_SIZE
    return np.asarray(covered | (-vertex_normals(points, faces)[:, 2] < LEAST_COSINE))


def covered_pixels(
    occlusion: NDArray[np.float32], crop: Crop, shape: tuple[int, ...], *, beyond: bool = True
) -> NDArray[np.bool_]:
    """Which pixels [H, W] of a photograph of that shape something covers, by the map [K, K] of a crop of it.

    What reaches the edge of the crop is taken to go on ``beyond`` it.
    """
    levels = (np.clip(occlusion, 0, 1) * 255).astype(np.uint8)
    fine = cv2.resize(levels, (crop.size, crop.size), interpolation=cv2.INTER_LINEAR)
    reach = 2 * round(CASTS * crop.size) + 1
    wider = cv2.dilate(fine, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE if beyond else cv2.BORDER_CONSTANT
    warped = cv2.warpAffine(wider, crop.matrix, shape[1::-1], flags=flags, borderMode=border)
    return np.asarray(warped > COVERED * 255)


@lru_cache(maxsize=2)
def face_area(model: MorphableModel) -> NDArray[np.float32]:
    """The share [V] of the face's surface that lies around each vertex; it sums to one and is 0 elsewhere.

    The face is what somebody in front of the template sees of it within the ball that the NoW benchmark cuts scans
    with: around a point 0.3 of the way from the bottom of the nose to its bridge, with a radius of 1.4 times the
    mean of the outer distance of the eyes and the length of the nose.
    """
    template = np.asarray(model.head.template, np.float64)
    marks = np.asarray(model.landmarks68(template), np.float64)
    bridge, bottom = marks[list(INNER_EYES)].mean(axis=0), marks[NOSE_BOTTOM]
    eyes = np.linalg.norm(marks[OUTER_EYES[0]] - marks[OUTER_EYES[1]])
    radius = 1.4 * (eyes + np.linalg.norm(bridge - bottom)) / 2
    within = np.linalg.norm(template - (bottom + 0.3 * (bridge - bottom)), axis=1) < radius
    area = vertex_areas(template, model.faces) * (within & ~behind(template * [1, -1, -1], model.faces))
    return np.asarray(area / area.sum(), np.float32)


def vertex_areas(vertices: Floats, faces: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Area [V] around each vertex [V, 3], in the square of their unit: a third of the triangles [F, 3] that it has."""
    triangles = np.linalg.norm(face_normals(vertices, faces), axis=1) / 2
    areas = np.bincount(faces.ravel(), np.repeat(triangles / 3, 3), minlength=len(vertices))
    return np.asarray(areas, np.float64)
