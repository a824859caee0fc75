"""Predictions for NoW: what is written, how faces are framed, on after a stop, and hidden faces."""

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from cli_answer import Answer
from constant_learner import fitting_coefficients, write_learner
from killed import run_killed
from PIL import Image

import unveil
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.evaluation.now import predict as predicting
from unveil.evaluation.now.face_hider import FaceHider
from unveil.evaluation.now.files import read_landmarks
from unveil.evaluation.now.photos import read_face_box
from unveil.meshes.read import read_mesh
from unveil.models.encoder import Encoder, Prediction
from unveil.models.registry import FAMILIES, open_encoder
from unveil.occluders.base import Pool
from unveil.occluders.masks import WornMask
from unveil.photos.crop import Crop
from unveil.photos.detect import FaceDetector
from unveil.reconstruct.pipeline import Reconstructor

DEMO = packaged("demo.jpg")
SEVEN = [36, 39, 42, 45, 33, 48, 54]
IMAGES = ("a/multiview_neutral/IMG_1.jpg", "a/selfie/IMG_2.jpg")


@pytest.fixture(scope="module")
def box() -> np.ndarray:
    """The face of the bundled photograph."""
    detector = FaceDetector(packaged("blazeface.onnx"))
    return np.asarray(detector.detect(unveil.read_image(DEMO))[0].box_ltrb, np.float64)


@pytest.fixture
def dataset(tmp_path: Path, box: np.ndarray) -> Path:
    """Two photographs with their boxes, in the folders that NoW's archives unpack to."""
    folder = tmp_path / "dataset"
    for image in IMAGES:
        photo = folder / "final_release_version" / "iphone_pictures" / image
        marked = (folder / "final_release_version" / "detected_face" / image).with_suffix(".npy")
        for path in (photo, marked):
            path.parent.mkdir(parents=True)
        shutil.copy(DEMO, photo)
        np.save(marked, np.array(dict(zip(("left", "top", "right", "bottom"), box, strict=True))), allow_pickle=True)
    (folder / "imagepathsvalidation.txt").write_text("".join(f"/{image}\n" for image in IMAGES))
    return folder


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A learner that turns the head and opens the mouth of somebody, whatever it sees."""
    model = unveil.load_openhead()
    values = fitting_coefficients(model)
    values[model.layout.slice_of("shape")] = np.random.default_rng(0).normal(size=100)
    values[model.layout.slice_of("expression")] = 0.5
    values[model.layout.slice_of("pose").start + 1] = 0.3
    return write_learner(tmp_path_factory.mktemp("learner") / "constant.onnx", model.layout, values)


def test_the_neutral_head_and_its_landmarks(
    dataset: Path, learner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    answer = Answer(capsys, "predict", "now", "--dataset", dataset, "-o", out, "--model", learner)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == f"{out}: 2 predictions, 0 from before, 0 failed\n"
    model = unveil.load_openhead()
    neutral = model.head.neutral(np.random.default_rng(0).normal(size=100))
    for image in IMAGES:
        mesh = read_mesh((out / image).with_suffix(".ply"))
        np.testing.assert_allclose(mesh.vertices, neutral, atol=1e-6)
        np.testing.assert_array_equal(mesh.faces, model.faces)
        landmarks = read_landmarks((out / image).with_suffix(".npy"))
        np.testing.assert_allclose(landmarks, model.landmarks68(neutral)[SEVEN], atol=1e-6)


def test_on_after_a_stop_and_not_with_another_model(
    dataset: Path, learner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    running = predicting.predict_now(predicting.NowPhotos.open(dataset), Reconstructor(learner), out)
    assert next(running).status == "done"
    running.close()
    (out / "a" / "multiview_neutral" / "IMG_1.npy").stat()
    answer = Answer(capsys, "predict", "now", "--dataset", dataset, "-o", out, "--model", learner)
    assert answer.out.endswith("1 prediction, 1 from before, 0 failed\n")
    other = Answer(capsys, "predict", "now", "--dataset", dataset, "-o", out)
    assert other.status == 2
    assert "predictions of another model or of other settings (model constant, not openhead-learner; " in other.err
    again = Answer(capsys, "predict", "now", "--dataset", dataset, "-o", out, "--model", learner, "--own-detector")
    assert again.status == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_killed_between_a_mesh_and_its_landmarks_it_goes_on(
    dataset: Path, learner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ("predict", "now", "--dataset", dataset, "--model", learner, "-o")
    assert Answer(capsys, *call, tmp_path / "whole").status == 0
    assert run_killed(2, *call, tmp_path / "out") == -signal.SIGKILL
    first = Path(IMAGES[0])
    assert (tmp_path / "out" / first.with_suffix(".ply")).is_file()
    assert not (tmp_path / "out" / first.with_suffix(".npy")).exists()
    assert Answer(capsys, *call, tmp_path / "out").status == 0
    whole, again = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "whole", tmp_path / "out")
    )
    assert whole == again


def test_a_photograph_without_a_face_is_said_and_the_rest_goes_on(
    dataset: Path, learner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = dataset / "final_release_version" / "iphone_pictures"
    Image.new("RGB", (300, 200), (90, 120, 160)).save(photos / IMAGES[0])
    answer = Answer(
        capsys, "predict", "now", "--dataset", dataset, "-o", tmp_path / "out", "--model", learner, "--own-detector"
    )
    assert answer.status == 2
    assert answer.err.startswith(f"unveil: {IMAGES[0]}: no face found")
    assert answer.out.endswith("1 prediction, 0 from before, 1 failed\n")
    assert not (tmp_path / "out" / IMAGES[0]).with_suffix(".ply").exists()


class Recorder:
    """A network that notes the crops it is shown."""

    def __init__(self, real: Encoder) -> None:
        self.real = real
        self.name, self.path, self.layout, self.input_size = real.name, real.path, real.layout, real.input_size
        self.framing, self.vertex_scale, self.says_face = real.framing, real.vertex_scale, real.says_face
        self.looks_twice = False
        self.seen: list[np.ndarray] = []

    def predict(self, images: np.ndarray) -> Prediction:
        self.seen.append(images[0])
        return self.real.predict(images)


def crops_seen(dataset: Path, model: Path, tmp_path: Path) -> list[np.ndarray]:
    recorder = Recorder(open_encoder(model))
    running = predicting.predict_now(predicting.NowPhotos.open(dataset), Reconstructor(recorder), tmp_path / "out")
    first = next(running)
    assert first.status == "done", first.error
    return recorder.seen


def same_picture(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(abs(one.astype(int) - other).max() <= 1)  # the last digit of a box may differ


def test_boxes_frame_the_first_pass(dataset: Path, learner: Path, box: np.ndarray, tmp_path: Path) -> None:
    first, second = crops_seen(dataset, learner, tmp_path)
    expected = Crop.from_detector_box(box, 224).warp(unveil.read_image(DEMO))
    assert same_picture(first, expected)
    assert not same_picture(second, expected), "the second pass is framed by landmarks"


def test_deca_is_framed_as_in_its_own_run(
    dataset: Path, learner: Path, box: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One pass, the side 1.6 times the box's; the family of the head alone decides about it."""
    monkeypatch.setattr(predicting, "family_of", lambda layout: FAMILIES["deca"])
    (seen,) = crops_seen(dataset, learner, tmp_path)
    side = 1.6 * (box[2:] - box[:2]).mean()
    assert same_picture(seen, Crop.from_square((box[:2] + box[2:]) / 2, side, 224).warp(unveil.read_image(DEMO)))


def test_hidden_faces(dataset: Path, learner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = ["predict", "now", "--dataset", dataset, "-o", out, "--model", learner, "--occluded", "20,40"]
    answer = Answer(capsys, *command, "--keep-photographs")
    assert answer.status == 0
    clear = unveil.read_image(DEMO)
    changed = []
    for severity in ("20", "40"):
        folder = out / f"occluded-{severity}"
        assert json.loads((folder / "predictions.json").read_text())["change"].startswith(f"{severity} % hidden")
        for image in IMAGES:
            assert (folder / image).with_suffix(".npy").is_file()
            photo = unveil.read_image(folder / "photographs" / image)
            changed.append((abs(photo.astype(int) - clear).max(axis=2) > 60).mean())
    small, large = changed[:2], changed[2:]
    assert min(small) > 0.001
    assert all(b > 1.3 * a for a, b in zip(small, large, strict=True)), "the same things, larger"
    wrong = Answer(capsys, *command[:-1], "half")
    assert (wrong.status, "--occluded 'half' is no list of percentages" in wrong.err) == (2, True)


def test_what_hides_a_face_depends_on_its_name_and_nothing_else() -> None:
    hider, image = FaceHider(Pool((WornMask(),), (1.0,))), unveil.read_image(DEMO)
    first = hider.hide(image, "a", 0.3)
    np.testing.assert_array_equal(first.image, FaceHider(Pool((WornMask(),), (1.0,))).hide(image, "a", 0.3).image)
    assert (first.image != hider.hide(image, "b", 0.3).image).any()
    faceless = np.full((200, 300, 3), 127, np.uint8)
    with pytest.raises(UnveilError, match="no face found"):
        hider.hide(faceless, "a", 0.3)


def test_boxes_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "box.npy"
    for content, why in (
        ({"left": 1, "top": 2, "right": 3}, "has no left, top, right, bottom"),
        ({"left": 5, "top": 2, "right": 3, "bottom": 4}, "which has no area"),
        ({"left": "x", "top": 2, "right": 3, "bottom": 4}, "has no left, top, right, bottom"),
    ):
        np.save(path, np.array(content), allow_pickle=True)
        with pytest.raises(UnveilError, match=why):
            read_face_box(path)
    np.save(path, np.arange(4.0))
    with pytest.raises(UnveilError, match=r"box\.npy"):
        read_face_box(path)


def test_a_folder_without_photographs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "imagepathsvalidation.txt").write_text(IMAGES[0])
    answer = Answer(capsys, "predict", "now", "--dataset", tmp_path, "-o", tmp_path / "out")
    assert answer.status == 2
    assert "has no iphone_pictures; give the folder of the NoW dataset" in answer.err
