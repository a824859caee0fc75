"""Albedo that is linear in texture coefficients, as in research models, and DECA's light on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unveil.geometry.lighting import irradiance
from unveil.geometry.rotation import Array
from unveil.reprs import short_repr

SIZE = 256  # texels a side

# DECA's coefficients were trained with the constants of the clamped cosine, except that band 0 lacks its factor pi.
LIGHT_BANDS = (1.0, 2 * math.pi / 3, math.pi / 4)


@dataclass(frozen=True, eq=False)
class AlbedoSpace:
    """Mean and components of the colour of skin, RGB with 1 for full reflectance.

    At texels, first row at v = 1, or at vertices: [V, 3] in place of [256, 256, 3].
    """

    mean: Array  # [256, 256, 3]
    basis: Array  # [K, 256, 256, 3]
    __repr__ = short_repr

    def albedo(self, texture: Array) -> Array:
        """Albedo [..., 256, 256, 3] for coefficients [..., K]; a little outside 0 to 1 for unlikely ones."""
        flat = self.basis.reshape(self.basis.shape[0], -1)
        return self.mean + (texture @ flat).reshape(*texture.shape[:-1], *self.mean.shape)


def shade(albedo: Array, normals: Array, light: Array) -> Array:
    """Colours [..., N, 3] of surfaces of this albedo [..., N, 3] and unit normals [..., N, 3] of the posed head.

    ``light`` [..., 27] is DECA's group of that name: nine harmonics by RGB.
    """
    return albedo * irradiance(normals, light.reshape(*light.shape[:-1], 9, 3), LIGHT_BANDS)
