"""Models teeth and gums on the dental arches of MakeHuman's helper geometry.

The helpers are plain strips with a quad per tooth, whose teeth only a picture shows. Here each tooth is a small
surface of its own, as wide and high as adults' are, so that light falls into the gaps between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline

# Width and height of the crowns in millimetres, from the middle to the back: incisors, canine, premolars, molars.
# Ash and Nelson, "Wheeler's dental anatomy, physiology and occlusion", table of the average measurements.
UPPER_CROWNS = ((8.5, 10.5), (6.5, 9.0), (7.5, 10.0), (7.0, 8.5), (7.0, 8.5), (10.0, 7.5), (9.0, 7.0))
LOWER_CROWNS = ((5.0, 9.0), (5.5, 9.5), (7.0, 11.0), (7.0, 8.5), (7.0, 8.0), (11.0, 7.5), (10.5, 7.0))
CANINE, MOLAR = 2, 5
# Across a tooth, in half widths; down from the gum, in heights, first outside and then inside.
ACROSS = np.array([-1.0, -0.72, 0.0, 0.72, 1.0])
OUTSIDE, INSIDE = np.array([-0.12, 0.3, 0.72, 0.95, 1.0]), np.array([0.97, 0.55, -0.12])
BULGE, GAP = 1.3e-3, 0.1e-3  # metres: how far the middle stands out before the sides, and half the gap between teeth
THICK_EDGE, THICK_GUM = (1.6e-3, 7.0e-3), (6.5e-3, 9.5e-3)  # metres of incisors and molars
ROUND = (0.10, 0.22, 0.08)  # heights that the corners of incisors, canines and others are shorter by
ARCH_REACH = 0.05  # metres along the arch from the middle
GUM_HEIGHT, GUM_STANDS_OUT, PAPILLA = 5.5e-3, 0.3e-3, 2.2e-3  # metres
IVORY, EDGE, ROOT = (212, 202, 184), (198, 194, 186), (186, 166, 138)  # RGB of a crown: middle, edge, at the gum
GUM, GUM_DEEP = (188, 104, 102), (128, 58, 60)


@dataclass(frozen=True)
class Arch:
    """The line that the outsides of the crowns of one jaw stand on, seen from above."""

    path: CubicSpline  # metres along the arch from the middle to the left -> (x, z)
    edge: np.ndarray  # [2] heights y of the edges of the teeth in the middle and at the back, metres
    down: float  # -1 for the upper jaw, whose teeth point down; 1 for the lower
    crowns: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Surface:
    """A coloured surface with texture coordinates in the unit square."""

    vertices: np.ndarray  # [P, 3]
    faces: np.ndarray  # [F, 3]
    uv: np.ndarray  # [P, 2] in [0, 1]
    colours: np.ndarray  # [P, 3] RGB


def arch_length(outline: np.ndarray) -> float:
    """Length in metres of half an outline [C, 3] from the middle to one end."""
    half = outline[len(outline) // 2 :, [0, 2]]
    return float(np.linalg.norm(np.diff(half, axis=0), axis=1).sum())


def arch_of(outline: np.ndarray, edge: tuple[float, float], down: float) -> Arch:
    """The arch along an outline [C, 3] that is symmetric and runs through the middle."""
    mean = (outline + outline[::-1] * [-1, 1, 1]) / 2
    along = np.r_[0, np.cumsum(np.linalg.norm(np.diff(mean[:, [0, 2]], axis=0), axis=1))]
    along -= along[len(along) // 2]
    sign = np.sign(mean[-1, 0])
    order = np.argsort(along * sign)
    path = CubicSpline((along * sign)[order], mean[order][:, [0, 2]])
    return Arch(path, np.array(edge), down, UPPER_CROWNS if down < 0 else LOWER_CROWNS)


def outside(arch: Arch, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far [P] points [P, 3] lie outside of an arch, seen from above, and the direction (x, z) outwards [P, 2]."""
    along = np.linspace(-ARCH_REACH, ARCH_REACH, 401)
    on_arch, outward = _frame(arch, along)
    nearest = np.linalg.norm(points[:, None, [0, 2]] - on_arch, axis=2).argmin(axis=1)
    return ((points[:, [0, 2]] - on_arch[nearest]) * outward[nearest]).sum(axis=1), outward[nearest]


def teeth(arch: Arch) -> Surface:
    """The crowns of one jaw, symmetric; left and right share a piece of the texture."""
    ends = np.r_[0, np.cumsum([width for width, _ in arch.crowns])] / 1000
    parts = []
    for side in (1, -1):
        for number, (start, stop) in enumerate(pairwise(ends)):
            parts.append(_tooth(arch, number, side * (start + stop) / 2, (stop - start) / 2, ends[-1]))
    return joined(parts)


def joined(parts: list[Surface]) -> Surface:
    """Surfaces as one."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    return Surface(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)]),
        np.concatenate([part.uv for part in parts]),
        np.concatenate([part.colours for part in parts]),
    )


def _frame(arch: Arch, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (x, z) of the arch and unit normals pointing out of the mouth, [..., 2] each."""
    point, tangent = arch.path(along), arch.path(along, 1)
    outward = np.stack([-tangent[..., 1], tangent[..., 0]], axis=-1)
    return point, outward / np.linalg.norm(outward, axis=-1, keepdims=True)


def _edge_height(arch: Arch, along: np.ndarray, length: float) -> np.ndarray:
    """Height y of the edges; it rises to the back with the square of the way."""
    return arch.edge[0] + (arch.edge[1] - arch.edge[0]) * np.minimum(np.abs(along) / length, 1) ** 2


def _tooth(arch: Arch, number: int, centre: float, half: float, length: float) -> Surface:
    height = arch.crowns[number][1] / 1000
    along = centre + ACROSS * (half - GAP)
    point, outward = _frame(arch, along)  # [A, 2]
    middle, normal = _frame(arch, np.array(centre))
    edge = _edge_height(arch, np.array(centre), length)
    back = np.clip(number / MOLAR, 0, 1)
    rows = np.r_[OUTSIDE, INSIDE]
    inner = np.arange(len(rows)) >= len(OUTSIDE)
    shorter = ROUND[0] if number < CANINE else ROUND[1] if number == CANINE else ROUND[2]
    vertices = []
    for row, inside in zip(rows, inner, strict=True):
        # The corners of the edge are rounded off; the middle of the outside stands out.
        share = row - shorter * np.maximum(row, 0) ** 3 * np.abs(ACROSS) ** 1.5
        y = edge + arch.down * -height * (1 - share)
        profile = 1 - 0.55 * max(0.0, row - 0.35) ** 2 - 0.5 * max(0.0, 0.3 - row) ** 2
        stands_out = BULGE * (profile - 1) - BULGE * np.abs(ACROSS) ** 2.5
        if inside:
            thick = (1 - row) * (THICK_GUM[0] + back * (THICK_GUM[1] - THICK_GUM[0]))
            thick += row * (THICK_EDGE[0] + back * (THICK_EDGE[1] - THICK_EDGE[0]))
            stands_out = BULGE * (1 - 0.55 * 0.42) - BULGE - thick + 0.3 * BULGE * np.abs(ACROSS) ** 2
        at = (point + middle + (along - centre)[:, None] * np.array([normal[1], -normal[0]])) / 2
        xz = at + stands_out[:, None] * (outward + normal) / 2
        vertices.append(np.stack([xz[:, 0], y, xz[:, 1]], axis=1))
    grid = np.stack(vertices)  # [R, A, 3]
    v = np.linspace(1, 0, len(rows))
    uv = np.stack(np.meshgrid((number + (ACROSS + 1) / 2) / len(arch.crowns), v), axis=-1)
    shade = np.array([_crown(row, inside) for row, inside in zip(rows, inner, strict=True)])  # [R, 3]
    dim = (1 - 0.18 * np.abs(ACROSS) ** 3) * _depth_shade(np.array(number / (len(arch.crowns) - 1)))
    colours = shade[:, None] * dim[:, None]
    return _grid_surface(grid, uv, colours, flip=arch.down > 0)


def _depth_shade(share: np.ndarray) -> np.ndarray:
    """How much darker it gets from the front of the mouth, share 0, to its back: no viewer casts shadows inside."""
    return np.interp(share, (0.17, 0.5, 0.83), (1.0, 0.6, 0.35))


def _crown(row: float, inside: bool) -> np.ndarray:
    """Colour of a crown at a share of its height from the gum."""
    stops, colours = (-0.12, 0.1, 0.45, 0.8, 1.0), (ROOT, ROOT, IVORY, IVORY, EDGE)
    colour = np.array([np.interp(row, stops, channel) for channel in np.array(colours, float).T])
    return colour * (0.8 if inside else 1.0)


def gums(arch: Arch) -> Surface:
    """A horseshoe around the necks of the teeth of one jaw, drawn out to points between them."""
    ends = np.r_[0, np.cumsum([width for width, _ in arch.crowns])] / 1000
    both = np.r_[-ends[:0:-1], ends]
    centres = (both[:-1] + both[1:]) / 2
    along = np.sort(np.concatenate([both, centres, centres - 0.28 * np.diff(both), centres + 0.28 * np.diff(both)]))
    between = np.abs(along[:, None] - both).min(axis=1) < 1e-9
    shoulder = ~between & (np.abs(along[:, None] - centres).min(axis=1) > 1e-9)
    number = np.clip(np.searchsorted(ends, np.abs(along), side="left") - 1, 0, len(arch.crowns) - 1)
    heights = np.array([height for _, height in arch.crowns]) / 1000
    smooth = np.interp(np.abs(along), (ends[:-1] + ends[1:]) / 2, heights)
    height = np.where(between, smooth - PAPILLA, heights[number] - 0.5e-3 * shoulder)
    point, outward = _frame(arch, along)
    edge = _edge_height(arch, along, ends[-1])
    back = np.clip(np.abs(along) / ends[MOLAR], 0, 1)
    thick = THICK_GUM[0] + back * (THICK_GUM[1] - THICK_GUM[0])
    # (height above the margin, how far it stands out of the teeth's outside); first outside, then inside
    rings = ((GUM_HEIGHT, -1.0e-3), (0.35 * GUM_HEIGHT, 0.4e-3), (0.6e-3, GUM_STANDS_OUT), (0.0, -0.7e-3))
    grid = []
    for above, out in rings:
        necks = height + (heights.max() - height) * above / GUM_HEIGHT  # scalloped at the teeth, even at the far end
        grid.append(_ring(point + out * outward, edge - arch.down * (necks + above)))
    for ring, (_, out) in zip(grid[::-1], rings[::-1], strict=True):
        grid.append(_ring(point - (thick + out)[:, None] * outward, ring[:, 1]))
    rows = np.stack(grid)
    deep = np.array([1.0, 0.45, 0.0, 0.0, 0.1, 0.3, 0.7, 1.0])[:, None, None]
    colours = (1 - deep) * np.array(GUM) + deep * np.array(GUM_DEEP)
    colours = colours * _depth_shade(np.abs(along) / ends[-1])[None, :, None]
    uv = np.stack(np.meshgrid(np.linspace(0, 1, len(along)), np.linspace(1, 0, len(rows))), axis=-1)
    return _grid_surface(rows, uv, colours, flip=arch.down > 0)


def _ring(xz: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([xz[:, 0], y, xz[:, 1]], axis=1)


def _grid_surface(grid: np.ndarray, uv: np.ndarray, colours: np.ndarray, *, flip: bool) -> Surface:
    """A grid [R, A, 3] of points as triangles, which face the viewer where columns run to +x and rows down."""
    rows, columns = grid.shape[:2]
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    if flip:  # rows run upwards
        triangles = triangles[:, ::-1]
        uv = uv * [1, -1] + [0, 1]
    return Surface(grid.reshape(-1, 3), triangles, uv.reshape(-1, 2), colours.reshape(-1, 3))
