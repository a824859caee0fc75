"""Eyes, teeth and tongue in a texture: painted, in the light and tones of the photograph."""

from functools import lru_cache

import cv2
import numpy as np

from unveil.appearance.atlas import Atlas
from unveil.appearance.parts import PaintedTexels, painted_texels
from unveil.appearance.texture import bake_texture
from unveil.assets.store import packaged
from unveil.geometry.rasterize import rasterize
from unveil.geometry.uv import texel_map
from unveil.models.openhead import head as openhead
from unveil.typing import Float64s, Image

MODEL = openhead.load(packaged("openhead.npz"))
SIZE = 256
SKIN = (180, 140, 120)


@lru_cache(maxsize=1)
def painted() -> PaintedTexels:
    texels = painted_texels(MODEL, Atlas.of(MODEL, SIZE, halved=False))
    assert texels is not None
    return texels


def opened() -> Float64s:
    """Vertices [V, 3] in pixels of a head with its mouth open."""
    unit = MODEL.head.expression_basis[MODEL.expression_names.index("jawOpen")]
    return np.asarray((MODEL.head.template + 0.4 * unit) * [1500.0, -1500, -1500] + [200, 200, 0])


def photograph(mouth: tuple[int, int, int], eye: tuple[int, int, int] = (200, 200, 200)) -> Image:
    """Skin with an open mouth of one colour, and eyeballs of another."""
    points = opened()
    image = np.full((400, 400, 3), SKIN, np.uint8)
    lips = MODEL.landmarks68(points)[60:68, :2]
    cv2.fillPoly(image, [np.rint(lips).astype(np.int32)], mouth)
    raster = rasterize(points, MODEL.faces, 400, 400)
    eyes = np.asarray(MODEL.head.skin_weights)[MODEL.faces][:, :, 3:].sum(axis=2).min(axis=1) == 1
    image[raster.covered & eyes[raster.triangle]] = eye
    return image


def colours(image: Image, *, teeth: bool) -> Float64s:
    """The mean colour [3] of painted teeth, or of what else is painted."""
    texture = bake_texture(image, opened(), MODEL, SIZE).lit.reshape(-1, 3)
    return np.asarray(texture[painted().texels[painted().teeth == teeth]].mean(axis=0))


def test_teeth_that_are_seen_give_their_tone_and_redness_does_not() -> None:
    bright, dim, none = (colours(photograph(mouth), teeth=True) for mouth in ((170,) * 3, (125,) * 3, (120, 40, 40)))
    assert bright.mean() > 1.2 * dim.mean()
    assert np.ptp(none) < 0.3 * none.mean(), "lips and gums are no teeth"


def test_bright_teeth_have_the_tint_of_the_photograph() -> None:
    yellow, white = (colours(photograph(mouth), teeth=True) for mouth in ((240, 220, 190), (225, 228, 225)))
    assert white[2] / white[0] > 0.9
    assert yellow[2] / yellow[0] < 0.8, "both are brighter than painted teeth may be"


def test_back_teeth_are_shaded_but_not_dark() -> None:
    brightness = painted().colours[painted().teeth].mean(axis=1)
    back, front = np.percentile(brightness, [20, 90])
    assert 0.45 * front < back < 0.8 * front


def test_lips_take_no_colour_of_teeth_that_the_fit_lays_on_them() -> None:
    points, lips = opened(), (170, 80, 85)
    marks = np.rint(MODEL.landmarks68(points)[:, :2]).astype(np.int32)
    image = np.full((400, 400, 3), SKIN, np.uint8)
    cv2.fillPoly(image, [marks[48:60]], lips)
    cv2.fillPoly(image, [marks[60:68]], (225, 225, 220))
    cv2.polylines(image, [marks[60:68]], isClosed=True, color=(225, 225, 220), thickness=7)
    texels = texel_map(MODEL.uv, MODEL.uv_faces, SIZE)
    template = np.asarray(MODEL.head.template)
    place = np.einsum("nk,nkc->nc", texels.barycentric, template[MODEL.faces[texels.triangle]])
    inner = MODEL.landmarks68(template)[60:68]
    rim = np.linalg.norm(place[:, None] - inner, axis=2).min(axis=1) < 0.003
    rim &= place[:, 2] > inner[:, 2].min()
    green = bake_texture(image, points, MODEL, SIZE).lit.reshape(-1, 3)[texels.texels[rim], 1]
    assert np.median(green) < 140, "that of teeth is 225, of lips 80"


def test_what_else_is_painted_follows_the_light_on_the_eyes() -> None:
    bright, dim = (colours(photograph((120, 40, 40), (grey,) * 3), teeth=False) for grey in (220, 130))
    assert bright.mean() > 1.1 * dim.mean()


def test_teeth_and_tongue_are_as_dark_as_the_photograph() -> None:
    image = photograph((120, 40, 40))
    for teeth in (True, False):
        bright, dark = (colours(one, teeth=teeth) for one in (image, (0.2 * image).astype(np.uint8)))
        assert dark.mean() < 0.35 * bright.mean()


def test_reflections_in_an_eye_are_not_painted_on_it() -> None:
    image = photograph((120, 40, 40))
    balls = np.asarray(MODEL.head.skin_weights)[:, 3:].max(axis=1) > 0.99
    points = opened()
    for side in (1, -1):
        ball = points[balls & (side * MODEL.head.template[:, 0] > 0)]
        middle = tuple(np.rint(ball[:, :2].mean(axis=0)).astype(int).tolist())
        cv2.circle(image, middle, 8, (90, 60, 40), -1)
        cv2.circle(image, (middle[0] + 2, middle[1]), 2, (255, 255, 255), -1)
    texture = bake_texture(image, points, MODEL, SIZE).lit.reshape(-1, 3)
    texels = texel_map(MODEL.uv, MODEL.uv_faces, SIZE)
    on_ball = balls[MODEL.faces[texels.triangle]].all(axis=1)
    assert texture[texels.texels[on_ball]].max() < 235
    brown = texture[texels.texels[on_ball]].astype(int)
    assert ((brown[:, 0] - brown[:, 2] > 15) & (brown[:, 0] < 140)).sum() > 10


def test_eyes_that_are_hidden_look_ahead_and_are_plain() -> None:
    everything = np.ones((400, 400), np.bool_)
    baked = bake_texture(photograph((120, 40, 40)), opened(), MODEL, SIZE, everything)
    texture, seen = baked.lit, baked.seen
    assert not seen.any()
    texels = texel_map(MODEL.uv, MODEL.uv_faces, SIZE)
    balls = np.asarray(MODEL.head.skin_weights)[:, 3:].max(axis=1) > 0.99
    corners = MODEL.faces[texels.triangle]
    points = np.einsum("nk,nkc->nc", texels.barycentric, np.asarray(MODEL.head.template)[corners])
    values = texture.reshape(-1, 3)[texels.texels].astype(int).sum(axis=1)
    for side in (1, -1):
        on_ball = balls[corners].all(axis=1) & (side * points[:, 0] > 0)
        dark = on_ball & (values < 0.6 * np.median(values[on_ball]))
        middle = (points[on_ball].max(axis=0) + points[on_ball].min(axis=0)) / 2
        assert np.abs(points[dark].mean(axis=0) - middle)[:2].max() < 0.002
