"""From the demo photograph to heads, with a learner that always answers the same head."""

import base64
import dataclasses
import io
import json
import multiprocessing
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from constant_learner import fitting_coefficients, write_learner
from PIL import Image

import unveil
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.faces.reconstruction import Reconstruction
from unveil.geometry.camera import to_pixels
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.layout import CoefficientLayout, Group, LayoutError
from unveil.heads.motion import Motion, transfer_expression
from unveil.models.encoder import Prediction
from unveil.models.onnx import CoefficientModel
from unveil.photos.crop import Crop
from unveil.photos.framing import CANONICAL, Framing
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.reconstruct.walk import agree

TURN = np.array([0.1, 0.3, 0.0])  # axis-angle of the head in the answers, radians
SMILE = 0.5


@pytest.fixture(scope="module")
def learner_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = unveil.load_openhead()
    values = fitting_coefficients(model)
    values[model.layout.slice_of("pose")][:3] = TURN
    values[model.layout.slice_of("expression")][0] = SMILE
    gain = np.zeros_like(values)
    gain[:5] = 1.0  # the shape depends on the pixels, so that mixed up faces are noticed
    return write_learner(tmp_path_factory.mktemp("learner") / "constant.onnx", model.layout, values, gain=gain)


@pytest.fixture(scope="module")
def reconstructor(learner_path: Path) -> Reconstructor:
    return Reconstructor(learner_path)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return read_image(packaged("demo.jpg"))


@pytest.fixture(scope="module")
def face(reconstructor: Reconstructor, photo: np.ndarray) -> Reconstruction:
    (face,) = reconstructor.reconstruct(photo)
    return face


def test_finds_the_face(face: Reconstruction, photo: np.ndarray) -> None:
    left, top, right, bottom = face.box_ltrb
    height, width = photo.shape[:2]
    assert 0 < left < right < width
    assert 0 < top < bottom < height
    assert 0.5 < face.confidence <= 1


def test_shapes_and_names(face: Reconstruction) -> None:
    model = unveil.load_openhead()
    v = len(model.head.template)
    assert face.vertices.shape == face.neutral_vertices.shape == face.projected.shape == (v, 3)
    assert face.landmarks3d.shape == (68, 3)
    assert face.landmarks2d.shape == (68, 2)
    assert face.coefficients.values.shape == (model.layout.size,)
    assert face.faces.max() == v - 1
    assert face.model == "constant"
    assert list(face.expression) == list(model.expression_names)
    assert face.expression[model.expression_names[0]] == pytest.approx(SMILE)
    assert face.timings.keys() == {"detect", "first pass", "second pass", "geometry"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        face.confidence = 1.0  # type: ignore[misc]


def test_pose_and_neutral_head_follow_the_coefficients(face: Reconstruction) -> None:
    model = unveil.load_openhead()
    shape = face.coefficients["shape"]
    np.testing.assert_allclose(face.neutral_vertices, model.head.neutral(shape), atol=1e-6)
    assert np.abs(face.vertices - face.neutral_vertices).max() > 0.01
    pitch, yaw, roll = face.pose_degrees
    assert pitch == pytest.approx(np.degrees(TURN[0]), abs=1)
    assert yaw == pytest.approx(np.degrees(TURN[1]), abs=1)
    assert abs(roll) < 2


def test_what_is_projected_lies_where_the_crop_says(face: Reconstruction) -> None:
    model = unveil.load_openhead()
    in_crop = to_pixels(model.project(face.vertices, face.coefficients), face.crop.size)
    np.testing.assert_allclose(face.crop.to_crop(face.projected[:, :2]), in_crop[:, :2], atol=1e-2)
    np.testing.assert_allclose(face.projected[:, 2] * face.crop.scale, in_crop[:, 2], atol=1e-2)
    inner = model.landmarks68(face.projected)[17:, :2]  # the jaw line slides, the rest is fixed to the mesh
    np.testing.assert_allclose(face.landmarks2d[17:], inner, atol=1e-2)


def test_the_nose_is_nearer_than_the_ears(face: Reconstruction) -> None:
    depth = unveil.load_openhead().landmarks68(face.projected)[:, 2]
    assert depth[30] < min(depth[0], depth[16])


def test_second_crop_frames_the_landmarks(face: Reconstruction, reconstructor: Reconstructor) -> None:
    """The learner's answer fills any crop alike, so crops around its landmarks are crops around its answers."""
    model = reconstructor.morphable
    values = face.coefficients.replace(shape=face.coefficients["shape"] * 0)
    points = model.contour68(model.vertices(values), values)
    size = face.crop.size
    again = Crop.from_landmarks(to_pixels(model.project(points, values), size)[:, :2], size)
    corners = again.to_image([[0, 0], [size, size]])
    np.testing.assert_allclose(corners, [[0, 0], [size, size]], atol=0.15 * size)
    box_centre = (face.box_ltrb[:2] + face.box_ltrb[2:]) / 2
    assert np.linalg.norm(face.landmarks2d.mean(axis=0) - box_centre) < 0.5 * (face.box_ltrb[2] - face.box_ltrb[0])


def test_an_image_and_its_path_are_alike(face: Reconstruction, reconstructor: Reconstructor) -> None:
    (from_path,) = reconstructor.reconstruct(packaged("demo.jpg"))
    np.testing.assert_array_equal(from_path.projected, face.projected)
    assert "read" in from_path.timings


def test_every_face_of_a_photograph(reconstructor: Reconstructor, photo: np.ndarray) -> None:
    dark = (photo // 2).astype(np.uint8)
    width = photo.shape[1]
    both = reconstructor.reconstruct(np.concatenate([photo, dark], axis=1))
    assert len(both) == 2
    for found in both:
        column = found.box_ltrb[0] // width * width
        alone = reconstructor.reconstruct(photo if column == 0 else dark)[0]
        np.testing.assert_allclose(found.landmarks2d - [column, 0], alone.landmarks2d, atol=4)  # pixels of 512
        np.testing.assert_allclose(found.coefficients["shape"], alone.coefficients["shape"], atol=0.05)
    shapes = [found.coefficients["shape"][0] for found in both]
    assert abs(shapes[0] - shapes[1]) > 0.05  # the dark face is told from the bright one
    (largest,) = reconstructor.reconstruct(np.concatenate([photo, dark], axis=1), max_faces=1)
    np.testing.assert_allclose(largest.coefficients.values, both[0].coefficients.values, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (200, 3), (3, 200)])
def test_no_face_is_an_empty_list(reconstructor: Reconstructor, shape: tuple[int, int]) -> None:
    assert reconstructor.reconstruct(np.full((*shape, 3), 127, np.uint8)) == []


@pytest.mark.parametrize(
    ("wrong", "how"),
    [
        (np.zeros((9, 9), np.uint8), r"not uint8 \[9, 9\]; repeat grey levels"),
        (np.zeros((9, 9, 4), np.uint8), r"not uint8 \[9, 9, 4\]; drop the transparency"),
        (np.zeros((3, 9, 9), np.uint8), r"not uint8 \[3, 9, 9\]; rows come first"),
        (np.zeros((9, 9, 3)), r"not float64 \[9, 9, 3\]; .*astype\(numpy.uint8\)"),
        (np.zeros((0, 9, 3), np.uint8), r"not uint8 \[0, 9, 3\], which has no pixels"),
        (b"photo.jpg", "not bytes; open a file with PIL.Image.open"),
        (io.BytesIO(b"photo.jpg"), "not BytesIO; open a file with PIL.Image.open"),
        ([[[0, 0, 0]]], "not list; .*numpy.asarray"),
        (None, "not NoneType$"),
        (3, "not int$"),
    ],
)
def test_refuses_what_is_no_photograph(reconstructor: Reconstructor, wrong: object, how: str) -> None:
    with pytest.raises(TypeError, match="a path, a PIL image or a uint8 RGB array .*, " + how) as caught:
        reconstructor.reconstruct(wrong)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_pil_image_is_taken_as_its_file_is(face: Reconstruction, reconstructor: Reconstructor) -> None:
    with Image.open(packaged("demo.jpg")) as picture:
        (opened,) = reconstructor.reconstruct(picture)
        (grey,) = reconstructor.reconstruct(picture.convert("L"))
        with pytest.raises(UnveilError, match="convert it to mode RGB"):
            reconstructor.reconstruct(picture.convert("F"))
    np.testing.assert_array_equal(opened.projected, face.projected)
    assert opened.name == "demo_0"
    assert grey.photograph is not None
    assert (grey.photograph[..., 0] == grey.photograph[..., 2]).all()


def test_a_worker_gets_the_same_reconstructor(face: Reconstruction, reconstructor: Reconstructor) -> None:
    """Sent to another process, which shares nothing with this one, it opens sessions of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        ((projected, texts),) = pool.map(_reconstructed, [reconstructor])
    np.testing.assert_array_equal(projected, face.projected)
    assert texts == (repr(reconstructor), repr(reconstructor.detector))


def _reconstructed(reconstructor: Reconstructor) -> tuple[np.ndarray, tuple[str, str]]:
    (face,) = reconstructor.reconstruct(packaged("demo.jpg"))
    return face.projected, (repr(reconstructor), repr(reconstructor.detector))


def test_summary_is_plain_json(face: Reconstruction) -> None:
    summary = json.loads(json.dumps(face.to_json(), allow_nan=False))
    assert summary["pose_degrees"]["yaw"] == pytest.approx(face.pose_degrees[1], abs=0.01)
    assert np.asarray(summary["landmarks2d"]).shape == (68, 2)
    upright = face.morphable.vertices(face.morphable.upright(face.coefficients))
    placed = np.column_stack([upright, np.ones(len(upright))]) @ np.array(summary["head_to_image"]).T
    np.testing.assert_allclose(placed, face.projected, atol=1e-2)
    to_overlay = np.array(summary["image_to_overlay"])
    in_overlay = placed[:, :2] @ to_overlay[:, :2].T + to_overlay[:, 2]
    assert in_overlay.min() > 0
    assert in_overlay.max() < 480
    restored = Crop(np.array(summary["crop"]["matrix"]), summary["crop"]["size"])
    np.testing.assert_allclose(restored.to_image([[7.0, 9.0]]), face.crop.to_image([[7.0, 9.0]]))


def test_unknown_model() -> None:
    with pytest.raises(
        UnveilError, match=r"unknown model 'nobody': choose openhead, .*deca, 3ddfa, .* or give the path"
    ):
        Reconstructor("nobody")


@pytest.mark.parametrize("model", [3, None, b"openhead"])
def test_a_model_of_another_type_is_refused(model: object) -> None:
    with pytest.raises(TypeError, match=rf"a name, the path .* or an encoder, not {type(model).__name__}$"):
        Reconstructor(model)  # type: ignore[arg-type]


def test_a_learner_of_another_layout_is_refused_by_name(tmp_path: Path) -> None:
    layout = CoefficientLayout("openhead", (Group("shape", 100, "1"), Group("camera", 3, "1")))
    path = write_learner(tmp_path / "other.onnx", layout, np.zeros(103, np.float32))
    with pytest.raises(UnveilError, match=r"other\.onnx cannot be used: .*'openhead' \(shape 100, camera 3; 103\)"):
        Reconstructor(path)


def test_a_learner_of_an_unknown_layout_is_refused(tmp_path: Path) -> None:
    layout = CoefficientLayout("rabbit", (Group("ears", 2, "metres"),))
    path = write_learner(tmp_path / "rabbit.onnx", layout, np.zeros(2, np.float32))
    with pytest.raises(UnveilError, match=r"'rabbit' \(ears 2; 2\)"):
        Reconstructor(path)


def test_a_learner_whose_vertices_are_of_another_head_is_refused(tmp_path: Path) -> None:
    layout = CoefficientModel(packaged("openhead_learner.onnx")).layout
    metadata = {"layout": layout.to_json(), "input_size": "32"}
    metadata["vertex_scale"] = base64.b64encode(np.ones(14, "<f2").tobytes()).decode()
    path = write_learner(tmp_path / "seven.onnx", layout, np.zeros(layout.size, np.float32), size=32, metadata=metadata)
    with pytest.raises(
        UnveilError, match=r"seven\.onnx has a vertex_scale for 7 vertices, but its head has \d+: export"
    ):
        Reconstructor(path)


def test_another_expression_on_the_same_photograph(reconstructor: Reconstructor, face: Reconstruction) -> None:
    same = reconstructor.changed(face, face.coefficients)
    np.testing.assert_allclose(same.vertices, face.vertices, atol=1e-6)
    np.testing.assert_allclose(same.projected, face.projected, atol=1e-3)
    calm = face.coefficients.replace(expression=np.zeros_like(face.coefficients["expression"]))
    moved = reconstructor.changed(face, calm)
    assert np.abs(moved.vertices - face.vertices).max() > 1e-3
    np.testing.assert_array_equal(moved.neutral_vertices, same.neutral_vertices)
    np.testing.assert_array_equal(moved.photographed, face.projected)
    assert moved.crop is face.crop


BOX = np.array([100.0, 100.0, 200.0, 200.0])
SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


@pytest.mark.parametrize("numbers", [np.zeros(257, np.float32), [0.0] * 257, None])
def test_numbers_alone_are_no_coefficients(
    reconstructor: Reconstructor, face: Reconstruction, numbers: object, tmp_path: Path
) -> None:
    model: Any = reconstructor.morphable
    points = np.zeros((1, 3))
    calls: list[Callable[[Any], object]] = [
        partial(reconstructor.changed, face),
        partial(unveil.write_glb, tmp_path / "head.glb", model),
        partial(transfer_expression, model, face.coefficients),
        lambda given: transfer_expression(model, given, face.coefficients),
        lambda given: Motion(given, 30),
        *(model.vertices, model.neutral, model.shape, model.rotation, model.joint_rotations, model.upright),
        *(model.complete, partial(model.project, points), partial(model.contour68, face.vertices)),
        lambda given: model.moved(given, np.eye(2, 3), 224, 224),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"^expected Coefficients, not \w+: give Coefficients\(model\.layout"):
            call(numbers)
    assert not list(tmp_path.iterdir())


def test_a_face_and_a_file_have_one_head(reconstructor: Reconstructor, face: Reconstruction, tmp_path: Path) -> None:
    several = reconstructor.morphable.zero(2)
    for call in (partial(reconstructor.changed, face), partial(unveil.write_glb, tmp_path / "a.glb", face.morphable)):
        with pytest.raises(LayoutError, match=r"of one head, got \[2, 160\]: take one with row\(k\)"):
            call(several)


def test_landmarks_in_the_detectors_box_agree_with_it() -> None:
    assert agree(110 * SQUARE + [100, 110], BOX)


@pytest.mark.parametrize(
    "landmarks",
    [
        20 * SQUARE + 140,  # far too small
        400 * SQUARE - 50,  # far too large
        100 * SQUARE + [190, 100],  # another face
        0 * SQUARE + 150,  # a single point
        np.nan * SQUARE,
        np.inf * (SQUARE - 0.5),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_landmarks_elsewhere_do_not(landmarks: np.ndarray) -> None:
    assert not agree(landmarks, BOX)


class Sideways:
    """A learner that wants faces turned by a right angle and asks for it by a framing of its own."""

    def __init__(self, path: Path) -> None:
        self._learner = CoefficientModel(path)
        self.name, self.path, self.layout = "sideways", path, self._learner.layout
        self.input_size = self._learner.input_size
        self.framing = Framing(
            lambda face, size: self.turned(CANONICAL.of_detection(face, size)),
            lambda points, size: self.turned(CANONICAL.of_landmarks(points, size)),
        )
        self.vertex_scale, self.says_face, self.looks_twice = 1.0, False, False
        self.seen: list[np.ndarray] = []

    @staticmethod
    def turned(crop: Crop) -> Crop:
        return Crop(np.array([[0, -1], [1, 0]]) @ crop.matrix + [[0, 0, crop.size - 1], [0, 0, 0]], crop.size)

    def predict(self, crops: np.ndarray) -> Prediction:
        self.seen.append(crops)
        return self._learner.predict(crops)


def test_an_encoder_may_ask_for_crops_of_its_own(learner_path: Path, photo: np.ndarray, face: Reconstruction) -> None:
    learner = Sideways(learner_path)
    (turned,) = Reconstructor(learner).reconstruct(photo)
    first = Crop.from_detector_box(face.box_ltrb, learner.input_size)
    np.testing.assert_array_equal(learner.seen[0][0], Sideways.turned(first).warp(photo))
    np.testing.assert_array_equal(learner.seen[1][0], turned.crop.warp(photo))
    assert turned.crop.matrix[0, 0] == face.crop.matrix[0, 1] == 0
    # Both times the learner says the same, and the crop was turned clockwise: the photograph is the other way round.
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(rotation(turned.pose_degrees), quarter @ rotation(face.pose_degrees), atol=1e-5)


def rotation(pose_degrees: tuple[float, float, float]) -> np.ndarray:
    """Ry(yaw) Rx(pitch) Rz(roll)."""
    x, y, z = axis_angle_to_matrix(np.diag(np.radians(pose_degrees)))
    return y @ x @ z


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [0.0, 1e6, -1e6, 1e30, 3e38, np.nan, np.inf])
def test_implausible_coefficients_get_one_line(tmp_path: Path, photo: np.ndarray, values: float) -> None:
    layout = unveil.load_openhead().layout
    path = write_learner(tmp_path / "implausible.onnx", layout, np.full(layout.size, values, np.float32))
    with pytest.raises(UnveilError, match=r"implausible|not finite") as caught:
        Reconstructor(path).reconstruct(photo)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("group", ["shape", "expression", "pose", "camera"])
@pytest.mark.parametrize("value", [1e6, 1e30])
def test_one_implausible_group_is_a_head_or_one_line(
    tmp_path: Path, photo: np.ndarray, group: str, value: float
) -> None:
    model = unveil.load_openhead()
    values = fitting_coefficients(model)
    values[model.layout.slice_of(group)] = value
    path = write_learner(tmp_path / "implausible.onnx", model.layout, values)
    faces, said = [], ""
    try:
        faces = Reconstructor(path).reconstruct(photo)
    except UnveilError as error:
        said = str(error)
    assert bool(faces) != bool(said)
    assert "\n" not in said
    for face in faces:
        face.save(tmp_path / "face.glb")
        assert np.isfinite(face.vertices).all()
