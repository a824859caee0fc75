"""How skin looks on a head, and how it folds, learned from many photographs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unveil.geometry.rotation import Array
from unveil.heads.skin.albedo import SIZE
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Int64s

CELLS = 128  # a side of the map that folds are known in

# Corrected colours [K, 3] of vertices, from those seen [K, 3], the share that is seen [K], those that components expect
# [K, 3], and normals [K, 3] (x to the right, y up, z to the camera). Colours are encoded RGB, of 1.
Correction = Callable[[Float32s, Float32s, Float32s, Float32s], Float32s]


@dataclass(frozen=True, eq=False)
class SkinVariation:
    """How faces differ in photographs, skin and light together, learned from many.

    All is of encoded RGB values, of 1, at some vertices.
    """

    vertices: Array  # [K] those of the skin of the face
    mean: Array  # [K, 3]
    components: Array  # [C, K, 3] each for one standard deviation
    variance: Array  # [K, 3] of what components leave
    network: Correction | None = None  # of what components expect where something is hidden
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class SkinFolds:
    """How far each expression unit at full strength raises the skin of anybody's face."""

    cells: Int64s  # [K] row * CELLS + column; elsewhere nothing is known
    raised: Float32s  # [E, K] metres along the normals
    __repr__ = short_repr

    def relief(self, expression: Floats) -> Float32s:
        """The displacement [256, 256] in metres that units [E] make; further ones have no effect."""
        units = np.asarray(expression, np.float32)[: len(self.raised)]
        row, column = (np.mgrid[:SIZE, :SIZE].reshape(2, -1) + 0.5) / SIZE
        centres = np.stack([column, 1 - row], axis=1)
        return at_coordinates(self._maps(units @ self.raised), centres).reshape(SIZE, SIZE)

    def at(self, uv: Floats) -> Float32s:
        """How far each unit raises the skin [E, V], in metres, at texture coordinates [V, 2], v up."""
        return at_coordinates(self._maps(self.raised), uv)

    def _maps(self, values: Float32s) -> Float32s:
        """Values [..., K] of the cells as maps [..., CELLS, CELLS]."""
        maps = np.zeros((*values.shape[:-1], CELLS * CELLS), np.float32)
        maps[..., self.cells] = values
        return maps.reshape(*values.shape[:-1], CELLS, CELLS)


@dataclass(frozen=True, eq=False)
class SkinSpace:
    """How skin looks on the heads of a model, against the mean of its face, learned from photographs.

    Colours are logarithms of encoded RGB values, so that a tone, which is a person's own, is added to them, and so is
    the logarithm of a light's gain (`appearance.light`). Texels as in `geometry.uv`, first row at v = 1; between the
    islands they continue what is inside.
    """

    mean: Array  # [S, S, 3]
    certainty: Array  # [S, S] from 0 to 1: how far photographs show bare skin there
    deviation: Array  # [S, S] standard deviation of what the mean leaves
    variation: SkinVariation | None = None
    folds: SkinFolds | None = None
    __repr__ = short_repr


def at_coordinates(maps: Float32s, uv: Floats) -> Float32s:
    """The values [..., N] of maps [..., S, S], first row at v = 1, interpolated at texture coordinates [N, 2]."""
    size = maps.shape[-1]
    places = np.stack([(1 - uv[:, 1]) * size - 0.5, uv[:, 0] * size - 0.5]).clip(0, size - 1)  # [2, N] row, column
    first = np.minimum(places.astype(np.int64), size - 2)
    down, right = (places - first).astype(np.float32)
    at = first[0] * size + first[1]
    flat = maps.reshape(*maps.shape[:-2], -1)
    above, below = (flat[..., k] * (1 - right) + flat[..., k + 1] * right for k in (at, at + size))
    return np.asarray(above * (1 - down) + below * down, np.float32)
