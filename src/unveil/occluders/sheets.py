"""Thin surfaces in space: grids of points with coordinates of their own, drawn into the image with their depth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.geometry.rasterize import interpolate, nearest_depth, rasterize
from unveil.occluders.base import Alpha
from unveil.occluders.head_surface import FaceMesh
from unveil.typing import Bools, Float32s, Floats, Int32s

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Drawn:
    """The part of a sheet that each pixel of an image sees."""

    x: Float32s  # [H, W] the sheet's own coordinates
    y: Float32s
    normals: Float32s  # [H, W, 3] about unit length, with z below zero where the outside is seen
    depth: Float32s  # [H, W] pixels, inf where there is nothing

    @property
    def covered(self) -> Bools:
        """Pixels [H, W] that see the sheet."""
        return np.isfinite(self.depth)

    def inside(self, distance: Float32s, *, smooth: bool = True) -> Alpha:
        """Opacity [H, W] where a distance in the sheet's coordinates [H, W] is negative, with edges a pixel wide."""
        if not smooth:
            return ((distance < 0) & self.covered).astype(np.float32)
        distance = np.asarray(distance, np.float32)
        dx = cv2.Sobel(distance, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
        dy = cv2.Sobel(distance, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
        slope = np.maximum(cv2.magnitude(dx, dy), 1e-3)
        return np.asarray(np.clip(0.5 - distance / slope, 0, 1) * self.covered, np.float32)


@dataclass(frozen=True)
class Window:
    """A rectangle of an image that holds something, so that only its pixels are computed."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def around(cls, points: Floats, shape: tuple[int, ...], margin: float) -> Window:
        """The window around points [..., 2 or more] in pixels of an image (H, W), at least one pixel of the image."""
        flat = points.reshape(-1, points.shape[-1])[:, :2]
        limits = np.array([shape[1], shape[0]])
        low = np.clip(np.floor(flat.min(axis=0) - margin), 0, limits - 1).astype(int)
        high = np.clip(np.ceil(flat.max(axis=0) + margin) + 1, low + 1, limits).astype(int)
        return cls(*low.tolist(), *(high - low).tolist())

    def of(self, image: NDArray[Number]) -> NDArray[Number]:
        """Its view of an image [H, W, ...]."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]


def draw(points: Floats, x: Floats, y: Floats, window: Window) -> Drawn:
    """Draw a sheet of points [R, C, 3] in pixels with coordinates x, y [R, C] into a window of an image."""
    faces = grid_faces(points.shape[:2])
    shifted = points.reshape(-1, 3) - np.array([window.left, window.top, 0])
    raster = rasterize(shifted, faces, window.height, window.width)
    attributes = np.concatenate([x[..., None], y[..., None], grid_normals(points)], axis=-1).reshape(-1, 5)
    values = interpolate(raster, faces, attributes)
    return Drawn(values[..., 0], values[..., 1], values[..., 2:], raster.depth)


def depth_of(points: Floats, window: Window) -> Float32s:
    """Depth [h, w] of a grid of points [R, C, 3] in pixels in a window of an image, inf where there is nothing."""
    shifted = points.reshape(-1, 3) - np.array([window.left, window.top, 0])
    return nearest_depth(shifted, grid_faces(points.shape[:2]), window.height, window.width)


def head_grid(mesh: FaceMesh) -> tuple[Float32s, Float32s]:
    """Column from the middle and row [R, C] of every node of the head's grid: coordinates of what lies on the head."""
    rows, columns = mesh.points.shape[:2]
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    return x - (columns - 1) / 2, y


@lru_cache(maxsize=8)
def grid_faces(shape: tuple[int, ...]) -> Int32s:
    """Triangles [F, 3] of a grid of (rows, columns) nodes."""
    index = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape[0], shape[1])
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return np.concatenate([np.stack([a, c, b], axis=-1), np.stack([b, c, d], axis=-1)]).reshape(-1, 3)


def grid_normals(points: Floats) -> Floats:
    """Unit normals [R, C, 3] of a grid of points in pixels, towards the viewer where the grid faces them."""
    down, right = np.gradient(points, axis=(0, 1))
    normals = np.cross(down, right)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9))


def outwards(mesh: FaceMesh) -> Floats:
    """Unit vectors [R, C, 3] in pixels from inside the head through every node."""
    return mesh.surface.directions @ mesh.rotation.T


def taut(mesh: FaceMesh, free: Float32s, lift: float) -> Floats:
    """The grid [R, C, 3] pushed out like a cloth stretched over it: smooth over hollows, never inside the head.

    Args:
        mesh: the head.
        free: [R, C] how far the cloth may leave the skin, from 0, where it is tight, to 1.
        lift: metres by which it lies above the skin everywhere.
    """
    out = outwards(mesh).astype(np.float32)
    points = mesh.points.astype(np.float32)
    for width in (9, 7, 5, 3):
        smooth = cv2.GaussianBlur(points, (width, width), 0)
        height = np.maximum(np.einsum("rck,rck->rc", smooth - points, out), 0) * free
        points = points + height[..., None] * out
    return points + lift * mesh.scale * out
