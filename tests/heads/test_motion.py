"""Expression transfer and motion: what changes, what stays, and that both work without names of expressions."""

from dataclasses import replace

import made_up
import numpy as np
import pytest

from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_euler_degrees
from unveil.heads.layout import Coefficients, LayoutError
from unveil.heads.model import MorphableModel
from unveil.heads.motion import JAW_OPEN, PITCH, YAW, Motion, gestures, look_around, transfer_expression
from unveil.models.openhead.head import LAYOUT

MODEL = made_up.model()
STATISTICAL = replace(MODEL, expression_names=())


def someone(seed: int) -> Coefficients:
    return Coefficients(MODEL.layout, np.random.default_rng(seed).normal(0, 0.3, MODEL.layout.size).astype(np.float32))


def test_transfer_takes_expression_and_jaw_and_nothing_else() -> None:
    a, b = someone(1), someone(2)
    both = transfer_expression(MODEL, a, b)
    for group in ("shape", "camera"):
        np.testing.assert_array_equal(both[group], a[group])
    np.testing.assert_array_equal(both["expression"], b["expression"])
    np.testing.assert_array_equal(both["pose"], np.concatenate([a["pose"][:3], b["pose"][3:]]))
    np.testing.assert_array_equal(transfer_expression(MODEL, a, b, head_pose=True)["pose"], b["pose"])
    np.testing.assert_array_equal(transfer_expression(MODEL, a, a).values, a.values)


def test_transfer_to_a_whole_motion_is_the_transfer_of_each_frame() -> None:
    a, driving = someone(1), Coefficients(MODEL.layout, np.stack([someone(k).values for k in range(2, 6)]))
    moved = transfer_expression(MODEL, a, driving)
    for k in range(4):
        np.testing.assert_array_equal(moved.values[k], transfer_expression(MODEL, a, driving.row(k)).values)


def test_transfer_between_models_is_refused() -> None:
    with pytest.raises(LayoutError, match="different models"):
        transfer_expression(MODEL, someone(1), Coefficients(LAYOUT, np.zeros(LAYOUT.size, np.float32)))


def test_looking_around_reaches_both_sides_and_keeps_the_face() -> None:
    start = someone(3).replace(pose=np.array([0, 0, 0, 0.1, 0, 0], np.float32))
    moved = look_around(MODEL, start, 40)
    pitch, yaw, roll = matrix_to_euler_degrees(axis_angle_to_matrix(moved["pose"][:, :3].astype(np.float64))).T
    assert yaw.max() == pytest.approx(np.degrees(YAW), abs=1)
    assert yaw.min() == pytest.approx(-np.degrees(YAW), abs=1)
    assert np.abs(pitch).max() == pytest.approx(np.degrees(PITCH), abs=1)
    assert np.abs(roll).max() < 5
    for group in ("shape", "expression", "camera"):
        np.testing.assert_array_equal(moved[group], np.tile(start[group], (40, 1)))
    np.testing.assert_array_equal(moved["pose"][:, 3:], np.tile(start["pose"][3:], (40, 1)))
    np.testing.assert_allclose(moved["pose"][0], start["pose"], atol=1e-6)


@pytest.mark.parametrize("model", [MODEL, STATISTICAL])
def test_gestures_start_at_the_own_face_and_move_it(model: MorphableModel) -> None:
    start = someone(4)
    moved = gestures(model, start, 10)
    assert len(moved.values) % 10 == 0
    for k in range(0, len(moved.values), 10):
        np.testing.assert_allclose(moved.values[k], start.values, atol=1e-6)
    np.testing.assert_array_equal(moved["shape"], np.tile(start["shape"], (len(moved.values), 1)))
    assert np.abs(np.diff(model.vertices(moved), axis=0)).max() > 1e-4


def test_gestures_by_name_open_the_mouth_by_its_unit_and_without_names_by_the_jaw() -> None:
    jaw_open = MODEL.expression_names.index("jawOpen")
    named, unnamed = (gestures(model, MODEL.zero(), 8) for model in (MODEL, STATISTICAL))
    assert named["expression"][4, jaw_open] == pytest.approx(0.7)
    assert not named["pose"].any()
    assert unnamed["pose"][4, 3] == pytest.approx(JAW_OPEN)


def test_a_motion_needs_frames() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        Motion(Coefficients(MODEL.layout, np.zeros((0, MODEL.layout.size))), 25)
