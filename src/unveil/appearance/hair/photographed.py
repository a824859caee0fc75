"""What a photograph shows of a surface of hair: loops over the texels that face the camera.

Surfaces are given as the places [R, C, 3] of their nodes in the photograph, x, y and depth in pixels; columns go
around. From each node to the next there are as many texels, which lie between the four nodes around them.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from unveil.geometry.compiled import compiled
from unveil.geometry.sampling import between
from unveil.geometry.smooth_step_compiled import step_between
from unveil.typing import Bools, Float32s, Float64s, Image

FACING = (0.05, 0.35)  # cosines to the camera between which hair is seen well enough
CURVED = 0.1  # by which texels between four nodes may face the camera more than at these
KNOWN = 0.9  # from which on the photograph says what is there
SURE = (0.0, 1.5)  # log odds between which a pixel counts as hair
SHOWN = (-2.0, -0.5)  # the same between which it is shown as it is, such as the skin between hairs
# Texels over which hair that is shown goes over into what is made up; and by how many more of them that reaches into
# a lock, the darker that is by the logarithm.
JOINS, LOCKS = 10.0, 25.0


def shown_at_texels(
    nodes: Float64s, step: int, maps: tuple[Float64s, Float32s], front: tuple[Float64s, Float32s, float]
) -> Float32s:
    """How far [H, W, 3] a texel shows the head, shows hair or what is between, and surely shows hair.

    Args:
        nodes: of the surface.
        step: texels from node to node.
        maps: the map [2, 3] from pixels of the photograph to those of [W, W, 4]: log odds of hair, the same away from
            its outline, how far both are known, and whether there is the head.
        front: the map [2, 3] to those of the depth [D, D] of what is nearest, and how far behind that still counts.
    """
    shown = np.zeros(((nodes.shape[0] - 1) * step, nodes.shape[1] * step, 3), np.float32)
    _shown(nodes, step, maps, front, shown)
    return shown


def colours_at_texels(nodes: Float64s, step: int, picture: tuple[Float64s, Image], shown: Float32s) -> Float32s:
    """The colours [H, W, 3] of texels, black where none of what is ``shown`` [H, W, K] is above zero.

    ``picture`` is the map [2, 3] from pixels of the photograph to those of a picture of it uint8 [h, w, 3], and that.
    """
    colours = np.zeros((*shown.shape[:2], 3), np.float32)
    _colours(nodes, step, picture, shown, colours)
    return colours


def join(shown: Float32s, made_up: Bools, strands: Float32s) -> None:
    """Show less [H, W] of hair the nearer it is to what is ``made_up`` [H, W], so that they join along locks.

    ``strands`` [H, W] are the logarithms by which made-up strands are lighter than what is around them.
    """
    _join(shown, cv2.distanceTransform((~made_up).view(np.uint8), cv2.DIST_L2, 3), strands)


@compiled
def _join(shown: Any, away: Any, strands: Any) -> None:
    for i in range(shown.shape[0]):
        for j in range(shown.shape[1]):
            if shown[i, j] > 0:
                shown[i, j] *= step_between(away[i, j] + LOCKS * strands[i, j], 0.0, JOINS)


@compiled
def _shown(nodes: Any, step: Any, maps: Any, front: Any, shown: Any) -> None:
    (to_map, values), (to_front, depth, slack) = maps, front
    for row in range(nodes.shape[0] - 1):
        for column in range(nodes.shape[1]):
            a, across, down, twist = _patch(nodes, row, column)
            if not _turned_to(across, down, twist):
                continue
            for i in range(step):
                y = (i + 0.5) / step
                first, along = _plus(a, down, y), _plus(across, twist, y)
                for j in range(step):
                    x = (j + 0.5) / step
                    facing = _facing(along, _plus(down, twist, x))
                    if facing <= FACING[0]:
                        continue
                    u, v, z = _plus(first, along, x)
                    if z > _nearest(depth, _moved(to_front, u, v)) + slack:
                        continue
                    u, v = _moved(to_map, u, v)
                    if not (0 <= u < values.shape[1] - 1 and 0 <= v < values.shape[0] - 1):
                        continue
                    if between(values, u, v, 2) <= KNOWN:
                        continue
                    odds, sure = between(values, u, v, 0), between(values, u, v, 1)
                    free = step_between(facing, FACING[0], FACING[1])
                    hair = free * step_between(sure, SURE[0], SURE[1])
                    if values[np.uint32(v + 0.5), np.uint32(u + 0.5), 3] < 0.5:
                        free = 0.0
                    m, n = np.uint32(row * step + i), np.uint32(column * step + j)
                    shown[m, n, 0], shown[m, n, 2] = free, hair
                    shown[m, n, 1] = max(free * step_between(odds, SHOWN[0], SHOWN[1]), hair)


@compiled
def _colours(nodes: Any, step: Any, picture: Any, shown: Any, colours: Any) -> None:
    to_picture, image = picture
    height, width = image.shape[:2]
    for row in range(nodes.shape[0] - 1):
        for column in range(nodes.shape[1]):
            a, across, down, twist = _patch(nodes, row, column)
            for i in range(step):
                y = (i + 0.5) / step
                first, along = _plus(a, down, y), _plus(across, twist, y)
                for j in range(step):
                    m, n = np.uint32(row * step + i), np.uint32(column * step + j)
                    if not (shown[m, n, 0] > 0 or shown[m, n, 1] > 0 or shown[m, n, 2] > 0):
                        continue
                    u, v, _ = _plus(first, along, (j + 0.5) / step)
                    u, v = _moved(to_picture, u, v)
                    if not (0 <= u < width - 1 and 0 <= v < height - 1):
                        continue
                    for c in range(3):
                        colours[m, n, c] = between(image, u, v, c)


@compiled
def _patch(nodes: Any, row: Any, column: Any) -> Any:
    """A node, and what the point between it and the next ones gains across, down, and for both together."""
    beside = column + 1 if column + 1 < nodes.shape[1] else 0
    a, b, c, d = nodes[row, column], nodes[row, beside], nodes[row + 1, column], nodes[row + 1, beside]
    return (
        (a[0], a[1], a[2]),
        (b[0] - a[0], b[1] - a[1], b[2] - a[2]),
        (c[0] - a[0], c[1] - a[1], c[2] - a[2]),
        (a[0] - b[0] - c[0] + d[0], a[1] - b[1] - c[1] + d[1], a[2] - b[2] - c[2] + d[2]),
    )


@compiled
def _plus(start: Any, way: Any, share: Any) -> Any:
    return start[0] + way[0] * share, start[1] + way[1] * share, start[2] + way[2] * share


@compiled
def _facing(along: Any, down: Any) -> Any:
    """The cosine between the normal of a surface, with two ways along it, and the way to the camera along the depth."""
    (ax, ay, az), (dx, dy, dz) = along, down
    nx, ny, nz = dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax
    return -nz / max(np.sqrt(nx * nx + ny * ny + nz * nz), 1e-12)


@compiled
def _turned_to(across: Any, down: Any, twist: Any) -> Any:
    """Whether some of the four corners between nodes face the camera nearly enough to be seen."""
    for x in range(2):
        for y in range(2):
            if _facing(_plus(across, twist, y), _plus(down, twist, x)) > FACING[0] - CURVED:
                return True
    return False


@compiled
def _moved(matrix: Any, u: Any, v: Any) -> Any:
    return (
        matrix[0, 0] * u + matrix[0, 1] * v + matrix[0, 2],
        matrix[1, 0] * u + matrix[1, 1] * v + matrix[1, 2],
    )


@compiled
def _nearest(values: Any, place: Any) -> Any:
    """The value [H, W] of the pixel nearest to a place, infinite beyond the edges."""
    x, y = place
    if not (-0.5 <= x < values.shape[1] - 0.5 and -0.5 <= y < values.shape[0] - 0.5):
        return np.float32(np.inf)
    return values[np.uint32(y + 0.5), np.uint32(x + 0.5)]
