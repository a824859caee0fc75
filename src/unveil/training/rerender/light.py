"""How much brighter or darker skin gets when it turns another way in the light of a photograph."""

from __future__ import annotations

import numpy as np

from unveil.geometry.lighting import NORMALISATION, harmonics
from unveil.training.rerender.lookup import look_up
from unveil.typing import Floats, UInt8s

GAMMA = 2.2  # of the photograph's encoding
RIDGE, RIDGE_SHARE = (0, 1, 1, 1, 3, 3, 3, 3, 3), 0.05  # the second band needs more evidence than the first
FITS, TYPICAL = 3, 0.15  # times of fitting, and a share of brightness by which bare skin strays from the fit
DARKEST = 0.15  # of the mean light: no skin is in complete shade
LIMITS = (0.45, 2.2)  # of the ratio of linear light
ENOUGH = 50  # vertices, to fit a light to


def fit_light(grey: UInt8s, pixels: Floats, normals: Floats, weight: Floats) -> Floats:
    """Light of second order [9] that explains how bright a picture is on skin of one colour.

    Args:
        grey: [H, W] the photograph without colour.
        pixels: [V, 3] where it shows the vertices.
        normals: [V, 3] unit length.
        weight: [V] how much of the skin that is seen lies around each vertex; 0 where none is.
    """
    height, width = grey.shape
    x, y = pixels[:, 0], pixels[:, 1]
    used = np.flatnonzero((x >= 0) & (x < width - 1) & (y >= 0) & (y < height - 1) & (weight > 0))
    if len(used) < ENOUGH:
        return np.array([1.0] + [0.0] * 8)
    level = (look_up(grey, x[None, used], y[None, used])[0] / 255.0) ** GAMMA
    basis, share = harmonics(normals[used]), weight[used] / weight[used].sum()
    trust, light = share, np.zeros(9)
    for _ in range(FITS):
        system = basis.T @ (trust[:, None] * basis) + RIDGE_SHARE * trust.sum() * np.diag(RIDGE)
        light = np.linalg.solve(system, basis.T @ (trust * level))
        trust = share / (1 + ((level / np.maximum(basis @ light, 1e-3) - 1) / TYPICAL) ** 2)
    return light


def brightness(light: Floats, normals: Floats) -> Floats:
    """Brightness [V], linear and of skin, under a light [9] at normals [V, 3]; never quite dark."""
    mean = float(light[0]) * NORMALISATION[0]
    return np.asarray(np.maximum(harmonics(normals) @ light, DARKEST * max(mean, 1e-3)))


def gain(new: Floats, old: Floats | float) -> Floats:
    """The factor [V] on a photograph's encoded values that takes one brightness to another."""
    return np.asarray(np.clip(new / old, *LIMITS) ** (1 / GAMMA))
