"""Several photographs of a person make one shape."""

import numpy as np
import pytest

from unveil.reconstruct.joining import join_shapes


def test_one_photograph_is_what_it_says() -> None:
    shapes, deviations = np.array([[1.0, -2.0]]), np.array([[0.5, 0.9]])
    shape, deviation = join_shapes(shapes, deviations)
    np.testing.assert_allclose(shape, shapes[0])
    np.testing.assert_allclose(deviation, deviations[0])


def test_the_posterior_of_independent_measurements_is_found() -> None:
    """Shapes of the prior are measured with noise of known size; the mean error is as the joined deviation says."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(20_000, 3))
    noise = np.array([[0.5, 1.0, 2.0], [3.0, 0.4, 2.0]])  # [F, S]
    measured = truth[:, None] + rng.normal(size=(20_000, 2, 3)) * noise
    deviations = 1 / np.sqrt(1 + 1 / noise**2)  # of the posterior of one photograph
    shape, deviation = join_shapes(measured * deviations**2 / noise**2, np.broadcast_to(deviations, measured.shape), 0)
    error = np.sqrt(np.square(shape - truth).mean(axis=0))
    np.testing.assert_allclose(error, deviation[0], rtol=0.03)
    np.testing.assert_allclose(deviation[0], 1 / np.sqrt(1 + (1 / noise**2).sum(axis=0)))


def test_what_one_photograph_shows_is_taken_from_it() -> None:
    shape, deviation = join_shapes(np.array([[1.5], [0.0], [0.0]]), np.array([[0.3], [1.0], [1.0]]))
    assert shape[0] == pytest.approx(1.5)
    assert deviation[0] == pytest.approx(0.3)


def test_copies_of_a_photograph_say_no_more_than_one() -> None:
    shapes, deviations = np.full((7, 1), 1.2), np.full((7, 1), 0.6)
    shape, deviation = join_shapes(shapes, deviations, 1)
    assert shape[0] == pytest.approx(1.2)
    assert deviation[0] == pytest.approx(0.6)
    bolder, surer = join_shapes(shapes, deviations, 0)
    assert bolder[0] > 1.2
    assert surer[0] < 0.6


def test_a_deviation_beyond_the_prior_is_the_prior() -> None:
    shape, deviation = join_shapes(np.array([[0.4], [0.4]]), np.array([[5.0], [1.0]]), 0)
    assert deviation[0] == 1
    assert shape[0] == pytest.approx(0.8)
