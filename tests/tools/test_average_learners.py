"""The mean of a learner and of what further training made of it."""

from dataclasses import replace
from pathlib import Path

import pytest
import training_folder
from extras import needs

torch = needs("torch")

from tools.average_learners import main
from unveil.errors import UnveilError
from unveil.training.checkpoint import load_learner
from unveil.training.config import TrainConfig
from unveil.training.train import train

CONFIG = TrainConfig(depth=18, input_size=32, epochs=1, batch_size=4, max_steps=2, threads=1, precision="32-true")


def test_the_mean_lies_between_both_and_is_a_run(tmp_path: Path) -> None:
    data = training_folder.load(training_folder.write(tmp_path / "data"))
    train(CONFIG, data, tmp_path / "before")
    train(replace(CONFIG, start_from=str(tmp_path / "before"), rotation=5.0), data, tmp_path / "after")
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    said = {}
    for share in (0.0, 0.5, 1.0):
        out = tmp_path / f"mean{share}"
        main([str(tmp_path / "before"), str(tmp_path / "after"), "--share", str(share), "-o", str(out)])
        said[share] = load_learner(out)(images).coefficients / load_learner(out).std
    before, after = (load_learner(tmp_path / name) for name in ("before", "after"))
    assert torch.allclose(said[0.0], before(images).coefficients / after.std, atol=1e-4)
    assert torch.allclose(said[1.0], after(images).coefficients / after.std, atol=1e-6)
    weights = [load_learner(tmp_path / f"mean{share}").backbone.conv1.weight for share in (0.0, 0.5, 1.0)]
    assert torch.allclose(weights[1], (weights[0] + weights[2]) / 2, atol=1e-7)
    assert not torch.equal(weights[0], weights[2])


def test_a_share_is_a_share_and_nothing_is_overwritten(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="give a number from 0 to 1"):
        main([str(tmp_path), str(tmp_path), "--share", "60", "-o", str(tmp_path / "out")])
    data = training_folder.load(training_folder.write(tmp_path / "data"))
    train(CONFIG, data, tmp_path / "run")
    with pytest.raises(UnveilError, match="exists: name another folder"):
        main([str(tmp_path / "run"), str(tmp_path / "run"), "-o", str(tmp_path / "run")])
