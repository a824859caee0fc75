"""Hair as broad colours, with strands that are darker and lighter than these."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from unveil.appearance.hair.frame import DOME, ROWS
from unveil.appearance.hair.look import HairLook
from unveil.appearance.hair.noise import smooth_noise
from unveil.geometry.compiled import compiled
from unveil.typing import Float32s

# Texels across and along hair over which strands are alike, and locks of each width in `unveil.appearance.hair.look`.
STRANDS = ((0.6, 14.0), (1.2, 22.0), (2.5, 30.0), (5.0, 40.0), (10.0, 55.0))
# How strands bend: by how many texels to the side, and over how many across and along hair.
BENDS = ((5.0, 16.0, 40.0), (2.0, 6.0, 18.0))
SHORTER = 0.45  # length of strands in short hair, in usual lengths
CURLED = 0.17, 0.2, 0.2  # shares by which each step of curliness makes strands shorter, bends larger and bends closer
FINEST = 3.0  # rows along hair over which noise is alike, at least, where it is made; it is then stretched
LEVELS = 4  # of noise, each twice as wide as the one before
SEEDS = 10  # between the seeds of these levels
COARSE = 3  # texels a side of the squares in which broad colours are averaged


def strands_like(look: HairLook, shape: tuple[int, int], *, short: bool) -> Float32s:
    """Strands like those that are seen: logarithms [H, W] by which they are lighter than hair around them.

    Args:
        look: of the hair that is seen.
        shape: H, W.
        short: whether the hair is short.
    """
    strands, kinds = np.zeros(shape, np.float32), _strands(shape, SHORTER if short else 1.0, look.curl)
    for contrast, kind in zip(look.contrast, kinds, strict=True):
        strands += np.float32(contrast) * kind
    return strands


@lru_cache(maxsize=4)
def _strands(shape: tuple[int, int], length: float, curl: int) -> list[Float32s]:
    """Each kind of strands as [H, W] of variance 1; they run down and bend.

    Args:
        shape: H, W.
        length: of strands, in usual lengths.
        curl: steps of curliness.
    """
    shorter, more, closer = 1 - CURLED[0] * curl, 1 + CURLED[1] * curl, 1 - CURLED[2] * curl
    aside = np.zeros(shape, np.float32)
    for seed, (texels, across, along) in enumerate(BENDS, len(STRANDS)):
        aside += np.float32(more * texels) * _as_wide(shape, closer * across, closer * along, seed)
    column, row = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in shape[::-1]))
    kinds = []
    for seed, (across, along) in enumerate(STRANDS):
        straight = _as_wide(shape, across, length * shorter * along, seed)
        bent = cv2.remap(straight, column + aside, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        kinds.append(np.asarray(bent / bent.std(), np.float32))
    return kinds


def _as_wide(shape: tuple[int, int], across: float, along: float, seed: int) -> Float32s:
    """Noise [H, W] of variance 1, as wide on the head near the crown, where columns converge, as farther down."""
    height, width = shape
    down = (np.arange(height) + 0.5) / height * (ROWS - 1) / DOME
    level = -np.log2(np.sin(np.minimum(down, 1) * np.pi / 2))[:, None]  # 1 where columns are half as wide
    total, squares = np.zeros(shape, np.float32), np.zeros((height, 1))
    skip = max(1, int(along / FINEST))
    for k in range(LEVELS):
        weight = np.clip(1 - np.abs(np.minimum(level, LEVELS - 1) - k), 0, 1)
        noise = smooth_noise((-(-height // skip), width >> k), across, along / skip, seed + SEEDS * k)
        total += weight.astype(np.float32) * cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
        squares += weight**2
    return np.asarray(total / np.sqrt(squares), np.float32)


def broad_colours(colour: Float32s, weight: Float32s, reach: float) -> tuple[Float32s, Float32s]:
    """The weighted mean of colours in squares of `COARSE` texels a side, and the mean weight in each square.

    Args:
        colour: [H, W, 3]; H and W are multiples of 3.
        weight: [H, W] of the colours.
        reach: texels around, as a standard deviation, that the mean is taken over.

    Returns:
        The means [H / 3, W / 3, 3] and the weights [H / 3, W / 3].
    """
    sums = np.zeros((len(weight) // COARSE, weight.shape[1] // COARSE, 4), np.float32)
    _add_up(colour, weight, sums)
    blurred = cv2.GaussianBlur(sums, (0, 0), reach / COARSE)
    return np.asarray(blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-3), np.float32), sums[..., 3]


@compiled
def _add_up(colour: Any, weight: Any, sums: Any) -> None:
    """Add to ``sums`` [h, w, 4] the weighted colours of each square, and its weight, both as means over its texels."""
    share = np.float32(1 / COARSE**2)
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            if weight[i, j] > 0:
                part, total = share * weight[i, j], sums[i // COARSE, j // COARSE]
                for c in range(3):
                    total[c] += part * colour[i, j, c]
                total[3] += part
