"""What was measured in crops of different places becomes one motion in one frame of reference."""

import numpy as np
import pytest
from constant_learner import fitting_coefficients

import unveil
from unveil.heads.layout import Coefficients
from unveil.photos.crop import Crop
from unveil.reconstruct.geometry import visible_landmarks
from unveil.video.people import SeenFace
from unveil.video.track import Recorder, Track, continuous, similarities


def seen(x: float, size: float, degrees: float = 0.0) -> SeenFace:
    """A head that always looks the same in its crop, which lies somewhere in the frame."""
    model = unveil.load_openhead()
    crop = Crop.from_square((x, 200), size).turned(degrees, (x, 200))
    coefficients = Coefficients(model.layout, fitting_coefficients(model))
    (landmarks,) = visible_landmarks(model, Coefficients(model.layout, coefficients.values[None]), [crop])
    return SeenFace(crop, coefficients, None, None, np.asarray(landmarks, np.float64), 1.0)


def landmarks_of(track: Track, row: int) -> np.ndarray:
    coefficients = track.coefficients.row(row)
    batch = Coefficients(coefficients.layout, coefficients.values[None])
    return np.asarray(visible_landmarks(unveil.load_openhead(), batch, [track.crop])[0])


@pytest.mark.parametrize("other", [(260.0, 120.0, 0.0), (150.0, 90.0, 25.0)])
def test_heads_are_drawn_where_they_were_seen(other: tuple[float, float, float]) -> None:
    model = unveil.load_openhead()
    first, second = seen(100, 100), seen(*other)
    recorder = Recorder(model, first)
    for k, face in enumerate((first, second)):
        recorder.add(10 * k, 100.0 * k, face)  # so far apart in time that nothing is smoothed
    shape = np.asarray(model.shape(first.coefficients))
    track = recorder.track(shape)
    for k, face in enumerate((first, second)):
        np.testing.assert_allclose(landmarks_of(track, k), face.landmarks, atol=0.6)


def test_one_shape_does_not_move_the_head() -> None:
    model = unveil.load_openhead()
    face = seen(100, 100)
    recorder = Recorder(model, face)
    recorder.add(0, 0.0, face)
    shape = np.zeros(100)
    shape[0] = 2.0  # of another size and form
    track = recorder.track(shape)
    np.testing.assert_array_equal(track.coefficients["shape"][0], shape)
    assert np.linalg.norm(landmarks_of(track, 0) - face.landmarks, axis=1).mean() < 1.5


def test_a_similarity_is_found() -> None:
    points = np.random.default_rng(0).normal(size=(2, 9, 2))
    matrix = np.array([[2.0, -1, 5], [1, 2, -3]])
    found = similarities(points, points @ matrix[:, :2].T + matrix[:, 2])
    np.testing.assert_allclose(found, np.stack([matrix, matrix]), atol=1e-12)


def test_turns_do_not_jump_beyond_half_a_turn() -> None:
    angles = np.linspace(0, 1.9 * np.pi, 40)
    wrapped = np.where(angles > np.pi, angles - 2 * np.pi, angles)[:, None] * [0, 1, 0]
    np.testing.assert_allclose(continuous(wrapped), angles[:, None] * [0, 1, 0], atol=1e-9)


def test_a_short_absence_is_bridged_and_a_long_one_is_not() -> None:
    layout = unveil.load_openhead().layout
    values = np.arange(3, dtype=np.float32)[:, None] * np.ones(layout.size, np.float32)
    track = Track(np.array([0, 1, 9]), np.array([0.0, 1.0, 9.0]), Coefficients(layout, values), Crop(np.eye(2, 3)))
    at = {seconds: track.at(seconds) for seconds in (0.0, 0.5, 1.0, 4.0, 9.0, 9.5)}
    assert {seconds: found and found.values[0] for seconds, found in at.items()} == {
        0.0: 0.0,
        0.5: 0.5,
        1.0: 1.0,
        4.0: None,
        9.0: 2.0,
        9.5: None,
    }
    motion = track.motion(2.0, 9.0)
    assert len(motion) == 19
    np.testing.assert_allclose(motion.coefficients.values[[0, 1, 2, 10, 18], 0], [0, 0.5, 1, 1.5, 2])
