"""How MGCNet wants faces cut out."""

import numpy as np
import pytest
from skimage.transform import SimilarityTransform

from unveil.errors import UnveilError
from unveil.models.mgcnet.framing import FRAMING, PLACES, five_points
from unveil.photos.detection import Detection

RNG = np.random.default_rng(0)
TURN = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])


def landmarks(five: np.ndarray) -> np.ndarray:
    """68 landmarks whose five points are these [5, 2]; all others are elsewhere."""
    points = RNG.uniform(-500, 500, (68, 2))
    for eye, centre in ((slice(36, 42), five[0]), (slice(42, 48), five[1])):
        spread = RNG.normal(0, 3, (6, 2))
        points[eye] = centre + spread - spread.mean(axis=0)
    points[[33, 48, 54]] = five[2:]
    return points


def test_five_points_of_68() -> None:
    five = RNG.uniform(0, 300, (5, 2))
    np.testing.assert_allclose(five_points(landmarks(five)), five, atol=1e-9)


def test_a_face_that_is_exactly_so_comes_to_its_places() -> None:
    photograph = PLACES @ TURN.T * 2.5 + [300, -40]
    crop = FRAMING.of_landmarks(landmarks(photograph), 224)
    np.testing.assert_allclose(crop.to_crop(photograph), PLACES, atol=1e-9)
    assert crop.scale == pytest.approx(1 / 2.5)
    assert np.linalg.det(crop.matrix[:, :2]) > 0
    np.testing.assert_allclose(FRAMING.of_landmarks(landmarks(photograph), 112).to_crop(photograph), PLACES / 2)


def test_any_other_face_has_the_least_squares_similarity() -> None:
    photograph = PLACES @ TURN.T * 0.7 + RNG.normal(0, 8, (5, 2))
    expected = SimilarityTransform.from_estimate(photograph, PLACES)
    np.testing.assert_allclose(FRAMING.of_landmarks(landmarks(photograph), 224).matrix, expected.params[:2], atol=1e-9)


def test_the_detectors_points_come_near_the_same_crop() -> None:
    photograph = PLACES * 1.5 + [20, 30]
    keypoints = np.concatenate([photograph[:3], photograph[3:].mean(axis=0, keepdims=True), np.zeros((2, 2))])
    crop = FRAMING.of_detection(Detection(np.array([0, 0, 1, 1]), keypoints, 1.0), 224)
    np.testing.assert_allclose(crop.to_crop(photograph), PLACES, atol=1e-6)


@pytest.mark.parametrize("points", [np.full((68, 2), 7.0), np.full((68, 2), np.nan)])
def test_landmarks_of_no_face(points: np.ndarray) -> None:
    with pytest.raises(UnveilError, match="cannot cut out"):
        FRAMING.of_landmarks(points, 224)
