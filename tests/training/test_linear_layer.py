from pathlib import Path

import training_folder
from extras import needs

torch = needs("torch")

from unveil.heads.face_points import face_points
from unveil.training.batches import to_bytes, to_tensors
from unveil.training.checkpoint import new_learner
from unveil.training.config import TrainConfig
from unveil.training.linear_layer import fold_constants, ridge, solve_shape
from unveil.training.sampler import Sampler, occluders_of


def test_a_linear_map_is_found_again_and_rows_without_weight_do_not_count() -> None:
    generator = torch.Generator().manual_seed(1)
    inputs, true = torch.randn(4000, 5, generator=generator), torch.randn(3, 5, generator=generator)
    outputs, weight = inputs @ true.T + 2.0, torch.ones(4000)
    outputs[::2], weight[::2] = 100.0, 0.0
    solved, bias = ridge(inputs, outputs, weight)
    assert torch.allclose(1.03 * solved, true, atol=0.05)  # the ridge takes a little
    assert torch.allclose(bias, torch.full((3,), 2.0), atol=0.1)


def test_what_hardly_varies_moves_to_the_bias() -> None:
    generator = torch.Generator().manual_seed(2)
    inputs, layer = torch.randn(50, 4, generator=generator), torch.nn.Linear(4, 2)
    inputs[:, 1] = 6.0  # a point beyond the bound
    before = layer(inputs)
    inputs[0, 1] = -6.0  # but in one crop
    rest = fold_constants(layer, inputs)
    assert torch.allclose(layer(inputs), before, atol=1e-5)
    assert (layer.weight[:, 1] == 0).all()
    assert (rest[:, 1] == 0).all()
    assert (layer.weight[:, [0, 2, 3]] != 0).all()
    assert torch.equal(rest[:, [0, 2, 3]], inputs[:, [0, 2, 3]])


def test_only_the_rows_of_the_shape_change(tmp_path: Path) -> None:
    data = training_folder.load(training_folder.write(tmp_path / "data"))
    config = TrainConfig(depth=18, input_size=32)
    sampler = Sampler(data, config, occluders_of(config))
    learner = new_learner(config, sampler.layout_with_statistics())
    before = learner.head.weight.detach().clone()
    solve_shape(learner, sampler, 12)
    changed = (learner.head.weight != before).any(dim=1)
    rows = learner.layout.slice_of("shape")
    assert changed[rows].all()
    assert int(changed.sum()) == rows.stop - rows.start


def test_answers_come_nearer_to_the_labels_of_the_shape(tmp_path: Path) -> None:
    data = training_folder.load(training_folder.write(tmp_path / "data"))
    config = TrainConfig(depth=18, input_size=32)
    sampler = Sampler(data, config, occluders_of(config))
    learner = new_learner(config, sampler.layout_with_statistics())
    learner.head.weight.data.normal_(std=0.1, generator=torch.Generator().manual_seed(3))  # a layer that is wrong
    batch = to_tensors(to_bytes(sampler.training_batch(0, sampler.order(0)[:12], sampler.severity(0))))
    rows = learner.layout.slice_of("shape")

    def lacking() -> float:
        with torch.no_grad():
            told = learner.eval()(batch.images).coefficients
        return float(((told - batch.coefficients) / learner.std)[:, rows].square().mean())

    before = lacking()
    solve_shape(learner, sampler, 12)
    assert lacking() < 0.5 * before


def test_the_layer_that_reads_points_is_solved_too(tmp_path: Path) -> None:
    data = training_folder.load(training_folder.write(tmp_path / "data"))
    config = TrainConfig(depth=18, input_size=32, point_weight=20.0)
    sampler = Sampler(data, config, occluders_of(config))
    front = torch.from_numpy(face_points(data.model).front)
    learner = new_learner(config, sampler.layout_with_statistics(), front)
    solve_shape(learner, sampler, 12)
    assert learner.refinement is not None
    assert (learner.refinement.linear.bias == 0).all()
    changed = (learner.refinement.linear.weight != 0).any(dim=1)
    rows = learner.layout.slice_of("shape")
    assert changed[rows].all()
    assert int(changed.sum()) == rows.stop - rows.start
