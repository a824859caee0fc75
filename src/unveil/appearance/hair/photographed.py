"""What a photograph shows of a surface of hair: loops over the texels that face the camera.

A surface is given by the places [R, C, 3] of its nodes in the photograph: x, y and depth in pixels. Its columns go
around the head. Between four nodes there are ``step`` by ``step`` texels, whose places are interpolated.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from unveil.geometry.compiled import compiled
from unveil.geometry.sampling import between
from unveil.geometry.smooth_step_compiled import step_between
from unveil.typing import Bools, Float32s, Float64s, Image

FACING = (0.05, 0.35)  # cosines between the normal and the camera between which a surface comes to be well seen
CURVED = 0.1  # by how much larger that cosine may be between four nodes than at them
KNOWN = 0.9  # from this on, the photograph tells what is there
SURE = (0.0, 1.5)  # log odds between which a pixel comes to count as hair
SHOWN = (-2.0, -0.5)  # log odds between which it comes to be shown as it is, such as skin between hairs
JOINS = 10.0  # texels over which photographed hair blends into made-up hair
LOCKS = 25.0  # texels by which it ends sooner or later from lock to lock, per unit of the logarithm of their lightness


def shown_at_texels(
    nodes: Float64s, step: int, maps: tuple[Float64s, Float32s], front: tuple[Float64s, Float32s, float]
) -> Float32s:
    """How far [H, W, 3], from 0 to 1, a texel shows the head; hair, or what is between hairs; and surely hair.

    Args:
        nodes: [R, C, 3] of the surface.
        step: texels from node to node.
        maps: the affine map [2, 3] from pixels of the photograph to those of a picture, and the picture [W, W, 4]: log
            odds of hair, log odds of hair away from its outline, how far both are known, and 1 on the head.
        front: the affine map [2, 3] to pixels of a depth map, the depth map [D, D] of the nearest surfaces, and how far
            behind these a texel is still seen.
    """
    shown = np.zeros(((nodes.shape[0] - 1) * step, nodes.shape[1] * step, 3), np.float32)
    _shown(nodes, step, maps, front, shown)
    return shown


def colours_at_texels(nodes: Float64s, step: int, picture: tuple[Float64s, Image], shown: Float32s) -> Float32s:
    """The colours [H, W, 3] of texels; black where all of ``shown`` is zero.

    Args:
        nodes: [R, C, 3] of the surface.
        step: texels from node to node.
        picture: the affine map [2, 3] from pixels of the photograph to those of a picture of it, and that picture,
            uint8 [h, w, 3].
        shown: [H, W, K] what a texel shows.
    """
    colours = np.zeros((*shown.shape[:2], 3), np.float32)
    _colours(nodes, step, picture, shown, colours)
    return colours


def join(shown: Float32s, made_up: Bools, strands: Float32s) -> None:
    """Fade photographed hair near made-up hair, so that the two join along locks and not along a line.

    Args:
        shown: [H, W] how far photographed hair is shown; changed in place.
        made_up: [H, W] which texels are made up.
        strands: [H, W] logarithm of how much lighter made-up strands are than hair around them.
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
    """A node, and its differences to the next across and down, and the mixed one: those of bilinear interpolation."""
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
    """The cosine between the direction to the camera and the normal of a surface with two tangents."""
    (ax, ay, az), (dx, dy, dz) = along, down
    nx, ny, nz = dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax
    return -nz / max(np.sqrt(nx * nx + ny * ny + nz * nz), 1e-12)


@compiled
def _turned_to(across: Any, down: Any, twist: Any) -> Any:
    """Whether the surface between four nodes faces the camera at one of them, or so nearly that it may in between."""
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
    """The value of the pixel nearest to a place of a map [H, W], infinite beyond its edges."""
    x, y = place
    if not (-0.5 <= x < values.shape[1] - 0.5 and -0.5 <= y < values.shape[0] - 0.5):
        return np.float32(np.inf)
    return values[np.uint32(y + 0.5), np.uint32(x + 0.5)]
