"""Encoding on Ray: the same codes as without it. What Ray itself does is tested where it is installed."""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cli_answer import Answer
from constant_learner import write_learner
from extras import needs
from PIL import Image

from unveil.codes import ray as ray_encode
from unveil.codes.crops import open_crops
from unveil.codes.encode import encode_batch
from unveil.codes.ray import Job, Worker
from unveil.errors import UnveilError
from unveil.models.encoder import identity
from unveil.models.onnx import CoefficientModel
from unveil.models.openhead import head as openhead

SIZE = openhead.GEOMETRY_LAYOUT.size


@pytest.fixture
def learner(tmp_path: Path) -> Path:
    gain = np.linspace(1, 2, SIZE, dtype=np.float32)
    return write_learner(tmp_path / "learner.onnx", openhead.GEOMETRY_LAYOUT, gain * 0, gain=gain, size=16)


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    folder = tmp_path / "crops"
    folder.mkdir()
    for k in range(150):
        Image.new("RGB", (16, 16), (k, 0, 50)).save(folder / f"{k:03d}.png")
    for k in (3, 140):
        (folder / f"{k:03d}.png").write_bytes(b"text")
    return folder


def job(crops: Path, learner: Path, expected: tuple[str, str] | None = None) -> Job:
    known = (open_crops(crops).fingerprint, identity(CoefficientModel(learner)))
    return Job(partial(open_crops, crops), partial(CoefficientModel, learner), expected or known, SIZE)


def test_what_a_worker_answers_is_what_encoding_gives(crops: Path, learner: Path) -> None:
    columns = Worker(job(crops, learner), 130)({"id": np.arange(4, 16)})
    assert columns["number"].tolist() == list(range(134, 146))
    encoded = ray_encode.encoded_of(columns)
    expected = encode_batch(open_crops(crops), CoefficientModel(learner), range(134, 146))
    assert (encoded.start, encoded.stop, encoded.errors) == (134, 146, expected.errors)
    assert list(encoded.errors) == [140]
    np.testing.assert_array_equal(encoded.values, expected.values)


@pytest.mark.parametrize("other", ["crops", "model", "no crops"])
def test_a_worker_that_finds_other_files_says_so(crops: Path, learner: Path, tmp_path: Path, other: str) -> None:
    fingerprint, teacher = job(crops, learner).expected
    wrong = {"crops": ("abc", teacher), "model": (fingerprint, "constant abc")}
    worker = Worker(job(crops, learner, wrong.get(other)), 0)
    if other == "no crops":
        crops.rename(tmp_path / "elsewhere")
    columns = worker({"id": np.arange(16)})
    message = "does not exist" if other == "no crops" else "other crops or another model under these paths"
    with pytest.raises(UnveilError, match=message):
        ray_encode.encoded_of(columns)
    assert columns["values"].shape == (16, SIZE)  # Ray puts the rows of all workers into one table


def test_without_ray_there_is_one_line(
    capsys: pytest.CaptureFixture[str], crops: Path, learner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    run = Answer(capsys, "encode", crops, "--model", learner, "-o", tmp_path / "codes.npz", "--ray")
    assert (run.status, run.out) == (2, "")
    assert run.err == "unveil: Ray is not installed: run pip install 'unveil[ray]', or leave out --ray\n"


def test_ray_writes_the_same_file(
    capsys: pytest.CaptureFixture[str], crops: Path, learner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("ray")
    monkeypatch.chdir(tmp_path)  # workers are elsewhere
    call = ("encode", crops.name, "--model", learner.name, "-o")
    plain = Answer(capsys, *call, "plain.npz")
    run = Answer(capsys, *call, "codes.npz", "--ray")
    assert (run.status, run.out) == (plain.status, plain.out.replace("plain", "codes")) == (2, run.out)
    lines = run.err.replace(f"{tmp_path}/", "").splitlines()  # workers need absolute paths
    complaints = [line for line in lines if line.startswith("unveil: ")]  # Ray has lines of its own
    assert complaints == plain.err.splitlines()
    assert Path("codes.npz").read_bytes() == Path("plain.npz").read_bytes()
    run = Answer(capsys, *call, "none.npz", "--ray-address", "127.0.0.1:1")
    assert (run.status, run.out) == (2, "")
    assert "unveil: cannot get to a Ray cluster (" in run.err
