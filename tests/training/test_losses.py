import math

import made_up
import numpy as np
import pytest
import training_folder
from extras import needs

torch = needs("torch")

from unveil.models.classes import CLASSES, EYES, SKIN, UNKNOWN
from unveil.models.learner import LearnerOutput
from unveil.models.points import Maps, Points, expectation, moments
from unveil.training.batches import Tensors
from unveil.training.config import TrainConfig, preset
from unveil.training.losses import (
    SMALL_WEIGHT,
    Objective,
    box_size,
    class_cross_entropy,
    distance_of_forms,
    feature_distance,
    group_mean_squares,
    map_cross_entropy,
    mean_distance,
    negative_log_likelihood,
    point_terms,
)


def values(seed: int) -> torch.Tensor:
    return torch.from_numpy(np.asarray(training_folder.coefficients(2, seed).values, np.float32))


def objective(config: TrainConfig | None = None) -> Objective:
    model = made_up.model()
    layout = model.layout.with_statistics(np.zeros(160), np.full(160, 0.5))
    return Objective.of(config or TrainConfig(feature_weight=0.1), layout, model)


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


def prediction(coefficients: torch.Tensor) -> LearnerOutput:
    generator = torch.Generator().manual_seed(1)
    count = len(coefficients)
    deviations = 0.1 + torch.rand(coefficients.shape, generator=generator)
    maps, features = (torch.randn(count, *shape, generator=generator) for shape in ((28, 28), (8,)))
    return LearnerOutput(coefficients, deviations, maps, features)


def batch(target: torch.Tensor) -> Tensors:
    partner = torch.tensor([1, -1])[: len(target)]
    occlusion, ones = torch.full((len(target), 28, 28), 0.25), torch.ones(len(target))
    nothing = torch.zeros(len(target), 0, 0, dtype=torch.uint8)
    no_points = torch.zeros(len(target), 0, 2)
    return Tensors(torch.zeros(0), target, ones, ones, occlusion, no_points, nothing, partner, ones)


def test_the_papers_loss_is_the_mean_of_squares() -> None:
    o = objective(TrainConfig(**preset("paper")))
    terms = o.terms(LearnerOutput(values(0), None, None, torch.zeros(2, 8)), batch(values(1)))
    assert set(terms) == {"coefficient"}
    assert torch.allclose(o.total(terms, torch.ones(2)), (values(0) - values(1)).square().mean(dim=1))


def test_equal_coefficients_cost_nothing() -> None:
    o, same = objective(), values(0)
    terms = o.terms(prediction(same)._replace(deviations=None, occlusion=None), batch(same))
    assert set(terms) == {"coefficient", "landmark", "vertex", "feature"}
    assert max(float(terms[name].max()) for name in ("coefficient", "landmark", "vertex")) < 2e-3


def test_weights_choose_the_terms() -> None:
    names = ("coefficient", "landmark", "vertex", "feature", "occlusion", "likelihood")
    for name in names:
        config = TrainConfig(**{f"{n}_weight": 2.0 if n == name else 0.0 for n in names})  # type: ignore[arg-type]
        o = objective(config)
        terms = o.terms(prediction(values(0)), batch(values(1)))
        assert torch.allclose(o.total(terms, torch.ones(2)), 2 * terms[name])


def test_gradients_of_every_term_are_right() -> None:
    o = objective(TrainConfig(feature_weight=0.0))  # of features, which have a test of their own
    double = Objective(
        o.config,
        o.layout,
        o.landmark_model.map_arrays(lambda a: a.double() if a.is_floating_point() else a),
        o.sparse_head.map_arrays(lambda a: a.double() if a.is_floating_point() else a),
        None,
    )
    told = prediction(values(0)[:1].double())
    inputs = [part.double().requires_grad_() for part in (told.coefficients, told.occlusion)]  # type: ignore[union-attr]
    aim = batch(values(1)[:1].double())
    aim = aim._replace(partner=torch.tensor([-1]), occlusion=aim.occlusion.double())

    def terms(coefficients: torch.Tensor, occlusion: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(double.terms(LearnerOutput(coefficients, None, occlusion, told.features.double()), aim).values())

    assert torch.autograd.gradcheck(terms, inputs, fast_mode=True)


def test_features_follow_the_clear_crop_and_not_it_them() -> None:
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    distance = feature_distance(features, torch.tensor([1, -1]))
    assert distance.tolist() == pytest.approx([8 / 25, 0])
    distance.sum().backward()
    assert features.grad is not None
    assert features.grad[1].tolist() == [0, 0]
    assert (features.grad[0] < 0).all()


def test_the_map_is_right_where_it_is_sure() -> None:
    occlusion = torch.zeros(2, 4, 4)
    occlusion[0] = 1
    logits = torch.stack([torch.full((4, 4), 20.0), torch.full((4, 4), 20.0)])
    right, wrong = map_cross_entropy(logits, occlusion).tolist()
    assert right < 1e-6
    assert wrong == pytest.approx(20, rel=1e-3)


def test_classes_count_where_they_are_known() -> None:
    classes = torch.full((2, 4, 4), UNKNOWN, dtype=torch.uint8)
    classes[0, 0] = SKIN
    classes[0, 1] = EYES
    logits = torch.zeros(2, len(CLASSES), 4, 4)
    logits[0, :, 2:] = torch.randn(len(CLASSES), 2, 4)  # of unknown cells
    some, none = class_cross_entropy(logits, classes).tolist()
    assert some == pytest.approx((4 + 4 * SMALL_WEIGHT) * math.log(len(CLASSES)) / 8, rel=1e-5)
    assert none == 0


def test_likelihood_is_largest_at_the_true_deviation_and_leaves_the_coefficients_alone() -> None:
    difference = (0.3 * torch.randn(1, 20_000, generator=torch.Generator().manual_seed(0))).requires_grad_()
    costs = {s: negative_log_likelihood(difference, torch.full((1, 20_000), s)) for s in (0.2, 0.29, 0.3, 0.31, 0.45)}
    assert min(costs, key=lambda s: float(costs[s])) == 0.3
    deviation = torch.full((1, 20_000), 0.2, requires_grad=True)
    negative_log_likelihood(difference, deviation).sum().backward()
    assert difference.grad is None
    assert deviation.grad is not None
    assert float(deviation.grad.sum()) < 0  # too small: it grows


def test_distance_has_a_gradient_where_points_coincide() -> None:
    points = torch.zeros(1, 3, 2, requires_grad=True)
    mean_distance(points, torch.zeros(1, 3, 2)).sum().backward()
    assert points.grad is not None
    assert torch.isfinite(points.grad).all()


def test_distance_and_box_size() -> None:
    points = torch.tensor([[[0.0, 0.0], [4.0, 9.0]]])
    assert float(box_size(points)) == pytest.approx(6.0)
    assert float(mean_distance(points, points + torch.tensor([3.0, 4.0]))) == pytest.approx(5.0)


def test_size_and_place_of_a_head_are_not_its_form() -> None:
    generator = torch.Generator().manual_seed(3)
    points = torch.randn(2, 50, 3, generator=generator)
    assert float(distance_of_forms(1.3 * points + 0.2, points).max()) < 1e-4
    assert float(distance_of_forms(points * torch.tensor([1.0, 1.5, 1.0]), points).min()) > 0.05


def test_labels_without_a_form_do_not_move_the_shape() -> None:
    config = TrainConfig(face_weight=1.0, landmark_weight=0.0)
    o = objective(config)
    told = values(0).requires_grad_()
    aim = batch(values(1))._replace(shape_weight=torch.zeros(2))
    o.total(o.terms(prediction(told), aim), aim.weight).sum().backward()
    assert told.grad is not None
    shape = o.layout.slice_of("shape")
    assert float(told.grad[:, shape].abs().max()) == 0
    assert float(told.grad[:, o.layout.slice_of("expression")].abs().max()) > 0


def test_where_there_is_no_face_only_the_face_score_learns() -> None:
    o = objective(TrainConfig(face_score_weight=0.5, beside=0.2))
    told, score = values(0).requires_grad_(), torch.tensor([1.0, 2.0], requires_grad=True)
    none = torch.tensor([1.0, 0.0])
    aim = batch(values(1))._replace(weight=none, face=none)
    terms = o.terms(prediction(told)._replace(face=score), aim)
    assert float(terms["coefficient"].detach()[1]) == 0
    o.total(terms, aim.weight).sum().backward()
    assert told.grad is not None
    assert score.grad is not None
    assert float(told.grad[1].abs().max()) == 0
    assert float(told.grad[0].abs().max()) > 0
    expected = 0.5 * (torch.sigmoid(torch.tensor([1.0, 2.0])) - none)
    assert torch.allclose(score.grad, expected)


def test_the_shapes_share_weighs_its_squares() -> None:
    full, none = (objective(TrainConfig(shape_share=share)) for share in (1.0, 0.0))
    aim = batch(values(1))
    terms = [o.terms(prediction(values(0)), aim)["coefficient"] for o in (full, none)]
    groups = group_mean_squares(values(0), values(1), full.layout)
    assert torch.allclose(terms[0] - terms[1], groups["shape"], atol=1e-5)


CELLS = 28  # per side of a map


def points_at(row: int, column: int, sharpness: float) -> Points:
    """One point whose map has its spot at a cell."""
    y, x = np.mgrid[:CELLS, :CELLS]
    logits = torch.from_numpy(-sharpness * ((y - row) ** 2 + (x - column) ** 2).astype(np.float32)).reshape(1, 1, -1)
    maps = Maps(logits, torch.ones(1, 1), torch.zeros(1))
    return Points(*expectation(moments(maps)), maps)


def test_points_are_to_be_small_spots_where_the_points_are() -> None:
    right = points_at(10, 20, 0.3)
    target = right.positions
    distance, entropy = point_terms(right, target)
    assert distance[0] < 1e-3
    for wrong in (points_at(10, 14, 0.3), points_at(16, 20, 0.3)):
        farther, more = point_terms(wrong, target)
        assert torch.allclose(farther, torch.tensor(6 * 2 / CELLS), atol=1e-3)
        assert more[0] > entropy[0] + 1
    assert point_terms(points_at(10, 20, 0.01), target)[1][0] > entropy[0]  # all over the crop


def test_points_beyond_the_crop_do_not_count() -> None:
    points = points_at(10, 20, 0.3)
    assert all(float(term[0]) == 0 for term in point_terms(points, torch.tensor([[[0.1, 1.2]]])))
