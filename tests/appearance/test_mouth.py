"""Openhead's mouth in a texture: teeth stand behind the lips wherever the camera is."""

from dataclasses import replace

import numpy as np
import pytest

from unveil.appearance.mouth import FACES_CAMERA, INNER_LIPS, mouth_inside, onto_teeth
from unveil.appearance.texture import bake_texture
from unveil.assets.store import packaged
from unveil.geometry.diffuse import neighbours
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import rasterize
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.models.openhead import head as openhead
from unveil.typing import Float32s, Float64s

MODEL = openhead.load(packaged("openhead.npz"))
TEMPLATE = np.asarray(MODEL.head.template, dtype=np.float64)
OUTWARDS = np.asarray(vertex_normals(TEMPLATE, MODEL.faces))[:, 2]
# Seen from the front the mouth of the neutral head is shut: what lies further back than the lips' corners is hidden.
HIDDEN = np.ones(len(TEMPLATE), dtype=np.float32)
HIDDEN[np.linalg.norm((TEMPLATE - [0, -0.07, 0.02]) / [0.045, 0.05, 0.05], axis=1) < 1] = 0
INSIDE = mouth_inside(MODEL, HIDDEN, neighbours(MODEL.faces, len(TEMPLATE)))


def photographed(yaw_degrees: float) -> Float32s:
    turned = TEMPLATE @ axis_angle_to_matrix(np.array([0.0, np.radians(yaw_degrees), 0.0])).T
    return np.column_stack([turned * [1500, -1500, -1500] + [200, 200, 0], OUTWARDS]).astype(np.float32)


def test_the_inside_of_the_mouth_is_symmetric_and_leaves_the_rest_out() -> None:
    assert 100 < len(INSIDE) < 500
    assert set(MODEL.mirror_vertices[INSIDE].tolist()) == set(INSIDE.tolist())
    nose = MODEL.landmarks68(TEMPLATE)[30]
    assert np.linalg.norm(TEMPLATE[INSIDE] - nose, axis=1).min() > 0.01


def test_teeth_are_close_behind_the_lips() -> None:
    points = photographed(0)
    moved = onto_teeth(points, MODEL, INSIDE)
    others = np.setdiff1d(np.arange(len(points)), INSIDE)
    np.testing.assert_array_equal(moved[others], points[others])
    np.testing.assert_allclose(moved[:, :2], points[:, :2], atol=0.01)  # along the view, so not sideways
    behind = moved[INSIDE, 2] - MODEL.landmarks68(points[:, :3])[INNER_LIPS, 2].mean()
    assert behind.max() < 1500 * 0.04
    assert (moved[INSIDE, 3] == FACES_CAMERA).all()


@pytest.mark.parametrize("yaw", [-35, 20])
def test_teeth_turn_with_the_head(yaw: float) -> None:
    front, turned = (onto_teeth(photographed(angle), MODEL, INSIDE)[:, :3] for angle in (0, yaw))
    turn = axis_angle_to_matrix(np.array([0.0, np.radians(-yaw), 0.0])) * [1, -1, -1] * [[1], [-1], [-1]]
    centre = np.array([200, 200, 0])
    np.testing.assert_allclose((front - centre) @ turn, turned - centre, atol=0.05)


def points_of_lips(points: Float64s) -> list[float]:
    """Left, right, top and bottom of the inner lips in pixels."""
    x, y = MODEL.landmarks68(points)[INNER_LIPS, :2].T
    return [x.min(), x.max(), y.min(), y.max()]


@pytest.mark.parametrize("has_teeth", [False, True])
def test_what_is_seen_in_an_open_mouth_is_in_the_texture_unless_the_head_has_teeth(has_teeth: bool) -> None:
    opened = TEMPLATE + 0.4 * MODEL.head.expression_basis[MODEL.expression_names.index("jawOpen")]
    points = opened * [1500, -1500, -1500] + [200, 200, 0]
    raster = rasterize(points, MODEL.faces, 400, 400)
    image = np.full((400, 400, 3), [190, 150, 130], dtype=np.uint8)
    left, right, top, bottom = (round(float(lips)) for lips in points_of_lips(points))
    throat = raster.depth[top:bottom, left:right] > 0  # behind the root of the head
    assert throat.sum() > 100
    image[top:bottom, left:right][throat] = [0, 255, 0]
    texture = bake_texture(image, points, MODEL if has_teeth else replace(MODEL, whole=None), 512).lit
    teeth = (texture[..., 1] > 220) & (texture[..., 0] < 40)
    assert teeth.sum() == 0 if has_teeth else teeth.sum() > 50
    assert (texture.max(axis=2) < 70).sum() > 1000
