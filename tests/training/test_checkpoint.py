"""Checkpoints: what is damaged, made to do harm or not finite is never loaded, kept or exported."""

import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import training_folder
from cli_answer import Answer
from extras import needs

torch = needs("torch")

from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout, Group
from unveil.models.learner import Learner
from unveil.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, load_learner
from unveil.training.checksum import add_checksum, require_checksum
from unveil.training.config import TrainConfig
from unveil.training.data import TrainingData
from unveil.training.initial_weights import start_from
from unveil.training.losses import Objective
from unveil.training.release.safetensors_file import read_state, write_state
from unveil.training.release.to_onnx import Statement, export_onnx
from unveil.training.train import train

CONFIG = TrainConfig(
    depth=18, input_size=32, epochs=1, batch_size=4, threads=1, precision="32-true", validation_samples=2, max_steps=1
)
STATEMENT = Statement("learner", "free", "made up")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return training_folder.load(training_folder.write(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory, data: TrainingData) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(CONFIG, data, folder, lambda _: None)
    return folder


@pytest.fixture
def run(whole_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole_run, tmp_path / "run"))


def signed(data: bytes) -> bytes:
    file = io.BytesIO(data)
    add_checksum(file)
    return file.getvalue()


def no_images() -> torch.Tensor:
    raise AssertionError


def test_a_changed_byte_is_found(run: Path) -> None:
    path = run / CHECKPOINT_FILE
    require_checksum(path)
    data = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(data) - 80, 8):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(UnveilError, match="no usable checkpoint") as caught:
            load_checkpoint(run)
        assert "\n" not in str(caught.value)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UnveilError, match="no usable checkpoint"):
        load_checkpoint(run)


def test_torch_reads_a_file_with_a_checksum_and_one_without_is_still_loaded(run: Path) -> None:
    path = run / CHECKPOINT_FILE
    state = torch.load(path, weights_only=True)
    assert zipfile.ZipFile(path).testzip() is None
    torch.save(state, path)
    assert load_checkpoint(run) is not None
    path.write_bytes(signed(path.read_bytes()))
    assert load_checkpoint(run) is not None
    with pytest.raises(ValueError, match="without a comment"):
        signed(path.read_bytes())


class Bytes:
    """Asks for memory by a number."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def compressed(source: Path) -> None:
    """The same zip file with every member compressed, some of them zeros that unfold to a gigabyte in all."""
    with zipfile.ZipFile(source) as old:
        members = {name: old.read(name) for name in old.namelist()}
    zeros = repeat(bytes(2**24), 64)
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name, content in members.items():
            new.writestr(name, next(zeros, content) if "/data/" in name else content)


@pytest.mark.parametrize("kind", ["bytearray", "tensor", "bomb", "text", "empty", "folder", "list"])
def test_files_made_to_do_harm(run: Path, tmp_path: Path, kind: str) -> None:
    """As a checkpoint and as a ``.pth`` to start from: one line, and no memory."""
    path = run / CHECKPOINT_FILE
    if kind in {"bytearray", "tensor"}:
        harm = Bytes(bytearray, 2**40) if kind == "bytearray" else Bytes(torch.DoubleTensor, 2**37)
        torch.save({"average": harm}, path)
    elif kind == "bomb":
        compressed(path)
    elif kind == "list":
        torch.save([1, 2], path)
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_text("<html>" if kind == "text" else "")
    with pytest.raises(UnveilError, match="no usable checkpoint") as caught:
        load_learner(run)
    assert "\n" not in str(caught.value)
    published = path.rename(tmp_path / "published.pth")
    learner = Learner(18, CoefficientLayout("one", (Group("one", 1, ""),)), 32)
    expected = "is no run of `unveil train`" if kind == "folder" else "no state dict"
    with pytest.raises(UnveilError, match=expected) as caught:
        start_from(learner, str(published), no_images)
    assert "\n" not in str(caught.value)


def spoil(run: Path, value: float = float("nan")) -> None:
    """Put a number that is not finite into the weights of a run."""
    path = run / CHECKPOINT_FILE
    state = torch.load(path, weights_only=True)
    state["average"]["backbone.conv1.weight"][0, 0, 0, 0] = value
    torch.save(state, path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("file", ["learner.onnx", "learner.safetensors"])
def test_weights_that_are_not_finite_are_not_exported(
    capsys: pytest.CaptureFixture[str], run: Path, tmp_path: Path, file: str, value: float
) -> None:
    spoil(run, value)
    answer = Answer(capsys, "export", run, tmp_path / file, "--licence", "free", "--data-statement", "made up")
    assert answer.status == 2
    assert answer.err.startswith(f"unveil: the run {run} has weights that are not finite (backbone.conv1.weight)")
    assert len(answer.err.splitlines()) == 1
    assert not (tmp_path / file).exists()


def test_nor_by_those_who_call_the_functions(run: Path, tmp_path: Path) -> None:
    learner = load_learner(run)
    learner.head.bias.data[3] = torch.inf
    with pytest.raises(UnveilError, match=r"weights that are not finite \(head\.bias\)"):
        write_state(learner, tmp_path / "learner.safetensors", STATEMENT)
    with pytest.raises(UnveilError, match=r"learner\.onnx is not written: weights are not finite"):
        export_onnx(learner, tmp_path / "learner.onnx", STATEMENT)
    assert not list(tmp_path.glob("learner.*"))


def test_large_weights_stay_finite_in_a_file(run: Path, tmp_path: Path) -> None:
    learner = load_learner(run)
    learner.head.weight.data[0, 0] = 1e6  # no number of half precision
    write_state(learner, tmp_path / "learner.safetensors", STATEMENT)
    assert read_state(tmp_path / "learner.safetensors").head.weight[0, 0] == 1e6


def test_nobody_starts_from_weights_that_are_not_finite(run: Path, tmp_path: Path) -> None:
    backbone = load_learner(run).backbone.state_dict()
    spoil(run)
    learner = Learner(18, CoefficientLayout("one", (Group("one", 1, ""),)), 32)
    with pytest.raises(UnveilError, match="not finite"):
        start_from(learner, str(run), no_images)
    backbone["bn1.running_var"][0] = torch.inf
    torch.save(backbone, tmp_path / "published.pth")
    with pytest.raises(UnveilError, match=r"published\.pth has weights that are not finite"):
        start_from(learner, str(tmp_path / "published.pth"), no_images)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_its_checkpoint(
    run: Path, data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run / CHECKPOINT_FILE).read_bytes()
    config = replace(CONFIG, epochs=2, max_steps=0, checkpoint_minutes=0.0)
    for path in run.glob("config.json"):
        path.write_text(config.to_json())
    total, steps = Objective.total, []

    def diverge(*arguments: Any) -> torch.Tensor:
        steps.append(1)
        return total(*arguments) * (torch.nan if len(steps) > 1 else 1)

    monkeypatch.setattr(Objective, "total", diverge)
    with pytest.raises(UnveilError, match=r"the loss of .*run at step 3 is not finite.*last checkpoint is kept"):
        train(config, data, run, lambda _: None)
    assert (run / CHECKPOINT_FILE).read_bytes() != before
    state = load_checkpoint(run)
    assert state is not None
    assert state["position"].step == 2
    assert all(torch.isfinite(value).all() for value in state["learner"].values())


def test_a_run_that_fails_before_its_first_checkpoint_does_not_send_anybody_there(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = Objective.total
    monkeypatch.setattr(Objective, "total", lambda *arguments: total(*arguments) * torch.nan)
    with pytest.raises(UnveilError, match=r"run at step 1 is not finite.*it has no checkpoint yet: train in another"):
        train(CONFIG, data, tmp_path / "run", lambda _: None)


def test_weights_that_are_not_finite_are_not_kept(
    run: Path, data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gradient may overflow though the loss does not."""
    before = (run / CHECKPOINT_FILE).read_bytes()
    config = replace(CONFIG, epochs=2, max_steps=2, gradient_norm=0.0)
    (run / "config.json").write_text(config.to_json())
    total = Objective.total
    monkeypatch.setattr(Objective, "total", lambda *arguments: Overflow.apply(total(*arguments)))
    with pytest.raises(UnveilError, match=r"the run .* has weights that are not finite"):
        train(config, data, run, lambda _: None)
    assert (run / CHECKPOINT_FILE).read_bytes() == before


class Overflow(torch.autograd.Function):
    """The same, with a gradient that is not finite."""

    @staticmethod
    def forward(context: Any, value: torch.Tensor) -> torch.Tensor:
        return value.clone()

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * torch.inf


def test_a_folder_that_is_no_run_is_called_that(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match=r"is no run of `unveil train`: give the folder that it wrote"):
        load_learner(tmp_path)
