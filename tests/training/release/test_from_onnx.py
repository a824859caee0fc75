"""Exported learners read back into torch: the same weights, the same answers, and training goes on from them."""

import copy
from dataclasses import replace
from pathlib import Path

import constant_learner
import numpy as np
import onnx
import pytest
import training_folder
from extras import needs
from onnx import numpy_helper

torch = needs("torch")

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.models.learner import HEADS, Learner
from unveil.models.onnx import CoefficientModel
from unveil.training.config import TrainConfig
from unveil.training.data import TrainingData
from unveil.training.release.from_onnx import read_learner, unfold_normalisation
from unveil.training.release.predict import predict
from unveil.training.release.to_onnx import Statement, export_int8, export_onnx
from unveil.training.train import train
from unveil.typing import Float32s, Images

STATEMENT = Statement("tiny", "Apache-2.0", "made-up heads")
SHIPPED = packaged("openhead_learner.onnx")
SIDE = 144  # pixels of its crops
LAYOUT = CoefficientModel(SHIPPED).layout


def crops(side: int, count: int = 6) -> Images:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def arrays(path: Path) -> dict[str, Float32s]:
    """What a file stores, in its order; names that tracing has numbered do not count."""
    tensors = onnx.load(path).graph.initializer
    return {
        f"{position} {tensor.name if tensor.name.startswith('learner') else ''}": numpy_helper.to_array(tensor)
        for position, tensor in enumerate(tensors)
    }


def trained(depth: int, *, heads: bool = True) -> Learner:
    """A learner all of whose numbers are drawn, as if it had been trained."""
    torch.manual_seed(depth)
    learner = Learner(depth, LAYOUT, 32, heads=HEADS if heads else ())
    for module in learner.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.2, 0.4)
            torch.nn.init.normal_(module.bias, std=0.1)
            torch.nn.init.normal_(module.get_buffer("running_mean"), std=0.1)
            torch.nn.init.uniform_(module.get_buffer("running_var"), 0.5, 2)
    for head in (learner.head, learner.deviation_head.last if learner.deviation_head else None):
        if head is not None:
            torch.nn.init.normal_(head.weight, std=0.05)
            torch.nn.init.normal_(head.bias, std=0.05)
    return learner.eval()


def test_the_shipped_learner_says_the_same_in_torch() -> None:
    images = crops(SIDE)
    learner, file = read_learner(SHIPPED), CoefficientModel(SHIPPED).predict(images)
    said = predict(learner, images)
    assert (learner.depth, learner.input_size, learner.layout) == (18, SIDE, LAYOUT)
    deviation = learner.std.numpy()
    np.testing.assert_allclose(said.coefficients.values / deviation, file.coefficients.values / deviation, atol=1e-4)
    np.testing.assert_allclose(said.occlusion, file.occlusion, atol=1e-4)
    factors = next(numpy_helper.to_array(t) for t in onnx.load(SHIPPED).graph.initializer if t.name == "factors")
    assert said.deviations is not None
    assert file.deviations is not None
    np.testing.assert_allclose(said.deviations.values * factors, file.deviations.values, rtol=1e-4)


def test_the_shipped_learner_exported_again_stores_the_same_numbers(tmp_path: Path) -> None:
    """And what was exported from it does; it may have a refinement of an earlier version."""
    once, twice = tmp_path / "once.onnx", tmp_path / "twice.onnx"
    export_onnx(read_learner(SHIPPED), once, STATEMENT)
    export_onnx(read_learner(once), twice, STATEMENT)
    shipped, before, after = arrays(SHIPPED), arrays(once), arrays(twice)
    assert before.keys() == after.keys()
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    named = {name.split()[1]: array for name, array in shipped.items() if "learner" in name}
    kept = [name for name in before if "learner" in name and "refinement" not in name]
    assert len(kept) > 20
    for name in kept:
        np.testing.assert_array_equal(before[name], named[name.split()[1]], err_msg=name)


@pytest.mark.parametrize(("depth", "heads"), [(18, False), (34, True), (50, True)])
def test_every_depth_comes_back(depth: int, heads: bool, tmp_path: Path) -> None:
    learner = trained(depth, heads=heads)
    export_onnx(learner, tmp_path / "learner.onnx", STATEMENT)
    again = read_learner(tmp_path / "learner.onnx")
    before, after = predict(learner, crops(32)), predict(again, crops(32))
    scale = np.abs(before.coefficients.values).max()
    np.testing.assert_allclose(after.coefficients.values, before.coefficients.values, atol=0.01 * scale)
    assert (after.occlusion is not None) is heads
    assert (after.deviations is not None) is heads
    assert (after.face is not None) is heads
    if before.face is not None:
        np.testing.assert_allclose(after.face, before.face, atol=0.01)
    same = read_learner(tmp_path / "learner.onnx").state_dict()
    assert all(torch.equal(value, same[name]) for name, value in again.state_dict().items())


def test_an_untrained_learner_whose_arrays_are_alike_comes_back(tmp_path: Path) -> None:
    learner = Learner(18, LAYOUT, 32, heads=HEADS).eval()
    export_onnx(learner, tmp_path / "learner.onnx", STATEMENT)
    before, after = predict(learner, crops(32)), predict(read_learner(tmp_path / "learner.onnx"), crops(32))
    np.testing.assert_allclose(after.coefficients.values, before.coefficients.values, atol=1e-2)


def test_unfolding_changes_nothing_but_what_training_makes_of_it() -> None:
    folded = read_learner(SHIPPED)
    images = torch.from_numpy(crops(SIDE)).permute(0, 3, 1, 2) / 255
    unfolded = copy.deepcopy(folded)
    unfold_normalisation(unfolded, images)
    assert not unfolded.training
    with torch.no_grad():
        says = folded(images).coefficients / folded.std
        assert torch.allclose(unfolded(images).coefficients / folded.std, says, atol=1e-4)
        lost = (folded.train()(images).coefficients / folded.std - says).abs().mean()
        kept = (unfolded.train()(images).coefficients / folded.std - says).abs().mean()
    assert kept < 0.01 * lost


@pytest.mark.parametrize("source", ["openhead", str(SHIPPED)])
def test_training_goes_on_from_it(source: str, tmp_path: Path) -> None:
    data: TrainingData = training_folder.load(training_folder.write(tmp_path / "data"))
    config = TrainConfig(
        depth=18, input_size=32, epochs=1, batch_size=4, max_steps=2, threads=1, precision="32-true", start_from=source
    )
    assert train(config, data, tmp_path / "run").step == 2
    with pytest.raises(UnveilError, match=r"has a ResNet-18, not a ResNet-34: set --depth 18"):
        train(replace(config, depth=34), data, tmp_path / "other")


def test_other_networks_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="does not say what its outputs mean"):
        read_learner(packaged("blazeface.onnx"))
    with pytest.raises(UnveilError, match="no model file"):
        read_learner(tmp_path / "absent.onnx")
    export_int8(trained(18), tmp_path / "int8.onnx", STATEMENT, None, crops(32))
    other = constant_learner.write_learner(
        tmp_path / "constant.onnx", LAYOUT, np.zeros(LAYOUT.size, np.float32), size=32
    )
    for path in (tmp_path / "int8.onnx", other):
        with pytest.raises(UnveilError, match=r"no learner with a ResNet of 18, 34, 50 layers in single precision"):
            read_learner(path)
