"""The scaled orthographic camera and how it moves with the crop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unveil.geometry.camera import move_with_crop, project, to_pixels
from unveil.geometry.rotation import axis_angle_to_matrix


def test_centre_and_corners() -> None:
    camera = np.array([4.0, 0.0, 0.0])
    points = np.array([[0.0, 0, 0], [0.25, 0.25, 0], [-0.25, -0.25, 0.1]])
    projected = project(points, camera)
    assert projected == pytest.approx(np.array([[0, 0, 0], [1, -1, 0], [-1, 1, -0.4]]))
    assert to_pixels(projected, 224)[:, :2] == pytest.approx(np.array([[112, 112], [224, 0], [0, 224]]))


def test_nearer_points_have_smaller_depth() -> None:
    nose, ear = project(np.array([[0, 0, 0.1], [0, 0, 0.0]]), np.array([5.0, 0, 0]))
    assert nose[2] < ear[2]


@given(
    angle=st.floats(-3, 3),
    scale=st.floats(0.3, 3),
    shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    seed=st.integers(0, 1000),
)
def test_moving_the_crop_moves_the_pixels(angle: float, scale: float, shift: tuple[float, float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, pivot = rng.normal(0, 0.08, (20, 3)), rng.normal(0, 0.05, 3)
    head, camera = rng.normal(0, 0.4, 3), np.array([5.0, *rng.normal(0, 0.02, 2)])
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    similarity = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])

    def pixels(head: np.ndarray, camera: np.ndarray, size: int) -> np.ndarray:
        turned = (points - pivot) @ axis_angle_to_matrix(head).T + pivot
        return np.asarray(to_pixels(project(turned, camera), size))

    moved_head, moved_camera = move_with_crop(head, camera, similarity, 192, 128, pivot)
    before = pixels(head, camera, 192)[:, :2]
    after = pixels(moved_head, moved_camera, 128)[:, :2]
    assert after == pytest.approx(before @ similarity[:, :2].T + similarity[:, 2], abs=1e-6)


def test_without_a_pivot_the_head_turns_about_the_origin() -> None:
    arguments = np.array([0.1, -0.3, 0.2]), np.array([5.0, 0.02, -0.01]), np.array([[0, -2.0, 90], [2, 0, 7]]), 192, 128
    for left_out, origin in zip(move_with_crop(*arguments), move_with_crop(*arguments, np.zeros(3)), strict=True):
        np.testing.assert_array_equal(left_out, origin)
