"""Smooth completion on a grid, against the equations that it solves."""

import numpy as np
import pytest

from unveil.geometry.diffuse_grid import diffuse_grid
from unveil.typing import Float64s


def exact(values: Float64s, weights: Float64s) -> Float64s:
    """The minimum of the sums of squares, by a linear system of all nodes."""
    rows, columns = values.shape
    node = np.arange(values.size).reshape(values.shape)
    pairs = [(node, np.roll(node, -1, axis=1)), (node[:-1], node[1:])]
    system = np.diag(weights.ravel())
    for one, other in ((a.ravel(), b.ravel()) for a, b in pairs):
        np.add.at(system, (one, one), 1)
        np.add.at(system, (other, other), 1)
        np.add.at(system, (one, other), -1)
        np.add.at(system, (other, one), -1)
    return np.linalg.solve(system, (weights * values).ravel()).reshape(rows, columns)


@pytest.mark.parametrize("shape", [(2, 4), (5, 8), (20, 30)])
def test_values_solve_the_equations(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    values, known = rng.normal(size=shape), rng.random(shape) < 0.2
    known[1, 0] = True
    for faint in (0.0, 0.1):
        weights = np.where(known, rng.uniform(0.5, 3, shape), faint)
        assert np.abs(diffuse_grid(values, weights) - exact(values, weights)).max() < 2e-3


def test_the_last_column_is_beside_the_first() -> None:
    weights = np.zeros((4, 12))
    weights[:, 3] = 1e4
    solution = diffuse_grid(np.where(weights > 0, 5.0, 0), weights)
    assert np.abs(solution - 5).max() < 1e-2, "one value fills all that nothing else is known of"
    weights[:, 9] = 1e4
    line = diffuse_grid(np.where(weights > 0, np.arange(12) == 9, 0), weights)[2]
    assert np.abs(line[[0, 6]] - 0.5).max() < 1e-2, "half way to either side"


def test_without_weights_all_is_zero() -> None:
    assert not diffuse_grid(np.ones((3, 4)), np.zeros((3, 4))).any()
