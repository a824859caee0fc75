import json
from dataclasses import replace
from pathlib import Path

import made_up
import numpy as np
import pytest
import torch
import training_folder

from unveil.distill import checkpoint, to_onnx
from unveil.distill.checkpoint import Position, load_checkpoint, load_learner, settle_config
from unveil.distill.config import TrainConfig
from unveil.distill.data import TrainingData
from unveil.distill.train import main, schedule, train, update_average
from unveil.errors import UnveilError
from unveil.imaging.cutouts import load_pool
from unveil.morphable.layout import CoefficientLayout, Group
from unveil.reconstruct.onnx import CoefficientModel

CONFIG = TrainConfig(
    depth=18,
    input_size=32,
    epochs=2,
    batch_size=4,
    threads=1,
    precision="32-true",
    validation_samples=4,
    warmup=0.2,
    ema=0.9,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return TrainingData.load(training_folder.write(tmp_path_factory.mktemp("data")))


def run(config: TrainConfig, data: TrainingData, folder: Path) -> Position:
    return train(config, data, made_up.model(), load_pool(), folder)


def log(folder: Path) -> list[dict[str, float]]:
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in {"seconds", "images_per_second"}} for line in lines]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state = load_checkpoint(folder)
    assert state is not None
    return {f"{part}.{name}": value for part in ("learner", "average") for name, value in state[part].items()}


def assert_same_weights(one: Path, other: Path) -> None:
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


class _StoppedError(Exception):
    """Stands for the power cut."""


@pytest.fixture(scope="module")
def whole_run(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    assert run(CONFIG, data, folder).step == 6  # 12 training samples, batches of 4, 2 epochs
    return folder


def test_a_run_stopped_in_mid_epoch_goes_on_exactly(
    data: TrainingData, whole_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = replace(CONFIG, checkpoint_minutes=0.0)  # a checkpoint after every step
    save, count = checkpoint.TrainingState.save, 0

    def stop_at_the_fourth(self: checkpoint.TrainingState, folder: Path) -> None:
        nonlocal count
        count += 1
        if count == 6:  # two of the first epoch, its end, two of the second, and this one is lost
            raise _StoppedError
        save(self, folder)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.TrainingState, "save", stop_at_the_fourth)
        with pytest.raises(_StoppedError):
            run(often, data, tmp_path)
    state = load_checkpoint(tmp_path)
    assert state is not None
    assert (state["position"].epoch, state["position"].batch) == (1, 1)
    run(CONFIG, data, tmp_path)
    assert_same_weights(whole_run, tmp_path)
    first, last = log(whole_run), log(tmp_path)
    assert last[0] == first[0]
    assert last[-1]["nme_occluded"] == first[-1]["nme_occluded"]


def test_workers_change_nothing(data: TrainingData, whole_run: Path, tmp_path: Path) -> None:
    run(replace(CONFIG, workers=1), data, tmp_path)
    assert log(tmp_path) == log(whole_run)
    assert_same_weights(whole_run, tmp_path)


def test_a_finished_run_stays_as_it_is(data: TrainingData, whole_run: Path) -> None:
    before = (whole_run / "checkpoint.pt").read_bytes()
    assert run(CONFIG, data, whole_run).epoch == 2
    assert (whole_run / "checkpoint.pt").read_bytes() == before


def test_other_settings_need_another_folder(data: TrainingData, whole_run: Path) -> None:
    with pytest.raises(UnveilError, match="other settings"):
        run(replace(CONFIG, learning_rate=0.1), data, whole_run)
    settle_config(whole_run, replace(CONFIG, workers=0, checkpoint_minutes=9.0))  # of no influence on the result


def test_the_clock_ends_a_run(data: TrainingData, tmp_path: Path) -> None:
    position = run(replace(CONFIG, epochs=10_000, max_minutes=0.03), data, tmp_path)
    assert 0 < position.step < 3 * 10_000
    assert position.seconds >= 1.8
    assert load_learner(tmp_path).input_size == 32


def repeated(data: TrainingData, times: int) -> dict[str, np.ndarray]:
    """The arrays of the data, so many times over."""
    names = ("crops", "coefficients", "landmarks68", "weight")
    return {name: np.concatenate([getattr(data, name)] * times) for name in names}


def test_a_few_samples_are_learned_by_heart(data: TrainingData, tmp_path: Path) -> None:
    few = replace(data, split=np.where(np.arange(16) < 4, 0, 2).astype(np.int8))
    few = replace(few, split=few.split[np.arange(160) % 16], **repeated(few, 10))  # 10 steps an epoch
    still = replace(
        CONFIG, epochs=6, warmup=0.05, scale=0.0, shift=0.0, rotation=0.0, flip=0.0, colour=0.0, occluded=0.0
    )
    run(replace(still, weight_decay=0.0, learning_rate=4e-3), few, tmp_path)
    lines = log(tmp_path)
    assert lines[-1]["landmark"] < 0.7 * lines[0]["landmark"]
    assert lines[-1]["loss"] < 0.6 * lines[0]["loss"]


def test_onnx_gives_what_torch_gives(data: TrainingData, whole_run: Path, tmp_path: Path) -> None:
    learner, path = load_learner(whole_run), tmp_path / "learner.onnx"
    to_onnx.export_onnx(learner, path, to_onnx.Statement("tiny", "Apache-2.0", "made-up heads"))
    crops = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    difference, expected = to_onnx.largest_difference(learner, path, crops)
    assert difference < 0.02  # standard deviations: half precision has 11 bits
    size = sum(p.numel() for p in learner.parameters())
    assert path.stat().st_size < 2.1 * size
    model = CoefficientModel(path)
    assert (model.name, model.licence, model.input_size) == ("tiny", "Apache-2.0", 32)
    assert model.layout == learner.layout
    assert model.layout.groups[0].std == learner.layout.groups[0].std
    np.testing.assert_allclose(model.predict(crops).values, expected, atol=1e-5)


def test_no_learner_without_a_checkpoint(tmp_path: Path) -> None:
    settle_config(tmp_path, CONFIG)
    with pytest.raises(UnveilError, match="train a learner first"):
        load_learner(tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"cut short")
    with pytest.raises(UnveilError, match="no usable checkpoint"):
        load_learner(tmp_path)


def test_labels_of_another_layout_are_refused(data: TrainingData, tmp_path: Path) -> None:
    other = replace(data, layout=CoefficientLayout("other", (Group("all", 160, ""),)))
    with pytest.raises(UnveilError, match=r"openhead-geometry.*other"):
        run(CONFIG, other, tmp_path)


def test_too_few_samples_are_refused(data: TrainingData, tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="12 training samples"):
        run(replace(CONFIG, batch_size=13), data, tmp_path)


def test_command_line_names_an_unknown_head_model(tmp_path: Path) -> None:
    training_folder.write(tmp_path)
    with pytest.raises(UnveilError, match="made-up"):
        main([str(tmp_path), str(tmp_path / "run"), "--depth", "18"])


def test_schedule_rises_and_falls() -> None:
    rates = [schedule(progress, 0.1) for progress in np.linspace(0, 1, 101)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(1)
    assert rates[5] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0, abs=1e-9)
    assert schedule(0.0, 0.0) == 1


def test_average_follows_the_weights() -> None:
    average, learner = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    with torch.no_grad():
        learner.weight.fill_(3.0)
    learner.num_batches_tracked += 5
    update_average(average, learner, 0.5, 1000)
    assert average.weight.tolist() == [2.0, 2.0]
    assert int(average.num_batches_tracked) == 5
