"""Predictions on clear and covered faces, with the real detector and learner on the bundled photograph."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from cli_answer import Answer
from constant_learner import fitting_coefficients, write_learner
from killed import require_the_same_after
from PIL import Image

import unveil
from unveil.assets.store import packaged
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.evaluation.landmarks.scores import point_errors
from unveil.evaluation.occluded_faces import FaceFinder, conditions
from unveil.occluders.base import hidden_share
from unveil.reconstruct.pipeline import Reconstructor

KINDS = "mask,below-bridge"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled photograph at two sizes, the landmarks that the learner sees in it, and a picture of nothing."""
    folder = tmp_path_factory.mktemp("pictures")
    photo = np.asarray(Image.open(packaged("demo.jpg")).convert("RGB"))
    (face,) = Reconstructor().reconstruct(photo, max_faces=1)
    half = np.asarray(cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    for name, image in {"a": photo, "b": half, "nobody": np.full((300, 300, 3), 128, np.uint8)}.items():
        Image.fromarray(image).save(folder / f"{name}.png")
    landmarks = np.asarray(face.landmarks2d)
    points = np.stack([landmarks, (landmarks + 0.5) / 2 - 0.5, landmarks / landmarks.max() * 250])
    LandmarkFile(("a.png", "b.png", "nobody.png"), points).save(folder / "annotation.npz")
    return folder


def predict(capsys: pytest.CaptureFixture[str], pictures: Path, out: Path, *options: str) -> Answer:
    annotation = pictures / "annotation.npz"
    return Answer(
        capsys, "predict", "landmarks", pictures, "--annotation", annotation, "--severities", "40", "-o", out, *options
    )


def test_predictions_of_found_faces_are_scored(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "openhead"
    answer = predict(capsys, pictures, out, "--kinds", KINDS, "--faces", "detected")
    assert (answer.status, answer.out, answer.err) == (0, f"{out}: 3 pictures, 3 conditions\n", "")
    files = {path.stem: LandmarkFile.load(path) for path in out.glob("*.npz")}
    assert files.keys() == {"clear", "mask-40", "below-bridge", "truth"}
    clear, mask = files["clear"], files["mask-40"]
    assert clear.found.tolist() == [True, True, False]
    errors = point_errors(clear.landmarks2d[:2], files["truth"].landmarks2d[:2]).mean(axis=1)
    assert errors[0] < 0.01, "the annotation is what this very network saw"
    assert errors[1] < 2
    assert mask.hidden68 is not None
    assert mask.hidden_share is not None
    assert mask.hidden_share[:2] == pytest.approx(0.4, abs=0.06)
    assert mask.hidden68[0, [8, 33, 57]].all(), "chin, nose base and lower lip"
    assert not mask.hidden68[0, 36:48].any(), "the eyes"
    below = files["below-bridge"].hidden68
    assert below is not None
    assert below[0, [8, 33, 48, 54, 19, 24]].tolist() == [True, True, True, True, False, False]
    assert clear.neutral_mm is not None
    assert 80 < np.ptp(clear.neutral_mm[0, :, 0]) < 250, "mm from one side of the face to the other"
    answer = Answer(capsys, "evaluate", "occlusion", out, "-o", tmp_path / "scores", "--json")
    rows = {row["kind"]: row for row in answer.json["openhead"]}
    assert rows["mask"]["images"] == 2
    assert rows["mask"]["ratio"] > 1
    assert 0 < rows["mask"]["shape_mm"] < 10

    before = {path: path.stat().st_mtime_ns for path in out.glob("*-40.npz")}
    (out / "below-bridge.npz").unlink()  # as if the run had been stopped
    predict(capsys, pictures, out, "--kinds", KINDS, "--faces", "detected")
    again = LandmarkFile.load(out / "below-bridge.npz")
    np.testing.assert_array_equal(again.landmarks2d, files["below-bridge"].landmarks2d)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    answer = predict(capsys, pictures, out, "--kinds", KINDS)
    assert answer.status == 2
    assert "of other settings (faces detected, not annotated); choose another folder" in answer.err


def test_annotated_faces_are_never_lost_and_surface_points_differ_on_the_jaw(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path
) -> None:
    model = unveil.load_openhead()
    turned = fitting_coefficients(model)
    turned[model.layout.slice_of("pose")][1] = 0.7  # radians, to the side
    learner = str(write_learner(tmp_path / "turned.onnx", model.layout, turned))
    options = ("--kinds", "none", "--model", learner, "--jaw")
    for jaw in ("outline", "surface"):
        assert predict(capsys, pictures, tmp_path / jaw, *options, jaw).status == 0
    outline, surface = (LandmarkFile.load(tmp_path / jaw / "clear.npz").landmarks2d for jaw in ("outline", "surface"))
    assert np.isfinite(outline).all()
    np.testing.assert_allclose(outline[:, 17:], surface[:, 17:])
    assert np.abs(outline - surface)[:, :17].max() > 2


def test_the_covered_pictures_depend_on_the_name_and_seed_alone(pictures: Path) -> None:
    annotation = LandmarkFile.load(pictures / "annotation.npz")
    image = np.asarray(Image.open(pictures / "b.png"))
    face = FaceFinder().face(image, annotation.landmarks2d[1])
    assert face.mesh is not None
    away = np.linalg.norm(face.mesh.landmarks68[:, :2] - annotation.landmarks2d[1], axis=1)
    assert away.mean() < 0.03 * face.side, "the mesh is in pixels of the picture"
    (_, glasses) = conditions(None, ["glasses"], [0.3])
    first, second = (glasses.apply(image, face, "b.png", 3) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    assert hidden_share(first.mask, face) == pytest.approx(0.3, abs=0.05)
    other = glasses.apply(image, face, "b.png", 4)
    assert (first.image != other.image).any()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--kinds", "veil"), "no occluder of kind veil: choose from pixels, mask"),
        (("--severities", "0"), "above 0 and up to 100"),
        (("--severities", "much"), "no list of percentages"),
        (("--faces", "all"), "unknown --faces 'all': choose annotated or detected"),
        (("--jaw", "square"), "unknown --jaw 'square'"),
        (("--model", "3ddfa"), "no "),
    ],
)
def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path, options: tuple[str, ...], expected: str
) -> None:
    answer = Answer(
        capsys, "predict", "landmarks", pictures, "--annotation", pictures / "annotation.npz", "-o", tmp_path, *options
    )
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert expected in answer.err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("moved", [1, 3])
def test_killed_at_any_moment_it_goes_on(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path, moved: int
) -> None:
    """Killed before the truth is there, and before the second of two predictions is."""
    options = ("--kinds", "pixels", "--severities", "40", "--limit", "1", "-o")
    call = ("predict", "landmarks", pictures, "--annotation", pictures / "annotation.npz", *options)
    require_the_same_after(moved, tmp_path, call, lambda *given: Answer(capsys, *given).status)


def test_what_others_wrote_is_not_taken_for_predictions(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "clear.npz").write_text("mine")
    answer = predict(capsys, pictures, tmp_path)
    assert (answer.status, answer.err) == (2, f"unveil: {tmp_path} holds other files; name a new folder\n")
    assert [path.name for path in tmp_path.iterdir()] == ["clear.npz"]


def test_another_truth_is_refused(capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path) -> None:
    options = ("--kinds", "none", "--limit", "1")
    assert predict(capsys, pictures, tmp_path, *options).status == 0
    truth = LandmarkFile.load(tmp_path / "truth.npz")
    LandmarkFile(truth.names, truth.landmarks2d + 1).save(tmp_path / "truth.npz")
    answer = predict(capsys, pictures, tmp_path, *options)
    assert answer.status == 2
    assert f"{tmp_path / 'truth.npz'} says other than the annotation; choose another folder" in answer.err
