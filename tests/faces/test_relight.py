"""Light and skin apart: known light is found again, and lamps shine from where they stand."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import made_up
import numpy as np
import pytest

from unveil.appearance.colours import HeadColours
from unveil.appearance.light import SkinLight
from unveil.faces.overlay import PANEL
from unveil.faces.reconstruction import Reconstruction
from unveil.faces.relight import (
    DOME,
    LAMP,
    LAMPS,
    draw_relit,
    estimate_appearance,
    find_appearance,
    lamp,
    upright_light,
)
from unveil.geometry.camera import to_pixels
from unveil.geometry.lighting import harmonics
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.uv import texel_map
from unveil.photos.crop import Crop
from unveil.typing import Float64s, Image

MODEL = made_up.model()
SKIN = np.array([200.0, 150.0, 120.0])
SIZE = 128


def make_face(**changes: object) -> Reconstruction:
    coefficients = MODEL.zero()
    vertices = np.asarray(MODEL.vertices(coefficients))
    fields = {
        "coefficients": coefficients,
        "vertices": vertices,
        "faces": MODEL.faces,
        "projected": to_pixels(MODEL.project(vertices, coefficients), 224),
        "detail": None,
        "albedo": None,
    }
    return cast(Reconstruction, SimpleNamespace(**(fields | changes)))


def lit_texture(light: Float64s) -> Image:
    """One skin colour under ``light`` [9] on the template."""
    grid = texel_map(MODEL.uv, MODEL.uv_faces, SIZE)
    normals = vertex_normals(np.asarray(MODEL.head.template, np.float64), MODEL.faces)[MODEL.faces[grid.triangle]]
    directions = np.einsum("nk,nkc->nc", grid.barycentric, normals)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    brightness = np.clip(harmonics(directions) @ light, 0.2, 1.25)
    return grid.spread((brightness[:, None] * SKIN).astype(np.uint8))


def test_lamps_are_bright_where_they_are_faced() -> None:
    towards = np.array(LAMPS[0]) / np.linalg.norm(LAMPS[0])
    faced, averted = lamp(LAMPS[0])(np.stack([towards, -towards]))
    np.testing.assert_allclose(faced, LAMP + DOME)
    assert (averted < 0.3 * faced).all()  # harmonics of second order cannot make a side quite dark


def test_the_light_in_a_texture_is_taken_out_of_it() -> None:
    light = np.array([2.8, 0.35, 0.2, 0.3, 0, 0, 0, 0, 0])
    texture = lit_texture(light)
    appearance = estimate_appearance(MODEL.head.template, MODEL, texture)
    inside = texel_map(MODEL.uv, MODEL.uv_faces, SIZE).texels
    before, after = (picture.reshape(-1, 3)[inside].astype(float) for picture in (texture, appearance.albedo))
    assert before.std(axis=0).mean() > 20
    assert after.std(axis=0).mean() < 0.1 * before.std(axis=0).mean()
    np.testing.assert_allclose(after.mean(axis=0) / after.mean(), SKIN / SKIN.mean(), rtol=0.05)
    directions = np.eye(3)
    found, true = appearance.light(directions).mean(axis=1), harmonics(directions) @ light
    np.testing.assert_allclose(found / found.mean(), true / true.mean(), atol=0.08)


def test_albedo_and_light_of_the_model_come_before_estimates() -> None:
    albedo = np.full((256, 256, 3), [0.5, 0.25, 1.5], np.float32)
    coefficients = {"light": np.r_[np.full(3, 2.0), np.zeros(24)].astype(np.float32)}
    face = make_face(albedo=albedo, coefficients=coefficients)
    appearance = find_appearance(face, MODEL, HeadColours.alike(lit_texture(np.eye(9)[0] * 3)))
    assert appearance.albedo[0, 0].tolist() == [128, 64, 255]
    np.testing.assert_allclose(appearance.light(np.eye(3)), 2 / np.sqrt(4 * np.pi), rtol=1e-5)


def test_panels_show_the_light_from_either_side() -> None:
    image = np.full((224, 224, 3), 90, np.uint8)
    picture = draw_relit(image, make_face(), MODEL, HeadColours.alike(lit_texture(np.eye(9)[0] * 3)))
    assert picture.shape == (PANEL, 4 * PANEL, 3)
    photo, _, from_left, from_right = np.split(picture.astype(float), 4, axis=1)
    assert (photo == 90).any()
    middle = PANEL // 2
    # The subject's left is on the right of the picture.
    for lit, dark, panel in (
        (np.s_[middle + 60], np.s_[middle - 60], from_left),
        (middle - 60, middle + 60, from_right),
    ):
        assert panel[middle, lit].sum() > 1.3 * panel[middle, dark].sum()


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_details_take_part_in_the_shading(side: float) -> None:
    normals = np.full((256, 256, 3), [side, 0, 0], np.float32)
    face = make_face(detail=SimpleNamespace(normals=normals))
    image = np.full((224, 224, 3), 90, np.uint8)
    texture = np.full((SIZE, SIZE, 3), 150, np.uint8)
    picture = draw_relit(image, face, MODEL, HeadColours.alike(texture)).astype(float)
    _, _, from_left, from_right = (panel[PANEL // 2, PANEL // 2].mean() for panel in np.split(picture, 4, axis=1))
    assert (from_left > from_right + 30) == (side > 0)
    assert abs(from_left - from_right) > 30


def test_a_light_is_turned_with_the_crop() -> None:
    """The head's axes are those of its crop, the light's those of the photograph."""
    crop = Crop.from_square((100, 100), 150).turned(35, (100, 100))
    harmonic = np.random.default_rng(5).normal(0, 0.1, (9, 3)) + np.eye(9, 1)
    colours = replace(HeadColours.alike(lit_texture(np.eye(9)[0])), light=SkinLight(harmonic, np.ones(3)))
    upright = upright_light(make_face(crop=crop), colours)
    assert upright is not None
    assert colours.light is not None
    directions = np.random.default_rng(6).normal(size=(20, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    down = np.array([1, -1])  # pixels go down, directions go up
    in_crop = directions.copy()
    in_crop[:, :2] = (directions[:, :2] * down) @ crop.matrix[:, :2].T / crop.scale * down
    np.testing.assert_allclose(upright.brightness(in_crop), colours.light.brightness(directions), rtol=1e-5)
