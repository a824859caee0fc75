"""How the brightness of skin changes when it turns in the light of a photograph."""

from __future__ import annotations

import numpy as np

from unveil.appearance.light import DARKEST, GAMMA, fit_brightness
from unveil.geometry.lighting import NORMALISATION, harmonics
from unveil.training.rerender.lookup import look_up
from unveil.typing import Floats, UInt8s

RIDGE = 0.05  # of `fit_brightness`, for an albedo that is not known
LIMITS = (0.45, 2.2)  # least and largest change, a ratio of linear light
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
    return fit_brightness(level[:, None], normals[used], weight[used], RIDGE)[:, 0]


def brightness(light: Floats, normals: Floats) -> Floats:
    """Brightness [V], linear and of skin, under a light [9] at normals [V, 3]; never quite dark."""
    mean = float(light[0]) * NORMALISATION[0]
    return np.asarray(np.maximum(harmonics(normals) @ light, DARKEST * max(mean, 1e-3)))


def gain(new: Floats, old: Floats | float) -> Floats:
    """The factor [V] on a photograph's encoded values that takes one brightness to another."""
    return np.asarray(np.clip(new / old, *LIMITS) ** (1 / GAMMA))
