"""The front of a head as a regular grid of points, posed in a crop: worn things are placed on it.

Seen from a point inside the head, every direction to the front meets its surface; the grid has a node every few degrees
of azimuth (columns, from the subject's right to the left) and elevation (rows, from the forehead down to the throat).
It is found from the 68 landmarks, so it fits every head model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from unveil.geometry.camera import to_pixels
from unveil.geometry.rasterize import rasterize
from unveil.heads.head import Head
from unveil.heads.landmarks import SurfacePoints
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.typing import Float32s, Float64s, Floats, Int32s, Int64s

STEP = 3.5  # degrees between nodes
AZIMUTH, ELEVATION = 105.0, (63.0, -70.0)  # degrees: to both sides, and from the top row to the bottom row
WIDEST = 90.0  # degrees of azimuth in one triangle: wider ones cross the back of the head
DEPTH_BEHIND_JAW = 0.15  # of the jaw's width: how far behind the ends of the jaw line the centre lies
FOREHEAD = 0.75  # from brows to hairline, in distances from nose base to brows


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """The grid on one posed head in a crop."""

    surface: HeadSurface
    points: Float64s  # [R, C, 3] crop pixels, z away from the viewer in the same scale
    rotation: Float64s  # [3, 3] columns: the head's axes (its left, up, out of the face) in crop pixels
    scale: float  # crop pixels per metre

    @property
    def face_points(self) -> Float64s:
        """Pixels [K, 2] of the nodes of the face with its forehead."""
        return np.asarray(self.points.reshape(-1, 3)[self.surface.face, :2])

    @cached_property
    def landmarks68(self) -> Float64s:
        """The model's landmarks on the grid [68, 3]."""
        return self.at(self.surface.landmarks)

    def at(self, places: Floats) -> Float64s:
        """The points [K, 3] at places [K, 2] (column, row) between the nodes."""
        low = np.clip(np.floor(places).astype(int), 0, np.array(self.points.shape[1::-1]) - 2)
        (right, down), (x, y) = (places - low).T[:, :, None], low.T
        upper = self.points[y, x] * (1 - right) + self.points[y, x + 1] * right
        lower = self.points[y + 1, x] * (1 - right) + self.points[y + 1, x + 1] * right
        return np.asarray(upper * (1 - down) + lower * down)

    def scaled(self, scale: float) -> FaceMesh:
        """The same grid in the image scaled by a factor."""
        points = self.points * scale + np.array([scale / 2 - 0.5, scale / 2 - 0.5, 0])
        return FaceMesh(self.surface, points, self.rotation, self.scale * scale)


@dataclass(frozen=True, eq=False)
class HeadSurface:
    """The grid on a head model."""

    model: MorphableModel
    nodes: Head  # the model's head with the grid's nodes, row by row, as its vertices
    shape: tuple[int, int]  # (rows, columns)
    landmarks: Float64s  # [68, 2] (column, row) of the landmarks in the grid
    face: Int64s  # [K] nodes of the face with its forehead
    directions: Float64s  # [R, C, 3] from inside the head through every node, along the head's axes

    @classmethod
    def of(cls, model: MorphableModel) -> HeadSurface:
        """The grid on the front of ``model``; build it once and keep it."""
        template = np.asarray(model.head.template, np.float64)
        landmarks = np.asarray(model.landmarks68(template), np.float64)
        centre = centre_of(landmarks)
        shape = (round((ELEVATION[0] - ELEVATION[1]) / STEP) + 1, round(2 * AZIMUTH / STEP) + 1)
        in_grid, radius = _grid_coordinates(template - centre)
        faces = np.asarray(model.faces)
        faces = faces[np.ptp(in_grid[faces, 0], axis=1) < WIDEST / STEP]
        raster = rasterize(np.column_stack([in_grid, -radius]), faces, *shape)  # nearest is outermost
        triangle, barycentric = _without_holes(raster.triangle, raster.barycentric)
        nodes = SurfacePoints(faces[triangle.ravel()], barycentric.reshape(-1, 3))
        marks = _grid_coordinates(landmarks - centre)[0]
        # Points on the surface move as the vertices around them: all that a head is linear in is interpolated.
        head = model.head.map_vertices(lambda array: np.asarray(nodes(array), np.float32))
        return cls(model, head, shape, marks, _inside(with_forehead(marks), shape), _directions(shape))

    def place(self, coefficients: Coefficients, size: int) -> list[FaceMesh]:
        """The grid on the heads of coefficients [B, M], in pixels of crops of ``size`` pixels a side."""
        c = coefficients
        vertices = self.nodes.vertices(self.model.shape(c), c["expression"], self.model.joint_rotations(c))
        points = np.asarray(to_pixels(self.model.project(vertices, coefficients), size), np.float64)
        points = points.reshape(-1, *self.shape, 3)
        turns = np.asarray(self.model.rotation(coefficients), np.float64) * [[1], [-1], [-1]]
        scales = self.model.placement.scale(coefficients) * size / 2
        return [
            FaceMesh(self, grid, turn, float(scale)) for grid, turn, scale in zip(points, turns, scales, strict=True)
        ]


def with_forehead(landmarks68: Floats) -> Floats:
    """Landmarks [68, 2] and, above the brows, ten points of the hairline: [78, 2]."""
    brows = landmarks68[17:27]
    up = FOREHEAD * (brows.mean(axis=0) - landmarks68[33])
    return np.concatenate([landmarks68, brows + up])


def centre_of(landmarks68: Float64s) -> Float64s:
    """Where the grid's directions start [3]: between and behind the ends of the jaw line, at the height of the nose."""
    ends = landmarks68[[0, 16]]
    back = DEPTH_BEHIND_JAW * np.linalg.norm(ends[1] - ends[0])
    middle = ends.mean(axis=0)
    return np.array([middle[0], landmarks68[33, 1], middle[2] - back])


def _grid_coordinates(points: Float64s) -> tuple[Float64s, Float64s]:
    """(column, row) in the grid [N, 2] of points [N, 3] around the centre, and their distances [N] from it."""
    x, y, z = points.T
    azimuth, elevation = np.degrees(np.arctan2(x, z)), np.degrees(np.arctan2(y, np.hypot(x, z)))
    in_grid = np.stack([(azimuth + AZIMUTH) / STEP, (ELEVATION[0] - elevation) / STEP], axis=1)
    return in_grid, np.linalg.norm(points, axis=1)


def _directions(shape: tuple[int, int]) -> Float64s:
    """Unit vectors [R, C, 3] through the nodes of a grid of this shape."""
    row, column = np.mgrid[: shape[0], : shape[1]]
    return towards(STEP * column - AZIMUTH, ELEVATION[0] - STEP * row)


def towards(azimuth: Floats, elevation: Floats) -> Float64s:
    """Unit vectors [..., 3] along the head's axes in directions in degrees."""
    across, high = np.radians(azimuth), np.radians(elevation)
    level = np.cos(high)
    return np.stack(np.broadcast_arrays(level * np.sin(across), np.sin(high), level * np.cos(across)), axis=-1)


def _without_holes(triangle: Int32s, barycentric: Float32s) -> tuple[Int32s, Float64s]:
    """Move nodes without surface, such as below an open neck, onto the next node of their column that has one."""
    rows = np.broadcast_to(np.arange(len(triangle))[:, None], triangle.shape)
    last = np.maximum.accumulate(np.where(triangle >= 0, rows, -1), axis=0)
    first = (triangle >= 0).argmax(axis=0)
    source = np.where(last >= 0, last, first), np.arange(triangle.shape[1])[None]
    return triangle[source], barycentric[source].astype(np.float64)


def _inside(points: Floats, shape: tuple[int, int]) -> Int64s:
    """Nodes [K] of the grid inside the convex hull of points [P, 2] (column, row)."""
    canvas = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(canvas, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    return np.flatnonzero(cv2.dilate(canvas, np.ones((3, 3))))
