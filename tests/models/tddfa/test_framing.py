"""The crops and pixels that 3DDFA_V2's networks were trained on, by the numbers its authors state."""

import numpy as np
import pytest

from unveil.errors import UnveilError
from unveil.models.tddfa.framing import FRAMING, network_input
from unveil.photos.detection import Detection


def test_a_detection_is_framed_lower_and_wider() -> None:
    face = Detection(np.array([100, 200, 180, 320], np.float32), np.zeros((6, 2), np.float32), 0.9)
    crop = FRAMING.of_detection(face, 120)  # mean side 100, centre (140, 260)
    corners = crop.to_image([[0, 0], [120, 120]])
    np.testing.assert_allclose(corners, [[140 - 79, 260 + 14 - 79], [140 + 79, 260 + 14 + 79]], atol=1e-4)


def test_landmarks_are_framed_by_the_diagonal_of_their_square() -> None:
    points = np.random.default_rng(0).uniform([100, 50], [160, 130], (68, 2))
    points[:2] = [[100, 50], [160, 130]]  # 60 wide, 80 high, centre (130, 90)
    crop = FRAMING.of_landmarks(points, 120)
    half = 40 * np.sqrt(2)
    np.testing.assert_allclose(crop.to_image([[0, 0], [120, 120]]), [[130 - half, 90 - half], [130 + half, 90 + half]])


@pytest.mark.parametrize("value", [3.0, np.nan])
def test_landmarks_without_extent_are_refused(value: float) -> None:
    with pytest.raises(UnveilError, match="landmarks are all in one place"):
        FRAMING.of_landmarks(np.full((68, 2), value), 120)


def test_pixels_are_bgr_about_zero() -> None:
    crops = np.zeros((1, 120, 120, 3), np.uint8)
    crops[0, 5, 7] = [255, 127, 1]
    seen = network_input(crops)
    assert seen.shape == (1, 3, 120, 120)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen[0, :, 5, 7], [(1 - 127.5) / 128, -0.5 / 128, 127.5 / 128])
    assert (seen[0, :, 7, 5] == np.float32(-127.5 / 128)).all()
