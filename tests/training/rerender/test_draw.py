from pathlib import Path

import numpy as np
import pytest
import rerendered

from unveil.errors import UnveilError
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_euler_degrees
from unveil.training.rerender.draw import MOST_TURN, PITCH, YAW, draw_distance, draw_expression, draw_turn
from unveil.training.rerender.priors import CarriedPrior, OwnPrior

SEEDS = range(200)


def test_heads_turn_far_but_not_too_far() -> None:
    start = np.asarray(axis_angle_to_matrix(np.radians([0.0, 30.0, 0.0])))
    turns = np.array([draw_turn(start, np.random.default_rng(seed), 1.0) for seed in SEEDS])
    pitch, yaw, _ = np.asarray(matrix_to_euler_degrees(np.asarray(axis_angle_to_matrix(turns)))).T
    assert np.abs(yaw - 30).max() <= MOST_TURN[1] + 1e-6
    assert 60 < yaw.max() <= YAW
    assert yaw.min() >= -1e-6  # on to the side that is seen
    assert np.abs(pitch).max() <= min(PITCH, MOST_TURN[0]) + 1e-6


def test_expressions_are_units_and_some_faces_rest() -> None:
    names, others = rerendered.model().expression_names, np.full((3, 51), 0.9)
    drawn = np.array([draw_expression(names, others, np.random.default_rng(seed)) for seed in SEEDS])
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert 0.05 < (drawn == 0).all(axis=1).mean() < 0.3
    np.testing.assert_array_equal(drawn[3], draw_expression(names, others, np.random.default_rng(3)))


def test_eyes_look_the_same_way_and_directions_are_not_drawn_as_sides() -> None:
    names, others = list(rerendered.model().expression_names), np.zeros((1, 51))
    drawn = np.array([draw_expression(names, others, np.random.default_rng(seed)) for seed in range(400)])
    units = dict(zip(names, drawn.T, strict=True))
    np.testing.assert_array_equal(units["eyeLookOutLeft"], units["eyeLookInRight"])
    np.testing.assert_array_equal(units["eyeLookInLeft"], units["eyeLookOutRight"])
    np.testing.assert_array_equal(units["eyeLookUpLeft"], units["eyeLookUpRight"])
    for one, other in (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"), ("eyeLookInLeft", "eyeLookOutLeft")):
        drawn_at_all = units[one] > 0
        assert drawn_at_all.any()
        assert (units[other][drawn_at_all] == 0).mean() > 0.5  # both only where both came up by lot


def test_cameras_are_near_or_without_perspective() -> None:
    distances = np.array([draw_distance(np.random.default_rng(seed)) for seed in SEEDS])
    assert distances.min() > 0.4
    assert 0.2 < np.isinf(distances).mean() < 0.6


def test_the_models_own_heads_are_standard() -> None:
    shapes = np.array([OwnPrior(100).draw(np.random.default_rng(seed)).shape for seed in SEEDS])
    assert abs(float((shapes**2).mean()) - 1) < 0.05


def other_model(path: Path) -> Path:
    """openhead itself in centimetres and with another origin, as if it were another model with ten modes."""
    model = rerendered.model()
    template = np.asarray(model.head.template, np.float64)
    ends = [[-0.09, 0, 0], [0.09, 0, 0]]  # of the jaw line: their middle is where our origin is
    vertices = np.concatenate([template, ends]) + np.array([0, 0.3, 0.1])
    modes = np.concatenate([np.asarray(model.head.shape_basis[:10]), np.zeros((10, 2, 3))], axis=1)
    landmarks = np.zeros(68, int)
    landmarks[[0, 16]] = len(template), len(template) + 1
    np.savez(path, neutral=100 * vertices, identity=100 * modes, landmarks68=landmarks)
    return path


def test_heads_of_another_model_are_carried_over(tmp_path: Path) -> None:
    prior = CarriedPrior.load(other_model(tmp_path / "other.npz"), rerendered.model())
    face = rerendered.surface().skin > 0
    heads = [prior.draw(np.random.default_rng(seed)) for seed in range(20)]
    assert max(float(np.abs(head.shape[10:]).mean()) for head in heads) < 0.4
    for head in heads:
        assert head.added is not None
        assert np.linalg.norm(head.added[face], axis=1).mean() < 5e-4  # metres: our basis can say nearly all of it
    assert 0.6 < np.mean([(head.shape[:10] ** 2).mean() for head in heads]) < 1.4


def test_what_is_no_other_model_is_an_error_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "none.npz"
    np.savez(path, neutral=np.zeros((3, 3)))
    for wrong in (path, tmp_path / "absent.npz"):
        with pytest.raises(UnveilError, match=r"absent\.npz does not exist|no pack of ICT-FaceKit"):
            CarriedPrior.load(wrong, rerendered.model())
