"""The parts shared by glasses and goggles: colours of frames, outlines of lenses and reflections in them."""

from __future__ import annotations

import math

import numpy as np

from unveil.occluders.base import Alpha
from unveil.occluders.light import Light, filled, paint
from unveil.occluders.sheets import Drawn
from unveil.typing import Float32s, Floats

EYES = (36, 48)  # landmarks from and to
FRAME_COLOURS = (
    (20, 20, 22),
    (60, 35, 22),
    (150, 150, 155),
    (170, 140, 80),
    (120, 20, 30),
    (25, 40, 90),
    (230, 230, 225),
)


def frame_colour(rng: np.random.Generator) -> Float32s:
    """A random RGB colour [3] of a frame."""
    return np.array(FRAME_COLOURS[rng.integers(len(FRAME_COLOURS))], np.float32)


def superellipse(x: Floats, y: Floats, squares: int) -> Float32s:
    """(x^p + y^p)^(1/p) [...] of x, y [...] with p = 2^squares: below 1 inside the outline."""
    for _ in range(squares):
        x, y = x * x, y * y
    root = x + y
    for _ in range(squares):
        root = np.sqrt(root)
    return np.asarray(root, np.float32)


def glass(drawn: Drawn, height: float, light: Light, rng: np.random.Generator, *, dark: bool) -> tuple[Float32s, Alpha]:
    """Colour [H, W, 3] and opacity [H, W] of lenses: clear, tinted, dark or mirrored, with reflections."""
    turn, place, width = rng.uniform(0, math.pi), rng.uniform(-20, 20), rng.uniform(3, 14)
    streak = np.exp(-(((drawn.x * math.cos(turn) + drawn.y * math.sin(turn) - place) / width) ** 2))
    upper = np.clip(0.5 + drawn.y / (2 * height), 0, 1)
    style = int(rng.choice(4, p=(0, 0, 0.7, 0.3) if dark else (0.4, 0.15, 0.3, 0.15)))
    tint = rng.integers(0, 70, 3).astype(np.float32) * light.colour
    sky = (0.5 * rng.integers(40, 256, 3) + rng.uniform(40, 120)).astype(np.float32) * light.colour
    shine = streak * rng.uniform(0.1, 0.6)
    thickness, fading = ((0.05, 0.0), (0.35, 0.4), (rng.uniform(0.82, 1), 0.0), (0.96, 0.0))[style]
    alpha = thickness + fading * upper
    mirror = upper * upper * float(style == 3)
    colour = filled(upper.shape, tint)
    paint(colour, sky, mirror)
    paint(colour, 235 * light.colour, shine / np.maximum(shine + alpha, 1e-3))
    return colour, np.asarray(np.minimum(alpha + shine * (1 - alpha), 1), np.float32)
