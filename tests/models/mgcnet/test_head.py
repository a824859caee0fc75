"""MGCNet's face model and camera against its formulas, from the arrays of its HDF5 file, and damaged files."""

from pathlib import Path

import made_up_mgcnet
import numpy as np
import pytest
from extras import needs

from unveil.errors import UnveilError
from unveil.geometry.camera import to_pixels
from unveil.geometry.rotation import matrix_to_euler_degrees
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.mgcnet import head as bfm09
from unveil.models.mgcnet.framing import PLACES, five_points
from unveil.models.mgcnet.head import LAYOUT
from unveil.typing import Floats

MAIN_POSE = np.array([0, 0, 3.141593, 0.17440447, 9.1053238, 4994.3359])
FILE = made_up_mgcnet.face_file()


@pytest.fixture(scope="module")
def npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up_mgcnet.write_converted(tmp_path_factory.mktemp("mgcnet")) / "mgcnet_bfm09.npz"


@pytest.fixture(scope="module")
def model(npz: Path) -> MorphableModel:
    return bfm09.load(npz)


def some(count: int) -> Coefficients:
    rng = np.random.default_rng(count)
    values = rng.normal(0, 1, (count, 257))
    values[:, 224:230] = rng.normal(0, 1, (count, 6)) * [0.3, 0.5, 0.3, 10, 10, 200]
    return Coefficients(LAYOUT, values.astype(np.float32))


def linear(group: str, numbers: Floats) -> Floats:
    """A group's contribution [V, 3] in the file's unit, in float64."""
    deviations = FILE[f"{group}/model/pcaVariance"].ravel().astype(float)[: len(numbers)]
    basis = FILE[f"{group}/model/pcaBasis"].astype(float)[:, : len(numbers)]
    return (basis @ (deviations * numbers)).reshape(-1, 3)


def unposed(row: Floats) -> Floats:
    """Vertices [V, 3] in millimetres."""
    mean = FILE["shape/model/mean"].astype(float).reshape(-1, 3)
    return (mean + linear("shape", row[:80]) + linear("expression", row[160:224])) / 1000


def in_camera(row: Floats) -> Floats:
    """Vertices [V, 3] in millimetres of the camera's frame: Rx Ry Rz v + t."""
    rz, ry, rx, *t = row[224:230] + MAIN_POSE
    about_x = np.array([[1, 0, 0], [0, np.cos(rx), -np.sin(rx)], [0, np.sin(rx), np.cos(rx)]])
    about_y = np.array([[np.cos(ry), 0, np.sin(ry)], [0, 1, 0], [-np.sin(ry), 0, np.cos(ry)]])
    about_z = np.array([[np.cos(rz), -np.sin(rz), 0], [np.sin(rz), np.cos(rz), 0], [0, 0, 1]])
    return unposed(row) @ (about_x @ about_y @ about_z).T + t


def test_the_layout_is_the_networks_output() -> None:
    sizes = {group.name: group.size for group in LAYOUT.groups}
    assert sizes == {"identity": 80, "texture": 80, "expression": 64, "pose": 6, "light": 27}
    assert LAYOUT.size == 257
    assert list(sizes)[3] == "pose"


def test_vertices_are_where_the_pinhole_camera_sees_them(model: MorphableModel) -> None:
    coefficients = some(5)
    projected = to_pixels(model.project(model.vertices(coefficients), coefficients), 224)
    for row, found in zip(coefficients.values.astype(float), projected, strict=True):
        seen = in_camera(row)
        np.testing.assert_allclose(found[:, :2], 4700 * seen[:, :2] / seen[:, 2:] + 112, atol=2e-3)
        assert np.corrcoef(found[:, 2], seen[:, 2])[0, 1] > 0.9999  # depth, away from the viewer
        scale = np.polyfit(seen[:, 2], found[:, 2], 1)[0] / (4700 / seen[:, 2].mean())
        assert 0.9 < scale < 1.1  # in the unit of x and y


def test_depth_of_a_plane_is_linear_in_the_picture(model: MorphableModel) -> None:
    """So that a rasteriser, which interpolates between corners, has it right."""
    rng = np.random.default_rng(0)
    corners = rng.normal(0, 0.1, (3, 3))
    weights = rng.dirichlet(np.ones(3), 20)
    x, y, z = np.moveaxis(model.project(weights @ corners, some(1).row(0)), -1, 0)
    design = np.stack([x, y, np.ones(20)], axis=1)
    residual = z - design @ np.linalg.lstsq(design, z, rcond=None)[0]
    assert np.abs(residual).max() < 1e-6


def test_neutral_face_and_colours(model: MorphableModel) -> None:
    coefficients = some(2)
    row = coefficients.values[1].astype(float)
    mean = FILE["shape/model/mean"].astype(float).reshape(-1, 3)
    np.testing.assert_allclose(model.neutral(coefficients)[1] * 1e6, mean + linear("shape", row[:80]), atol=0.1)
    assert model.colours is not None
    expected = FILE["color/model/mean"].astype(float).reshape(-1, 3) + linear("color", row[80:160])
    np.testing.assert_allclose(model.colours.albedo(coefficients["texture"])[1] * 255, expected, atol=1e-3)


def test_landmarks_faces_and_torch(model: MorphableModel) -> None:
    coefficients = some(3)
    vertices = model.vertices(coefficients)
    index = FILE["shape/representer/idx_lm68"].ravel().astype(int)
    np.testing.assert_array_equal(model.landmarks68(vertices), vertices[:, index])
    np.testing.assert_array_equal(model.contour68(vertices, coefficients), vertices[:, index])
    np.testing.assert_array_equal(model.faces, FILE["shape/representer/tri"].astype(int) - 1)
    small = model.landmark_model()
    np.testing.assert_allclose(small.landmarks68(small.vertices(coefficients)), vertices[:, index], atol=1e-7)
    torch = needs("torch")
    as_tensors = Coefficients(LAYOUT, torch.from_numpy(coefficients.values).requires_grad_())
    tensors = model.map_arrays(torch.from_numpy)
    points = tensors.project(tensors.vertices(as_tensors), as_tensors)
    np.testing.assert_allclose(points.detach().numpy(), model.project(vertices, coefficients), atol=1e-5)
    points.square().sum().backward()
    assert as_tensors.values.grad is not None
    assert torch.isfinite(as_tensors.values.grad).all()


def test_upright_and_angles(model: MorphableModel) -> None:
    turned = np.zeros((3, 257), np.float32)
    turned[1, 225] = 0.3  # about y: to the subject's left
    turned[2, 226] = 0.2  # about x: down, as the camera's x points to the same side as the head's
    pitch, yaw, roll = np.moveaxis(matrix_to_euler_degrees(model.rotation(Coefficients(LAYOUT, turned))), -1, 0)
    np.testing.assert_allclose(pitch, np.degrees([0, 0, 0.2]), atol=1e-3)
    np.testing.assert_allclose(yaw, np.degrees([0, 0.3, 0]), atol=1e-3)
    np.testing.assert_allclose(roll, 0, atol=1e-3)
    upright = model.upright(some(2))
    np.testing.assert_allclose(model.rotation(upright), np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-5)
    np.testing.assert_array_equal(upright["identity"], some(2)["identity"])


def test_the_main_pose_has_the_face_where_the_crops_have_it(model: MorphableModel) -> None:
    zero = model.zero()
    landmarks = to_pixels(model.project(model.landmarks68(model.vertices(zero)), zero), 224)
    assert np.abs(five_points(landmarks) - PLACES).max() < 12  # pixels; the egg is no mean face


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"shape/model/pcaBasis": FILE["shape/model/pcaBasis"][:, :70]}, "80 or more"),
        ({"expression/model/pcaVariance": FILE["expression/model/pcaVariance"][:20]}, "expression/model is not 64"),
        ({"color/model/mean": FILE["color/model/mean"][:-3]}, "color/model/mean is not of"),
        ({"color/model/pcaBasis": FILE["color/model/pcaBasis"][:-3]}, "color/model is not 80"),
        ({"shape/representer/idx_lm68": FILE["shape/representer/idx_lm68"][:51]}, "idx_lm68"),
        ({"shape/representer/idx_lm68": FILE["shape/representer/idx_lm68"] + 1e6}, "idx_lm68"),
        ({"shape/representer/tri": FILE["shape/representer/tri"] - 1}, "triangle names vertex"),
        ({"shape/model/mean": FILE["shape/model/mean"] * np.nan}, "not finite"),
    ],
)
def test_arrays_that_cannot_be(change: dict[str, Floats], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        made_up_mgcnet.face_arrays(FILE | change)


def test_a_file_that_is_none(npz: Path, tmp_path: Path) -> None:
    cut, other = tmp_path / "cut.npz", tmp_path / "other.npz"
    cut.write_bytes(npz.read_bytes()[:-1000])
    np.savez(other, something=np.zeros(3))
    for path in (cut, other, tmp_path / "absent.npz"):
        with pytest.raises(UnveilError, match=path.name) as raised:
            bfm09.load(path)
        assert "\n" not in str(raised.value)
