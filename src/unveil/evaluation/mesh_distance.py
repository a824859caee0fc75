"""Exact distances from points to the surface of a triangle mesh.

The triangles are sorted into a tree of boxes once; a point then looks only into boxes that could hold a nearer
triangle than the nearest one so far, starting with a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.geometry.compiled import compiled
from unveil.typing import Float64s, Floats, Int64s, Ints

LEAF = 4  # triangles that are not worth another box
DEEPEST = 64  # levels of the tree that a walk has room for


@dataclass(frozen=True, eq=False)
class Nearest:
    """Where the surface is nearest to each of N points, in the frame and unit of the mesh."""

    points: Float64s  # [N, 3] on the surface
    distances: Float64s  # [N]
    triangles: Int64s  # [N]


class MeshTree:
    """A triangle mesh that can be asked for its nearest point.

    Args:
        vertices: [V, 3], finite.
        faces: [F, 3] indices of vertices, F > 0. Triangles without area count as the line or point that they are.
    """

    def __init__(self, vertices: Floats, faces: Ints) -> None:
        self.corners = np.ascontiguousarray(vertices[faces], np.float64)  # [F, 3, 3]
        depth = max(0, int(np.ceil(np.log2(len(faces) / LEAF))))
        self._order, self._ranges = _sort(self.corners.mean(axis=1), depth)
        self._boxes = _boxes(self.corners, self._order, self._ranges)

    def nearest(self, points: Floats, guess: Int64s | None = None) -> Nearest:
        """The nearest point of the surface for each of ``points`` [N, 3].

        ``guess`` [N] is a triangle near each point, if one is known; it only saves time.
        """
        wanted = np.ascontiguousarray(points, np.float64)
        start = np.zeros(len(wanted), np.int64) if guess is None else guess
        return Nearest(*_nearest(wanted, self.corners, self._order, self._ranges, self._boxes, start))


@compiled
def _sort(centres: Float64s, depth: int) -> tuple[Int64s, Int64s]:
    """Triangles by their leaf [F], and the first and one past the last of each of the tree's nodes [K, 2].

    Node k has the nodes 2k + 1 and 2k + 2 below it, each with half of its triangles along the longest side of the box
    of their centres.
    """
    order = np.arange(len(centres))
    ranges = np.zeros((2 ** (depth + 1) - 1, 2), np.int64)
    ranges[0, 1] = len(centres)
    for node in range(2**depth - 1):
        first, last = ranges[node]
        middle = (first + last) // 2
        inside = order[first:last]
        axis, longest = 0, -1.0
        for k in range(3):
            side = centres[inside, k].max() - centres[inside, k].min()
            if side > longest:
                axis, longest = k, side
        order[first:last] = inside[np.argsort(centres[inside, axis])]
        ranges[2 * node + 1] = first, middle
        ranges[2 * node + 2] = middle, last
    return order, ranges


@compiled
def _boxes(corners: Float64s, order: Int64s, ranges: Int64s) -> Float64s:
    """Lowest and highest coordinates of each node's triangles [K, 2, 3], from the leaves up."""
    boxes = np.empty((len(ranges), 2, 3))
    boxes[:, 0], boxes[:, 1] = np.inf, -np.inf
    first_leaf = len(ranges) // 2
    for node in range(len(ranges) - 1, -1, -1):
        if node >= first_leaf:
            for i in range(ranges[node, 0], ranges[node, 1]):
                for corner in corners[order[i]]:
                    boxes[node, 0] = np.minimum(boxes[node, 0], corner)
                    boxes[node, 1] = np.maximum(boxes[node, 1], corner)
        else:
            left, right = boxes[2 * node + 1], boxes[2 * node + 2]
            boxes[node, 0] = np.minimum(left[0], right[0])
            boxes[node, 1] = np.maximum(left[1], right[1])
    return boxes


@compiled
def _nearest(
    points: Float64s, corners: Float64s, order: Int64s, ranges: Int64s, boxes: Float64s, guess: Int64s
) -> tuple[Float64s, Float64s, Int64s]:
    found = np.empty_like(points)
    distances = np.empty(len(points))
    triangles = np.empty(len(points), np.int64)
    waiting = np.empty(DEEPEST, np.int64)
    trial = np.empty(3)
    first_leaf = len(ranges) // 2
    for n in range(len(points)):
        p, best = points[n], guess[n]
        least = _to_triangle(p, corners[best], found[n])
        waiting[0], count = 0, 1
        while count:
            count -= 1
            node = waiting[count]
            if _to_box(p, boxes[node]) >= least:
                continue
            if node >= first_leaf:
                for i in range(ranges[node, 0], ranges[node, 1]):
                    squared = _to_triangle(p, corners[order[i]], trial)
                    if squared < least:
                        least, best = squared, order[i]
                        found[n] = trial
            else:  # the nearer of the two last, so that it is looked into first
                left, right = 2 * node + 1, 2 * node + 2
                if _to_box(p, boxes[left]) < _to_box(p, boxes[right]):
                    left, right = right, left
                waiting[count], waiting[count + 1] = left, right
                count += 2
        distances[n], triangles[n] = np.sqrt(least), best
    return found, distances, triangles


@compiled
def _to_box(p: Float64s, box: Float64s) -> float:
    """Squared distance of a point to a box [2, 3]."""
    total = 0.0
    for k in range(3):
        outside = max(box[0, k] - p[k], p[k] - box[1, k], 0.0)
        total += outside * outside
    return total


@compiled
def _to_triangle(p: Float64s, corners: Float64s, nearest: Float64s) -> float:
    """Squared distance of a point to a triangle [3, 3]; the nearest point is written into ``nearest``.

    Where the foot of the perpendicular is in the triangle, that is it. Otherwise it is on one of the sides.
    """
    a = corners[0]
    ux, uy, uz = corners[1, 0] - a[0], corners[1, 1] - a[1], corners[1, 2] - a[2]
    vx, vy, vz = corners[2, 0] - a[0], corners[2, 1] - a[1], corners[2, 2] - a[2]
    wx, wy, wz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    uu, uv, vv = ux * ux + uy * uy + uz * uz, ux * vx + uy * vy + uz * vz, vx * vx + vy * vy + vz * vz
    wu, wv = wx * ux + wy * uy + wz * uz, wx * vx + wy * vy + wz * vz
    area = uu * vv - uv * uv
    s, t = vv * wu - uv * wv, uu * wv - uv * wu
    if area > 1e-14 * uu * vv and s >= 0 and t >= 0 and s + t <= area:
        s, t = s / area, t / area
        nearest[0], nearest[1], nearest[2] = a[0] + s * ux + t * vx, a[1] + s * uy + t * vy, a[2] + s * uz + t * vz
        return _squared(p, nearest)
    least = np.inf
    for i in range(3):
        start, end = corners[i], corners[(i + 1) % 3]
        ex, ey, ez = end[0] - start[0], end[1] - start[1], end[2] - start[2]
        length = ex * ex + ey * ey + ez * ez
        r = (p[0] - start[0]) * ex + (p[1] - start[1]) * ey + (p[2] - start[2]) * ez
        r = min(max(r / length, 0.0), 1.0) if length > 0 else 0.0
        x, y, z = start[0] + r * ex, start[1] + r * ey, start[2] + r * ez
        squared = (p[0] - x) ** 2 + (p[1] - y) ** 2 + (p[2] - z) ** 2
        if squared < least:
            least = squared
            nearest[0], nearest[1], nearest[2] = x, y, z
    return least


@compiled
def _squared(a: Float64s, b: Float64s) -> float:
    return float((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)
