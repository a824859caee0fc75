"""Every family goes through every command that takes a model, on made-up files."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_up_families
import numpy as np
import pytest
import training_folder
from child import finished
from cli_answer import Answer
from extras import needs
from PIL import Image

needs("torch")

from unveil.assets.store import packaged
from unveil.cli.options import FamilyArgument, ModelOption, OneFamilyArgument
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.family import Family
from unveil.models.registry import FAMILIES, RESEARCH, load_head, open_encoder
from unveil.training.config import TrainConfig
from unveil.training.data import TrainingData
from unveil.training.sampler import Sampler
from unveil.training.train import occluders_of, train

DEMO = packaged("demo.jpg")
CONFIG = TrainConfig(
    depth=18,
    input_size=32,
    epochs=1,
    batch_size=4,
    threads=1,
    precision="32-true",
    feature_weight=0.1,
    validation_samples=4,
)


@pytest.fixture(params=made_up_families.NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def options(name: str) -> list[str | Path]:
    folder = made_up_families.assets(name)
    return ["--model", name, *([] if folder is None else ["--assets", folder])]


def small_heads(model: MorphableModel, layout: CoefficientLayout, count: int) -> Coefficients:
    """Heads near the template that look about towards the camera."""
    rng = np.random.default_rng(count)
    units = {"shape": 1e4} if model.name == "3ddfa" else {}  # micrometres
    groups = {
        group.name: rng.normal(0, 0.3, (count, group.size)) * units.get(group.name, 1)
        for group in layout.groups
        if group.name not in {"pose", "camera"}
    }
    heads = replace(model, layout=layout).zero(count).replace(**groups)
    heads = model.placement.with_joint_turns(heads, {"root": rng.normal(0, 0.2, (count, 3))})
    return Coefficients(layout, heads.values.astype(np.float32))


def test_occlude(options: list[str | Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet, single = tmp_path / "sheet.png", tmp_path / "single"
    kinds = ("--kinds", "mask,glasses,hair", "--severities", "20")
    answer = Answer(capsys, "occlude", DEMO, *options, *kinds, "-o", sheet, "--out-dir", single)
    assert (answer.status, answer.err) == (0, "")
    for kind in ("mask", "glasses", "hair"):
        covered = np.asarray(Image.open(single / f"demo_0_{kind}_20_mask.png")) > 0
        assert 0.01 < covered.mean() < 0.6, kind


def test_transfer(options: list[str | Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(capsys, "transfer", DEMO, DEMO, *options, "-o", tmp_path)
    assert (answer.status, answer.err) == (0, "")
    record = json.loads((tmp_path / "demo_as_demo.json").read_text())
    assert all((tmp_path / file).is_file() for file in record["faces"][0]["files"].values())


@pytest.mark.parametrize(("motion", "others"), [("motion", ()), ("as_demo", ("--follow", DEMO, "--head-pose"))])
def test_animate(
    name: str,
    options: list[str | Path],
    motion: str,
    others: tuple[str | Path, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = Answer(capsys, "animate", DEMO, *options, *others, "--rate", "2", "-o", tmp_path)
    assert (answer.status, answer.err) == (0, "")
    with Image.open(tmp_path / f"demo_{motion}.gif") as picture:
        assert picture.size == (360, 360)
    assert (tmp_path / f"demo_{motion}.glb").read_bytes().startswith(b"glTF")
    has_arkits_units = name == "openhead"
    assert (tmp_path / f"demo_{motion}.csv").exists() == has_arkits_units
    (tmp_path / "take.csv").write_text("Timecode,JawOpen\n00:00:00:00,0.5\n")
    answer = Answer(capsys, "animate", DEMO, *options, "--arkit", tmp_path / "take.csv", "-o", tmp_path / "driven")
    assert (answer.status == 0) == has_arkits_units
    assert ("does not have ARKit's units" in answer.err) != has_arkits_units


def test_train_a_few_steps(name: str, tmp_path: Path) -> None:
    assets = made_up_families.assets(name)
    layout = open_encoder(name, assets).layout
    model = load_head(layout, assets)
    labels = small_heads(model, layout, 16)
    training_folder.write_heads(tmp_path, labels, replace(model, layout=layout))
    data = TrainingData.load(tmp_path, tmp_path / training_folder.CODES, assets)
    assert train(CONFIG, data, tmp_path / "run").step > 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert all(np.isfinite(value) for line in lines for value in line.values() if isinstance(value, float))


def test_a_cameras_matrix_is_learned_at_its_own_scale(tmp_path: Path) -> None:
    """Its entries are of 1e-4, and their deviations are not to be taken for none."""
    assets = made_up_families.assets("3ddfa")
    layout = open_encoder("3ddfa", assets).layout
    model = load_head(layout, assets)
    training_folder.write_heads(tmp_path, small_heads(model, layout, 16), model)
    data = TrainingData.load(tmp_path, tmp_path / training_folder.CODES, assets)
    statistics = Sampler(data, CONFIG, occluders_of(CONFIG)).layout_with_statistics().statistics(np.zeros(62))
    deviations = statistics[1][layout.slice_of("pose")].reshape(3, 4)[:, :3]
    assert deviations.max() < 2e-4


@pytest.mark.parametrize(
    ("option", "families"), [(ModelOption, FAMILIES), (FamilyArgument, RESEARCH), (OneFamilyArgument, RESEARCH)]
)
def test_the_help_names_every_family(option: Any, families: dict[str, Family]) -> None:
    """Its texts are written out, as importing the registry would slow it down."""
    (described,) = option.__metadata__
    assert set(families) <= set(re.findall(r"\w+", described.help))


def test_opening_one_family_imports_nothing_of_the_others(name: str) -> None:
    """The registry knows what each family is called and made of; what runs it is imported when it is opened."""
    code = f"""
import sys
from unveil.models.family import Family
from unveil.models.registry import FAMILIES
heavy = {{"torch", "onnxruntime", "numba", "onnx"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
try:
    FAMILIES[{name!r}].open_encoder({name!r}, None)
except Exception:
    pass
print(*(module for module in sys.modules if module.startswith("unveil.models.")))
"""
    answer = finished([sys.executable, "-c", code])
    others = {type(family).__module__.split(".")[2] for other, family in FAMILIES.items() if other != name}
    runs = {f"unveil.models.{folder}.{kind}" for folder in others for kind in ("onnx", "torch", "network", "framing")}
    assert not runs & set(answer.stdout.split())


def test_the_registry_lists_each_family_once() -> None:
    networks = [network for family in FAMILIES.values() for network in family.networks]
    assert len(set(networks)) == len(networks)
    for family in FAMILIES.values():
        assert family.networks[0] == family.name
        assert {file.family for file in family.files} <= {family.name}
