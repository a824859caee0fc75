"""Albedo from texture coefficients, in the UV layout of FLAME, and how the light of DECA falls on it."""

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


@dataclass(frozen=True, eq=False)
class SkinVariation:
    """How skins of people differ from their mean, at some vertices, learned from photographs.

    Traits of a person are the logarithms of the encoded tone, RGB, and CIELAB of the hair. Everything else is
    logarithms of encoded RGB albedo, as in `SkinSpace`.
    """

    vertices: Array  # [K] those of the skin of the face
    traits: Array  # [2, 6] mean and scale of the traits
    told: Array  # [7, K, 3] what is told by a one and by the scaled traits
    components: Array  # [C, K, 3] of what that leaves, each for one standard deviation
    variance: Array  # [K, 3] of what components leave
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class SkinSpace:
    """What skin looks like on the heads of a model, against the mean of its face, learned from photographs.

    Colours are logarithms of encoded RGB values, so that a tone, which is a person's own, is added to them, and so is
    the logarithm of a light's gain (`appearance.light`). Texels as in `geometry.uv`, first row at v = 1; between the
    islands they continue what is inside.
    """

    mean: Array  # [S, S, 3]
    certainty: Array  # [S, S] from 0 to 1: how far photographs show bare skin there
    deviation: Array  # [S, S] standard deviation of what the mean leaves
    variation: SkinVariation | None = None
    __repr__ = short_repr
