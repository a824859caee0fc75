"""The head that finds points of the face, and the layer that refines coefficients by them."""

import numpy as np
from extras import needs

torch = needs("torch")

from unveil.heads.layout import CoefficientLayout, Group
from unveil.models.learner import Learner
from unveil.models.points import (
    Maps,
    PointHead,
    Points,
    Refinement,
    cell_centres,
    cross_entropies,
    expectation,
    moments,
    moments_of,
    without_hidden_layers,
)

LAYOUT = CoefficientLayout("tiny", (Group("shape", 4, "sd"), Group("camera", 3, "1/m, m")))
FRONT = torch.tensor([[-1.0, -1], [1, -1], [0, 0], [-0.5, 1], [0.5, 1]])


def test_a_map_with_one_spot_is_that_place() -> None:
    cells = 28
    logits = torch.full((1, 2, cells * cells), -50.0)
    logits[0, 0, 3 * cells + 20] = 50.0  # row 3, column 20
    logits[0, 1] = 0.0
    positions, spread = expectation(moments_of(logits))
    at = cell_centres(cells, logits)
    assert torch.allclose(positions[0, 0], torch.stack([at[20], at[3]]), atol=1e-5)
    assert torch.allclose(positions[0, 1], torch.zeros(2), atol=1e-5)
    assert spread[0, 0] < 0.01
    assert torch.allclose(spread[0, 1], torch.tensor((2 / 3) ** 0.5), atol=0.01)  # of a uniform square


def made_up_maps(images: int = 2, points: int = 3, channels: int = 4, cells: int = 5) -> Maps:
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    return Maps(normal(images, channels, cells * cells), normal(points, channels), normal(points))


def made_up_spots(maps: Maps) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and columns that each sum to 1."""
    shape = (len(maps.features), len(maps.bias), maps.cells)
    generator = torch.Generator().manual_seed(1)
    rows, columns = (torch.rand(shape, generator=generator, dtype=torch.float64).softmax(dim=-1) for _ in range(2))
    return rows, columns


def test_moments_and_entropies_are_those_of_whole_maps() -> None:
    maps = made_up_maps()
    rows, columns = made_up_spots(maps)
    assert torch.allclose(moments(maps), moments_of(maps.logits()))
    logs = maps.logits().log_softmax(dim=-1).unflatten(-1, (maps.cells, maps.cells))
    expected = -(logs * rows[..., :, None] * columns[..., None, :]).sum(dim=(-2, -1))
    assert torch.allclose(cross_entropies(maps, rows, columns), expected)


def test_gradients_of_moments_and_entropies_are_right() -> None:
    maps = made_up_maps()
    rows, columns = made_up_spots(maps)
    assert torch.autograd.gradcheck(lambda *parts: moments(Maps(*parts)), tuple(maps))
    assert torch.autograd.gradcheck(lambda *parts: cross_entropies(Maps(*parts), rows, columns), tuple(maps))


def test_points_are_the_same_in_training_and_after_it() -> None:
    """The last layer is one of the network in an exported learner, and a product in training."""
    torch.manual_seed(0)
    head = PointHead((8, 8), 5)
    head.bn1.eval(), head.bn2.eval()
    stages = [torch.rand(2, 8, 16, 16), torch.rand(2, 8, 8, 8)]
    training = head(stages)
    head.training = False
    after = head(stages)
    assert torch.allclose(training.positions, after.positions, atol=1e-5)
    assert torch.allclose(training.spread, after.spread, atol=1e-4)


def test_a_learner_finds_points_and_at_first_refines_nothing() -> None:
    torch.manual_seed(0)
    learner = Learner(18, LAYOUT, 64, front=FRONT).eval()
    images = torch.rand(2, 3, 64, 64)
    told = learner(images)
    assert told.points is not None
    assert told.points.positions.shape == (2, 5, 2)
    assert told.points.spread.shape == (2, 5)
    assert torch.allclose(told.coefficients, learner.head(told.features), atol=1e-6)
    assert learner.refinement is not None
    torch.nn.init.ones_(learner.refinement.linear.bias)
    assert torch.allclose(learner(images).coefficients, told.coefficients + 1, atol=1e-5)


def test_positions_stay_float32_under_autocast() -> None:
    learner = Learner(18, LAYOUT, 64, front=FRONT)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = learner(torch.rand(2, 3, 64, 64))
    assert output.points is not None
    assert output.points.positions.dtype == output.points.spread.dtype == torch.float32


def test_the_refinement_does_not_move_the_points() -> None:
    learner = Learner(18, LAYOUT, 64, front=FRONT)
    assert learner.refinement is not None
    torch.nn.init.normal_(learner.refinement.linear.weight)
    learner(torch.rand(2, 3, 64, 64)).coefficients.sum().backward()
    assert learner.point_head is not None
    assert learner.point_head.last.weight.grad is None
    assert learner.refinement.linear.weight.grad is not None


def test_the_refinement_sees_a_form_apart_from_its_place() -> None:
    """The same form elsewhere, turned and larger gives the same offsets; another form gives others."""
    refinement = Refinement(7, FRONT)
    form = FRONT + torch.tensor([[0.0, 0], [0, 0], [0.1, 0], [0, 0], [0, 0.1]])
    angle = np.radians(20)
    turn = torch.tensor([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], dtype=torch.float32)
    moved = 0.3 * form @ turn + torch.tensor([0.1, -0.2])
    place, offsets = refinement._laid_onto_front(torch.stack([form, moved, FRONT]))
    assert torch.allclose(offsets[0], offsets[1], atol=1e-4)
    assert torch.allclose(offsets[2], torch.zeros(5, 2), atol=1e-4)
    assert offsets[0].abs().max() > 0.3
    assert torch.allclose(place[1, :2], 3 * moved.mean(dim=0), atol=1e-5)
    size, direction = place[1, 2:].norm(), torch.atan2(place[1, 3], place[1, 2])
    assert torch.allclose(size / place[0, 2:].norm(), torch.tensor(0.3), atol=1e-4)
    assert abs(float(torch.rad2deg(direction - torch.atan2(place[0, 3], place[0, 2]))) - 20) < 0.1


def test_a_learner_of_an_earlier_version_keeps_the_constant_that_its_refinement_said() -> None:
    learner = Learner(18, LAYOUT, 64, front=FRONT).eval()
    old = learner.state_dict()
    del old["refinement.linear.weight"], old["refinement.linear.bias"]
    constant = torch.linspace(-1, 1, 7)
    for name, outputs, inputs in (("one", 9, 38), ("two", 8, 9), ("last", 7, 8)):
        old |= {f"refinement.{name}.weight": torch.zeros(outputs, inputs)}
        old |= {f"refinement.{name}.bias": constant if name == "last" else -torch.ones(outputs)}
    images = torch.rand(2, 3, 64, 64)
    plain = learner(images).coefficients
    learner.load_state_dict(without_hidden_layers(old))
    assert torch.allclose(learner(images).coefficients, plain + constant, atol=1e-5)
    state = learner.state_dict()
    assert without_hidden_layers(state) is state


def test_maps_are_as_fine_as_the_image() -> None:
    for size in (64, 112, 144):
        told = Learner(18, LAYOUT, size, front=FRONT).eval()(torch.rand(1, 3, size, size))
        assert isinstance(told.points, Points)
        assert told.points.maps.logits().shape == (1, 5, (size // 4) ** 2)
