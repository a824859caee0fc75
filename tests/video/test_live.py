"""Heads as they come: smooth, with one shape that grows surer, and the same places as what was seen."""

import numpy as np
import pytest
from made_up_clips import RATE, moved, without_face

from unveil.heads.layout import Coefficients
from unveil.reconstruct.geometry import visible_landmarks
from unveil.reconstruct.pipeline import Reconstructor
from unveil.video.live import LiveHeads


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor()


def test_heads_are_where_the_frame_shows_them(reconstructor: Reconstructor) -> None:
    live = LiveHeads(reconstructor)
    for k in range(4):
        (head,) = live.see(moved(k), k / RATE)
        batch = Coefficients(head.coefficients.layout, head.coefficients.values[None])
        (landmarks,) = visible_landmarks(reconstructor.morphable, batch, [head.crop])
        assert np.linalg.norm(landmarks - head.seen.landmarks, axis=1).mean() < 2
    assert not live.see(without_face(), 4 / RATE)
    (head,) = live.see(moved(0), 5 / RATE)
    assert head.person == 0


def test_the_shape_goes_to_what_all_frames_say_without_a_step(reconstructor: Reconstructor) -> None:
    live = LiveHeads(reconstructor)
    shown, said = [], []
    for k, seconds in enumerate((0, 1 / RATE, 20)):
        (head,) = live.see(moved(k), seconds)
        shown.append(head.coefficients["shape"])
        said.append(live.tracker.people[0].shape()[0])
    np.testing.assert_allclose(shown[0], said[0], atol=1e-6)
    assert np.linalg.norm(shown[1] - shown[0]) < 0.25 * np.linalg.norm(said[1] - said[0])
    np.testing.assert_allclose(shown[2], said[2], atol=1e-6)
