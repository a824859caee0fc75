import json
import os
import sys
from dataclasses import fields
from pathlib import Path

import cli_answer
import made_up_flame
import numpy as np
import pytest
import training_folder
from extras import needs
from killed import require_whole_or_nothing

needs("torch")

from unveil.assets.store import packaged
from unveil.codes.file import Codes, read_codes, write_codes
from unveil.heads.layout import Coefficients
from unveil.models.deca.head import DETAIL_LAYOUT
from unveil.models.onnx import CoefficientModel
from unveil.reconstruct.pipeline import Reconstructor
from unveil.training.config import TrainConfig

TINY = ("--depth", "18", "--input-size", "32", "--batch-size", "4", "--max-steps", "1", "--precision", "32-true")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return training_folder.write(tmp_path_factory.mktemp("data"))


def wrong(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line that a mistake is answered with."""
    answer = cli_answer.Answer(capsys, *arguments)
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    return answer.err


def test_every_setting_is_an_option(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = cli_answer.Answer(capsys, "train", "--help").out
    for field in fields(TrainConfig):
        assert f"--{field.name.replace('_', '-')} " in text


def test_mistakes_in_settings_are_one_line(capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path) -> None:
    start = ("train", folder, folder / training_folder.CODES, "-o", tmp_path / "run")
    assert "unveil or paper" in wrong(capsys, *start, "--preset", "papier")
    assert "multiple of 2" in wrong(capsys, *start, "--batch-size", "7", "--feature-weight", "0.1")
    config = tmp_path / "config.json"
    config.write_text('{"dept": 18}')
    assert "unknown settings dept" in wrong(capsys, *start, "--config", config)
    assert "no folder" in wrong(capsys, *start, *TINY, "--occluders", tmp_path / "absent")
    assert "no occluder of kind umbrella" in wrong(capsys, *start, *TINY, "--kinds", "umbrella")
    assert "does not exist" in wrong(capsys, *start, *TINY, "--start-from", tmp_path / "absent.pth")
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_settings_come_from_preset_file_and_options_in_this_order(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    config, run = tmp_path / "config.json", tmp_path / "run"
    config.write_text(json.dumps({"seed": 5, "learning_rate": 0.5}))
    arguments = ("train", folder, folder / training_folder.CODES, "-o", run, "--preset", "paper", "--config", config)
    answer = cli_answer.Answer(capsys, *arguments, *TINY, "--learning-rate", "0.25")
    assert answer.status == 0, answer.err
    assert "1 steps" in answer.out
    settled = TrainConfig.load(run / "config.json")
    assert (settled.coefficient_loss, settled.seed, settled.learning_rate) == ("raw", 5, 0.25)
    assert list((run / "tensorboard").iterdir())

    other = tmp_path / "other.npz"
    codes = read_codes(folder / training_folder.CODES)
    write_codes(other, Codes(codes.names, codes.coefficients, codes.model, teacher="another teacher"))
    resumed = ("train", folder, other, *arguments[3:])
    assert "labels of another teacher" in wrong(capsys, *resumed, *TINY, "--learning-rate", "0.25")


def test_validation_prints_a_table_and_draws_the_reliability(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    arguments = ("validate", "openhead", folder, folder / training_folder.CODES, "--split", "validation")
    answer = cli_answer.Answer(capsys, *arguments, "--limit", "2", "--json", "--plot", tmp_path / "reliability.png")
    assert answer.status == 0, answer.err
    rows = answer.json
    assert rows[0]["kind"] == "nothing"
    assert {row["kind"] for row in rows} >= {"pixels", "mask", "glasses", "hair", "object", "piece"}
    assert all(np.isfinite(row["learner"]) and row["teacher"] is None and row["images"] == 2 for row in rows)
    assert (tmp_path / "reliability.png").is_file()
    assert "no labelled crop" in wrong(capsys, *arguments[:4], "--split", "test")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_killed_validation_leaves_no_plot(folder: Path, tmp_path: Path) -> None:
    needs("matplotlib")
    arguments = ("validate", "openhead", folder, folder / training_folder.CODES, "--split", "validation")
    require_whole_or_nothing(tmp_path, *arguments, "--limit", "1", "--plot", tmp_path / "reliability.png")


def test_decas_coefficients_are_learned_with_light_texture_and_detail(
    capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    """The paper's experiment on made-up files: labels of DECA's layout, a learner of its size, and heads from it."""
    assets = made_up_flame.write_data_folder(tmp_path / "deca", checkpoint=False)
    names = read_codes(folder / training_folder.CODES).names
    values = np.random.default_rng(0).normal(0, 0.02, (len(names), DETAIL_LAYOUT.size)).astype(np.float32)
    values[:, DETAIL_LAYOUT.slice_of("camera").start] = 8
    codes, run, onnx = tmp_path / "deca.npz", tmp_path / "run", tmp_path / "learner.onnx"
    write_codes(codes, Codes(names, Coefficients(DETAIL_LAYOUT, values), "deca", teacher="deca"))
    for settings in (("--preset", "paper"), ("--preset", "unveil", "--feature-weight", "0.1")):
        out = run.with_name(settings[1])
        answer = cli_answer.Answer(capsys, "train", folder, codes, "-o", out, "--assets", assets, *settings, *TINY)
        assert answer.status == 0, answer.err
    exported = ("export", run.with_name("unveil"), onnx, "--licence", "none", "--data-statement", "a test")
    assert cli_answer.Answer(capsys, *exported).status == 0
    learner = CoefficientModel(onnx)
    assert learner.layout == DETAIL_LAYOUT
    reconstructor = Reconstructor(onnx, assets=assets)
    (face,) = reconstructor.reconstruct(packaged("demo.jpg"))
    assert face.coefficients["light"].shape == (27,)
    assert face.hidden is not None
    assert face.uncertainty_mm is not None


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("lightning_fabric", "train", ("train", "a", "b", "-o", "c")),
        ("matplotlib", "plot", ("validate", "openhead", "a", "b", "--plot", "c.png")),
    ],
)
def test_what_needs_an_extra_says_which(
    package: str,
    extra: str,
    arguments: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in [name for name in sys.modules if name.startswith("unveil.training.")]:
        monkeypatch.delitem(sys.modules, module)  # as in a program that has not trained before
    monkeypatch.setitem(sys.modules, package, None)
    assert f"needs {package}" in (said := wrong(capsys, *arguments))
    assert f"pip install 'unveil[{extra}]'" in said
