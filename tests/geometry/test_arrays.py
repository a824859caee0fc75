"""Arithmetic on many points at once, against one by one."""

import numpy as np
import pytest

from unveil.geometry.arrays import FEW, nearest


@pytest.mark.parametrize("count", [1, FEW - 1, FEW, 2 * FEW + 1])
def test_the_nearest_of_many_points_is_that_of_each(count: int) -> None:
    rng = np.random.default_rng(count)
    points, among = rng.uniform(-1, 1, (count, 3)), rng.uniform(-1, 1, (40, 3))
    plain = [int(np.linalg.norm(among - point, axis=1).argmin()) for point in points]
    assert nearest(points, among).tolist() == plain


def test_no_points_have_no_nearest() -> None:
    assert nearest(np.zeros((0, 3)), np.zeros((2, 3))).shape == (0,)
