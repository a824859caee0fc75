"""Colours by how they look, against OpenCV's tables and known values."""

import cv2
import numpy as np

from unveil.photos.cielab import to_cielab, to_srgb

RGB = 255 * np.random.default_rng(0).random((20, 20, 3), np.float32)


def test_known_colours() -> None:
    np.testing.assert_allclose(to_cielab(np.uint8([255, 255, 255])), [100, 0, 0], atol=0.01)
    np.testing.assert_allclose(to_cielab([0.0, 0, 0]), [0, 0, 0], atol=1e-3)
    np.testing.assert_allclose(to_cielab([255.0, 0, 0]), [53.24, 80.09, 67.20], atol=0.05)


def test_opencv_says_the_same_within_what_its_tables_are_good_for() -> None:
    assert np.abs(to_cielab(RGB) - cv2.cvtColor(RGB / 255, cv2.COLOR_RGB2LAB)).max() < 1


def test_there_and_back() -> None:
    np.testing.assert_allclose(to_srgb(to_cielab(RGB)), RGB, atol=0.025)
    np.testing.assert_allclose(to_srgb([100.0, 80, 80]).max(), 255, atol=2e-3)
