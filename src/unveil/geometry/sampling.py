"""Pictures between their pixels.

OpenCV before release 5 rounds the places that it interpolates at to 1/32 of a pixel, which moves values by up to 2 of
255 and a network's coefficients by some hundredths of a standard deviation. This one is exact under every release.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unveil.geometry.compiled import compiled
from unveil.typing import Float64s, Image


def sample_affine(image: Image, to_image: Float64s, size: int) -> Image:
    """A picture [size, size, C] whose pixel (x, y) has the colour of ``image`` [H, W, C] at ``to_image @ (x, y, 1)``.

    Colours are interpolated bilinearly between pixel centres, at integers, and rounded to the nearest uint8, half to
    even. Beyond the image all is black. ``to_image`` is [2, 3] or [3, 3], whose last row is then (0, 0, 1).
    """
    channels = image.reshape(*image.shape[:2], -1)
    framed = np.pad(channels, ((1, 1), (1, 1), (0, 0)))
    sampled = np.zeros((size, size, channels.shape[2]), np.uint8)
    _sample(framed, np.ascontiguousarray(to_image, np.float64), sampled)
    return sampled.reshape(size, size, *image.shape[2:])


@compiled
def _sample(framed: Image, to_image: Float64s, sampled: Image) -> None:
    """Fill ``sampled`` from an image with a black frame, one pixel wide."""
    height, width, channels = framed.shape
    for row in range(sampled.shape[0]):
        for column in range(sampled.shape[1]):
            x = to_image[0, 0] * column + to_image[0, 1] * row + to_image[0, 2] + 1
            y = to_image[1, 0] * column + to_image[1, 1] * row + to_image[1, 2] + 1
            if not (0 <= x < width - 1 and 0 <= y < height - 1):
                continue
            for channel in range(channels):
                sampled[row, column, channel] = np.uint8(np.rint(between(framed, x, y, channel)))


@compiled
def between(values: Any, x: Any, y: Any, channel: Any) -> Any:
    """A value [H, W, channel] between the four pixels around a place that has 0 <= x < W - 1 and 0 <= y < H - 1.

    For compiled loops only.
    """
    left, top = np.uint32(x), np.uint32(y)  # unsigned, as in `rasterize`
    right, bottom = np.uint32(left + 1), np.uint32(top + 1)
    right_share, bottom_share = x - left, y - top
    above = values[top, left, channel] * (1 - right_share) + values[top, right, channel] * right_share
    below = values[bottom, left, channel] * (1 - right_share) + values[bottom, right, channel] * right_share
    return above * (1 - bottom_share) + below * bottom_share
