"""What a photograph shows of a head: the colour of a surface point, and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import cv2
import numpy as np

from unveil.appearance.atlas import is_small
from unveil.appearance.texel_kernels import NONE, TexelMesh
from unveil.geometry.arrays import bounds
from unveil.geometry.compiled import compiled
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import nearest_depth
from unveil.geometry.smooth_step import smooth_step
from unveil.typing import Bools, Float32s, Float64s, Floats, Image, Int32s, Ints

DEPTH_SIZE = 512  # steps of the depth grid along the longer side of the head, half as many where that is small
DEPTH_SLACK = 0.006  # of the longer side of the head (lids are no thinner): so far behind still counts as seen
SLOPE_SLACK = 1 / 128  # of the longer side, along the slope of the surface
SPREAD = 1 / 256  # of the longer side by which the nearest surface hides what is beside it
# The fit is never exact at the outline of the head, and there the photograph shows the wall. Distances from the
# outline, of the longer side of the head, between which trust grows from none to full.
OUTLINE_FROM, OUTLINE_TO = 0.012, 0.07
BORDER = 3 / 128  # of the longer side, over which trust fades towards the edge of the photograph
NEAR, COARSE = 0.03, 8  # of the longer side: so near to what is hidden it may still show; pixels of a coarse look
FACING = 0.6  # cosine between normal and camera from which a point is seen as well as can be
POOREST = 0.02  # quality of a point seen edge-on: any better view of it wins
GRAZING = 0.6  # quality below which a view covers a point in part only: it smears what it shows


@dataclass(frozen=True, eq=False)
class View:
    """The part of the photograph with the head, no finer than the texture, and what is nearest in it."""

    part: tuple[slice, slice]  # rows and columns of the photograph
    pixels: Image  # [H, W, 3] of it
    free: Float32s  # [H, W] 1 where nothing hides the head, 0 where something does
    # Vertices [V, 4]: x, y, depth in these pixels, cosine between normal and camera; above one, facing it in any case.
    points: Float32s
    normals: Float32s  # [V, 3] of unit length; x to the right, y up, z to the camera
    depth: Float32s  # [D, D'] depth of the nearest surface, in these pixels, on a grid of its own
    inside: Float32s  # [D, D'] trust by the distance from the outline
    step: float  # pixels per step of the depth grid
    extent: float  # pixels of the head's longer side

    def without(self, hidden: Bools | None) -> View:
        """The same where something hides some pixels [H, W] of the photograph."""
        return replace(self, free=_free(hidden, self.part, self.pixels.shape[1::-1]))

    def near_hidden(self) -> Float32s:
        """From 0 to 1, how near [V] what the vertices show lies to pixels that do not show the head."""
        if self.free.min() == 1:
            return np.zeros(len(self.points), np.float32)
        free = np.ascontiguousarray(self.free[::COARSE, ::COARSE])
        reach = 2 * round(NEAR * self.extent / COARSE) + 1
        near = cv2.blur(1 - cv2.erode(free, np.ones((reach, reach))), (reach, reach))
        rows, columns = (np.nan_to_num(self.points[:, axis]) / COARSE for axis in (1, 0))
        i, j = (np.clip(at, 0, size - 1).astype(int) for at, size in zip((rows, columns), near.shape, strict=True))
        return np.asarray(near[i, j], np.float32)

    @classmethod
    def of(
        cls,
        image: Image,
        projected: Float64s,
        faces: Ints,
        size: int,
        hidden: Bools | None = None,
    ) -> View:
        """The view of vertices ``projected`` [V, 3] in ``image`` for a texture of ``size`` texels a side."""
        left, top, right, bottom = part_with(projected, image.shape)
        part = np.s_[top:bottom, left:right]
        low, high = bounds(projected[:, :2])
        longer = max(1.0, float((high - low).max()))
        scale = min(1.0, size / longer)  # finer than the texture would only flicker
        shape = (max(2, round((right - left) * scale)), max(2, round((bottom - top) * scale)))
        points = projected * scale + [*((0.5 - np.array([left, top])) * scale - 0.5), 0.0]
        extent = longer * scale
        step = extent / (DEPTH_SIZE // 2 if is_small(projected, size) else DEPTH_SIZE)
        depth, inside = _depth(points / [step, step, 1], faces, shape, extent, step)
        normals = (vertex_normals(projected, faces) * [1, -1, -1]).astype(np.float32)
        return cls(
            part=part,
            pixels=cv2.resize(image[part], shape, interpolation=cv2.INTER_AREA).astype(np.uint8),
            free=_free(hidden, part, shape),
            points=np.column_stack([points, normals[:, 2]]).astype(np.float32),
            normals=np.nan_to_num(normals),
            depth=depth,
            inside=inside,
            step=step,
            extent=extent,
        )


def part_with(projected: Floats, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The part of a photograph [H, W, ...] with vertices [V, 3]: left, top, right and bottom, at least one pixel."""
    low, high = bounds(projected[:, :2])
    left, top = np.clip(np.floor(low).astype(int) - 2, 0, np.array(shape[1::-1]) - 1)
    right, bottom = np.clip(np.ceil(high).astype(int) + 3, [left + 1, top + 1], shape[1::-1])
    return int(left), int(top), int(right), int(bottom)


def _free(hidden: Bools | None, part: tuple[slice, slice], shape: Sequence[int]) -> Float32s:
    width, height = shape
    if hidden is None:
        return np.ones((height, width), dtype=np.float32)
    share = cv2.resize(hidden[part].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return (1 - cv2.blur(cv2.dilate(share, np.ones((7, 7))), (5, 5))).astype(np.float32)


def _depth(
    points: Float64s,
    faces: Ints,
    shape: tuple[int, int],
    extent: float,
    step: float,
) -> tuple[Float32s, Float32s]:
    depth = nearest_depth(points, faces, int(shape[1] / step) + 2, int(shape[0] / step) + 2)
    # What is close to a nearer surface may belong to that in the photograph: let the nearest spread.
    reach = 2 * round(SPREAD * extent / step) + 1
    nearest = cv2.erode(np.minimum(depth, np.float32(1e9)), np.ones((reach, reach)))
    distance = cv2.distanceTransform(np.isfinite(depth).astype(np.uint8), cv2.DIST_L2, 3) * (step / extent)
    trust = smooth_step(distance, OUTLINE_FROM, OUTLINE_TO)
    return nearest.astype(np.float32), trust.astype(np.float32)


class Sampled(NamedTuple):
    """The photograph at each of N texels."""

    colour: Float32s  # [N, 3]
    weight: Float32s  # [N] against other looks at the same points: how surely and how well it is seen
    cover: Float32s  # [N] how far this look is as good as any


class Looked(NamedTuple):
    """The same before it is known what hides the head."""

    sampled: Sampled
    pixel: Int32s  # [N] of the view, row by row, of texels that are seen

    def through(self, free: Float32s) -> Sampled:
        """What is seen through the pixels [H, W] of the view that are free."""
        if free.min() == 1:
            return self.sampled
        weight, cover = np.empty_like(self.sampled.weight), np.empty_like(self.sampled.cover)
        _hide(self.pixel, free.ravel(), self.sampled, weight, cover)
        return self.sampled._replace(weight=weight, cover=cover)


def sample_view(view: View, mesh: TexelMesh, mirror: Ints | None = None) -> Sampled:
    """The photograph at each texel of ``mesh``, or at the mirrored point of the head; see `look_at`."""
    return look_at(view, mesh, mirror).through(view.free)


def look_at(view: View, mesh: TexelMesh, mirror: Ints | None = None) -> Looked:
    """The same as if nothing hid the head.

    Args:
        view: the photograph.
        mesh: the texels.
        mirror: [V] the vertex on the other side of each vertex, to look at the other side.
    """
    count = len(mesh[0])
    sampled = Sampled(np.zeros((count, 3), np.float32), np.zeros(count, np.float32), np.zeros(count, np.float32))
    looked = Looked(sampled, np.zeros(count, np.int32))
    grid = (view.depth, view.inside, np.float32(1 / view.step), np.float32(view.extent))
    # Seen from outside the corners go anticlockwise, which with y down has a negative area; mirroring turns that.
    points, outside = (view.points, np.float32(-1)) if mirror is None else (view.points[mirror], np.float32(1))
    _sample(mesh, points, outside, view.pixels, grid, (*sampled, looked.pixel))
    return looked


@compiled
def _hide(pixel: Any, free: Any, sampled: Any, weight: Any, cover: Any) -> None:
    for n in range(len(pixel)):
        share = free[pixel[n]]
        weight[n], cover[n] = share * sampled.weight[n], share * sampled.cover[n]


@compiled
def _sample(mesh: Any, points: Any, outside: Any, pixels: Any, grid: Any, result: Any) -> None:
    triangle, barycentric, faces = mesh
    depth, inside, per_pixel, extent = grid
    colour, weight, cover, pixel = result
    height, width = pixels.shape[:2]
    # Bare numbers would make doubles of everything.
    one, two, three = np.float32(1), np.float32(2), np.float32(3)
    slope_slack, per_slack = np.float32(SLOPE_SLACK) * extent, two / (np.float32(DEPTH_SLACK) * extent)
    per_border = one / (np.float32(BORDER) * extent)
    right, bottom = np.float32(width - 1), np.float32(height - 1)
    here = a = b = c = NONE
    away = turned = False
    for n in range(len(triangle)):
        if here != np.uint32(triangle[n]):
            here = np.uint32(triangle[n])
            a, b, c = np.uint32(faces[here, 0]), np.uint32(faces[here, 1]), np.uint32(faces[here, 2])
            area = (points[b, 0] - points[a, 0]) * (points[c, 1] - points[a, 1])
            area -= (points[b, 1] - points[a, 1]) * (points[c, 0] - points[a, 0])
            away = area * outside <= 0
            turned = away and max(points[a, 3], points[b, 3], points[c, 3]) <= 1
        if turned:
            continue
        u, v, w = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        x = u * points[a, 0] + v * points[b, 0] + w * points[c, 0]
        y = u * points[a, 1] + v * points[b, 1] + w * points[c, 1]
        # Written so that a NaN fails the test too.
        if not (0 <= x <= right and 0 <= y <= bottom):
            continue
        cosine = u * points[a, 3] + v * points[b, 3] + w * points[c, 3]
        if away and cosine <= 1:
            continue
        cosine = abs(cosine)  # in nostrils smooth normals may point away though the surface is seen
        z = u * points[a, 2] + v * points[b, 2] + w * points[c, 2]
        i, j = np.uint32(y * per_pixel + np.float32(0.5)), np.uint32(x * per_pixel + np.float32(0.5))
        slope = np.sqrt(max(np.float32(0), one - cosine * cosine)) / max(cosine, np.float32(0.15))
        behind = z - depth[i, j] - slope_slack * slope
        seen = min(one, two - per_slack * behind)  # 1 up to half the slack, 0 from all of it
        if seen <= 0:
            continue
        column, row = np.uint32(min(int(x), width - 2)), np.uint32(min(int(y), height - 2))
        beside, below = np.uint32(column + 1), np.uint32(row + 1)
        border = min(x, right - x, y, bottom - y) * per_border
        valid = seen * inside[i, j] * min(one, border)
        pixel[n] = row * width + column
        angle = min(one, cosine * np.float32(1 / FACING))
        quality = max(np.float32(POOREST), angle * angle * (three - two * angle))
        weight[n] = valid * quality
        cover[n] = valid * min(one, quality * np.float32(1 / GRAZING))
        dx, dy = x - np.float32(column), y - np.float32(row)
        for k in range(3):
            first, second = np.float32(pixels[row, column, k]), np.float32(pixels[row, beside, k])
            third, fourth = np.float32(pixels[below, column, k]), np.float32(pixels[below, beside, k])
            upper, lower = first + dx * (second - first), third + dx * (fourth - third)
            colour[n, k] = upper + dy * (lower - upper)
