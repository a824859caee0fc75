"""Laws of rotations, for NumPy and torch alike."""

import numpy as np
import pytest
from extras import needs
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from unveil.geometry.rotation import (
    axis_angle_to_matrix,
    euler_to_matrix,
    matrix_to_axis_angle,
    matrix_to_euler,
    matrix_to_euler_degrees,
    orthonormal_rows,
    rotation_between,
)

component = st.floats(-3.0, 3.0, allow_nan=False)
vectors = st.tuples(component, component, component).map(np.array)


@given(vectors)
def test_agrees_with_scipy(vector: np.ndarray) -> None:
    assert axis_angle_to_matrix(vector) == pytest.approx(Rotation.from_rotvec(vector).as_matrix(), abs=1e-9)


@given(vectors)
def test_matrix_to_axis_angle_is_the_inverse(vector: np.ndarray) -> None:
    matrix = axis_angle_to_matrix(vector)
    back = matrix_to_axis_angle(matrix)
    assert np.linalg.norm(back) <= np.pi + 1e-9
    assert axis_angle_to_matrix(back) == pytest.approx(matrix, abs=1e-7)


@given(vectors)
def test_matrix_to_euler_is_the_inverse(vector: np.ndarray) -> None:
    matrix = axis_angle_to_matrix(vector)
    angles = matrix_to_euler(matrix)
    assert abs(angles[1]) <= np.pi / 2 + 1e-9
    assert euler_to_matrix(angles) == pytest.approx(matrix, abs=1e-7)


@given(vectors, vectors)
def test_the_smallest_rotation_between_two_directions(start: np.ndarray, end: np.ndarray) -> None:
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    assume(min(lengths) > 1e-3)
    cosine = start @ end / np.prod(lengths)
    assume(cosine > -0.99)
    rotation = rotation_between(start, end)
    assert rotation @ start / lengths[0] == pytest.approx(end / lengths[1], abs=1e-9)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-9)
    assert (np.trace(rotation) - 1) / 2 == pytest.approx(cosine, abs=1e-9)


@pytest.mark.parametrize("axis", [[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0, 0.8]])
def test_half_turns_survive(axis: list[float]) -> None:
    matrix = axis_angle_to_matrix(np.array(axis) * np.pi)
    assert axis_angle_to_matrix(matrix_to_axis_angle(matrix)) == pytest.approx(matrix, abs=1e-7)


@settings(max_examples=20)
@given(vectors)
def test_gradient_is_right_everywhere(vector: np.ndarray) -> None:
    torch = needs("torch")
    x = torch.tensor(vector, requires_grad=True)
    assert torch.autograd.gradcheck(axis_angle_to_matrix, (x,), atol=1e-5)


def test_gradient_at_zero_is_finite() -> None:
    torch = needs("torch")
    x = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(axis_angle_to_matrix, (x,))


def test_batches_keep_their_shape() -> None:
    many = np.random.default_rng(0).normal(size=(2, 4, 3))
    matrices = axis_angle_to_matrix(many)
    assert matrices.shape == (2, 4, 3, 3)
    assert matrices[1, 2] == pytest.approx(axis_angle_to_matrix(many[1, 2]))
    assert matrix_to_axis_angle(matrices).shape == (2, 4, 3)


@given(st.floats(-80, 80), st.floats(-170, 170), st.floats(-170, 170))
def test_euler_angles_are_yaw_then_pitch_then_roll(pitch: float, yaw: float, roll: float) -> None:
    def turn(axis: list[float], degrees: float) -> np.ndarray:
        return np.asarray(axis_angle_to_matrix(np.array(axis) * np.radians(degrees)))

    matrix = turn([0, 1, 0], yaw) @ turn([1, 0, 0], pitch) @ turn([0, 0, 1], roll)
    assert matrix_to_euler_degrees(matrix) == pytest.approx([pitch, yaw, roll], abs=1e-6)


def test_signs_of_pitch_and_yaw() -> None:
    out_of_face = np.array([0.0, 0.0, 1.0])
    down = axis_angle_to_matrix(np.array([np.radians(20), 0, 0])) @ out_of_face
    left = axis_angle_to_matrix(np.array([0, np.radians(20), 0])) @ out_of_face
    assert down[1] < 0, "positive pitch looks down"
    assert left[0] > 0, "positive yaw turns to the subject's left"


def test_the_identity_has_a_gradient() -> None:
    """To first order the axis-angle of I + D is half of D's antisymmetric part."""
    torch = needs("torch")
    jacobian = torch.autograd.functional.jacobian(matrix_to_axis_angle, torch.eye(3, dtype=torch.float64))
    expected = np.zeros((3, 3, 3))
    for axis, (row, column) in enumerate([(2, 1), (0, 2), (1, 0)]):
        expected[axis, row, column], expected[axis, column, row] = 0.5, -0.5
    np.testing.assert_allclose(jacobian.numpy(), expected, atol=1e-12)


def test_orthonormal_rows_are_the_rotation_in_a_matrix() -> None:
    rng = np.random.default_rng(5)
    turns = axis_angle_to_matrix(rng.normal(0, 1, (20, 3)))
    np.testing.assert_allclose(orthonormal_rows(3e-4 * turns), turns, atol=1e-12)
    matrices = rng.normal(0, 1, (20, 3, 3))
    rotations = orthonormal_rows(matrices)
    np.testing.assert_allclose(rotations @ rotations.swapaxes(-1, -2), np.tile(np.eye(3), (20, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotations), 1)
    in_rows = matrices @ rotations.swapaxes(-1, -2)  # the first two rows in terms of the rotation's
    np.testing.assert_allclose(in_rows[:, [0, 0, 1], [1, 2, 2]], 0, atol=1e-12)
    assert (in_rows[:, [0, 1], [0, 1]] > 0).all()
