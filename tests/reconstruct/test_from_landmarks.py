"""Landmarks to a head: the head they came from, whatever file they are in, and the command."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import made_up
import numpy as np
import pytest
from cli_answer import Answer

import unveil
from unveil import Coefficients, Reconstruction, fit_landmarks
from unveil.assets.store import packaged
from unveil.faces.reconstruction import GREY
from unveil.fitting.expression_prior import ExpressionPrior
from unveil.fitting.landmark_files import FEWEST, read_landmarks
from unveil.fitting.landmark_fit import FitSettings
from unveil.photos.crop import Crop
from unveil.reconstruct.from_landmarks import landmark_distance
from unveil.reconstruct.geometry import visible_landmarks
from unveil.typing import Float64s

TRUSTING = FitSettings(noise=2e-4, expression=ExpressionPrior(0.1, 0.0, 0.01, 1.0), iterations=30)
IN_PHOTO = Crop(np.array([[0.8, 0.0, -100.0], [0.0, 0.8, -60.0]]))


@pytest.fixture(scope="module")
def seen() -> Reconstruction:
    """The demo photograph as the packaged learner sees it."""
    (face,) = unveil.Reconstructor().reconstruct(packaged("demo.jpg"))
    return face


@pytest.fixture(scope="module")
def fitted(seen: Reconstruction) -> Reconstruction:
    return fit_landmarks(seen.landmarks2d, packaged("demo.jpg"))


def known_head(**groups: Float64s) -> Coefficients:
    model = unveil.load_openhead()
    pose = np.array([0.1, -0.3, 0.05, 0, 0, 0])
    return model.zero().replace(pose=pose, camera=np.array([7.0, 0.002, 0.01]), **groups)


def landmarks_of(head: Coefficients) -> Float64s:
    """Where a photograph shows the landmarks [68, 2] of a known head."""
    batch = Coefficients(head.layout, head.values[None])
    return np.asarray(visible_landmarks(unveil.load_openhead(), batch, [IN_PHOTO])[0])


def test_the_head_is_found_that_the_landmarks_are_projections_of() -> None:
    model = unveil.load_openhead()
    shape = np.zeros(100)
    shape[:3] = 1.5, -1.0, 1.0
    truth = known_head(shape=shape)
    landmarks = landmarks_of(truth)
    head = fit_landmarks(landmarks, settings=TRUSTING)
    assert landmark_distance(head, landmarks) < 0.2  # pixels, of a face 200 wide
    apart = np.linalg.norm(head.neutral_vertices - model.neutral(truth), axis=1)
    mean_head = np.linalg.norm(model.neutral(model.zero()) - model.neutral(truth), axis=1)
    front = model.head.template[:, 2] > 0.02
    assert apart[front].mean() < 0.3 * mean_head[front].mean()


def test_landmarks_of_the_learner_are_fitted_closely(seen: Reconstruction, fitted: Reconstruction) -> None:
    """Measured: 0.19 % of the root of the area of their box."""
    side = float(np.sqrt(np.ptp(seen.landmarks2d, axis=0).prod()))
    assert landmark_distance(fitted, np.asarray(seen.landmarks2d)) / side < 4e-3
    np.testing.assert_allclose(fitted.pose_degrees, seen.pose_degrees, atol=4)
    assert (fitted.confidence, fitted.occlusion, fitted.hidden_share) == (None, None, None)
    assert fitted.name == "demo_0"
    assert len(repr(fitted)) < 200
    np.testing.assert_array_equal(fitted.box_ltrb[:2], seen.landmarks2d.min(axis=0))


def test_every_file_of_landmarks_gives_the_same_head(
    seen: Reconstruction, fitted: Reconstruction, tmp_path: Path
) -> None:
    points = np.asarray(seen.landmarks2d)
    lines = "\n".join(f"{x + 1:.9f} {y + 1:.9f}" for x, y in points)  # 300W counts from one
    (tmp_path / "a.pts").write_text(f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n")
    np.save(tmp_path / "b.npy", points)
    seen.save(tmp_path / "c.npz")
    (tmp_path / "d.json").write_text(json.dumps({"faces": [{"landmarks2d": points.tolist()}]}))
    (tmp_path / "e.json").write_text(json.dumps({"landmarks2d": points.tolist()}))
    (tmp_path / "f.json").write_text(json.dumps(points.tolist()))
    for path in sorted(tmp_path.iterdir()):
        np.testing.assert_allclose(read_landmarks(path), points, atol=1e-6)
    head = fit_landmarks(tmp_path / "f.json")
    np.testing.assert_array_equal(head.vertices, fitted.vertices)
    assert head.name == "f_0"
    assert head.photograph is None
    assert (head.texture() == GREY).all()


def test_landmarks_that_are_not_known_pull_nowhere(seen: Reconstruction, fitted: Reconstruction) -> None:
    points = np.array(seen.landmarks2d)
    points[[3, 30, 60]] = np.nan
    head = fit_landmarks(points)
    assert np.linalg.norm(head.vertices - fitted.vertices, axis=1).mean() < 1e-3  # metres


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (np.stack([np.arange(68.0)] * 2, axis=1), "the landmarks lie in one line or place"),
        (
            np.random.default_rng(0).random((68, 2)) * 1e200,
            r"a landmark lies \S+e.* pixels off: give landmarks in pixels",
        ),
        (np.zeros((68, 2)), "the landmarks lie in one line or place"),
        (np.full((68, 2), np.nan), rf"0 landmarks are known.*give {FEWEST} or more"),
        (np.zeros((51, 2)), r"\[68, 2\], not \[51, 2\]"),
        (np.zeros((2, 68, 2)), r"of one face, \[68, 2\], not \[2, 68, 2\]"),
    ],
)
def test_what_is_no_face_is_said(points: Float64s, reason: str) -> None:
    with pytest.raises(unveil.UnveilError, match=reason):
        fit_landmarks(points)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda points: points[:, ::-1], "a face in a mirror: give x before y"),
        (lambda points: np.roll(points, 1, axis=0), "those of no face: .* check that they are iBUG's 68"),
    ],
)
def test_landmarks_in_another_order_are_no_face(
    seen: Reconstruction, change: Callable[[Float64s], Float64s], reason: str
) -> None:
    with pytest.raises(unveil.UnveilError, match=reason):
        fit_landmarks(change(np.asarray(seen.landmarks2d)))


def test_other_heads_are_refused_unless_they_are_built_alike(seen: Reconstruction) -> None:
    assert fit_landmarks(seen.landmarks2d, model=made_up.model()).morphable is made_up.model()
    learner = unveil.Reconstructor().morphable
    layout = unveil.CoefficientLayout("other", learner.layout.groups[::-1])
    with pytest.raises(unveil.UnveilError, match=r"openhead cannot be fitted to landmarks: .*such as openhead"):
        fit_landmarks(seen.landmarks2d, model=replace(learner, layout=layout))


def test_the_command_writes_what_the_library_does(
    capsys: pytest.CaptureFixture[str], seen: Reconstruction, fitted: Reconstruction, tmp_path: Path
) -> None:
    np.save(tmp_path / "points.npy", seen.landmarks2d)
    call = ("fit", tmp_path / "points.npy", "--photo", packaged("demo.jpg"), "-o")
    answer = Answer(capsys, *call, tmp_path / "head.glb")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"{tmp_path / 'head.glb'}: 1 file, landmarks 0.")
    (path,) = fitted.save(tmp_path / "library.glb")
    assert (tmp_path / "head.glb").read_bytes() == path.read_bytes()
    assert Answer(capsys, *call, tmp_path / "all").status == 0
    endings = (".glb", ".obj", ".mtl", ".jpg", ".ply", ".npz", ".json", "_overlay.png")
    assert {path.name for path in (tmp_path / "all").glob("[!.]*")} == {f"demo_0{ending}" for ending in endings}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", "", "give a file named .pts, .npy, .npz, .json"),
        ("b.pts", None, "b.pts does not exist"),
        (
            "b.pts",
            "{ no points }",
            r"^unveil: \S+b.pts is no .pts file of landmarks \(could not .*\); check its path, or write it again",
        ),
        ("c.npy", None, "c.npy does not exist"),
        ("d.npy", "no array", r"d.npy is no file of landmarks that can be read \("),
        ("e.npz", "no zip", r"e.npz is no file of landmarks that can be read \("),
        ("f.json", "{", r"f.json is no file of landmarks that can be read \("),
        ("g.json", '{"faces": []}', r"g.json is no file of landmarks that can be read \("),
        ("h.json", "[[1, 2]]", r"h.json: landmarks are iBUG's 68 points \(x, y\) of one face"),
    ],
)
def test_bad_files_are_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    answer = Answer(capsys, "fit", tmp_path / name, "-o", tmp_path / "out")
    assert (answer.status, answer.out) == (2, "")
    assert re.search(reason, answer.err)
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
