"""The light of a photograph: found on skin whose albedo is known up to its tone, and what it does to colours.

A matt surface of albedo a under light from afar shows a * brightness(normal), where the brightness is a polynomial of
second degree in the normal (Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps",
2001). Light and albedo are linear; the values of photographs are encoded with an exponent of 1 / GAMMA, so that light
multiplies those with a `gain`.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from unveil.geometry.lighting import BAND, CLAMPED_COSINE, NORMALISATION, harmonics, irradiance, turned_about_z
from unveil.reprs import short_repr
from unveil.typing import Float32s, Float64s, Floats

GAMMA = 2.2  # of the photograph's encoding
SECOND_BAND = 3  # how much more evidence it needs than the first
RIDGE = 0.01  # the evidence that the first band needs, against the weight of all samples, where albedo is known
# How far to believe that the colour of light changes with direction. Cameras show shadows on dark skin redder than they
# are, and highlights bluer; skin that all of that is divided out of turns green and violet.
COLOURED = 0.5
FITS, TYPICAL = 3, 0.15  # times of fitting, and a share of brightness by which bare skin strays from the fit
DARKEST = 0.15  # of the mean light: no skin is in complete shade
ENOUGH = 50  # samples, to fit a light to
FAINTEST = 1 / 255  # encoded value of black, to take a logarithm of


@dataclass(frozen=True, eq=False)
class SkinLight:
    """The light of a photograph and the tone of the skin in it.

    How much of a colour is light and how much is skin cannot be known. So the light is one whose brightness is one, in
    each channel, on the whole face's skin together; exposure and colour of the lamp go into the tone.
    """

    coefficients: Float64s  # [9, 3] harmonics by RGB, in the order of `geometry.lighting`, frame of the normals
    tone: Float64s  # [3] what the linear albedo that was assumed is to be multiplied by
    __repr__ = short_repr

    def brightness(self, normals: Floats) -> Float32s:
        """Brightness [N, 3], linear, of white surfaces with unit normals [N, 3]; never quite dark."""
        return np.asarray(np.maximum(irradiance(normals, self.coefficients), DARKEST), np.float32)

    def gain(self, normals: Floats) -> Float32s:
        """The factor [N, 3] between the encoded values of albedo and of what is seen, for unit normals [N, 3]."""
        return np.asarray(self.brightness(normals) ** np.float32(1 / GAMMA), np.float32)

    def turned(self, angle: float) -> SkinLight:
        """The light after its surroundings turned by so many radians about the z axis, from x towards y."""
        return SkinLight(np.asarray(turned_about_z(self.coefficients, np.asarray(angle))), self.tone)


def even_light(colour: Floats) -> SkinLight:
    """The same light from everywhere, of brightness one, on skin of this encoded colour [3]."""
    tone = (np.asarray(colour) / 255) ** GAMMA
    return SkinLight(_radiance(np.eye(9, 1) * np.ones(3) / NORMALISATION[0]), tone)


@dataclass(frozen=True, eq=False)
class SkinSamples:
    """Points of the skin in a photograph, and what is known of them."""

    colours: Float32s  # [N, 3] encoded, 0 to 255
    albedo: Float32s  # [N, 3] encoded, 0 to 255, up to the person's tone
    normals: Float32s  # [N, 3] of unit length
    weight: Float32s  # [N] how well each is seen; 0 where it is not

    def joined(self, other: SkinSamples) -> SkinSamples:
        """These points and those of another."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return SkinSamples(*(np.concatenate(pair) for pair in pairs))


def fit_skin_light(skin: SkinSamples, face: tuple[Floats, Floats], default: Floats) -> SkinLight:
    """Light and tone that explain best, together, how skin looks in a photograph; robust against what is no bare skin.

    Args:
        skin: what the photograph shows.
        face: normals [V, 3] of points all over the face, and the areas [V] around them.
        default: [3] what the encoded colour of skin of albedo one is taken for where too little is seen.
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
    """The harmonics [9, C] whose sum explains levels [N, C], linear, at unit normals [N, 3] with weights [N].

    ``ridge`` is the evidence that the first band needs, against the weight of all samples.
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
    """The light [9, C] under which a white surface is as bright as the sum of these harmonics [9, C]."""
    return np.asarray(brightness / np.array([CLAMPED_COSINE[band] for band in BAND])[:, None])
