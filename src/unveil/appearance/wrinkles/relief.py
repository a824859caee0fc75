"""From shading to relief: displacements of a surface that explain why its texels are brighter or darker.

To first order, a displacement d along the normal turns the normal by minus the slope of d, and the logarithm of the
brightness changes by this turn times its gradient over the normals. That is one equation for two slopes. The slope at
right angles to the light stays free, and a furrow that faces the light shows only by the light it keeps out. So darker
is also taken to be deeper (as Beeler et al., "High-quality single-shot capture of facial geometry", 2010, do for
pores).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from unveil.geometry.compiled import compiled
from unveil.heads.skin.dense import DenseMesh, unit
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Int64s

DEPTH = 0.002  # metres by which what is darker by a factor of e is deeper
DEEPER = 0.1  # weight of that against the equation of the slopes
STIFF = 0.0005  # weight of the squares of the slopes, which are small
STEPS = 40  # of conjugate gradients


@dataclass(frozen=True, eq=False)
class Grid:
    """The texels [N] of a dense mesh as a grid on its surface."""

    neighbours: Int64s  # [4, N] left, right, above, below; the texel itself where there is none
    along: Floats  # [N, 2, 3] two unit tangents at right angles
    slopes: Floats  # [2, N, 4] weights of the neighbours' values that give the slopes along these, in 1 / metre
    __repr__ = short_repr

    @classmethod
    def of(cls, mesh: DenseMesh, points: Floats, normals: Floats) -> Grid:
        """The grid of a mesh whose vertices are at ``points`` [N, 3], in metres, with unit ``normals`` [N, 3]."""
        neighbours = neighbours_of(mesh)
        left, right, above, below = neighbours
        across, down = points[right] - points[left], points[below] - points[above]
        first = unit(across - normals * np.sum(across * normals, axis=1, keepdims=True))
        second = np.cross(normals, first)
        u1, v1, v2 = (np.sum(a * b, axis=1) for a, b in ((across, first), (down, first), (down, second)))
        whole = (left != right) & (above != below) & (np.abs(u1) > 1e-6) & (np.abs(v2) > 1e-6)
        per_u = np.where(whole, 1 / np.where(whole, u1, 1), 0)
        per_v = np.where(whole, 1 / np.where(whole, v2, 1), 0)
        skew = -v1 * per_u * per_v
        slopes = np.stack(
            [
                np.stack([-per_u, per_u, np.zeros_like(per_u), np.zeros_like(per_u)], axis=1),
                np.stack([-skew, skew, -per_v, per_v], axis=1),
            ]
        )
        return cls(neighbours, np.stack([first, second], axis=1), slopes)

    def normals(self, displacement: Floats, normals: Floats) -> Floats:
        """Unit normals [N, 3] of the surface after a displacement [N] in metres, to first order."""
        slope = np.einsum("kni,in->nk", self.slopes, displacement[self.neighbours])
        return unit(normals - np.einsum("nk,nkc->nc", slope, self.along))


def neighbours_of(mesh: DenseMesh) -> Int64s:
    """The texels left, right, above and below of each [4, N]; the texel itself where there is none."""
    size = mesh.size
    number = np.full((size + 2) * (size + 2), -1)
    row, column = np.divmod(mesh.texels, size)
    place = (row + 1) * (size + 2) + column + 1
    number[place] = np.arange(len(place))
    found = number[np.stack([place - 1, place + 1, place - size - 2, place + size + 2])]
    return np.where(found < 0, np.arange(len(place)), found)


def find_relief(shade: Floats, weight: Floats, gradient: Floats, grid: Grid) -> Float32s:
    """Displacements [N] in metres that best explain the ``shade`` of texels; 0 far from any shade.

    Args:
        shade: [N] logarithm of the brightness relative to the undisplaced surface.
        weight: [N] trust in it, 0 to 1.
        gradient: [N, 2] of the logarithm of the brightness, per radian of turn of the normal towards ``grid.along``.
        grid: the surface.
    """
    shade, weight = np.asarray(shade, np.float64), np.asarray(weight, np.float64)
    scale = DEPTH  # the unknowns are in multiples of it
    turn = -np.einsum("nk,kni->ni", gradient, grid.slopes) * scale  # [N, 4] change of the shade per neighbour's unknown
    # Three sums over the four neighbours [3, N, 4], the shade and two slopes; their squares have weights [3, N].
    sums = np.concatenate([turn[None], grid.slopes * scale])
    weights = np.stack([weight, np.full_like(weight, STIFF), np.full_like(weight, STIFF)])
    own = DEEPER * weight + 1e-3

    def system(d: Floats) -> Floats:
        result = own * d
        _add_products(result, d, grid.neighbours, sums, weights)
        return result

    right = DEEPER * weight * shade
    for neighbours, turns in zip(grid.neighbours, turn.T, strict=True):
        right += np.bincount(neighbours, turns * weight * shade, minlength=len(shade))
    return np.asarray(_conjugate_gradients(system, right) * scale, np.float32)


@compiled
def _add_products(result: Any, values: Any, neighbours: Any, sums: Any, weights: Any) -> None:
    """Add the gradient, over values [N], of half the weighted squares of sums [M, N, 4] over neighbours [4, N]."""
    for m in range(len(sums)):
        for n in range(len(values)):
            one, two, three, four = sums[m, n]
            a, b, c, d = neighbours[0, n], neighbours[1, n], neighbours[2, n], neighbours[3, n]
            total = weights[m, n] * (one * values[a] + two * values[b] + three * values[c] + four * values[d])
            result[a] += one * total
            result[b] += two * total
            result[c] += three * total
            result[d] += four * total


def _conjugate_gradients(system: Callable[[Floats], Floats], right: Floats) -> Floats:
    """The approximate solution of a symmetric positive definite system."""
    found, rest = np.zeros_like(right), right.copy()
    direction, size = rest.copy(), float(rest @ rest)
    for _ in range(STEPS):
        if size < 1e-12:
            break
        moved = system(direction)
        step = size / float(direction @ moved)
        found += step * direction
        rest -= step * moved
        size, before = float(rest @ rest), size
        direction = rest + (size / before) * direction
    return found
