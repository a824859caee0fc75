"""Coefficients that move with the crop: the head lands where the similarity takes its pixels, in every family."""

import made_up_families
import numpy as np
import pytest
from extras import needs

from unveil.codes.decode import narrow
from unveil.geometry.camera import clockwise_angle, to_pixels
from unveil.geometry.lighting import irradiance
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.layout import Coefficients
from unveil.heads.model import LIGHT_UNIT, MorphableModel
from unveil.models.registry import FAMILIES
from unveil.typing import Float64s

OLD, NEW = 192, 224
# Cameras that follow every similarity; one with perspective and a fixed focal length cannot follow a scale.
EXACT = ("openhead", "deca", "3ddfa")


@pytest.fixture(params=made_up_families.NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(name: str) -> MorphableModel:
    return made_up_families.model(name)


def random_similarities(count: int, angle: float = np.pi, scale: float = 2.0, shift: float = 60.0) -> Float64s:
    """Turns about the crop's corner by up to ``angle``, scales up to ``scale`` and shifts of up to so many pixels."""
    rng = np.random.default_rng(count)
    angles, scales = rng.uniform(-angle, angle, count), scale ** rng.uniform(-1, 1, count)
    cos, sin = scales * np.cos(angles), scales * np.sin(angles)
    x, y = rng.uniform(-shift, shift, (2, count))
    return np.stack([np.stack([cos, -sin, x], axis=-1), np.stack([sin, cos, y], axis=-1)], axis=1)


def about_the_middle(similarities: Float64s, size: int) -> Float64s:
    """The same turns, scales and shifts of a crop of ``size`` pixels, about its middle instead of its corner."""
    middle = np.full(2, size / 2)
    shift = similarities[:, :, 2] + middle - similarities[:, :, :2] @ middle
    return np.concatenate([similarities[:, :, :2], shift[..., None]], axis=2)


def places(model: MorphableModel, heads: Coefficients) -> Float64s:
    """Vertices [N, V, 2] in the crop's [-1, 1] frame."""
    own = narrow(heads, model.layout)
    return np.asarray(model.project(model.vertices(own), own))[..., :2]


def pixels_off(model: MorphableModel, heads: Coefficients, similarities: Float64s) -> Float64s:
    """How far the vertices [N, V] of moved heads are from their moved pixels, in pixels of a crop of 224."""
    before = to_pixels(np.pad(places(model, heads), ((0, 0), (0, 0), (0, 1))), NEW)[..., :2]
    expected = before @ np.swapaxes(similarities[:, :, :2], 1, 2) + similarities[:, None, :, 2]
    moved = places(model, model.moved(heads, similarities, NEW, NEW))
    return np.asarray(np.linalg.norm((moved + 1) * NEW / 2 - expected, axis=-1))


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("name", EXACT)
def test_vertices_go_where_the_similarity_takes_them(model: MorphableModel, kind: str) -> None:
    heads, similarities = made_up_families.heads(model, 12), random_similarities(12)
    before = to_pixels(np.pad(places(model, heads), ((0, 0), (0, 0), (0, 1))), OLD)[..., :2]
    expected = before @ np.swapaxes(similarities[:, :, :2], 1, 2) + similarities[:, None, :, 2]
    moved = model.moved(heads, similarities, OLD, NEW) if kind == "numpy" else in_torch(model, heads, similarities)
    np.testing.assert_allclose(places(model, moved), expected * 2 / NEW - 1, atol=1e-5)


def in_torch(model: MorphableModel, heads: Coefficients, similarities: Float64s) -> Coefficients:
    torch = needs("torch")
    tensors = model.map_arrays(lambda array: torch.as_tensor(np.asarray(array, np.float64)))
    values = Coefficients(heads.layout, torch.from_numpy(heads.values))
    return Coefficients(heads.layout, tensors.moved(values, torch.from_numpy(similarities), OLD, NEW).values.numpy())


def test_torch_says_the_same(model: MorphableModel) -> None:
    heads, similarities = made_up_families.heads(model, 12), random_similarities(12)
    expected = model.moved(heads, similarities, OLD, NEW)
    np.testing.assert_allclose(in_torch(model, heads, similarities).values, expected.values, rtol=1e-5, atol=1e-6)


def test_who_it_is_and_what_the_face_does_stay(model: MorphableModel) -> None:
    heads = made_up_families.heads(model, 12)
    moved = model.moved(heads, random_similarities(12), OLD, NEW)
    for group in (model.shape_group, "expression"):
        np.testing.assert_array_equal(moved[group], heads[group])
    before, after = (model.placement.joint_turns(c) for c in (heads, moved))
    if "jaw" in before:
        np.testing.assert_array_equal(after["jaw"], before["jaw"])  # the jaw turns with the head


def test_the_scale_grows_with_the_picture(model: MorphableModel) -> None:
    heads, similarities = made_up_families.heads(model, 12), random_similarities(12)
    before, after = (model.placement.scale(c) for c in (heads, model.moved(heads, similarities, OLD, NEW)))
    growth = np.sqrt(np.linalg.det(similarities[:, :, :2])) * OLD / NEW
    np.testing.assert_allclose(after / before, growth, rtol=1e-2)


def test_a_metre_across_the_line_of_sight_has_the_scale(model: MorphableModel) -> None:
    """At the root; a made-up affine camera shears, so that its mean over all directions is looked at."""
    heads = made_up_families.heads(model, 12)
    roots = model.head.joint_positions(model.shape(heads), heads["expression"])[:, :1]
    around = 1e-3 * np.stack([[np.cos(a), np.sin(a), 0] for a in np.linspace(0, 2 * np.pi, 64, endpoint=False)])
    seen = model.project(roots + around, heads)[..., :2] - model.project(roots, heads)[..., :2]
    np.testing.assert_allclose(
        np.linalg.norm(seen, axis=-1).mean(axis=1) * 1e3, model.placement.scale(heads), rtol=0.01
    )


def test_a_camera_with_perspective_follows_turns_exactly_and_the_rest_as_nearly_as_it_can() -> None:
    model = made_up_families.model("mgcnet")
    heads = made_up_families.heads(model, 40)
    turns = about_the_middle(random_similarities(40, scale=1, shift=0), NEW)
    assert pixels_off(model, heads, turns).max() < 1e-6
    off = pixels_off(model, heads, about_the_middle(random_similarities(40, 0.3, np.exp(0.15), NEW / 10), NEW))
    assert off.mean() < 0.1
    assert off.max() < 0.5


def test_single_precision_stays_and_is_enough(model: MorphableModel) -> None:
    heads, similarities = made_up_families.heads(model, 12), random_similarities(12)
    single = Coefficients(heads.layout, heads.values.astype(np.float32))
    moved = model.moved(single, similarities, OLD, NEW)
    assert moved.values.dtype == np.float32
    expected = places(model, model.moved(heads, similarities, OLD, NEW))
    np.testing.assert_allclose(places(model, moved), expected, atol=1e-4)
    one = model.moved(single.row(3), similarities[3], OLD, NEW)
    np.testing.assert_allclose(one.values, moved.values[3], rtol=1e-5, atol=1e-5)


def test_turning_joints_is_undone_and_leaves_the_camera(model: MorphableModel) -> None:
    heads, others = made_up_families.heads(model, 12), made_up_families.heads(model, 12)
    placement = model.placement
    turns = {joint: turn[::-1] for joint, turn in placement.joint_turns(others).items()}
    turned = placement.with_joint_turns(heads, turns)
    np.testing.assert_allclose(placement.scale(turned), placement.scale(heads), rtol=0.02)
    again = placement.with_joint_turns(turned, placement.joint_turns(heads))
    np.testing.assert_allclose(places(model, again), places(model, heads), atol=1e-6)
    np.testing.assert_allclose(model.rotation(turned), axis_angle_to_matrix(turns["root"]), atol=0.05)
    upright = model.rotation(model.upright(heads))
    np.testing.assert_allclose(upright, np.broadcast_to(np.eye(3), upright.shape), atol=1e-6)


def test_groups_that_are_not_geometry_ride_along_and_the_light_turns_with_the_picture(
    model: MorphableModel, name: str
) -> None:
    layout = FAMILIES[name].layouts[-1]
    heads, similarities = made_up_families.heads(model, 5, layout), random_similarities(5)
    moved = model.moved(heads, similarities, OLD, NEW)
    assert moved.layout == layout
    turning = {group.name for group in layout.groups if group.unit == LIGHT_UNIT}
    for group in {group.name for group in layout.groups} - {"pose", "camera", *turning}:
        np.testing.assert_array_equal(moved[group], heads[group])
    normals = np.array([[1.0, 0, 0], [0, 0.6, 0.8], [-0.48, 0.6, 0.64]])
    for k, angle in enumerate(clockwise_angle(similarities) if turning else ()):
        turn = axis_angle_to_matrix(np.array([0, 0, -angle]))  # anticlockwise in model space, where y is up
        before, after = (
            irradiance(n, c["light"][k].reshape(9, 3)) for n, c in ((normals, heads), (normals @ turn.T, moved))
        )
        np.testing.assert_allclose(after, before, atol=1e-6)
