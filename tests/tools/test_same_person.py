"""What `tools.same_person` learns of made-up people tells others apart."""

import numpy as np
import pytest

from tools.same_person import learned, pairs, with_limit
from unveil.errors import UnveilError

PEOPLE, EACH, SIZE = 60, 10, 6


def made_up(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Shapes of people who differ most where frames differ least, and whose they are."""
    random = np.random.default_rng(seed)
    between, within = np.linspace(2, 0.2, SIZE), np.linspace(0.1, 3, SIZE)
    people = random.normal(size=(PEOPLE, 1, SIZE)) * between
    frames = people + random.normal(size=(PEOPLE, EACH, SIZE)) * within
    return frames.reshape(-1, SIZE), np.repeat(np.arange(PEOPLE), EACH)


def test_directions_that_tell_people_apart_count_most() -> None:
    variation = with_limit(learned(*made_up(0)), *made_up(0))
    np.testing.assert_allclose(variation.between[0], (2 / 0.1) ** 2, rtol=0.5)
    one, two = pairs(*made_up(1), variation.alike, (5, 5))
    assert (one >= 0).mean() > 0.8
    assert (two >= 0).mean() < 0.1
    one, two = pairs(*made_up(1), lambda a, b: -np.linalg.norm(a[:, None] - b, axis=2), (5, 5))
    assert (two >= np.quantile(one, 0.05)).mean() > 0.2  # by distance alone


def test_people_of_whom_there_are_too_few_frames() -> None:
    with pytest.raises(UnveilError, match="fewer than two people have 12 frames"):
        pairs(*made_up(0), lambda a, b: a @ b.T, (6, 6))
