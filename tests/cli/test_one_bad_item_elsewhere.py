"""The same in the other commands that work on many: one bad item is a line, the others are done, the status says so."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_answer import Answer
from constant_learner import fitting_coefficients, write_learner
from PIL import Image

import unveil
from unveil.assets.store import packaged
from unveil.codes.file import Codes, read_codes, write_codes
from unveil.heads.layout import Coefficients
from unveil.models.onnx import CoefficientModel
from unveil.photos.detect import FaceDetector


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two photographs, and between them two that are none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    with Image.open(packaged("demo.jpg")) as demo:
        demo.resize([side // 3 for side in demo.size]).save(folder / "1.jpg")
    shutil.copy(folder / "1.jpg", folder / "4.jpg")
    (folder / "2.jpg").write_text("no picture")
    (folder / "3\n.jpg").touch()
    return folder


def require_two_lines(answer: Answer) -> None:
    assert answer.status == 2
    lines = answer.err.splitlines()
    assert len(lines) == 2
    assert "2.jpg" in lines[0]
    assert "3\\n.jpg" in lines[1]


def test_follow_repeats_the_frame_before(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    answer = Answer(capsys, "animate", photos / "1.jpg", "--follow", photos, "-o", tmp_path / "o", "--model", learner)
    require_two_lines(answer)
    assert "4 frames; 2 failed" in answer.out
    for name in ("1.jpg", "4.jpg"):
        (photos / name).write_text("no picture")
    with Image.open(packaged("demo.jpg")) as demo:
        demo.save(tmp_path / "face.jpg")
    answer = Answer(capsys, "animate", tmp_path / "face.jpg", "--follow", photos, "-o", tmp_path / "p")
    assert answer.status == 2
    assert answer.err.startswith("unveil: no photograph can be followed: ")
    assert len(answer.err.splitlines()) == 1


def test_compare_leaves_them_out(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    answer = Answer(capsys, "compare", photos, "-o", tmp_path / "c.png", "--models", learner)
    require_two_lines(answer)
    assert answer.out == f"{tmp_path / 'c.png'}: 2 photographs, 1 model; 2 failed\n"
    answer = Answer(capsys, "compare", photos / "2.jpg", "-o", tmp_path / "d.png", "--models", learner)
    assert answer.status == 2
    assert answer.err.startswith("unveil: no photograph can be shown: ")
    assert not (tmp_path / "d.png").exists()


def test_occlude_leaves_them_out(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    call = ("occlude", photos, "-o", tmp_path / "o.png", "--model", learner, "--kinds", "mask", "--faces", "2")
    answer = Answer(capsys, *call, "--severities", "20")
    require_two_lines(answer)
    assert answer.out == f"{tmp_path / 'o.png'}: 2 faces, 1 kind of occluder; 2 photographs failed\n"


def test_fault_of_ours_is_status_1(
    capsys: pytest.CaptureFixture[str],
    learner: str,
    photos: Path,
    tmp_path: Path,
    fail_on_the_first: Callable[[Exception], None],
) -> None:
    fail_on_the_first(ZeroDivisionError())
    answer = Answer(
        capsys, "compare", photos / "1.jpg", photos / "4.jpg", "-o", tmp_path / "c.png", "--models", learner
    )
    assert answer.status == 1
    assert answer.err.startswith("unveil: unexpected ZeroDivisionError")
    assert answer.err.endswith(f"with {photos / '1.jpg'}\n")
    assert "1 photograph, 1 model; 1 failed" in answer.out


def test_encode_leaves_them_out(capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path) -> None:
    for name in ("1.jpg", "4.jpg"):
        Image.new("RGB", (112, 112), "brown").save(photos / name)
    answer = Answer(capsys, "encode", photos, "-o", tmp_path / "codes.npz", "--model", learner)
    require_two_lines(answer)
    assert "2 crops" in answer.out
    assert "2 failed" in answer.out


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_that_gives_no_finite_number(
    capsys: pytest.CaptureFixture[str], photos: Path, tmp_path: Path, value: float
) -> None:
    model = unveil.load_openhead()
    coefficients = fitting_coefficients(model)
    coefficients[3] = value
    learner = write_learner(tmp_path / "constant.onnx", model.layout, coefficients)
    answer = Answer(capsys, "reconstruct", photos, "-o", tmp_path / "out", "--model", learner)
    assert answer.status == 2
    assert "4 photographs: 4 failed" in answer.out
    assert len(answer.err.splitlines()) == 4
    for path in photos.iterdir():
        Image.new("RGB", (112, 112), "brown").save(path)
    answer = Answer(capsys, "encode", photos, "-o", tmp_path / "codes.npz", "--model", learner)
    assert answer.status == 2
    assert "numbers that are not finite" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_crop_for_which_there_is_no_finite_number(
    capsys: pytest.CaptureFixture[str], learner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops, predict = tmp_path / "crops", CoefficientModel.predict
    crops.mkdir()
    for name, colour in (("a", "brown"), ("b", "black"), ("c", "brown")):
        Image.new("RGB", (112, 112), colour).save(crops / f"{name}.png")

    def fail_on_black(self: CoefficientModel, images: Any) -> Any:
        found = predict(self, images)
        values = np.where(images.any(axis=(1, 2, 3))[:, None], found.coefficients.values, np.nan)
        return replace(found, coefficients=Coefficients(found.coefficients.layout, values))

    monkeypatch.setattr(CoefficientModel, "predict", fail_on_black)
    answer = Answer(capsys, "encode", crops, "-o", tmp_path / "codes.npz", "--model", learner)
    assert answer.status == 2
    assert answer.err.startswith("unveil: b.png: ")
    assert len(answer.err.splitlines()) == 1
    assert read_codes(tmp_path / "codes.npz").names == ("a.png", "c.png")


@pytest.mark.parametrize("more", [(), ("--landmarks-only",)])
@pytest.mark.parametrize("value", [0.0, 1e3, 1e6, 1e30])
def test_decode_leaves_out_what_makes_no_head(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, value: float, more: tuple[str, ...]
) -> None:
    model = unveil.load_openhead()
    values = np.stack([fitting_coefficients(model)] * 3)
    values[1] = value
    write_codes(tmp_path / "codes.npz", Codes(("a", "b\nc", "d"), Coefficients(model.layout, values), "openhead"))
    answer = Answer(capsys, "decode", tmp_path / "codes.npz", "-o", tmp_path / "heads.npz", *more)
    with np.load(tmp_path / "heads.npz") as heads:
        whole = len(heads["names"])
        assert all(np.isfinite(array).all() and len(array) == whole for array in decoded_arrays(heads).values())
        assert all(np.ptp(heads["landmarks68"], axis=1).max(axis=1) < 1)  # metres
    if value:
        assert (answer.status, whole) == (2, 2)
        assert answer.err == "unveil: b\\nc is left out: its coefficients make no head of a sensible size\n"
    else:
        assert (answer.status, answer.err, whole) == (0, "", 3)


def decoded_arrays(heads: Any) -> dict[str, Any]:
    """The arrays of a decoded file that have a row for each head."""
    return {name: heads[name] for name in heads.files if name not in {"names", "faces"}}


@pytest.mark.parametrize("value", [1e6, 1e30])
def test_decode_of_nothing_sensible_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, value: float
) -> None:
    model = unveil.load_openhead()
    values = np.full((1, model.layout.size), value, np.float32)
    write_codes(tmp_path / "codes.npz", Codes(("a",), Coefficients(model.layout, values), "openhead"))
    answer = Answer(capsys, "decode", tmp_path / "codes.npz", "-o", tmp_path / "heads.npz")
    assert answer.status == 2
    assert len(answer.err.splitlines()) == 1
    assert not (tmp_path / "heads.npz").exists()


def test_names_of_two_long_names(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    long = photos / ("\u00e9" * 120 + ".jpg")
    shutil.copy(photos / "1.jpg", long)
    call = ("transfer", long, long, "-o", tmp_path / "out", "--model", learner, "--formats", "obj")
    answer = Answer(capsys, *call)
    assert (answer.status, answer.err) == (0, "")
    faster = ("--rate", "2", "--size", "64")
    answer = Answer(capsys, "animate", long, "-o", tmp_path / "moving", "--model", learner, *faster)
    assert (answer.status, answer.err) == (0, "")


def test_prepare_drops_what_is_no_picture_or_leads_to_a_fault(
    capsys: pytest.CaptureFixture[str], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detect, calls = FaceDetector.detect, []

    def fail_second(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise ZeroDivisionError
        return detect(*arguments)

    shutil.copy(packaged("demo.jpg"), photos / "1.jpg")
    monkeypatch.setattr(FaceDetector, "detect", fail_second)
    answer = Answer(capsys, "prepare", photos, "-o", tmp_path / "out", "--processes", "1", "--shares", "100,0,0")
    assert (answer.status, answer.err) == (0, "")
    assert "1 face: 1 train" in answer.out
    assert "2 unreadable, 1 unexpected error (dropped.csv says which)" in answer.out
    assert "ZeroDivisionError" in (tmp_path / "out" / "dropped.csv").read_text(encoding="utf-8")
