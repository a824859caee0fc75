import numpy as np

from unveil.geometry.smooth_step import smooth_step
from unveil.geometry.smooth_step_compiled import step_between


def test_it_goes_from_0_to_1_between_its_ends_and_is_level_there() -> None:
    np.testing.assert_allclose(
        smooth_step(np.array([-9.0, 2, 2.5, 3, 3.5, 4, 9]), 2, 4), [0, 0, 5 / 32, 0.5, 27 / 32, 1, 1]
    )
    slope = np.gradient(smooth_step(np.linspace(0, 1, 1001), 0, 1), 1e-3)
    np.testing.assert_allclose(slope[[0, 500, -1]], [0, 1.5, 0], atol=4e-3)


def test_it_falls_where_the_first_value_is_the_higher_one() -> None:
    np.testing.assert_allclose(smooth_step(np.array([0.0, 1, 2]), 2, 0), [1, 0.5, 0])


def test_loops_step_as_arrays_do() -> None:
    x = np.linspace(-2, 5, 50)
    np.testing.assert_allclose([step_between(value, -1.0, 3.5) for value in x], smooth_step(x, -1, 3.5), atol=1e-12)
