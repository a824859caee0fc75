"""How skin looks on a head, and how it folds, learned from many photographs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unveil.geometry.rotation import Array
from unveil.heads.skin.albedo import SIZE
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Int64s

CELLS = 128  # a side of the map of folds

# Corrects expected colours: (colours seen [K, 3], share that is seen [K], colours that the components expect [K, 3],
# normals [K, 3] with x to the right, y up, z to the camera) -> colours [K, 3]. Colours are encoded RGB from 0 to 1.
Correction = Callable[[Float32s, Float32s, Float32s, Float32s], Float32s]


@dataclass(frozen=True, eq=False)
class SkinVariation:
    """How faces differ in photographs, skin and light together: principal components of their colours.

    Colours are encoded RGB from 0 to 1, at the K vertices of the skin of the face.
    """

    vertices: Array  # [K] rows of the head model's vertices
    mean: Array  # [K, 3]
    components: Array  # [C, K, 3] each for one standard deviation
    variance: Array  # [K, 3] that the components leave
    network: Correction | None = None  # corrects what the components expect of hidden skin
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class SkinFolds:
    """How far each expression unit at full strength raises the skin of everybody's face."""

    cells: Int64s  # [K] row * CELLS + column of those where folds are known
    raised: Float32s  # [E, K] metres along the normals
    __repr__ = short_repr

    def relief(self, expression: Floats) -> Float32s:
        """The displacement [256, 256] in metres by units [E]; units without known folds have no effect."""
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
    """How skin looks on the heads of a model, relative to the mean colour of its face, learned from photographs.

    Colours are logarithms of encoded RGB values, so a person's tone and the gain of the light (`appearance.light`) are
    added as logarithms. Texels are those of `geometry.uv`, first row at v = 1; between the islands, values continue
    those inside.
    """

    mean: Array  # [S, S, 3]
    certainty: Array  # [S, S] from 0 to 1: how surely photographs show bare skin there
    deviation: Array  # [S, S] standard deviation around the mean
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
