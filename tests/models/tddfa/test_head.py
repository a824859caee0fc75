"""3DDFA_V2's face model against its published formula, and files that are not what they should be."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_up_tddfa
import numpy as np
import pytest
from extras import needs

from unveil.errors import UnveilError
from unveil.geometry.camera import to_pixels
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.tddfa import head as bfm
from unveil.models.tddfa.head import LAYOUT, BfmFiles

DATA, TRIANGLES = made_up_tddfa.face()
MODEL = bfm.from_arrays(DATA, TRIANGLES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_up_tddfa.write_folder(tmp_path / "3ddfa")


def files(folder: Path) -> BfmFiles:
    return BfmFiles(folder / "bfm_noneck_v3.pkl", folder / "tri.pkl")


def some(count: int, strength: float = 1.0) -> Coefficients:
    statistics = made_up_tddfa.statistics()
    values = np.random.default_rng(count).normal(0, strength, (count, 62))
    return Coefficients(LAYOUT, values * statistics["std"] + statistics["mean"])


def published_pixels(parameters: np.ndarray) -> np.ndarray:
    """Pixels [V, 3] of a crop of 120 as 3DDFA_V2 states them: R (u + ws a + we e) + t, y turned, counted from one."""
    matrix = parameters[:12].reshape(3, 4)
    flat = DATA["u"][:, 0] + DATA["w_shp"] @ parameters[12:52] + DATA["w_exp"] @ parameters[52:]
    points = matrix[:, :3] @ flat.reshape(3, -1, order="F") + matrix[:, 3:]
    return np.stack([points[0] - 1, 120 - points[1], -points[2]], axis=1)


def test_projected_vertices_are_those_of_the_published_formula() -> None:
    coefficients = some(4)
    pixels = to_pixels(MODEL.project(MODEL.vertices(coefficients), coefficients), 120)
    for parameters, projected in zip(coefficients.values, pixels, strict=True):
        np.testing.assert_allclose(projected, published_pixels(parameters), atol=1e-3)


def test_landmarks_are_the_keypoints_whatever_the_pose() -> None:
    coefficients = some(3)
    vertices = MODEL.vertices(coefficients)
    keypoints = vertices[:, DATA["keypoints"][::3] // 3]
    np.testing.assert_array_equal(MODEL.landmarks68(vertices), keypoints)
    np.testing.assert_array_equal(MODEL.contour68(vertices, coefficients), keypoints)
    small = MODEL.landmark_model()
    np.testing.assert_allclose(small.contour68(small.vertices(coefficients), coefficients), keypoints, atol=1e-6)


def test_vertices_are_metres_and_the_pose_keeps_the_shape() -> None:
    coefficients = some(2)
    still, posed = MODEL.head.unposed(coefficients["shape"], coefficients["expression"]), MODEL.vertices(coefficients)
    assert 0.1 < np.ptp(still[0, :, 1]) < 0.4
    np.testing.assert_allclose(np.linalg.norm(posed, axis=-1), np.linalg.norm(still, axis=-1), rtol=1e-5)
    np.testing.assert_allclose(posed, still @ np.swapaxes(MODEL.rotation(coefficients), -1, -2), atol=1e-6)


def test_a_matrix_of_scale_and_rotation_gives_its_rotation() -> None:
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    coefficients = MODEL.zero().replace(pose=np.column_stack([turn * 3e-4, [61, 60, 0]]).ravel())
    np.testing.assert_allclose(MODEL.rotation(coefficients), turn, atol=1e-6)
    upright = MODEL.upright(coefficients)
    np.testing.assert_allclose(upright["pose"], MODEL.zero()["pose"], atol=1e-9)
    np.testing.assert_allclose(MODEL.rotation(upright), np.eye(3), atol=1e-6)


def test_upright_keeps_what_is_no_rotation() -> None:
    """The camera of the upright head is that of the posed one, so what it sees is the same head, turned."""
    coefficients = some(3)
    upright = MODEL.upright(coefficients)
    np.testing.assert_allclose(MODEL.rotation(upright), np.tile(np.eye(3), (3, 1, 1)), atol=1e-5)
    points = np.random.default_rng(0).normal(0, 0.1, (3, 5, 3))
    np.testing.assert_allclose(MODEL.project(points, upright), MODEL.project(points, coefficients), atol=1e-6)


def test_zero_faces_the_camera_in_the_middle_of_the_crop() -> None:
    zero = MODEL.zero()
    np.testing.assert_allclose(MODEL.vertices(zero), MODEL.head.template, atol=1e-7)
    np.testing.assert_allclose(MODEL.project(np.zeros((1, 3)), zero), np.zeros((1, 3)), atol=1e-6)


def test_faces_turn_towards_the_viewer_whichever_way_the_file_has_them() -> None:
    assert not MODEL.textured
    for triangles in (TRIANGLES, TRIANGLES[::-1]):
        faces = bfm.from_arrays(DATA, triangles).faces
        a, b, c = np.moveaxis(MODEL.head.template[faces], 1, 0)
        assert np.cross(b - a, c - a)[:, 2].sum() > 0
        assert {frozenset(face) for face in faces.tolist()} == {frozenset(face) for face in TRIANGLES.T.tolist()}


def test_torch_gives_the_same() -> None:
    torch = needs("torch")
    coefficients = some(2)
    expected = MODEL.project(MODEL.vertices(coefficients), coefficients)
    model = MODEL.map_arrays(lambda array: torch.as_tensor(np.asarray(array)))
    values = torch.tensor(coefficients.values, dtype=torch.float32)
    given = Coefficients(LAYOUT, values)
    np.testing.assert_allclose(model.project(model.vertices(given), given).numpy(), expected, atol=1e-4)


def test_projection_has_the_gradients_of_the_published_formula() -> None:
    """Also for a matrix that is a rotation and a scale, where singular values are equal."""
    torch = needs("torch")
    chosen = np.arange(0, len(DATA["u"]) // 3, 40)
    model = replace(MODEL, head=MODEL.head.take(chosen)).map_arrays(lambda a: torch.as_tensor(np.asarray(a)).double())
    for parameters in (MODEL.zero().values, some(1).values[0]):
        values = torch.tensor(parameters, dtype=torch.float64, requires_grad=True)
        points = model.project(model.vertices(given := Coefficients(LAYOUT, values)), given)
        weights = torch.linspace(-1, 1, points.numel(), dtype=torch.float64).reshape(points.shape)
        (weights * points).sum().backward()

        step = 1e-4 * made_up_tddfa.statistics()["std"].astype(np.float64)
        moved = [
            published_pixels(parameters.astype(np.float64) + sign * np.diag(step)[k])[chosen]
            for k in range(62)
            for sign in (1, -1)
        ]
        change = (np.array(moved[::2]) - np.array(moved[1::2])) / (2 * step[:, None, None]) / 60
        expected = (weights.numpy() * change).sum(axis=(1, 2))
        np.testing.assert_allclose(
            values.grad.numpy() * step, expected * step, atol=1e-4 * np.abs(expected * step).max()
        )


def same(one: MorphableModel, other: MorphableModel) -> bool:
    return np.array_equal(one.head.shape_basis, other.head.shape_basis) and np.array_equal(one.faces, other.faces)


@pytest.mark.parametrize("protocol", [2, 3, 5])
def test_pickles_of_old_and_new_numpy_are_read(tmp_path: Path, protocol: int) -> None:
    data = DATA | {"u": DATA["u"].astype(np.float64), "tri": TRIANGLES}
    made_up_tddfa.write(tmp_path / "slim.pkl", data, protocol)
    assert same(bfm.load(BfmFiles(tmp_path / "slim.pkl")), MODEL)


def test_the_triangles_are_taken_from_their_own_file(folder: Path) -> None:
    assert same(bfm.load(files(folder)), MODEL)
    with pytest.raises(UnveilError, match="a triangle names vertex"):
        bfm.load(BfmFiles(folder / "bfm_noneck_v3.pkl"))  # those in it are of another mesh


def test_more_components_than_needed_are_left_out() -> None:
    wider = DATA | {name: np.hstack([DATA[name]] * 3) for name in ("w_shp", "w_exp")}
    assert same(bfm.from_arrays(wider, TRIANGLES), MODEL)


def with_array(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def apply(data: dict[str, Any]) -> None:
        data[name] = change(data[name])

    return apply


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data.pop("w_exp"), "it has no 'w_exp'"),
        (with_array("u", lambda u: u[:-1]), "not (3 x vertices"),
        (with_array("u", lambda u: u[:-3]), "vertices, w_shp"),
        (with_array("u", lambda u: u * np.nan), "not finite"),
        (with_array("w_shp", lambda w: w[:, :30]), "40 or more"),
        (with_array("w_exp", lambda w: "text"), "could not convert"),
        (with_array("keypoints", lambda k: k[:-3]), "keypoints do not name"),
        (with_array("keypoints", lambda k: k + 1), "keypoints do not name"),
        (with_array("keypoints", lambda k: k + 3 * 10**6), "keypoints name vertex"),
    ],
)
def test_a_model_of_another_kind_is_named(folder: Path, change: Callable[[Any], None], reason: str) -> None:
    data = copy.copy(DATA)
    change(data)
    made_up_tddfa.write(folder / "bfm_noneck_v3.pkl", data)
    with pytest.raises(UnveilError) as caught:
        bfm.load(files(folder))
    message = str(caught.value)
    assert reason in message
    assert str(folder / "bfm_noneck_v3.pkl") in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["bfm_noneck_v3.pkl", "tri.pkl"])
def test_a_cut_or_missing_file_is_named(folder: Path, name: str) -> None:
    path = folder / name
    for content in (path.read_bytes()[:-20], b"<html>", made_up_tddfa.pickle.dumps([1]), None):
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(UnveilError, match=name):
            bfm.load(files(folder))
        path.touch()


def test_statistics_are_read_and_undone(folder: Path) -> None:
    layout = bfm.read_statistics(folder / made_up_tddfa.STATISTICS)
    statistics = made_up_tddfa.statistics()
    assert layout == LAYOUT
    np.testing.assert_allclose(layout.destandardize(np.zeros((2, 62))), np.tile(statistics["mean"], (2, 1)))
    np.testing.assert_allclose(layout.destandardize(np.ones(62)) - statistics["mean"], statistics["std"], rtol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [{"mean": np.zeros(62)}, {"mean": np.zeros(102), "std": np.ones(102)}, {"mean": np.zeros(62), "std": np.zeros(62)}],
)
def test_other_statistics_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    made_up_tddfa.write(tmp_path / "statistics.pkl", wrong)
    with pytest.raises(UnveilError, match="is no file of 3DDFA_V2's statistics"):
        bfm.read_statistics(tmp_path / "statistics.pkl")


def test_landmarks_alone_from_their_rows_as_text(tmp_path: Path) -> None:
    rows = DATA["keypoints"]
    for name, values in {"u_base": DATA["u"], "w_shp_base": DATA["w_shp"], "w_exp_base": DATA["w_exp"]}.items():
        np.savetxt(tmp_path / f"{name}.txt", values[rows])
    alone, coefficients = bfm.load_landmarks(tmp_path), some(2)
    vertices = alone.vertices(coefficients)
    np.testing.assert_allclose(vertices, MODEL.landmarks68(MODEL.vertices(coefficients)), atol=1e-6)
    np.testing.assert_array_equal(alone.landmarks68(vertices), vertices)
    assert len(alone.faces) == 0
    np.savetxt(tmp_path / "w_exp_base.txt", DATA["w_exp"][rows[:-3]])
    with pytest.raises(UnveilError, match=r"is no file of 3DDFA's landmarks"):
        bfm.load_landmarks(tmp_path)
    (tmp_path / "u_base.txt").unlink()
    with pytest.raises(UnveilError, match=r"u_base.txt does not exist"):
        bfm.load_landmarks(tmp_path)
