"""Smoothing: what is still stands still, what moves is not late, and what is true of one value is true of many."""

import numpy as np

from unveil.video.smooth import OneEuro, smoothed

SECONDS = np.arange(90) / 30


def test_what_stands_still_shakes_less() -> None:
    shaking = np.random.default_rng(0).normal(0, 0.2, (90, 4))
    smooth = smoothed(shaking, SECONDS)
    assert np.diff(smooth, axis=0).std() < 0.5 * np.diff(shaking, axis=0).std()


def test_a_clip_is_not_late() -> None:
    """What moves steadily comes out as it is; forwards alone it is late."""
    moving = 20 * SECONDS[:, None]
    inner = slice(25, 65)
    np.testing.assert_allclose(smoothed(moving, SECONDS)[inner], moving[inner], atol=0.05)
    live = OneEuro()
    late = np.array([live(row, at) for row, at in zip(moving, SECONDS, strict=True)])
    assert (late[inner] < moving[inner]).all()


def test_forwards_and_backwards_are_alike() -> None:
    values = np.random.default_rng(1).normal(size=(40, 2)).cumsum(axis=0)
    seconds = np.cumsum(np.random.default_rng(2).uniform(0.02, 0.2, 40))
    np.testing.assert_allclose(smoothed(values[::-1], -seconds[::-1]), smoothed(values, seconds)[::-1])


def test_a_constant_stays_and_values_do_not_mix() -> None:
    np.testing.assert_array_equal(smoothed(np.full((5, 3), 7.0), SECONDS[:5]), 7)
    both = np.random.default_rng(3).normal(size=(30, 2))
    one_by_one = [smoothed(both[:, k : k + 1], SECONDS[:30]) for k in range(2)]
    np.testing.assert_allclose(smoothed(both, SECONDS[:30]), np.hstack(one_by_one))
