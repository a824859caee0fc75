"""What was seen and what was guessed: hidden vertices, uncertainty in millimetres, and where a result says it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import made_up
import numpy as np
import pytest
import trimesh
from constant_learner import fitting_coefficients, write_learner

import unveil
from unveil.appearance.visibility import hidden_vertices, occluded_pixels
from unveil.assets.store import packaged
from unveil.faces.files import face_colours, npz_content
from unveil.faces.guessed import COLOURS, LEGEND, MOST, draw_guessed, why_hidden
from unveil.faces.overlay import PANEL, draw_overlay, framing, in_panel
from unveil.faces.reconstruction import Reconstruction
from unveil.geometry.camera import to_pixels
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.geometry.visibility import behind
from unveil.heads.face_area import face_area, vertex_areas
from unveil.heads.layout import Coefficients
from unveil.heads.uncertainty import vertex_uncertainty
from unveil.models.classes import CLASSES, HAIR, SKIN
from unveil.photos.crop import Crop
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.typing import Float64s, Image

MODEL = made_up.model()
GREEN = (0, 200, 0)


def in_crop(size: int, yaw_degrees: float = 0.0) -> Float64s:
    """The made-up head in pixels of a crop that its landmarks fill."""
    coefficients = Coefficients(MODEL.layout, fitting_coefficients(MODEL))
    turn = np.array([0, np.radians(yaw_degrees), 0, 0, 0, 0], np.float32)
    coefficients = coefficients.replace(pose=turn)
    return np.asarray(to_pixels(MODEL.project(MODEL.vertices(coefficients), coefficients), size))


def test_the_back_of_the_head_is_behind_its_front() -> None:
    template = MODEL.head.template.astype(np.float64)
    found = behind(template * [1, -1, -1], MODEL.faces)
    egg = MODEL.head.skin_weights[:, 3:].sum(axis=1) == 0
    assert found[egg & (template[:, 2] < 0)].all()
    assert not found[egg & (template[:, 2] > 0.06)].all()
    front_of_balls = ~egg & (template[:, 2] > made_up.EYES[0, 2] + 0.008)
    assert not found[front_of_balls].any()


@pytest.mark.parametrize("yaw", [-60, 60])
def test_a_turned_head_hides_the_other_side(yaw: float) -> None:
    turned = MODEL.head.template @ axis_angle_to_matrix(np.array([0.0, np.radians(yaw), 0.0])).T
    found = behind(turned * [1, -1, -1], MODEL.faces)
    far = MODEL.head.template[:, 0] * np.sign(yaw) > 0.06
    assert found[far].all()
    near = (MODEL.head.template[:, 0] * np.sign(yaw) < -0.06) & (np.abs(MODEL.head.template[:, 2]) < 0.02)
    assert not found[near].any()


def test_something_in_front_hides_what_is_behind_it() -> None:
    """Two parallel squares that both face the viewer: the far one is behind where the near one covers it."""
    square = np.array([[0, 0, 0], [0, 4, 0], [4, 4, 0], [4, 0, 0]], np.float64)
    points = np.concatenate([square * [2, 2, 1] + [0, 0, 1], square])
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    assert behind(points, faces).tolist() == [True, False, False, False, False, False, False, False]


def test_hidden_is_the_map_where_the_head_faces_the_camera() -> None:
    size = 112
    points = in_crop(size)
    image_points = points * [2, 2, 2] + [30, 50, 0]
    crop = Crop(np.array([[0.5, 0, -15], [0, 0.5, -25]]), size)
    occlusion = np.zeros((28, 28), np.float32)
    occlusion[14:] = 0.8
    hidden = hidden_vertices(occlusion, crop, image_points, MODEL.faces, (400, 400, 3))
    away = behind(points, MODEL.faces)
    inside = (points[:, :2] >= 0).all(axis=1) & (points[:, :2] <= size - 1).all(axis=1) & ~away
    upper, lower = inside & (points[:, 1] < 53), inside & (points[:, 1] > 58)
    assert min(upper.sum(), lower.sum()) > 50
    assert (hidden[upper] == 0).all()
    np.testing.assert_allclose(hidden[lower], 0.8)
    assert (hidden[away] == 1).all()
    assert (hidden[(points[:, 0] < -1) | (points[:, 1] > size)] == 1).all()
    cut = hidden_vertices(occlusion, crop, image_points, MODEL.faces, (400, 140, 3))  # the crop is wider than that
    beyond = image_points[:, 0] > 139.5
    assert (beyond & (hidden < 1)).sum() > 50
    assert (cut[beyond] == 1).all()
    np.testing.assert_array_equal(cut[~beyond], hidden[~beyond])


def test_occluded_pixels_lie_where_the_map_has_them() -> None:
    """The middle of a cell is the middle of its pixels, and the mask is a little wider than the cells."""
    occlusion = np.zeros((28, 28), np.float32)
    occlusion[8:16, 4:12] = 1
    crop = Crop.from_square([100, 80], 112, 112)  # pixels of the photograph, shifted
    mask = occluded_pixels(occlusion, crop, (160, 200, 3))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = 100 - 56 + 4 * 4, 80 - 56 + 8 * 4
    assert left - 6 <= columns[0] < left <= left + 31 < columns[-1] <= left + 37
    assert top - 6 <= rows[0] < top <= top + 31 < rows[-1] <= top + 37
    assert mask[top : top + 32, left : left + 32].all()
    assert not occluded_pixels(occlusion * 0.2, crop, (160, 200)).any()


def test_what_reaches_the_edge_of_the_crop_goes_on_beyond_it() -> None:
    occlusion = np.zeros((28, 28), np.float32)
    occlusion[:, :8] = 1
    crop = Crop.from_square([100, 80], 112, 112)
    assert occluded_pixels(occlusion, crop, (160, 200))[:, :44].all()
    assert not occluded_pixels(occlusion, crop, (160, 200), beyond=False)[:, :40].any()


def test_the_face_is_the_front_of_the_head() -> None:
    area = face_area(MODEL)
    assert area.sum() == pytest.approx(1, abs=1e-5)
    points = MODEL.head.template[area > 0]
    assert points[:, 2].min() > 0
    nose = MODEL.landmarks68(MODEL.head.template)[30]
    assert np.linalg.norm(points - nose, axis=1).max() < 0.1
    total = vertex_areas(MODEL.head.template.astype(np.float64), MODEL.faces).sum()
    ellipsoid = 4 * np.pi * np.mean([np.prod(np.delete(made_up.RADII, k)) ** 1.6075 for k in range(3)]) ** (1 / 1.6075)
    assert total == pytest.approx(ellipsoid + 8 * np.pi * made_up.EYE_RADIUS**2, rel=0.03)


def test_uncertainty_is_the_spread_of_sampled_heads() -> None:
    rng = np.random.default_rng(5)
    deviations = MODEL.zero().replace(
        shape=rng.uniform(0.1, 0.6, 100).astype(np.float32),
        expression=rng.uniform(0, 0.2, 51).astype(np.float32),
        pose=np.full(6, 0.3, np.float32),
        camera=np.full(3, 9, np.float32),
    )
    form = {name: rng.normal(0, deviations[name], (4000, len(deviations[name]))) for name in ("shape", "expression")}
    heads = MODEL.head.unposed(form["shape"].astype(np.float32), form["expression"].astype(np.float32))
    spread = 1000 * np.sqrt(np.square(heads - MODEL.head.template).sum(axis=-1).mean(axis=0))
    np.testing.assert_allclose(vertex_uncertainty(MODEL, deviations), spread, rtol=0.06)
    np.testing.assert_allclose(vertex_uncertainty(MODEL, deviations, 2.0), 2 * spread, rtol=0.06)
    batch = Coefficients(MODEL.layout, np.stack([deviations.values, 0 * deviations.values]))
    assert (vertex_uncertainty(MODEL, batch)[1] == 0).all()


@pytest.fixture(scope="module")
def reconstructor(tmp_path_factory: pytest.TempPathFactory) -> Reconstructor:
    """A learner that takes green for what covers the face."""
    model = unveil.load_openhead()
    deviations = np.zeros(model.layout.size, np.float32)
    deviations[model.layout.slice_of("shape")] = 0.3
    path = tmp_path_factory.mktemp("learner") / "green.onnx"
    write_learner(path, model.layout, fitting_coefficients(model), deviations=deviations, occlusion=True)
    return Reconstructor(path)


@pytest.fixture(scope="module")
def clear(reconstructor: Reconstructor) -> Reconstruction:
    (face,) = reconstructor.reconstruct(packaged("demo.jpg"))
    return face


@pytest.fixture(scope="module")
def masked_photo(clear: Reconstruction) -> Image:
    photo = read_image(packaged("demo.jpg"))
    outline = np.concatenate([clear.landmarks2d[1:16], clear.landmarks2d[[29]]])
    return cv2.fillPoly(photo, [np.rint(outline).astype(np.int32)], GREEN).astype(np.uint8)


@pytest.fixture(scope="module")
def masked(reconstructor: Reconstructor, masked_photo: Image) -> Reconstruction:
    (face,) = reconstructor.reconstruct(masked_photo, max_faces=1)
    return face


def test_a_mask_hides_the_mouth_and_not_the_brows(clear: Reconstruction, masked: Reconstruction) -> None:
    model = unveil.load_openhead()
    assert clear.hidden is not None
    assert masked.hidden is not None
    marks = model.landmarks68(np.column_stack([masked.hidden] * 3))[:, 0]
    assert marks[[48, 51, 54, 57]].min() > 0.7
    assert marks[19:25].max() < 0.3
    assert clear.hidden_share is not None
    assert masked.hidden_share is not None
    assert clear.hidden_share + 0.2 < masked.hidden_share < 0.8


def test_the_summary_says_what_was_guessed(clear: Reconstruction, masked: Reconstruction) -> None:
    summary = json.loads(json.dumps(masked.to_json(), allow_nan=False))
    assert np.shape(summary["occlusion"]) == (28, 28)
    assert summary["hidden_share"] == pytest.approx(masked.hidden_share, abs=1e-3)
    assert summary["occluded_share"] == pytest.approx(masked.occluded_share, abs=1e-3)
    assert 0.2 < summary["occluded_share"] <= summary["hidden_share"]
    uncertainty = summary["uncertainty_mm"]
    assert min(uncertainty["seen"], uncertainty["hidden"]) < uncertainty["face"]
    assert max(uncertainty["seen"], uncertainty["hidden"]) > uncertainty["face"]
    assert clear.uncertainty_mm is not None
    assert clear.face_area is not None
    assert uncertainty["face"] == pytest.approx(float(clear.uncertainty_mm @ clear.face_area), abs=1e-3)


def test_eyes_that_are_hidden_are_said_to_be(masked: Reconstruction) -> None:
    assert masked.eyes_hidden is not None
    right = masked.vertices[:, 0] < 0
    glimpse = replace(masked, hidden=right.astype(np.float32))
    assert glimpse.eyes_hidden == {"right": 1, "left": 0}
    assert glimpse.to_json()["eyes_hidden"] == {"right": 1, "left": 0}
    assert replace(masked, hidden=None).to_json()["eyes_hidden"] is None


def test_classes_are_in_the_summary_and_the_arrays(masked: Reconstruction) -> None:
    assert masked.class_map is None
    assert masked.to_json()["classes"] is None
    classes = np.full((len(CLASSES), 56, 56), 0.05, np.float32)
    classes[SKIN] = 0.3
    classes[SKIN, :14], classes[HAIR, :14] = 0.1, 0.5
    face = replace(masked, classes=classes)
    assert face.class_map is not None
    assert (face.class_map[:14] == HAIR).all()
    summary = json.loads(json.dumps(face.to_json(), allow_nan=False))["classes"]
    assert list(summary["shares"]) == list(CLASSES)
    assert (summary["shares"]["hair"], summary["shares"]["skin"]) == (0.25, 0.75)
    assert np.array_equal([[int(digit) for digit in row] for row in summary["rows"]], face.class_map)
    np.testing.assert_array_equal(npz_content(face)["classes"], classes)


def test_arrays_and_meshes_say_it_too(masked: Reconstruction, masked_photo: Image, tmp_path: Path) -> None:
    arrays = npz_content(masked)
    assert arrays["occlusion"].shape == (28, 28)
    assert arrays["deviations"].shape == arrays["coefficients"].shape
    assert arrays["hidden"].shape == arrays["uncertainty_mm"].shape == (len(masked.vertices),)
    masked.save(tmp_path / "face.ply")
    data = trimesh.load(tmp_path / "face.ply", process=False).metadata["_ply_raw"]["vertex"]["data"]
    own = len(masked.vertices)  # the parts come after them
    np.testing.assert_array_equal(data["hidden"].ravel()[:own], masked.hidden)
    np.testing.assert_array_equal(data["uncertainty"].ravel()[:own], masked.uncertainty_mm)


def test_the_mask_is_not_in_the_texture(masked: Reconstruction, masked_photo: Image) -> None:
    texture = face_colours(masked_photo, masked, unveil.load_openhead()).lit.astype(int)
    greenness = texture[..., 1] - texture[..., [0, 2]].max(axis=2)
    assert greenness.max() < 60  # 200 in the mask


def test_the_texture_does_not_know_how_large_the_photograph_is(masked: Reconstruction, masked_photo: Image) -> None:
    model = unveil.load_openhead()
    larger = cv2.copyMakeBorder(masked_photo, 64, 32, 128, 8, cv2.BORDER_REPLICATE)
    moved = replace(
        masked, photographed=masked.photographed + np.array([128, 64, 0]), crop=masked.crop.of_part(-128, -64)
    )
    here, there = (face_colours(*seen, model).lit.astype(int) for seen in ((masked_photo, masked), (larger, moved)))
    assert np.abs(here - there).mean() < 0.5


def test_another_expression_keeps_what_is_hidden(reconstructor: Reconstructor, masked: Reconstruction) -> None:
    calm = masked.coefficients.replace(expression=0 * masked.coefficients["expression"])
    moved = reconstructor.changed(masked, calm)
    assert moved.hidden is masked.hidden
    assert moved.hidden_share == masked.hidden_share
    assert moved.deviations is None
    assert moved.uncertainty_mm is None


def test_the_overlay_has_a_fifth_panel(masked: Reconstruction, masked_photo: Image) -> None:
    texture = np.full((32, 32, 3), 120, np.uint8)
    overlay = draw_overlay(masked_photo, masked, unveil.load_openhead(), texture)
    assert overlay.shape == (PANEL, 5 * PANEL, 3)


def test_the_panel_says_how_much_is_hatched_and_how_much_hidden_without_that(masked: Reconstruction) -> None:
    assert masked.occlusion is not None
    turned = masked.photographed * [-1, 1, -1]
    assert masked.photograph is not None
    hidden = hidden_vertices(masked.occlusion, masked.crop, turned, masked.faces, masked.photograph.shape)
    behind = replace(masked, photographed=turned, hidden=hidden)
    words = r"occluded: (\d+) % of the face\nturned away: (\d+) %"
    found = [[int(n) for n in re.fullmatch(words, why_hidden(face)).groups()] for face in (masked, behind)]
    assert sum(found[0]) == pytest.approx(100 * masked.hidden_share, abs=1)
    assert found[0][0] > 20
    assert found[1][0] < 5
    assert found[1][1] > 95


def test_a_small_head_shows_how_unsure_colours_are(masked: Reconstruction, masked_photo: Image) -> None:
    model, texture = unveil.load_openhead(), np.full((32, 32, 3), 120, np.uint8)
    sure, unsure = (np.full((64, 64), levels, np.float32) for levels in (0, 99))
    panels = [draw_overlay(masked_photo, masked, model, texture, one)[:, -PANEL:].astype(int) for one in (sure, unsure)]
    corner = (slice(0, PANEL // 3), slice(-PANEL // 3, None))
    changed = np.abs(panels[0] - panels[1]).max(axis=2) > 60
    assert changed[corner].mean() > 0.05
    changed[corner] = False
    assert not changed.any()


def test_the_panel_colours_by_uncertainty_and_hatches_what_is_covered() -> None:
    size = 240
    points = in_crop(size)
    occlusion = np.zeros((28, 28), np.float32)
    occlusion[:, 14:] = 1
    face = cast(
        Reconstruction,
        SimpleNamespace(
            projected=points,
            faces=MODEL.faces,
            crop=Crop(np.eye(2, 3), size),
            occlusion=occlusion,
            uncertainty_mm=np.full(len(points), float(MOST)),
            hidden_share=None,
            occluded_share=None,
        ),
    )
    to_panel, photo, in_panel_points = in_panel(np.full((size, size, 3), 90, np.uint8), face)
    panel = draw_guessed(photo, in_panel_points, to_panel, face, MODEL)
    head = panel[PANEL // 2 - 60 : PANEL // 2 + 60]
    plain, hatched = head[:, PANEL // 2 - 80 : PANEL // 2 - 30], head[:, PANEL // 2 + 30 : PANEL // 2 + 80]
    assert plain.std(axis=(0, 1)).max() < hatched.std(axis=(0, 1)).min()
    yellow = COLOURS[255].astype(int)
    assert np.abs(np.median(plain, axis=(0, 1)) - yellow).max() < 60
    bar = panel[-LEGEND:, 14:154]
    assert (bar == COLOURS[0]).all(axis=2).any()
    assert (bar == COLOURS[255]).all(axis=2).any()


def test_the_teeth_of_a_smile_are_as_sure_as_the_lips() -> None:
    (face,) = Reconstructor().reconstruct(packaged("demo.jpg"))
    panel = face.overlay()[:, 4 * PANEL :]
    to_panel = framing(face.projected)
    marks = face.landmarks2d @ to_panel[:, :2].T + to_panel[:, 2]
    x, y = marks[60:].mean(axis=0).astype(int)  # between the lips
    red, _, blue = panel[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))
    assert red - blue < 20, "not the yellow of what is unsure"
