from pathlib import Path

import pytest

from unveil.errors import UnveilError
from unveil.training.config import PRESETS, TrainConfig, preset


def test_json_round_trip(tmp_path: Path) -> None:
    config = TrainConfig(depth=18, learning_rate=3e-4, seed=7)
    path = tmp_path / "config.json"
    path.write_text(config.to_json(), encoding="utf-8")
    assert TrainConfig.load(path) == config


def test_missing_settings_keep_their_defaults() -> None:
    assert TrainConfig.from_json('{"depth": 34, "scale": 0}') == TrainConfig(depth=34, scale=0.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"dept": 18}', "unknown settings dept"),
        ('{"depth": "18"}', "depth must be a whole number"),
        ('{"depth": 18.0}', "depth must be a whole number"),
        ('{"depth": 19}', "depth must be 18 or 34 or 50, not 19"),
        ('{"input_size": 4096}', "input_size must be at most 1024"),
        ('{"workers": 100000}', "workers must be at most 1024"),
        ('{"seed": 99999999999999999999}', "seed must be at most 4294967295"),
        ('{"face_weight": 1e30}', "face_weight must be at most"),
        ('{"epochs": true}', "epochs must be a whole number"),
        ('{"epochs": 0}', "epochs must be 1 or more"),
        ('{"occluded": 1.5}', "occluded must be from 0 to 1"),
        ('{"learning_rate": NaN}', "no usable number"),
        ('{"shift": -0.1}', "must not be negative"),
        ('{"input_size": 16}', "input_size"),
        ('{"input_size": 32, "batch_size": 1}', "batch_size 1 and input_size 32 leave one number per channel"),
        ('{"precision": "fp8"}', "precision"),
        ('{"batch_size": 6, "processes": 2, "feature_weight": 0.1}', "multiple of 4"),
        ('{"batch_size": 5, "processes": 2}', "multiple of 2"),
        ('{"face_score_weight": 0.5}', "set beside to 0.2"),
        ('{"coefficient_loss": "cubic"}', "standardised or raw"),
        ("[1]", "JSON object"),
        ("{", "no JSON"),
    ],
)
def test_mistakes_are_named(text: str, said: str) -> None:
    with pytest.raises(UnveilError, match=said):
        TrainConfig.from_json(text)


def test_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match=r"absent\.json"):
        TrainConfig.load(tmp_path / "absent.json")


def test_presets_are_settings() -> None:
    for name in PRESETS:
        TrainConfig(**preset(name))
    assert TrainConfig(**preset("unveil")) == TrainConfig()
    paper = TrainConfig(**preset("paper"))
    assert (paper.depth, paper.input_size, paper.coefficient_loss, paper.paired) == (50, 224, "raw", False)
    with pytest.raises(UnveilError, match="unveil or paper"):
        preset("papier")
