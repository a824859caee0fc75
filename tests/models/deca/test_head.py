"""FLAME as DECA evaluates it, against a plain float64 evaluation of the published description written here."""

import pickle
import shutil
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import made_up_flame
import numpy as np
import pytest
from extras import needs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from unveil.errors import UnveilError
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.layout import Coefficients, LayoutError
from unveil.heads.model import MorphableModel
from unveil.models.deca import head as flame
from unveil.models.deca.head import DETAIL_LAYOUT, LAYOUT
from unveil.typing import Float64s


@lru_cache(maxsize=1)
def folder() -> Path:
    return made_up_flame.write_data_folder(Path(mkdtemp()), checkpoint=False)


@pytest.fixture(scope="module", autouse=True)
def _remove() -> object:
    yield
    shutil.rmtree(folder())


def model() -> MorphableModel:
    return flame.load(made_up_flame.files_in(folder()))


def reference_vertices(values: Float64s) -> Float64s:
    """Vertices [V, 3] for one vector of DECA's coefficients [236]: linear shape, correctives, skinning by 4 x 4s."""
    data = made_up_flame.flame_arrays()
    betas = np.zeros(400)
    betas[:100], betas[300:350] = values[:100], values[150:200]
    shaped = data["v_template"] + data["shapedirs"] @ betas
    joints = data["J_regressor"] @ shaped
    pose = np.zeros((5, 3))
    pose[0], pose[2] = values[200:203], values[203:206]
    turns = Rotation.from_rotvec(pose).as_matrix()
    rest = shaped + data["posedirs"] @ (turns[1:] - np.eye(3)).ravel()
    chain = []
    for j, parent in enumerate(made_up_flame.PARENTS):
        local = np.eye(4)
        local[:3, :3] = turns[j]
        local[:3, 3] = joints[j] - (joints[parent] if parent >= 0 else 0)
        chain.append(local if parent < 0 else chain[parent] @ local)
    posed = np.zeros_like(rest)
    for j, world in enumerate(chain):
        away_from_rest = world.copy()
        away_from_rest[:3, 3] -= world[:3, :3] @ joints[j]
        moved = rest @ away_from_rest[:3, :3].T + away_from_rest[:3, 3]
        posed += data["weights"][:, j : j + 1] * moved
    return posed


def reference_row(rotation: Float64s) -> int:
    """Row of the published contour table for a rotation [3, 3] of the head."""
    yaw = np.degrees(np.arctan2(-rotation[2, 0], np.hypot(rotation[0, 0], rotation[1, 0])))
    y = round(min(yaw, 39))
    return y if y >= 0 else 39 - y if y >= -39 else 78


def reference_points(name: str, vertices: Float64s, row: int | None = None) -> Float64s:
    table = made_up_flame.landmark_arrays()
    faces, weights = (table[f"{name}_lmk_{part}"] for part in ("faces_idx", "bary_coords"))
    if row is not None:
        faces, weights = faces[row], weights[row]
    corners = vertices[made_up_flame.flame_arrays()["f"][faces.ravel()]]
    return np.einsum("lk,lkc->lc", weights.reshape(-1, 3), corners)


def random_values(count: int, seed: int) -> Float64s:
    """Coefficients [count, 236] whose yaw goes from -90 to 90 degrees, with pitch, roll and an open jaw."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (count, 236))
    yaw = np.linspace(-np.pi / 2, np.pi / 2, count)
    other = rng.normal(0, 0.3, (2, count))
    turned = Rotation.from_euler("YXZ", np.stack([yaw, *other], axis=1))
    values[:, 200:203] = turned.as_rotvec()
    values[:, 203:206] = rng.normal(0, 0.2, (count, 3))
    values[:, 206:209] = np.stack([rng.uniform(4, 10, count), *rng.normal(0, 0.05, (2, count))], axis=1)
    return values


def relative_error(got: Float64s, expected: Float64s) -> float:
    return float(np.abs(got - expected).max() / np.abs(expected).max())


def test_layouts_have_the_published_order_and_size() -> None:
    assert [(g.name, g.size) for g in DETAIL_LAYOUT.groups] == [
        ("shape", 100),
        ("texture", 50),
        ("expression", 50),
        ("pose", 6),
        ("camera", 3),
        ("light", 27),
        ("detail", 128),
    ]
    assert (LAYOUT.size, DETAIL_LAYOUT.size) == (236, 364)


def test_vertices_equal_the_reference_across_the_yaw_range() -> None:
    values = random_values(19, 0)
    got = model().vertices(Coefficients(LAYOUT, values.astype(np.float32)))
    for vertices, row in zip(got, values, strict=True):
        assert relative_error(vertices, reference_vertices(row)) < 1e-5


def test_the_joints_follow_the_expression() -> None:
    """What sets FLAME's original code apart from its paper; without it this test's error is above 1e-3."""
    values = np.zeros(236)
    values[150:200], values[203] = np.random.default_rng(1).normal(0, 3, 50), 0.6
    got = model().vertices(Coefficients(LAYOUT, values.astype(np.float32)))
    assert relative_error(got, reference_vertices(values)) < 1e-5
    fixed = made_up_flame.flame_arrays()["J_regressor"] @ made_up_flame.flame_arrays()["v_template"]
    joints = model().head.joint_positions(values[:100], values[150:200])
    assert np.abs(joints - fixed).max() > 1e-3


def test_landmarks_equal_the_reference_across_the_yaw_range() -> None:
    values = random_values(61, 2)
    c = Coefficients(LAYOUT, values.astype(np.float32))
    vertices = model().vertices(c)
    landmarks, visible = model().landmarks68(vertices), model().contour68(vertices, c)
    for k, row_values in enumerate(values):
        v = reference_vertices(row_values)
        row = reference_row(Rotation.from_rotvec(row_values[200:203]).as_matrix())
        expected = np.concatenate([reference_points("dynamic", v, row), reference_points("static", v)])
        assert relative_error(landmarks[k], reference_points("full", v)) < 1e-5
        assert relative_error(visible[k], expected) < 1e-5


def test_projection_equals_the_reference() -> None:
    values = random_values(5, 3)
    c = Coefficients(LAYOUT, values.astype(np.float32))
    projected = model().project(model().vertices(c), c)
    for k, row in enumerate(values):
        s, shift = row[206], np.array([*row[207:209], 0])
        expected = s * (reference_vertices(row) + shift) * [1, -1, -1]
        assert relative_error(projected[k], expected) < 1e-5


@pytest.mark.parametrize(
    ("degrees", "row"),
    [(-90, 78), (-45, 78), (-39, 78), (-38, 77), (-1, 40), (0, 0), (1, 1), (38, 38), (39, 39), (60, 39), (90, 39)],
)
def test_contour_rows_at_whole_degrees(degrees: float, row: int) -> None:
    rotation = axis_angle_to_matrix(np.array([0, np.radians(degrees), 0]))
    table = made_up_flame.landmark_arrays()["dynamic_lmk_bary_coords"][row]
    assert model().contour.barycentric[model().contour.row(rotation)] == pytest.approx(table, abs=1e-6)


@settings(max_examples=200)
@given(st.tuples(*[st.floats(-np.pi, np.pi)] * 3))
def test_contour_row_of_any_rotation(axis_angle: tuple[float, float, float]) -> None:
    rotation = Rotation.from_rotvec(axis_angle).as_matrix()
    table = made_up_flame.landmark_arrays()["dynamic_lmk_bary_coords"][reference_row(rotation)]
    assert np.abs(model().contour.barycentric[model().contour.row(rotation)] - table).max() < 1e-6


@settings(max_examples=30)
@given(st.floats(-np.pi / 2, np.pi / 2), st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 2**32 - 1))
def test_turning_the_head_moves_it_rigidly_about_the_root(yaw: float, pitch: float, roll: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 1, 236).astype(np.float32)
    values[203:206] *= 0.2
    values[200:203] = 0
    still = model().vertices(Coefficients(LAYOUT, values))
    turn = Rotation.from_euler("YXZ", [yaw, pitch, roll])
    values[200:203] = turn.as_rotvec()
    turned = model().vertices(Coefficients(LAYOUT, values))
    root = model().head.joint_positions(values[:100], values[150:200])[0]
    assert np.abs(turn.apply(still - root) + root - turned).max() < 1e-5


def test_numpy_equals_torch() -> None:
    torch = needs("torch")
    values = random_values(4, 6).astype(np.float32)
    tensors = model().map_arrays(torch.from_numpy)
    c, as_torch = Coefficients(LAYOUT, values), Coefficients(LAYOUT, torch.from_numpy(values).requires_grad_())
    points = tensors.contour68(tensors.vertices(as_torch), as_torch)
    assert points.detach().numpy() == pytest.approx(model().contour68(model().vertices(c), c), abs=1e-6)
    points.sum().backward()
    gradient = as_torch.values.grad
    assert torch.isfinite(gradient).all()
    moved_by = {g.name for g in LAYOUT.groups if (gradient[:, LAYOUT.slice_of(g.name)] != 0).any()}
    assert moved_by == {"shape", "expression", "pose"}


def test_both_ways_of_pickling_give_one_model(tmp_path: Path) -> None:
    made_up_flame.write_data_folder(tmp_path, chumpy=True, checkpoint=False)
    assert b"chumpy.ch" in (tmp_path / "generic_model.pkl").read_bytes()
    from_chumpy = flame.load.__wrapped__(made_up_flame.files_in(tmp_path)).head
    for name in ("template", "shape_basis", "joint_shape_basis", "pose_basis", "skin_weights"):
        assert (getattr(from_chumpy, name) == getattr(model().head, name)).all()


def test_texture_coordinates_and_mirror() -> None:
    egg = made_up_flame.made_up.model()
    assert model().uv == pytest.approx(egg.uv, abs=1e-6)
    assert (model().uv_faces == egg.uv_faces).all()
    assert (model().faces == egg.faces).all()
    points = np.random.default_rng(0).normal(0, 0.1, (300, 3))
    pairs = np.concatenate([points, points * [-1, 1, 1]])
    assert (flame.nearest_mirrored(pairs) == np.roll(np.arange(600), 300)).all()


def test_landmark_model_and_other_layouts() -> None:
    values = random_values(3, 5).astype(np.float32)
    detailed = Coefficients(DETAIL_LAYOUT, np.concatenate([values, np.ones((3, 128), np.float32)], axis=1))
    c = Coefficients(LAYOUT, values)
    small = model().landmark_model()
    expected = model().contour68(model().vertices(c), c)
    assert small.contour68(small.vertices(c), c) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(LayoutError, match="deca-detail"):
        model().vertices(detailed)


def test_wrong_files_get_one_line(tmp_path: Path) -> None:
    files = made_up_flame.files_in(made_up_flame.write_data_folder(tmp_path, checkpoint=False))

    def message() -> str:
        with pytest.raises(UnveilError) as caught:
            flame.load.__wrapped__(files)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    original = files.model.read_bytes()
    files.model.write_bytes(original[: len(original) // 2])
    assert "generic_model.pkl is no usable pickle" in message()
    files.model.write_bytes(pickle.dumps(dict(made_up_flame.flame_arrays()) | {"shapedirs": np.zeros((910, 3, 300))}))
    assert "shapedirs of shape (910, 3, 300), expected (910, 3, 400)" in message()
    files.model.unlink()
    assert "generic_model.pkl does not exist" in message()
    files.model.write_bytes(original)
    files.template.write_text("v 0 0 0\nvt 0 0\nf 1/1 1/1 1/1\n")
    assert "different models" in message()
    files.template.write_text("<!DOCTYPE html>")
    assert "head_template.obj is no template" in message()
    made_up_flame.write_template(files.template)
    np.save(files.landmarks, np.zeros(3))
    assert "landmark_embedding.npy is no usable pickle" in message()
