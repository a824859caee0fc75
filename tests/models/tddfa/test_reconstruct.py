"""3DDFA_V2 from crops and photographs to files, on made-up assets; what is missing or impossible is one line."""

import json
import os
import shutil
import sys
from pathlib import Path

import made_up_tddfa
import numpy as np
import pytest
from cli_answer import Answer
from extras import needs
from glb_reader import Glb
from khronos import validator_report
from killed import require_whole_or_nothing
from PIL import Image

needs("torch")

from unveil.assets.store import packaged
from unveil.faces.reconstruction import Reconstruction
from unveil.geometry.camera import to_pixels
from unveil.heads.layout import Coefficients
from unveil.meshes.glb import write_glb
from unveil.models.check import check_files
from unveil.models.tddfa import head as bfm
from unveil.models.tddfa.torch import TorchTddfa
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor

DEMO = packaged("demo.jpg")
DATA, TRIANGLES = made_up_tddfa.face()
COUNT = len(DATA["u"]) // 3
ALL_BUT_OPTIONAL = {"mb05_120x120.pth", made_up_tddfa.STATISTICS, "bfm_noneck_v3.pkl", "tri.pkl"}


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up_tddfa.write_folder(tmp_path_factory.mktemp("3ddfa"), "mb05")


@pytest.fixture(scope="module")
def face(assets: Path) -> Reconstruction:
    teacher = TorchTddfa(assets / "mb05_120x120.pth", assets / made_up_tddfa.STATISTICS)
    (face,) = Reconstructor(teacher, assets=assets).reconstruct(DEMO)
    return face


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    (tmp_path / "crops").mkdir()
    for k, colour in enumerate(["black", "red", "white"]):
        Image.new("RGB", (224, 224), colour).save(tmp_path / "crops" / f"{k}.png")
    return tmp_path / "crops"


def read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_the_face_is_that_of_the_coefficients(face: Reconstruction, assets: Path) -> None:
    assert (face.model, face.coefficients.layout) == ("3ddfa-mb05", bfm.LAYOUT)
    teacher = TorchTddfa(assets / "mb05_120x120.pth", assets / made_up_tddfa.STATISTICS)
    seen = teacher.predict(face.crop.warp(read_image(DEMO))[None]).coefficients.row(0)
    np.testing.assert_allclose(face.coefficients.values, seen.values, rtol=1e-3, atol=1e-4)
    model = bfm.from_arrays(DATA, TRIANGLES)
    vertices = model.vertices(seen)
    np.testing.assert_allclose(face.vertices, vertices, atol=1e-5)
    in_crop = to_pixels(model.project(vertices, seen), 120)
    np.testing.assert_allclose(face.crop.to_crop(face.projected[:, :2]), in_crop[:, :2], atol=0.02)
    np.testing.assert_array_equal(face.landmarks3d, face.vertices[DATA["keypoints"][::3] // 3])


def test_from_crops_to_geometry_in_torch_and_without(
    capsys: pytest.CaptureFixture[str], assets: Path, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, geometry = tmp_path / "codes.npz", tmp_path / "geometry.npz"
    run = Answer(capsys, "encode", crops, "--model", "3ddfa", "--assets", assets, "-o", codes)
    assert (run.status, run.err) == (0, "")
    assert run.out == f"{codes}: 3 crops, layout tddfa\n"
    content = read(codes)
    assert content["coefficients"].shape == (3, 62)
    assert str(content["model"]) == "3ddfa"
    run = Answer(capsys, "decode", codes, "--assets", assets, "-o", geometry)
    assert (run.status, run.out) == (0, f"{geometry}: 3 heads of {COUNT} vertices\n")
    arrays = read(geometry)
    assert {name: array.shape for name, array in arrays.items()} == {
        "names": (3,),
        "vertices": (3, COUNT, 3),
        "faces": TRIANGLES.T.shape,
        "landmarks68": (3, 68, 3),
        "landmarks68_contour": (3, 68, 3),
        "landmarks2d": (3, 68, 2),
        "projected": (3, COUNT, 3),
    }
    model, coefficients = bfm.from_arrays(DATA, TRIANGLES), Coefficients(bfm.LAYOUT, content["coefficients"])
    np.testing.assert_allclose(arrays["vertices"], model.vertices(coefficients), atol=1e-6)

    converted = Path(shutil.copytree(assets, tmp_path / "converted"))
    run = Answer(capsys, "assets", "convert", "3ddfa", "--assets", converted)
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith(str(converted / "mb05_120x120.onnx"))
    (converted / "mb05_120x120.onnx").write_bytes(b"mine")
    run = Answer(capsys, "assets", "convert", "3ddfa", "--assets", converted)
    assert run.status == 2
    assert "mb05_120x120.onnx was changed since unveil wrote it; name another output, or replace" in run.err
    assert Answer(capsys, "assets", "convert", "3ddfa", "--assets", converted, "--force").status == 0
    (converted / "mb05_120x120.pth").unlink()
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "unveil.models.tddfa.torch", raising=False)
    for name in ("3ddfa", "3ddfa-mb05"):
        again = tmp_path / f"{name}.npz"
        assert Answer(capsys, "encode", crops, "--model", name, "--assets", converted, "-o", again).status == 0
        np.testing.assert_allclose(read(again)["coefficients"], content["coefficients"], rtol=1e-3, atol=1e-3)
    assert Reconstructor("3ddfa", assets=converted).encoder.path == converted / "mb05_120x120.onnx"
    run = Answer(capsys, "encode", crops, "--model", "3ddfa", "--assets", assets, "-o", tmp_path / "none.npz")
    assert run.status == 2
    assert "or run `unveil assets convert 3ddfa` where torch is installed" in run.err
    assert not (tmp_path / "none.npz").exists()


def test_reconstruct_writes_a_coloured_face_with_its_expression(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, assets: Path, face: Reconstruction
) -> None:
    run = Answer(capsys, "reconstruct", DEMO, "--model", "3ddfa", "--assets", assets, "-o", tmp_path)
    assert (run.status, run.err) == (0, "")
    record = json.loads((tmp_path / "demo.json").read_text())
    (written,) = (entry["files"] for entry in record["faces"])
    assert set(written) == {"glb", "obj", "ply", "npz", "overlay"}
    assert {path.name for path in tmp_path.glob("[!.]*")} == {*written.values(), "demo.json"}
    assert record["options"]["assets"] == [
        f"{name} {(assets / name).stat().st_size}" for name in ("bfm_noneck_v3.pkl", "tri.pkl")
    ]
    np.testing.assert_allclose(read(tmp_path / "demo_0.npz")["vertices"], face.vertices, atol=1e-5)

    rows = [line.split()[1:] for line in (tmp_path / "demo_0.obj").read_text().splitlines() if line.startswith("v ")]
    vertices, colours = np.hsplit(np.array(rows, float), [3])
    np.testing.assert_allclose(vertices, face.vertices, atol=1e-5)
    photo = read_image(DEMO)
    facing = np.argmin(face.projected[:, 2])  # the tip of the nose, which nothing hides
    column, row = np.round(face.projected[facing, :2]).astype(int)
    assert np.abs(colours[facing] * 255 - photo[row, column]).max() < 25

    scene = Glb(tmp_path / "demo_0.glb")
    assert len(scene.primitive["targets"]) == 10
    assert "TEXCOORD_0" not in scene.primitive["attributes"]
    assert len(scene.attribute("COLOR_0")) == COUNT
    assert "images" not in scene.document
    np.testing.assert_allclose(scene.mesh["weights"], face.coefficients["expression"], rtol=1e-4)


def test_the_khronos_validator_finds_nothing(tmp_path: Path, face: Reconstruction) -> None:
    model = bfm.from_arrays(DATA, TRIANGLES)
    colours = np.random.default_rng(0).integers(0, 256, (COUNT, 3), dtype=np.uint8)
    write_glb(tmp_path / "face.glb", model, face.coefficients, colours)
    report = validator_report(tmp_path / "face.glb")
    assert report["messages"] == []


def test_what_the_face_has_not_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, assets: Path) -> None:
    options = ("--model", "3ddfa", "--assets", assets, "-o", tmp_path)
    for arguments, reason in [
        (("reconstruct", DEMO, "--formats", "obj,relit"), "gives no texture coordinates, so there is no relit"),
        (("reconstruct", DEMO, "--formats", "detail"), "so there is no detail"),
    ]:
        run = Answer(capsys, *arguments, *options)
        assert run.status == 2
        assert reason in run.err
        assert run.err.count("\n") == 1


@pytest.mark.parametrize("name", sorted(ALL_BUT_OPTIONAL))
def test_a_missing_file_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, assets: Path, name: str
) -> None:
    folder = tmp_path / "3ddfa"
    folder.mkdir()
    for path in assets.iterdir():
        if path.name != name:
            (folder / path.name).symlink_to(path)
    run = Answer(capsys, "reconstruct", DEMO, "--model", "3ddfa", "--assets", folder, "-o", tmp_path / "out")
    assert run.status == 2
    assert run.err.count("\n") == 1
    assert f"no {name}" in run.err


def test_the_slim_model_serves_instead(tmp_path: Path, assets: Path) -> None:
    folder = made_up_tddfa.write_slim(tmp_path / "3ddfa")
    for name in ("mb05_120x120.pth", made_up_tddfa.STATISTICS):
        (folder / name).symlink_to(assets / name)
    teacher = TorchTddfa(folder / "mb05_120x120.pth", folder / made_up_tddfa.STATISTICS)
    assert Reconstructor(teacher, assets=folder).skin.files == (folder / "bfm_noneck_v3_slim.pkl",)
    assert {c.name for c in check_files("3ddfa", folder) if c.required} == {
        "mb05_120x120.pth",
        made_up_tddfa.STATISTICS,
    }


def test_check_says_what_is_there_and_what_is_not_the_published_file(tmp_path: Path, assets: Path) -> None:
    checks = {found.name: found for found in check_files("3ddfa", assets)}
    assert {name for name, found in checks.items() if found.status == "ok"} == ALL_BUT_OPTIONAL
    assert {name for name, found in checks.items() if found.required} == ALL_BUT_OPTIONAL
    assert "usable, but not the published file, whose sha256 begins with 0562a594d836" in checks["tri.pkl"].detail
    folder = Path(shutil.copytree(assets, tmp_path / "3ddfa"))
    for name in ALL_BUT_OPTIONAL:
        for content in ((folder / name).read_bytes()[:-30], b"\n<!DOCTYPE html><html>", b""):
            (folder / name).write_bytes(content)
            found = {found.name: found for found in check_files("3ddfa", folder)}[name]
            assert found.status == "wrong"
            assert str(folder / name) in found.detail
    (folder / "mb05_120x120.onnx").write_bytes(b"text")
    found = {found.name: found for found in check_files("3ddfa", folder)}["mb05_120x120.onnx"]
    assert (found.status, found.required) == ("wrong", False)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_killed_conversion_leaves_no_file(assets: Path, tmp_path: Path) -> None:
    needs("torch")
    converted = Path(shutil.copytree(assets, tmp_path / "converted"))
    require_whole_or_nothing(converted, "assets", "convert", "3ddfa", "--assets", converted)
