"""Laws of the head: the template, batches, NumPy against torch, gradients, rigid motion."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from extras import needs

from tests import made_up
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.head import Head
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel

MODEL = made_up.model()


def _double(model: MorphableModel) -> MorphableModel:
    return model.map_arrays(lambda a: a.astype(np.float64) if a.dtype == np.float32 else a)


def _torch(model: MorphableModel) -> MorphableModel:
    torch = needs("torch")
    return model.map_arrays(lambda a: torch.from_numpy(np.ascontiguousarray(a)))


def _random(count: int, seed: int = 0) -> Coefficients:
    rng = np.random.default_rng(seed)
    return Coefficients(MODEL.layout, rng.normal(0, 0.3, (count, MODEL.layout.size)))


def test_zero_coefficients_give_the_template() -> None:
    assert MODEL.vertices(MODEL.zero()) == pytest.approx(MODEL.head.template, abs=1e-7)
    assert MODEL.neutral(MODEL.zero(2)).shape == (2, *MODEL.head.template.shape)


def test_batch_equals_one_by_one() -> None:
    model, coefficients = _double(MODEL), _random(4)
    batch = model.vertices(coefficients)
    for index in range(4):
        assert batch[index] == pytest.approx(model.vertices(coefficients.row(index)), abs=1e-12)


def test_vertices_after_those_of_the_bases_follow_neither_shape_nor_expression() -> None:
    head, c = MODEL.head, _random(2)
    more = np.float32([[0, 1, 2], [3, 4, 5]])
    longer = replace(head, template=np.concatenate([head.template, more]))
    found = longer.unposed(c["shape"], c["expression"])
    assert found[:, : -len(more)] == pytest.approx(head.unposed(c["shape"], c["expression"]), abs=1e-6)
    np.testing.assert_array_equal(found[:, -len(more) :], [more, more])


def test_numpy_equals_torch() -> None:
    torch = needs("torch")
    model, coefficients = _double(MODEL), _random(3)
    as_torch = Coefficients(MODEL.layout, torch.from_numpy(coefficients.values))
    numpy_vertices = model.vertices(coefficients)
    torch_vertices = _torch(model).vertices(as_torch)
    assert torch_vertices.numpy() == pytest.approx(numpy_vertices, abs=1e-12)
    expected = model.project(model.contour68(numpy_vertices, coefficients), coefficients)
    got = _torch(model).project(_torch(model).contour68(torch_vertices, as_torch), as_torch)
    assert got.numpy() == pytest.approx(expected, abs=1e-12)


def test_torch_gradients_check() -> None:
    torch = needs("torch")
    model = _torch(_double(MODEL.landmark_model()))
    values = torch.from_numpy(_random(1).values).requires_grad_()

    def landmarks(v: Any) -> Any:
        c = Coefficients(MODEL.layout, v)
        return model.project(model.landmarks68(model.vertices(c))[:, ::7], c)

    assert torch.autograd.gradcheck(landmarks, (values,), atol=1e-6)


def test_head_rotation_turns_everything_about_the_root() -> None:
    model, coefficients = _double(MODEL), _random(1).row(0)
    turn = np.array([0.2, -0.5, 0.1])
    pose = np.concatenate([np.zeros(3), coefficients["pose"][3:]])
    still = model.vertices(coefficients.replace(pose=pose))
    turned = model.vertices(coefficients.replace(pose=np.concatenate([turn, pose[3:]])))
    root = model.head.joint_positions(coefficients["shape"])[0]
    assert turned == pytest.approx((still - root) @ axis_angle_to_matrix(turn).T + root, abs=1e-9)


def test_jaw_moves_only_what_is_skinned_to_it() -> None:
    model = _double(MODEL)
    opened = model.vertices(model.zero().replace(pose=np.array([0, 0, 0, 0.3, 0, 0])))
    moved = np.abs(opened - model.head.template).max(axis=1)
    weight = np.asarray(model.head.skin_weights)[:, model.head.joint_names.index("jaw")]
    assert moved[weight == 0] == pytest.approx(0, abs=1e-7)
    assert moved[weight > 0.3].min() > 0.004


def test_chained_joints_follow_their_parents() -> None:
    """Two bones in line, bent at the second joint and then turned at the first, against hand calculation."""
    points = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    head = Head(
        template=points,
        faces=np.zeros((0, 3), int),
        shape_basis=np.zeros((1, 3, 3)),
        expression_basis=np.zeros((1, 3, 3)),
        joint_names=("root", "elbow"),
        joint_parents=(-1, 0),
        joint_template=points[:2],
        joint_shape_basis=np.zeros((1, 2, 3)),
        skin_weights=np.array([[1.0, 0], [1, 0], [0, 1]]),
    )
    quarter = np.array([0, 0, np.pi / 2])
    bent = head.vertices(np.zeros(1), np.zeros(1), np.stack([quarter, quarter]))
    assert bent == pytest.approx(np.array([[0, 0, 0], [0, 1, 0], [-1, 1, 0]]), abs=1e-12)


def test_landmark_model_gives_the_same_landmarks() -> None:
    small, coefficients = MODEL.landmark_model(), _random(3)
    assert small.head.template.shape[0] < MODEL.head.template.shape[0] / 2
    expected = MODEL.contour68(MODEL.vertices(coefficients), coefficients)
    assert small.contour68(small.vertices(coefficients), coefficients) == pytest.approx(expected, abs=1e-6)
