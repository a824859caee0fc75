"""The extension for Blender: what it needs, what it reads, and what Blender makes of it."""

import ast
import json
import sys
import tomllib
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import made_up
import numpy as np
import pytest
from child import finished
from extras import needs

import unveil
from unveil.meshes.glb import glb_bytes
from unveil.output.live_link import UNITS, Take, write_take

EXTENSION = Path(__file__).parents[2] / "integrations" / "blender"
PACKAGE = EXTENSION / "unveil_heads"
SESSION = Path(__file__).with_name("blender_session.py")
IN_BLENDER = {"bpy", "bpy_extras", "mathutils", "numpy"}
YAW = 0.5  # radians


@pytest.fixture(scope="module")
def take_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second in which the jaw opens and the head turns to its left."""
    path = tmp_path_factory.mktemp("take") / "take.csv"
    seconds = np.arange(31) / 30
    units = np.zeros((31, len(UNITS)))
    units[:, UNITS.index("jawOpen")] = seconds
    write_take(path, Take(seconds, units, np.column_stack([2 * YAW * seconds, 0 * seconds, 0 * seconds])))
    return path


def loaded(name: str) -> Any:
    spec = spec_from_file_location(name, PACKAGE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_manifest_says_what_the_platform_asks_for() -> None:
    manifest = tomllib.loads((PACKAGE / "blender_manifest.toml").read_text())
    assert manifest.keys() >= {"schema_version", "id", "version", "name", "tagline", "maintainer", "type", "license"}
    assert manifest["id"] == PACKAGE.name
    assert manifest["version"] == unveil.__version__
    assert len(manifest["tagline"]) <= 64
    assert manifest["tagline"][-1].isalnum()


def test_it_needs_nothing_but_blender() -> None:
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            for name in names:
                first = name.partition(".")[0]
                assert first in IN_BLENDER or first in sys.stdlib_module_names, f"{path.name} imports {name}"


def test_takes_are_read_as_they_were_written(take_file: Path, tmp_path: Path) -> None:
    reading = loaded("take")
    take = reading.read_take(take_file)
    assert take.seconds == pytest.approx(np.arange(31) / 30)
    assert take.units.keys() == {name.casefold() for name in UNITS}
    assert take.units["jawopen"][15] == pytest.approx(0.5)
    assert take.head[30] == pytest.approx((2 * YAW, 0, 0))
    for text in ("", "a,b\n1,2\n", "Timecode,JawOpen\n00:00:00:00.000,nan\n", "Timecode,JawOpen\n00:00:00:00.000\n"):
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(ValueError, match="the file"):
            reading.read_take(tmp_path / "bad.csv")


def test_blender_shows_the_head_and_moves_it(take_file: Path, tmp_path: Path) -> None:
    needs("bpy")
    model = unveil.load_openhead()
    values = {"hidden": np.full(len(model.head.template), 0.25), "uncertainty": np.full(len(model.head.template), 3.5)}
    expression = np.zeros(len(model.unit_names), np.float32)
    expression[model.unit_names.index("mouthSmileLeft")] = 0.5
    coefficients = model.zero().replace(expression=expression)
    picture = np.full((8, 8, 3), 150, np.uint8)
    (tmp_path / "head_0.glb").write_bytes(
        glb_bytes(replace(model, hair=made_up.a_hat()), coefficients, picture, values=values)
    )
    known = {"hidden_share": 0.25, "doubtful": False, "pose_degrees": {"yaw": -1.5}, "files": {"glb": "head_0.glb"}}
    (tmp_path / "head.json").write_text(json.dumps({"faces": [known]}))
    finished([sys.executable, SESSION, EXTENSION, tmp_path / "head_0.glb", take_file, tmp_path / "told.json"])
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["imported"] == told["taken"] == ["FINISHED"]
    assert (told["model"], told["meshes"]) == ("openhead", ["hair", "head"])
    assert {"skin", "eyes", "upper_teeth"} <= set(told["materials"])
    assert told["facts"] == [0.25, False, -1.5]
    assert told["attributes"] == ["hidden", "uncertainty_mm"]
    assert told["uncertainty"] == pytest.approx([3.5])
    assert told["smiling"] == pytest.approx(0.5)
    assert 0.15 < told["size"][0] < 0.25  # metres
    assert told["hair_hidden"] == [True, True]
    assert told["jaw"] == pytest.approx(0.5, abs=0.01)
    assert told["before"][1] < -0.05  # looks to -y
    assert told["after"][0] > told["before"][0] + 0.02  # to its left, which is x
    assert "no take" in told["refused"] or "utf-8" in told["refused"]
