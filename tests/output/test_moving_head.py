"""Heads that are read back move as they would have when they were written."""

from __future__ import annotations

from pathlib import Path

import extras
import numpy as np
import pytest
from glb_reader import Glb
from khronos import validator_report

from unveil import cli
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.faces.opaque_hair import without_opacity
from unveil.faces.reconstruction import Reconstruction
from unveil.heads.motion import named_expressions
from unveil.meshes.glb_file import GlbFile
from unveil.output import animate
from unveil.output.moving_head import read_head
from unveil.reconstruct.pipeline import Reconstructor


@pytest.fixture(scope="module")
def face() -> Reconstruction:
    return Reconstructor().reconstruct(packaged("demo.jpg"))[0]


@pytest.fixture(scope="module")
def head(face: Reconstruction, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return face.save(tmp_path_factory.mktemp("heads") / "head.glb")[0]


def test_a_head_is_read_as_it_was_written(face: Reconstruction, head: Path) -> None:
    read = read_head(head)
    np.testing.assert_allclose(read.coefficients["shape"], face.coefficients["shape"], atol=1e-4)
    np.testing.assert_allclose(read.coefficients["expression"][:51], face.coefficients["expression"], atol=1e-6)
    assert read.model.hair is not None
    assert face.hair is not None
    assert read.texture.shape == face.texture().shape
    assert np.abs(read.texture.astype(int) - face.texture(lit=False)).mean() < 3  # it went through JPEG
    as_written = face.coefficients.replace(shape=read.coefficients["shape"])
    drawn = without_opacity(face.wearing, as_written, face.texture(lit=False)).hair
    for written, again in zip(*(hair_corners(h) for h in (drawn, read.model.hair)), strict=True):
        np.testing.assert_allclose(again, written, atol=1e-6)


def hair_corners(hair: object) -> tuple[np.ndarray, np.ndarray]:
    """Places and texture coordinates [F, 3, C] of the corners of the triangles, whatever the vertices are shared by."""
    return hair.vertices[hair.faces], hair.uv[hair.uv_faces]  # type: ignore[attr-defined]


def test_a_head_that_was_read_moves_and_keeps_the_rest(head: Path, tmp_path: Path) -> None:
    moving = read_head(head)
    motion = animate.turning_motion(moving, 2)
    (tmp_path / "moving.glb").write_bytes(moving.scene(motion))
    before, after = Glb(head), Glb(tmp_path / "moving.glb")
    (animation,) = after["animations"]
    assert len(after.array(animation["samplers"][0]["input"])) == 10
    assert {name: after[name] for name in ("meshes", "materials", "images", "nodes", "extras")} == {
        name: before[name] for name in ("meshes", "materials", "images", "nodes", "extras")
    }
    report = validator_report(tmp_path / "moving.glb")
    assert (report["numErrors"], report["numWarnings"]) == (0, 0)


def test_every_named_expression_moves_the_face(head: Path) -> None:
    moving = read_head(head)
    whole, start = moving.model.complete(moving.coefficients)
    for name, units in named_expressions().items():
        assert set(units) <= set(whole.expression_names), name
        motion = animate.expressed_motion(moving, [name.upper()], 4)
        expression = np.asarray(motion.coefficients["expression"])
        assert not expression[0].any()
        assert not expression[-1].any()
        held = dict(zip(whole.expression_names, expression[len(motion) // 2].tolist(), strict=True))
        assert {unit: weight for unit, weight in held.items() if weight} == pytest.approx(units)
        np.testing.assert_array_equal(motion.coefficients["shape"][0], start["shape"])
    with pytest.raises(UnveilError, match="unknown expression 'grin': choose from neutral, smile, "):
        animate.expressed_motion(moving, ["grin"], 4)


def test_the_command_moves_a_head_by_name_and_around(
    head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["animate", str(head), "--rate", "2", "-o"]
    assert cli.main([*command, str(tmp_path / "a"), "--expression", "smile", "--expression", "Blink"]) == 0
    assert {path.suffix for path in (tmp_path / "a").glob("head*")} == {".gif", ".glb", ".csv"}
    assert "head_smile_blink.gif: 8 frames" in capsys.readouterr().out
    assert cli.main([*command, str(tmp_path / "a"), "--turntable", "--formats", "csv"]) == 0
    assert cli.main([*command, str(tmp_path / "a"), "--expression", "open mouth", "--formats", "csv"]) == 0
    assert len(list((tmp_path / "a").glob("head_smile_blink.*"))) == 3  # each motion has files of its own
    assert {path.name for path in (tmp_path / "a").glob("head_[to]*")} == {"head_turntable.csv", "head_open_mouth.csv"}
    assert cli.main([*command, str(tmp_path / "c"), "--expression", "../grin"]) == 2
    assert "unknown expression '../grin'" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()
    assert cli.main([*command, str(tmp_path / "a"), *100 * ("--expression", "smile"), "--formats", "csv"]) == 0
    assert cli.main([*command, str(tmp_path / "c"), "--turntable", "--expression", "smile"]) == 2
    assert "--expression and --turntable both say how the head moves" in capsys.readouterr().err


def test_the_command_writes_a_movie(head: Path, tmp_path: Path) -> None:
    extras.needs("av")
    from unveil.video.clip import open_clip

    command = [
        "animate",
        str(head),
        "--turntable",
        "--formats",
        "mp4",
        "--rate",
        "2",
        "--size",
        "64",
        "-o",
        str(tmp_path),
    ]
    assert cli.main(command) == 0
    with open_clip(tmp_path / "head_turntable.mp4") as clip:
        assert len(list(clip.frames())) == 10


@pytest.mark.parametrize(("formats", "frames"), [(["csv"], 60), (["gif,csv", "--size", "64"], 25)])
def test_a_film_flows_and_a_gif_stays_small(
    head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], formats: list[str], frames: int
) -> None:
    """An expression lasts two seconds."""
    assert cli.main(["animate", str(head), "--expression", "smile", "-o", str(tmp_path), "--formats", *formats]) == 0
    assert f"head_smile.csv: {frames} frames" in capsys.readouterr().out


def test_the_npz_of_a_face_is_a_grey_head(face: Reconstruction, tmp_path: Path) -> None:
    (path,) = face.save(tmp_path / "head.npz")
    read = read_head(path)
    np.testing.assert_array_equal(read.coefficients.values, face.coefficients.values)
    assert GlbFile.parse(read.scene(animate.turning_motion(read, 1))).document["animations"]


def test_what_is_no_head_of_ours(head: Path, tmp_path: Path) -> None:
    good = GlbFile.parse(head.read_bytes())
    assert isinstance(good.document, dict)
    data = head.read_bytes()
    broken = {
        "cut": data[:-500],
        "empty": b"",
        "text": b"glTF" + b"x" * 100,
        "model": data.replace(b'"model":"openhead"', b'"model":"nobodys!"'),
        "names": data.replace(b'"jawOpen"', b'"jawShut"'),
        "units": data.replace(b'"targetNames"', b'"targetNumes"'),
    }
    for name, content in broken.items():
        (tmp_path / f"{name}.glb").write_bytes(content)
        with pytest.raises(UnveilError) as error:
            read_head(tmp_path / f"{name}.glb")
        assert "\n" not in str(error.value), name


def test_hair_of_more_triangles_than_can_be_drawn_soon(head: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unveil.output.moving_head.MOST_TRIANGLES", 100)
    with pytest.raises(UnveilError, match=r"its hair has \d+ triangles, more than 100"):
        read_head(head)


def test_data_that_a_file_does_not_hold(head: Path) -> None:
    good = GlbFile.parse(head.read_bytes())
    hair = next(mesh for mesh in good.document["meshes"] if mesh["name"] == "hair")
    number = hair["primitives"][0]["attributes"]["POSITION"]
    accessor = good.document["accessors"][number]
    for change in ({"count": 10**9}, {"count": -1}, {"byteOffset": -4}, {"byteOffset": 10**12}, {"sparse": {}}):
        good.document["accessors"][number] = accessor | change
        with pytest.raises(ValueError, match="does not hold"):
            good.array(number)
    good.document["accessors"][number] = accessor
    good.document["bufferViews"][accessor["bufferView"]]["byteLength"] = 10**12
    with pytest.raises(ValueError, match="not in it"):
        good.array(number)
