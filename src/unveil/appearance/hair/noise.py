"""Unevenness of hair where nothing is known of it: the same for everybody, so that results can be reproduced."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.typing import Float32s

REACHES = 3  # standard deviations to which smoothing reaches


def smooth_noise(shape: tuple[int, int], across: float, along: float, seed: int) -> Float32s:
    """Smooth random values [H, W] of mean 0 and variance 1; the last column is beside the first.

    Args:
        shape: H, W.
        across: standard deviation, in columns, over which they are alike.
        along: the same in rows.
        seed: of the values.
    """
    even = np.random.default_rng(seed).standard_normal(shape, np.float32)
    margin = round(REACHES * across) + 1
    around = np.pad(even, ((0, 0), (margin, margin)), mode="wrap")
    smooth = cv2.GaussianBlur(around, (0, 0), sigmaX=across, sigmaY=along)[:, margin:-margin]
    return np.asarray((smooth - smooth.mean()) / smooth.std(), np.float32)
