"""The light of a photograph, found on skin whose albedo is known up to its tone, and its effect on colours.

A matt surface of albedo a under distant light looks like a * brightness(normal), where the brightness is a polynomial
of second degree in the normal (Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps",
2001). Light and albedo are linear. Values of photographs are encoded with the exponent 1 / GAMMA, so light multiplies
them by a `gain`.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from unveil.geometry.lighting import BAND, CLAMPED_COSINE, NORMALISATION, harmonics, irradiance, turned_about_z
from unveil.reprs import short_repr
from unveil.typing import Float32s, Float64s, Floats

GAMMA = 2.2  # of the photograph's encoding
RIDGE = 0.01  # damping of the first band of harmonics, relative to the weight of all samples
SECOND_BAND = 3  # how many times as much the second band is damped
# Share of the change of light's colour with direction that is divided out. Cameras show shadows on dark skin too red
# and highlights too blue; divided out in full, this turns skin green and violet.
COLOURED = 0.5
FITS, TYPICAL = 3, 0.15  # rounds of fitting, and the relative misfit of bare skin from which trust falls
DARKEST = 0.15  # least brightness, of the mean: no skin is in complete shade
ENOUGH = 50  # samples, to fit a light
FAINTEST = 1 / 255  # encoded value of black, to take a logarithm of


@dataclass(frozen=True, eq=False)
class SkinLight:
    """The light of a photograph and the tone of the skin in it.

    How much of a colour is light and how much is skin cannot be known. So the light is scaled to a mean brightness of
    one, in each channel, over the skin of the face. Exposure and the colour of the lamp become part of the tone.
    """

    coefficients: Float64s  # [9, 3] harmonics by RGB, in the order of `geometry.lighting`, in the frame of the normals
    tone: Float64s  # [3] factors from the linear albedo of usual skin to this person's
    __repr__ = short_repr

    def brightness(self, normals: Floats) -> Float32s:
        """Linear brightness [N, 3] of white surfaces with unit normals [N, 3]; at least `DARKEST`."""
        return np.asarray(np.maximum(irradiance(normals, self.coefficients), DARKEST), np.float32)

    def gain(self, normals: Floats) -> Float32s:
        """Factors [N, 3] from encoded albedo to the encoded colour that is seen, for unit normals [N, 3]."""
        return np.asarray(self.brightness(normals) ** np.float32(1 / GAMMA), np.float32)

    def turned(self, angle: float) -> SkinLight:
        """The light when its surroundings are turned by ``angle`` radians about the z axis, from x towards y."""
        return SkinLight(np.asarray(turned_about_z(self.coefficients, np.asarray(angle))), self.tone)


def even_light(colour: Floats) -> SkinLight:
    """Even light of brightness one, on skin of this encoded colour [3]."""
    tone = (np.asarray(colour) / 255) ** GAMMA
    return SkinLight(_radiance(np.eye(9, 1) * np.ones(3) / NORMALISATION[0]), tone)


@dataclass(frozen=True, eq=False)
class SkinSamples:
    """Points of skin in a photograph, and what is known about them."""

    colours: Float32s  # [N, 3] as photographed, encoded, 0 to 255
    albedo: Float32s  # [N, 3] up to the person's tone, encoded, 0 to 255
    normals: Float32s  # [N, 3] of unit length
    weight: Float32s  # [N] how well each is seen; 0 where it is not

    def joined(self, other: SkinSamples) -> SkinSamples:
        """Both together."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return SkinSamples(*(np.concatenate(pair) for pair in pairs))


def fit_skin_light(skin: SkinSamples, face: tuple[Floats, Floats], default: Floats) -> SkinLight:
    """The light and the tone that best explain how skin looks in a photograph, robust against points that are no skin.

    Args:
        skin: what the photograph shows.
        face: normals [V, 3] of points all over the face, and the areas [V] around them.
        default: [3] encoded colour of skin of albedo one, used where too little is seen.
    """
    used = skin.weight > 0
    if np.count_nonzero(used) < ENOUGH:
        return even_light(default)
    shown, albedo = (np.maximum(values[used] / 255, FAINTEST) for values in (skin.colours, skin.albedo))
    found = fit_brightness((shown / albedo) ** GAMMA, skin.normals[used], skin.weight[used], RIDGE)
    whole, area = face
    mean = np.maximum((area / area.sum()) @ np.asarray(harmonics(whole) @ found), FAINTEST)
    light = found / mean
    white = light.mean(axis=1, keepdims=True)
    return SkinLight(_radiance(white + COLOURED * (light - white)), mean)


def fit_brightness(levels: Floats, normals: Floats, weight: Floats, ridge: float) -> Float64s:
    """The harmonics [9, C] whose sum best explains linear levels [N, C] at unit normals [N, 3] with weights [N].

    ``ridge`` is the damping of the first band, relative to the weight of all samples.
    """
    basis, share = np.asarray(harmonics(normals)), weight / weight.sum()
    trust, found = share, np.zeros((9, levels.shape[1]))
    damping = ridge * np.diag([SECOND_BAND if band == 2 else band for band in BAND])
    for _ in range(FITS):
        system = basis.T @ (trust[:, None] * basis) + trust.sum() * damping
        found = np.linalg.solve(system, basis.T @ (trust[:, None] * levels))
        misfit = levels / np.maximum(basis @ found, 1e-3) - 1
        trust = share / (1 + (misfit**2).mean(axis=1) / TYPICAL**2)
    return np.asarray(found, np.float64)


def _radiance(brightness: Float64s) -> Float64s:
    """The light [9, C] under which white surfaces have the brightness with harmonics [9, C]."""
    return np.asarray(brightness / np.array([CLAMPED_COSINE[band] for band in BAND])[:, None])
