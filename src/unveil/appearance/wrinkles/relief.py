"""From shading to relief: displacements of a surface that explain how much brighter or darker its texels are.

To first order a displacement d along the normal turns it by minus the slope of d, and the logarithm of the brightness
changes by that turn times its own gradient over the normals. That is one equation for two slopes. Across the light they
stay free, and a furrow that faces the light shows only by the light that it keeps out: there, what is darker is taken
to be deeper (as Beeler et al., "High-quality single-shot capture of facial geometry", 2010, do for pores).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unveil.heads.dense import DenseMesh, unit
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Int64s

DEPTH = 0.002  # metres by which what is darker by a factor of e is deeper
DEEPER = 0.1  # weight of that against the equation of the slopes
STIFF = 0.0005  # weight of the squares of the slopes, which are small
STEPS = 40  # of the conjugate gradients


@dataclass(frozen=True, eq=False)
class Grid:
    """The texels [N] of a dense mesh as a grid on its surface."""

    neighbours: Int64s  # [4, N] left, right, above, below; itself where there is none
    along: Floats  # [N, 2, 3] unit vectors of the surface, at right angles
    slopes: Floats  # [2, N, 4] along these: weights of what the neighbours hold, in 1 / metre
    __repr__ = short_repr

    @classmethod
    def of(cls, mesh: DenseMesh, points: Floats, normals: Floats) -> Grid:
        """The grid of the mesh with its vertices at ``points`` [N, 3], of unit ``normals`` [N, 3]."""
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
        """Unit normals [N, 3] of the surface displaced by [N] metres, to first order."""
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
    """Displacements [N] in metres that explain best the ``shade`` of texels; 0 far from any.

    Args:
        shade: [N] logarithm of the brightness against that of the undisplaced surface.
        weight: [N] trust in it, 0 to 1.
        gradient: [N, 2] of the logarithm of the brightness by turns of the normal towards the grid's ``along``.
        grid: the surface.
    """
    turn = -np.einsum("nk,kni->in", gradient, grid.slopes)  # [4, N] what neighbours change the shade by, in 1 / metre
    scale = DEPTH  # unknowns in multiples of it
    turn, slopes = turn * scale, grid.slopes * scale
    neighbours, count = grid.neighbours, len(shade)

    def spread(weights: Floats, values: Floats) -> Floats:
        total = np.zeros(count)
        for one, neighbour in zip(weights, neighbours, strict=True):
            total += np.bincount(neighbour, one * values, minlength=count)
        return total

    def system(d: Floats) -> Floats:
        near = d[neighbours]
        result = spread(turn, weight * np.sum(turn * near, axis=0)) + (DEEPER * weight + 1e-3) * d
        for weights in slopes:
            result += STIFF * spread(weights.T, np.sum(weights.T * near, axis=0))
        return result

    found = _conjugate_gradients(system, spread(turn, weight * shade) + DEEPER * weight * shade)
    return np.asarray(found * scale, np.float32)


def _conjugate_gradients(system: Callable[[Floats], Floats], right: Floats) -> Floats:
    """The solution, nearly, of a symmetric positive definite system."""
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
