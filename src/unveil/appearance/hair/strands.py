"""Hair as broad colours, and strands that are darker and lighter than these."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from unveil.appearance.hair.frame import DOME, ROWS
from unveil.appearance.hair.noise import smooth_noise
from unveil.geometry.compiled import compiled
from unveil.typing import Float32s

# Strands, and thin and thick locks of them: their shares, and over how many texels across and along hair each is
# alike; by how many texels they bend aside, over how many; and times how much shorter they are where hair is short.
STRANDS = ((0.8, 0.6, 14.0), (0.6, 2.5, 30.0), (0.4, 7.0, 45.0))
BENDS = ((5.0, 16.0, 40.0), (2.0, 6.0, 18.0))
SHORTER = 0.45
LEVELS, SEEDS = 4, 10  # of noise, each twice as wide as the one before, and between their seeds
# Contrast of strands, standard deviation of logarithms, the texels that it counts as, and the most of it: curls are
# darker in between than strands that lie side by side.
USUAL_SPREAD, FEW, MOST_SPREAD = 0.15, 60, 0.09
COARSE = 3  # texels a side of the squares in which broad colours are added up


def strands_like(detail: Float32s, weight: Float32s, *, short: bool) -> Float32s:
    """Logarithms [H, W] by which strands differ from what is around them, with the contrast of those that are seen.

    Args:
        detail: [H, W, 3] such logarithms, of what is seen.
        weight: [H, W] how far it is.
        short: whether hair is.
    """
    squares = float((np.square(detail).mean(axis=2) * weight).sum()) + FEW * USUAL_SPREAD**2
    spread = np.sqrt(squares / (float(weight.sum()) + FEW))
    return np.asarray(min(spread, MOST_SPREAD) * _strands(weight.shape, SHORTER if short else 1.0), np.float32)


@lru_cache(maxsize=2)
def _strands(shape: tuple[int, int], length: float) -> Float32s:
    """Strands [H, W] of variance 1, so much longer than usual, that run down a little crooked."""
    straight, aside = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for seed, (share, across, along) in enumerate(STRANDS):
        straight += np.float32(share) * _as_wide(shape, across, length * along, seed)
    for seed, (texels, across, along) in enumerate(BENDS, len(STRANDS)):
        aside += np.float32(texels) * _as_wide(shape, across, along, seed)
    column, row = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in shape[::-1]))
    bent = cv2.remap(straight, column + aside, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(bent / bent.std(), np.float32)


def _as_wide(shape: tuple[int, int], across: float, along: float, seed: int) -> Float32s:
    """Noise [H, W] of variance 1 that is as wide on the head at the crown, where columns meet, as farther down."""
    height, width = shape
    down = (np.arange(height) + 0.5) / height * (ROWS - 1) / DOME
    level = -np.log2(np.sin(np.minimum(down, 1) * np.pi / 2))[:, None]  # 1 where columns are half as wide
    total, squares = np.zeros(shape, np.float32), np.zeros((height, 1))
    for k in range(LEVELS):
        weight = np.clip(1 - np.abs(np.minimum(level, LEVELS - 1) - k), 0, 1)
        noise = smooth_noise((height, width >> k), across, along, seed + SEEDS * k)
        total += weight.astype(np.float32) * cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
        squares += weight**2
    return np.asarray(total / np.sqrt(squares), np.float32)


def broad_colours(colour: Float32s, weight: Float32s, reach: float) -> tuple[Float32s, Float32s]:
    """The mean [H / 3, W / 3, 3] of colours [H, W, 3] with weights [H, W] over so many texels around each third one.

    The second is the mean weight [H / 3, W / 3] of those there. H and W are multiples of 3.
    """
    sums = np.zeros((len(weight) // COARSE, weight.shape[1] // COARSE, 4), np.float32)
    _add_up(colour, weight, sums)
    blurred = cv2.GaussianBlur(sums, (0, 0), reach / COARSE)
    return np.asarray(blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-3), np.float32), sums[..., 3]


@compiled
def _add_up(colour: Any, weight: Any, sums: Any) -> None:
    """Add to the sums [h, w, 4] the means of the squares of texels that they are of."""
    share = np.float32(1 / COARSE**2)
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            if weight[i, j] > 0:
                part, total = share * weight[i, j], sums[i // COARSE, j // COARSE]
                for c in range(3):
                    total[c] += part * colour[i, j, c]
                total[3] += part
