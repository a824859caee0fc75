import made_up
import numpy as np
import pytest
import torch
import training_folder

from unveil.distill.config import TrainConfig
from unveil.distill.losses import Objective, box_size, group_mean_squares, mean_distance


def values(seed: int) -> torch.Tensor:
    return torch.from_numpy(np.asarray(training_folder.coefficients(2, seed).values, np.float32))


def objective(config: TrainConfig | None = None) -> Objective:
    model = made_up.model()
    layout = model.layout.with_statistics(np.zeros(160), np.full(160, 0.5))
    return Objective.of(config or TrainConfig(), layout, model)


def test_group_means_make_up_the_papers_loss() -> None:
    o, predicted, target = objective(), values(0), values(1)
    groups = group_mean_squares(predicted, target, o.layout)
    sizes = {group.name: group.size for group in o.layout.groups}
    total = sum(groups[name] * size for name, size in sizes.items()) / o.layout.size
    assert torch.allclose(total, ((predicted - target) / 0.5).square().mean(dim=1))


def test_landmarks_are_those_of_the_whole_model() -> None:
    coefficients = training_folder.coefficients(2, 0)
    expected = training_folder.landmarks(coefficients, 2) - 1  # a crop of 2 pixels is the [-1, 1] frame, shifted
    np.testing.assert_allclose(objective().landmarks(values(0)).numpy(), expected, atol=1e-5)


def test_equal_coefficients_cost_nothing() -> None:
    o, same = objective(), values(0)
    terms = o.terms(same, same)
    assert float(o.total(terms).max()) < 2e-3


def test_weights_choose_the_terms() -> None:
    names = ("shape", "expression", "pose", "camera", "landmark", "vertex")
    for name in names:
        config = TrainConfig(**{f"{n}_weight": 2.0 if n == name else 0.0 for n in names})  # type: ignore[arg-type]
        o = objective(config)
        terms = o.terms(values(0), values(1))
        assert torch.allclose(o.total(terms), 2 * terms[name])


def test_gradients_of_every_term_are_right() -> None:
    o = objective()
    double = Objective(
        o.config,
        o.layout,
        o.landmark_model.map_arrays(lambda a: a.double() if a.is_floating_point() else a),
        o.sparse_head.map_arrays(lambda a: a.double() if a.is_floating_point() else a),
    )
    predicted, target = values(0)[:1].double().requires_grad_(), values(1)[:1].double()
    assert torch.autograd.gradcheck(lambda p: tuple(double.terms(p, target).values()), predicted, fast_mode=True)


def test_distance_has_a_gradient_where_points_coincide() -> None:
    points = torch.zeros(1, 3, 2, requires_grad=True)
    mean_distance(points, torch.zeros(1, 3, 2)).sum().backward()
    assert points.grad is not None
    assert torch.isfinite(points.grad).all()


def test_distance_and_box_size() -> None:
    points = torch.tensor([[[0.0, 0.0], [4.0, 9.0]]])
    assert float(box_size(points)) == pytest.approx(6.0)
    assert float(mean_distance(points, points + torch.tensor([3.0, 4.0]))) == pytest.approx(5.0)
