"""Coefficients that move with the crop: the head lands where the similarity takes its pixels."""

import made_up_flame
import numpy as np
import pytest
from extras import needs
from numpy.typing import NDArray

import unveil
from unveil.codes.decode import narrow
from unveil.geometry.camera import clockwise_angle, to_pixels
from unveil.geometry.lighting import irradiance
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.deca import head as flame

OLD, NEW = 192, 224


@pytest.fixture(scope="module", params=["openhead", "flame"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MorphableModel:
    if request.param == "openhead":
        return unveil.load_openhead()
    folder = made_up_flame.write_data_folder(tmp_path_factory.mktemp("flame"), checkpoint=False)
    return flame.load(flame.FlameFiles.in_folder(folder))


def random_heads(layout: CoefficientLayout, count: int) -> Coefficients:
    """Heads that are turned every way, with open jaws, away from the middle of the crop."""
    rng = np.random.default_rng(count)
    heads = Coefficients(layout, rng.normal(0, 1, (count, layout.size)))
    camera = np.stack([rng.uniform(4, 10, count), *rng.normal(0, 0.05, (2, count))], axis=1)
    return heads.replace(pose=rng.normal(0, 0.5, (count, 6)), camera=camera)


def random_similarities(count: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(count)
    angle, scale = rng.uniform(-np.pi, np.pi, count), rng.uniform(0.5, 2, count)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    shift = rng.uniform(-60, 60, (2, count))
    return np.stack([np.stack([cos, -sin, shift[0]], axis=-1), np.stack([sin, cos, shift[1]], axis=-1)], axis=1)


def places(model: MorphableModel, heads: Coefficients) -> NDArray[np.float64]:
    """Vertices [N, V, 2] in the crop's [-1, 1] frame."""
    own = narrow(heads, model.layout)
    return np.asarray(model.project(model.vertices(own), own))[..., :2]


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_vertices_go_where_the_similarity_takes_them(model: MorphableModel, kind: str) -> None:
    heads, similarities = random_heads(model.layout, 12), random_similarities(12)
    before = to_pixels(np.pad(places(model, heads), ((0, 0), (0, 0), (0, 1))), OLD)[..., :2]
    expected = before @ np.swapaxes(similarities[:, :, :2], 1, 2) + similarities[:, None, :, 2]
    if kind == "numpy":
        moved = model.moved(heads, similarities, OLD, NEW)
    else:
        torch = needs("torch")
        tensors = model.map_arrays(lambda array: torch.as_tensor(np.asarray(array, np.float64)))
        moved = tensors.moved(
            Coefficients(heads.layout, torch.from_numpy(heads.values)), torch.from_numpy(similarities), OLD, NEW
        )
        moved = Coefficients(heads.layout, moved.values.numpy())
    np.testing.assert_allclose(places(model, moved), expected * 2 / NEW - 1, atol=1e-5)
    for name in ("shape", "expression"):
        np.testing.assert_array_equal(moved[name], heads[name])
    np.testing.assert_array_equal(moved["pose"][:, 3:], heads["pose"][:, 3:])  # the jaw turns with the head


def test_single_precision_stays_and_is_enough(model: MorphableModel) -> None:
    heads, similarities = random_heads(model.layout, 12), random_similarities(12)
    single = Coefficients(heads.layout, heads.values.astype(np.float32))
    moved = model.moved(single, similarities, OLD, NEW)
    assert moved.values.dtype == np.float32
    expected = places(model, model.moved(heads, similarities, OLD, NEW))
    np.testing.assert_allclose(places(model, moved), expected, atol=1e-4)
    one = model.moved(single.row(3), similarities[3], OLD, NEW)
    np.testing.assert_allclose(one.values, moved.values[3], rtol=1e-5, atol=1e-5)


def test_groups_that_are_not_geometry_ride_along_and_the_light_turns_with_the_picture(model: MorphableModel) -> None:
    layout = unveil.models.openhead.head.LAYOUT if model.name == "openhead" else flame.DETAIL_LAYOUT
    heads, similarities = random_heads(layout, 5), random_similarities(5)
    moved = model.moved(heads, similarities, OLD, NEW)
    assert moved.layout == layout
    for name in {group.name for group in layout.groups} - {"pose", "camera", "light"}:
        np.testing.assert_array_equal(moved[name], heads[name])
    normals = np.array([[1.0, 0, 0], [0, 0.6, 0.8], [-0.48, 0.6, 0.64]])
    for k, angle in enumerate(clockwise_angle(similarities)):
        turn = axis_angle_to_matrix(np.array([0, 0, -angle]))  # anticlockwise in model space, where y is up
        before, after = (
            irradiance(n, c["light"][k].reshape(9, 3)) for n, c in ((normals, heads), (normals @ turn.T, moved))
        )
        np.testing.assert_allclose(after, before, atol=1e-6)
