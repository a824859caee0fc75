"""The texture of painted heads, photographed by our own rasteriser: what was painted must come back."""

from dataclasses import replace

import made_up
import numpy as np
import pytest
from numpy.typing import NDArray

from unveil.appearance.texture import bake_texture
from unveil.geometry.rasterize import interpolate, rasterize
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.geometry.uv import texel_map
from unveil.typing import Bools, Float64s, Floats, UInt8s

MODEL = made_up.model()
SIZE = 256
TEXELS = texel_map(MODEL.uv, MODEL.uv_faces, SIZE)
WALL = np.array([20, 40, 220])


def painted(points: Floats) -> Floats:
    """A pattern [..., 3] that is the same on both sides of the head."""
    x, y, z = np.abs(points[..., 0]), points[..., 1], points[..., 2]
    return np.stack([150 + 40 * np.sin(50 * y), 120 + 40 * np.cos(60 * x), 110 + 30 * np.sin(50 * z)], axis=-1)


def photograph(yaw_degrees: float, pixels: int = 400, light: float = 0.0, gaze: float = 0.0) -> tuple[UInt8s, Float64s]:
    """An image of the painted head before a blue wall, and its vertices.

    It is ``light`` brighter on the subject's left, and both irises lie ``gaze`` metres to the subject's left.
    """
    turned = MODEL.head.template @ axis_angle_to_matrix(np.array([0.0, np.radians(yaw_degrees), 0.0])).T
    scale = 3.4 * pixels
    projected = turned * [scale, -scale, -scale] + [pixels / 2, pixels / 2, 0]
    raster = rasterize(projected, MODEL.faces, pixels, pixels)
    points = interpolate(raster, MODEL.faces, MODEL.head.template)
    image = painted(points)
    for joint, centre in zip((3, 4), made_up.EYES, strict=True):
        eye = interpolate(raster, MODEL.faces, MODEL.head.skin_weights[:, joint, None])[..., 0] > 0.99
        off_axis = np.linalg.norm((points - centre - [gaze, 0, 0])[..., :2], axis=-1)
        image[eye] = np.where(off_axis[eye, None] < 0.0059, [60, 90, 120], [225, 220, 215])
    image += light * points[..., :1] / made_up.RADII[0]
    image[~raster.covered] = WALL
    return np.clip(image, 0, 255).astype(np.uint8), projected


def texel_points() -> Float64s:
    corners = MODEL.head.template[MODEL.faces[TEXELS.triangle]]
    return np.einsum("nk,nkc->nc", TEXELS.barycentric, corners).astype(np.float64)


def on_egg() -> Bools:
    """Texels [N] that belong to the egg, not to the eyes."""
    return MODEL.head.skin_weights[MODEL.faces[TEXELS.triangle]][:, :, 3:].sum(axis=(1, 2)) == 0


def flat(image: NDArray[np.generic]) -> NDArray[np.generic]:
    return image.reshape(SIZE * SIZE, -1)[TEXELS.texels]


@pytest.mark.parametrize("yaw", [0, 30, -55])
def test_seen_texels_have_the_colour_that_was_painted(yaw: float) -> None:
    baked = bake_texture(*photograph(yaw), MODEL, SIZE)
    texture, seen = baked.lit, baked.seen
    egg = flat(seen)[:, 0] & on_egg()
    assert egg.mean() > 0.1
    error = np.abs(flat(texture)[egg] - painted(texel_points()[egg]))
    assert np.quantile(error, 0.98) < 5
    assert texture.shape == (SIZE, SIZE, 3)
    assert texture.dtype == np.uint8


def test_nothing_of_the_back_counts_as_seen() -> None:
    seen = bake_texture(*photograph(0), MODEL, SIZE).seen
    assert not (flat(seen)[:, 0] & (texel_points()[:, 2] < 0)).any()


def test_the_hidden_side_is_the_mirrored_one() -> None:
    baked = bake_texture(*photograph(-50), MODEL, SIZE)
    texture, seen = baked.lit, baked.seen
    points = texel_points()
    other, own = points.copy(), flat(seen)[:, 0]
    other[:, 0] *= -1
    facing_right = (points[:, 0] < -0.045) & (points[:, 2] > 0.03) & ~own & on_egg()
    assert facing_right.sum() > 100
    error = np.abs(flat(texture)[facing_right] - painted(points[facing_right]))
    assert np.median(error) < 5


def test_mirrored_colours_take_the_light_of_their_side() -> None:
    """Lit from the subject's left and seen from there, the right side must not come out as bright as the left."""
    baked = bake_texture(*photograph(-40, light=40), MODEL, SIZE)
    texture, seen = baked.lit, baked.seen
    points = texel_points()
    mirrored = (points[:, 0] < -0.04) & (points[:, 2] > 0.04) & ~flat(seen)[:, 0] & on_egg()
    assert mirrored.sum() > 100
    shift = (flat(texture)[mirrored] - painted(points[mirrored])).mean()
    assert abs(shift) < 10  # a plain mirror image would be some 27 grey levels too bright


def test_the_wall_behind_the_head_is_not_in_the_texture() -> None:
    for yaw in (0, 40):
        texture = bake_texture(*photograph(yaw), MODEL, SIZE).lit
        assert np.linalg.norm(texture.reshape(-1, 3) - WALL, axis=1).min() > 60


def test_hidden_pixels_are_not_used() -> None:
    image, projected = photograph(0)
    hidden = np.zeros(image.shape[:2], dtype=bool)
    hidden[150:260, 210:400] = True
    marked = image.copy()
    marked[hidden] = [0, 255, 0]
    baked = bake_texture(marked, projected, MODEL, SIZE, hidden)
    texture, seen = baked.lit, baked.seen
    clean = bake_texture(image, projected, MODEL, SIZE).lit
    green = (texture[..., 1].astype(int) - texture[..., [0, 2]].max(axis=2)).max()
    assert green < (clean[..., 1].astype(int) - clean[..., [0, 2]].max(axis=2)).max() + 10
    assert flat(seen).sum() < 0.9 * flat(bake_texture(image, projected, MODEL, SIZE).seen).sum()


def test_what_a_mask_hides_is_skin_and_not_a_blend_with_the_hair() -> None:
    image, projected = photograph(0)
    rows, columns = np.indices(image.shape[:2])
    skin, hair = np.array([210, 160, 130]), np.array([40, 30, 20])
    on_skin = (rows > 140) & (np.abs(columns - 200) < 85)
    head = (image != WALL).any(axis=2)
    image[head] = np.where(on_skin[head, None], skin, hair)
    mask = head & (rows > 215)
    image[mask] = [0, 255, 0]
    baked = bake_texture(image, projected, MODEL, SIZE, mask)
    texture, seen = baked.lit, baked.seen
    points = texel_points()
    behind_mask = on_egg() & (points[:, 2] > 0.06) & (points[:, 1] < -0.02) & (np.abs(points[:, 0]) < 0.03)
    assert behind_mask.sum() > 100
    assert not flat(seen)[behind_mask].any()
    assert np.abs(flat(texture)[behind_mask] - skin).max() < 30


def test_unseen_parts_of_the_eyeballs_are_white_like_the_seen_ones() -> None:
    """Not of the colour of the head that hides them."""
    texture = bake_texture(*photograph(0), MODEL, SIZE).lit
    eyes = MODEL.head.skin_weights[MODEL.faces[TEXELS.triangle]][:, :, 3:].sum(axis=2).min(axis=1) == 1
    behind = eyes & (texel_points()[:, 2] < made_up.EYES[0, 2] - 0.006)
    assert behind.sum() > 50
    assert np.abs(flat(texture)[behind] - np.array([225, 220, 215])).max() < 12


@pytest.mark.parametrize("yaw", [-40, 0, 40])
def test_both_eyes_look_the_way_the_seen_one_does(yaw: float) -> None:
    texture = bake_texture(*photograph(yaw, gaze=0.006), MODEL, SIZE).lit
    points, colours = texel_points(), flat(texture).astype(int)
    for joint, centre in zip((3, 4), made_up.EYES, strict=True):
        eye = MODEL.head.skin_weights[MODEL.faces[TEXELS.triangle]][:, :, joint].min(axis=1) == 1
        iris = eye & (colours[:, 0] < 110) & (points[:, 2] > centre[2])
        assert iris.sum() > 8
        assert 0.003 < (points[iris] - centre)[:, 0].mean() < 0.009


@pytest.mark.parametrize("case", ["outside", "partly", "tiny", "not finite"])
def test_odd_projections_give_a_texture(case: str) -> None:
    image, projected = photograph(0, pixels=200)
    if case == "outside":
        projected += [1000, 0, 0]
    elif case == "partly":
        projected += [110, -90, 0]
    elif case == "tiny":
        projected *= 0.01
    else:
        projected[5] = np.nan
    baked = bake_texture(image, projected, MODEL, SIZE)
    texture, seen = baked.lit, baked.seen
    assert texture.shape == (SIZE, SIZE, 3)
    assert seen.any() == (case != "outside")


def test_a_model_without_eyeballs_gets_a_texture_too() -> None:
    blended = np.asarray(MODEL.head.skin_weights) * 0.9 + 0.1 / 5  # no vertex belongs to an eye alone
    model = replace(MODEL, head=replace(MODEL.head, skin_weights=blended))
    size = 96
    points = MODEL.head.template * [600, -600, -600] + [64, 64, 0]
    baked = bake_texture(np.full((128, 128, 3), 120, np.uint8), points, model, size)
    texture, seen = baked.lit, baked.seen
    assert texture.shape == (size, size, 3)
    assert (texture[seen] == 120).mean() > 0.9
