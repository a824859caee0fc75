"""Skin by coefficients: wrinkles and colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unveil.heads.layout import Coefficients
from unveil.heads.skin.albedo import AlbedoSpace
from unveil.typing import Float32s, Floats

if TYPE_CHECKING:
    from unveil.heads.skin.detail import Detail, DetailSurface  # which are slow to import

# Displacement maps [N, 256, 256] in metres along the normals, of coefficients [N, M].
Displacement = Callable[[Coefficients], Floats]


@dataclass(frozen=True, eq=False)
class SkinModel:
    """As much of it as a model and its files allow; nothing for most models."""

    surface: DetailSurface | None = None
    decode: Displacement | None = None  # what the surface's maps come from, without what is fixed
    albedo_space: AlbedoSpace | None = None
    files: tuple[Path, ...] = ()  # the user's files that heads are made with, those of the head model among them

    @property
    def has_details(self) -> bool:
        """Whether heads get any: from coefficients, or without ``decode`` from photographs."""
        return self.surface is not None

    def details(self, vertices: Floats, coefficients: Coefficients) -> list[Detail | None]:
        """The details of heads with posed ``vertices`` [N, V, 3] and coefficients [N, M]; None where none are known."""
        if self.surface is None or self.decode is None:
            return [None] * len(vertices)
        from unveil.heads.skin.detail import Detail

        return [Detail(self.surface, *face) for face in zip(vertices, self.decode(coefficients), strict=True)]

    def albedos(self, coefficients: Coefficients) -> list[Float32s | None]:
        """The colours [256, 256, 3] of the skin of coefficients [N, M]; None where they are not known."""
        if self.albedo_space is None:
            return [None] * len(coefficients.values)
        return list(np.asarray(self.albedo_space.albedo(coefficients["texture"]), np.float32))
