"""Sampling a picture by its definition, pixel by pixel."""

import numpy as np
import pytest

from unveil.geometry.sampling import sample_affine
from unveil.typing import Float64s, Image

RNG = np.random.default_rng(0)


def by_definition(image: Image, to_image: Float64s, size: int) -> Float64s:
    """Each pixel [size, size, C] as the mean of all of an image's, by their nearness; not rounded."""
    y, x = np.mgrid[:size, :size]
    at = np.stack([x, y, np.ones_like(x)], axis=-1) @ to_image[:2].T
    height, width = image.shape[:2]
    across = np.maximum(0, 1 - abs(at[..., 0, None] - np.arange(width)))  # [size, size, W]
    down = np.maximum(0, 1 - abs(at[..., 1, None] - np.arange(height)))
    return np.einsum("abh,abw,hwc->abc", down, across, image.astype(np.float64))


@pytest.mark.parametrize("turn", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("scale", [0.3, 1.0, 2.5])
def test_every_pixel_is_what_lies_at_its_place(turn: float, scale: float) -> None:
    image = RNG.integers(0, 256, (17, 13, 3), dtype=np.uint8)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    to_image = np.column_stack([matrix, [6, 8] - matrix @ [10, 10] + RNG.normal(0, 0.3, 2)])
    sampled = sample_affine(image, to_image, 21)
    assert np.abs(sampled - by_definition(image, to_image, 21)).max() < 0.5 + 1e-6
    assert (sample_affine(image, np.vstack([to_image, [0, 0, 1]]), 21) == sampled).all()


def test_the_image_itself_and_its_shifts() -> None:
    image = RNG.integers(0, 256, (9, 9, 4), dtype=np.uint8)
    assert (sample_affine(image, np.eye(3), 9) == image).all()
    shifted = sample_affine(image, np.array([[1.0, 0, 2], [0, 1, -3]]), 9)
    assert (shifted[3:, :7] == image[:6, 2:]).all()
    assert not shifted[:3].any()
    assert not shifted[:, 7:].any()


def test_far_away_all_is_black() -> None:
    image = np.full((5, 5, 3), 255, np.uint8)
    for place in (1e9, -1e9, 1e300):
        assert not sample_affine(image, np.array([[1, 0, place], [0, 1, place]]), 4).any()
