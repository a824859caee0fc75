"""The finish of each kind of headwear: a turned-up edge, a badge, a band, panels or folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unveil.occluders.headwear.cloth import random_colour
from unveil.occluders.light import paint
from unveil.typing import Float32s


@dataclass(eq=False)
class Shell:
    """The shell of headwear as the pixels of a window see it; a finish changes its colour and shade in place."""

    azimuth: Float32s  # [h, w] degrees
    elevation: Float32s  # [h, w] degrees
    distance: Float32s  # [h, w] degrees to its edge, negative inside
    colour: Float32s  # [h, w, 3] up to 255
    shade: Float32s  # [h, w] factor of its brightness


Finish = Callable[[Shell, np.random.Generator], None]


def plain(shell: Shell, rng: np.random.Generator) -> None:
    """Nothing more than its cloth."""


def beanie(shell: Shell, rng: np.random.Generator) -> None:
    """Most are turned up, some in another colour there; some have a badge."""
    if rng.random() < 0.7:
        turned = rng.uniform(9, 17)
        shell.shade *= 1 - 0.35 * np.exp(-(((shell.distance + turned) / 1.2) ** 2))
        if rng.random() < 0.3:
            paint(shell.colour, random_colour(rng), shell.distance > -turned)
    _perhaps_badge(shell, rng)


def cap(shell: Shell, rng: np.random.Generator) -> None:
    """Six panels, and on some a badge."""
    _perhaps_badge(shell, rng)
    seam = (shell.azimuth % 60 - 30) * np.cos(np.radians(shell.elevation))
    shell.shade *= 1 - 0.2 * np.exp(-((seam / 0.8) ** 2))


def brimmed(shell: Shell, rng: np.random.Generator) -> None:
    """A band above the brim on most."""
    if rng.random() < 0.6:
        paint(shell.colour, random_colour(rng), shell.distance > -rng.uniform(6, 14))


def turban(shell: Shell, rng: np.random.Generator) -> None:
    """Layers that lean to one side."""
    lean, many = rng.uniform(-0.6, 0.6), rng.uniform(7, 13)
    leaning = lean * shell.azimuth * np.cos(np.radians(shell.azimuth)) * 0.6
    fold = (shell.elevation + leaning) / many % 1
    shell.shade *= 1 - 0.35 * np.exp(-((fold / 0.16) ** 2)) - 0.15 * fold


def soft(shell: Shell, rng: np.random.Generator) -> None:
    """Folds along its edge, and falling from the chin."""
    azimuth, elevation = shell.azimuth, shell.elevation
    folds = np.ones_like(shell.distance)
    for _ in range(int(rng.integers(2, 5))):
        period, depth = rng.uniform(5, 16), rng.uniform(0.03, 0.14)
        bend = rng.uniform(0, 8) * np.sin(np.radians(azimuth * rng.uniform(1, 3) + rng.uniform(0, 360)))
        wave = np.sin(2 * np.pi * (shell.distance + bend) / period + rng.uniform(0, 6))
        folds += depth * wave * np.clip(-shell.distance / 6, 0, 1)
    fallen = np.clip(-(elevation + 38) / 12, 0, 1)
    lines = np.sin(np.radians(azimuth) * rng.uniform(5, 14) + 2 * np.sin(np.radians(elevation * 4)) + rng.uniform(0, 6))
    falling = 1 + 0.2 * fallen * lines - 0.25 * fallen * (np.abs(azimuth) < 60)
    shell.shade *= np.asarray(folds * falling, np.float32)


def scarf(shell: Shell, rng: np.random.Generator) -> None:
    """Soft folds, and under some a cap that shows at the edge."""
    soft(shell, rng)
    if rng.random() < 0.25:
        paint(shell.colour, random_colour(rng), (shell.distance > -rng.uniform(3, 7)) & (shell.elevation > 10))


def _perhaps_badge(shell: Shell, rng: np.random.Generator) -> None:
    """Paint a badge over the forehead of every third."""
    if rng.random() >= 0.35:
        return
    width, height, turn = rng.uniform(4, 14), rng.uniform(3, 7), rng.uniform(0, 6)
    up = -shell.distance - rng.uniform(6, 12) - height
    x, y = shell.azimuth * np.cos(np.radians(shell.elevation)) / width, up / height
    shape = np.maximum(np.abs(x), np.abs(y)) if rng.random() < 0.5 else np.hypot(x, y)
    paint(shell.colour, random_colour(rng), shape < 1)
    if rng.random() < 0.6:
        marks = np.sin(x * rng.uniform(4, 12) + turn) * np.sin(y * rng.uniform(2, 6) + turn)
        paint(shell.colour, random_colour(rng), (shape < 0.8) & (marks > 0))
