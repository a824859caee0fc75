"""What a photograph shows of a head: the colour of each surface point, and how far to trust it."""

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

DEPTH_SIZE = 512  # steps of the depth grid along the longer side of the head; half as many where the head is small
# Lengths are shares of the longer side of the head.
DEPTH_SLACK = 0.006  # a point this far behind the nearest surface still counts as seen; lids are no thinner
SLOPE_SLACK = 1 / 128  # the same along the slope of the surface
SPREAD = 1 / 256  # by which the nearest surface also hides what is beside it
# Distances from the outline of the head between which trust grows from none to full: the fit is never exact there, and
# what the photograph shows may be the wall.
OUTLINE_FROM, OUTLINE_TO = 0.012, 0.07
BORDER = 3 / 128  # over which trust fades towards the edge of the photograph
NEAR = 0.03  # distance from hidden pixels within which others may show the occluder too
COARSE = 8  # pixels of the view per pixel of the picture in which that distance is measured
FACING = 0.6  # cosine between normal and camera from which a point is seen as well as can be
POOREST = 0.02  # quality of a point that is seen edge-on: any better view of it wins
GRAZING = 0.6  # quality below which a view only partly covers a point, because it smears what it shows


@dataclass(frozen=True, eq=False)
class View:
    """The part of a photograph with the head, no finer than the texture, and the depth of the surface in it."""

    part: tuple[slice, slice]  # rows and columns of the photograph
    pixels: Image  # [H, W, 3] of that part
    free: Float32s  # [H, W] 1 where nothing hides the head, 0 where something does
    # Vertices [V, 4]: x, y and depth in these pixels, and the cosine between normal and camera. A cosine above one
    # marks a vertex that counts as facing the camera in any case.
    points: Float32s
    normals: Float32s  # [V, 3] of unit length; x to the right, y up, z to the camera
    depth: Float32s  # [D, D'] depth of the nearest surface, in these pixels, on a grid of its own
    inside: Float32s  # [D, D'] trust by the distance from the outline
    step: float  # pixels per step of the depth grid
    extent: float  # pixels of the head's longer side

    def without(self, hidden: Bools | None) -> View:
        """The same view where something hides these pixels [H, W] of the photograph."""
        return replace(self, free=_free(hidden, self.part, self.pixels.shape[1::-1]))

    def near_hidden(self) -> Float32s:
        """How near [V] the vertices lie to pixels that do not show the head, 0 to 1."""
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
        """The view of a head for a texture of ``size`` texels a side.

        Args:
            image: the photograph, uint8 RGB [H, W, 3].
            projected: [V, 3] vertices in its pixels and a depth in pixels, smaller is nearer.
            faces: [F, 3] triangles.
            size: texels a side; a finer photograph is reduced to about as many pixels.
            hidden: [H, W] pixels that do not show the head.
        """
        left, top, right, bottom = part_with(projected, image.shape)
        part = np.s_[top:bottom, left:right]
        low, high = bounds(projected[:, :2])
        longer = max(1.0, float((high - low).max()))
        scale = min(1.0, size / longer)  # pixels finer than the texels would alias
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
    """The part of a photograph of ``shape`` [H, W, ...] with vertices [V, 3]: left, top, right, bottom; never empty."""
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
    # Beside a nearer surface, the photograph may still show that surface, so it spreads a little.
    reach = 2 * round(SPREAD * extent / step) + 1
    nearest = cv2.erode(np.minimum(depth, np.float32(1e9)), np.ones((reach, reach)))
    distance = cv2.distanceTransform(np.isfinite(depth).astype(np.uint8), cv2.DIST_L2, 3) * (step / extent)
    trust = smooth_step(distance, OUTLINE_FROM, OUTLINE_TO)
    return nearest.astype(np.float32), trust.astype(np.float32)


class Sampled(NamedTuple):
    """The photograph at each of N texels."""

    colour: Float32s  # [N, 3]
    weight: Float32s  # [N] how surely and how well each is seen, to compare with other looks at the same points
    cover: Float32s  # [N] how far this look suffices, 0 to 1


class Looked(NamedTuple):
    """The photograph at each of N texels, before it is known what hides the head."""

    sampled: Sampled
    pixel: Int32s  # [N] pixel of the view, row by row, at each texel that is seen

    def through(self, free: Float32s) -> Sampled:
        """What is seen where the pixels of the view are ``free`` [H, W]."""
        if free.min() == 1:
            return self.sampled
        weight, cover = np.empty_like(self.sampled.weight), np.empty_like(self.sampled.cover)
        _hide(self.pixel, free.ravel(), self.sampled, weight, cover)
        return self.sampled._replace(weight=weight, cover=cover)


def sample_view(view: View, mesh: TexelMesh, mirror: Ints | None = None) -> Sampled:
    """The photograph at each texel, or at its mirrored point; arguments as those of `look_at`."""
    return look_at(view, mesh, mirror).through(view.free)


def look_at(view: View, mesh: TexelMesh, mirror: Ints | None = None) -> Looked:
    """The photograph at each texel, as if nothing hid the head.

    Args:
        view: of the photograph.
        mesh: the texels.
        mirror: [V] the vertex on the other side of each vertex, to look at the mirrored points instead.
    """
    count = len(mesh[0])
    sampled = Sampled(np.zeros((count, 3), np.float32), np.zeros(count, np.float32), np.zeros(count, np.float32))
    looked = Looked(sampled, np.zeros(count, np.int32))
    grid = (view.depth, view.inside, np.float32(1 / view.step), np.float32(view.extent))
    # From outside, corners go anticlockwise, which with y down is a negative area. Mirroring changes the sign.
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
    # Plain Python numbers would turn everything into doubles.
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
        cosine = abs(cosine)  # in nostrils, smooth normals may point away from the camera that sees the surface
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
