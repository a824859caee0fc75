"""Distant light as spherical harmonics of second order, and how bright it makes a matt surface."""

from __future__ import annotations

import math

from unveil.geometry.arrays import array_namespace
from unveil.geometry.rotation import Array

# A matt surface gathers light over a hemisphere, weighted by the cosine; this scales each band of the harmonics
# (Ramamoorthi and Hanrahan 2001, "An efficient representation for irradiance environment maps", equation 8).
CLAMPED_COSINE = (math.pi, 2 * math.pi / 3, math.pi / 4)

# The normalisation of 1, x, y, z, xy, xz, yz, x^2 - y^2, 3 z^2 - 1, and the band of each.
NORMALISATION = (
    math.sqrt(1 / (4 * math.pi)),
    *(math.sqrt(3 / (4 * math.pi)),) * 3,
    *(math.sqrt(15 / (4 * math.pi)),) * 3,
    math.sqrt(15 / (16 * math.pi)),
    math.sqrt(5 / (16 * math.pi)),
)
BAND = (0, 1, 1, 1, 2, 2, 2, 2, 2)


def harmonics(directions: Array) -> Array:
    """Real spherical harmonics [..., 9] of unit vectors [..., 3]: 1, x, y, z, xy, xz, yz, x^2 - y^2, 3 z^2 - 1.

    Orthonormal over the sphere. A vector shorter than one is taken as it is.
    """
    xp = array_namespace(directions)
    x, y, z = directions[..., 0], directions[..., 1], directions[..., 2]
    basis = xp.stack([xp.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=-1)
    return basis * xp.asarray(NORMALISATION, dtype=basis.dtype, device=basis.device)


def irradiance(normals: Array, light: Array, bands: tuple[float, float, float] = CLAMPED_COSINE) -> Array:
    """Light [..., N, C] that falls on surfaces with unit normals [..., N, 3] in light [..., 9, C] of C colours.

    ``bands`` scales the three bands; other than the default is for lights that were fitted with other constants.
    """
    xp = array_namespace(normals, light)
    scale = xp.asarray([bands[band] for band in BAND], dtype=light.dtype, device=light.device)
    return harmonics(normals) @ (light * scale[:, None])


def turned_about_z(light: Array, angle: Array) -> Array:
    """Light [..., 9, C] after turning its surroundings about the z axis by angles [...], radians from x towards y.

    Of the harmonics with factors cos(m phi) and sin(m phi), phi being the angle around z, each pair turns by m times
    the angle.
    """
    xp = array_namespace(light, angle)
    one, x, y, z, xy, xz, yz, difference, zz = (light[..., k, :] for k in range(9))
    x, y = _turned(x, y, angle[..., None])
    xz, yz = _turned(xz, yz, angle[..., None])
    difference, xy = _turned(difference, xy, 2 * angle[..., None])
    return xp.stack([one, x, y, z, xy, xz, yz, difference, zz], axis=-2)


def _turned(cosine: Array, sine: Array, angle: Array) -> tuple[Array, Array]:
    xp = array_namespace(angle)
    c, s = xp.cos(angle), xp.sin(angle)
    return c * cosine - s * sine, s * cosine + c * sine
