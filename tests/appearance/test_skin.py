"""Heads whose skin is known from others: its light is found, divided out, and what is hidden is completed in it."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import made_up
import numpy as np
import pytest

from unveil.appearance.fixed_texels import ear_colours, fixed_texels
from unveil.appearance.grain import PlainSkin, quilted_grain
from unveil.appearance.light import GAMMA
from unveil.appearance.texture import BakedTexture, bake_texture
from unveil.assets.store import packaged
from unveil.geometry.diffuse import neighbours
from unveil.geometry.lighting import irradiance
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import interpolate, rasterize
from unveil.geometry.uv import texel_map
from unveil.heads.model import MorphableModel
from unveil.heads.skin.space import SkinSpace, SkinVariation
from unveil.models.openhead import head as openhead
from unveil.models.openhead.family import packaged_head
from unveil.typing import Bools, Float32s, Float64s, Floats, UInt8s

SIZE, PIXELS = 256, 400
EDGE = (0.0, 0.012)  # metres before the middle, between which what is learned of skin becomes sure
PLAIN = made_up.model()
TEXELS = texel_map(PLAIN.uv, PLAIN.uv_faces, SIZE)
DARK, LIGHT = np.array([70.0, 50.0, 40.0]), np.array([200.0, 165.0, 145.0])
FROM_ABOVE = np.array([[3.3, 3.2, 3.1], [0.5, 0.5, 0.5], [0.9, 0.9, 0.9], [0.4, 0.4, 0.4], *np.zeros((5, 3))])


def detail(points: Floats) -> Float64s:
    """Albedo [..., 3] of skin against its tone: darker and redder around the mouth."""
    lips = np.exp(-(((points[..., 1] + 0.045) / 0.012) ** 2) - (points[..., 0] / 0.03) ** 2) * (points[..., 2] > 0)
    return np.asarray(1 - lips[..., None] * [0.2, 0.4, 0.35])


@lru_cache(maxsize=1)
def known() -> MorphableModel:
    """The egg-head with its skin known."""
    mean = TEXELS.spread(np.log(detail(texel_points())).astype(np.float32))  # type: ignore[arg-type]
    ones = np.ones((SIZE, SIZE), np.float32)
    return replace(PLAIN, skin=SkinSpace(np.asarray(mean), ones, 0.1 * ones))


def texel_points() -> Float64s:
    corners = PLAIN.head.template[PLAIN.faces[TEXELS.triangle]]
    return np.einsum("nk,nkc->nc", TEXELS.barycentric, corners).astype(np.float64)


def marks(points: Floats, stripes: float) -> Float64s:
    """Factors [..., 3] of the albedo of so strong stripes from the forehead to the chin."""
    return np.asarray(1 - 0.3 * stripes * (1 + np.sin(60 * points[..., :1])) / 2 * np.ones(3))


def photograph(tone: Floats, stripes: float = 0) -> tuple[UInt8s, Float64s]:
    """A picture of the head in skin of that tone, lit from above, and its vertices."""
    scale = 3.4 * PIXELS
    projected = np.asarray(PLAIN.head.template * [scale, -scale, -scale] + [PIXELS / 2, PIXELS / 2, 0], np.float64)
    raster = rasterize(projected, PLAIN.faces, PIXELS, PIXELS)
    template = np.asarray(PLAIN.head.template, np.float64)
    normals = interpolate(raster, PLAIN.faces, vertex_normals(template, PLAIN.faces)).reshape(-1, 3)
    brightness = np.maximum(irradiance(normals, FROM_ABOVE), 0.15).reshape(PIXELS, PIXELS, 3) / 3
    points = interpolate(raster, PLAIN.faces, template)
    albedo = tone * detail(points) * marks(points, stripes)
    image = np.where(raster.covered[..., None], albedo * brightness ** (1 / GAMMA), 30)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8), projected


def baked(model: MorphableModel, tone: Floats, *, masked: bool, stripes: float = 0) -> BakedTexture:
    image, projected = photograph(tone, stripes)
    hidden = np.zeros(image.shape[:2], np.bool_)
    if masked:
        hidden[PIXELS // 2 + 15 :] = True
        image[hidden] = [0, 255, 0]
    return bake_texture(image, projected, model, SIZE, hidden)


def around_mouth() -> Bools:
    points = texel_points()
    return np.asarray((np.abs(points[:, 0]) < 0.03) & (np.abs(points[:, 1] + 0.045) < 0.02) & (points[:, 2] > 0.05))


def flat(texture: UInt8s) -> Float64s:
    return np.asarray(texture.reshape(SIZE * SIZE, -1)[TEXELS.texels], np.float64)


@pytest.mark.parametrize("tone", [DARK, LIGHT])
def test_behind_a_mask_is_a_mouth_in_the_tone_and_light_of_the_rest(tone: Float64s) -> None:
    mouth = around_mouth()
    assert mouth.sum() > 300
    clear = flat(baked(known(), tone, masked=False).lit)[mouth]
    guessed, smooth = (flat(baked(model, tone, masked=True).lit)[mouth] for model in (known(), PLAIN))
    assert np.abs(guessed - clear).mean() < 0.5 * np.abs(smooth - clear).mean()
    np.testing.assert_allclose(guessed.mean(axis=0), clear.mean(axis=0), rtol=0.1)


@pytest.mark.parametrize("tone", [DARK, LIGHT])
def test_albedo_has_no_light_and_both_textures_agree_with_it(tone: Float64s) -> None:
    found = baked(known(), tone, masked=False)
    points, seen = texel_points(), flat(found.seen)[:, 0] > 0
    beside = seen & (np.abs(points[:, 0]) < 0.05) & (points[:, 2] > 0.05)  # neither on the eyes nor around the mouth
    upper, lower = beside & (points[:, 1] > 0.045), beside & (points[:, 1] < -0.075)
    assert min(upper.sum(), lower.sum()) > 100
    lit, albedo = flat(found.lit), flat(found.albedo) / detail(points)
    assert lit[upper].mean() > 1.1 * lit[lower].mean()
    assert abs(albedo[upper].mean() / albedo[lower].mean() - 1) < 0.05
    normals = found.light.gain(np.array([[0, 1.0, 0], [0, -1.0, 0]])).mean(axis=1)
    assert normals[0] > 1 > normals[1]


def test_hidden_skin_is_as_fine_as_the_seen() -> None:
    """Pores are noise, of which the picture says nothing behind the mask."""
    rng = np.random.default_rng(2)
    rows = np.arange(40000, dtype=np.int32)
    skin = PlainSkin.of(rows, rows, np.ones(40000, np.bool_), 200)
    pores = np.exp(0.006 * rng.normal(size=(200, 200)))
    coverage = np.ones((200, 200), np.float32)
    coverage[100:] = 0
    colour = np.repeat(130 * (pores * coverage).reshape(-1, 1), 3, axis=1).astype(np.float32)
    grain = quilted_grain(colour, coverage.ravel(), skin)
    assert grain is not None
    hidden = np.log(grain.reshape(200, 200)[110:])
    assert 0.7 < hidden.std() / 0.006 < 1.3
    assert abs(hidden.mean()) < 0.01
    assert quilted_grain(colour, np.ones(40000, np.float32), skin) is None
    assert quilted_grain(colour, np.zeros(40000, np.float32), skin) is None


def test_what_is_hidden_is_said_to_be_unsure() -> None:
    clear, masked = (baked(known(), LIGHT, masked=masked).deviation for masked in (False, True))
    assert clear is not None
    assert masked is not None
    mouth = np.zeros(SIZE * SIZE, np.bool_)
    mouth[TEXELS.texels[around_mouth()]] = True
    sparse = mouth.reshape(SIZE, SIZE)[2::4, 2::4]
    assert clear.shape == masked.shape == (SIZE // 4, SIZE // 4)
    assert clear[sparse].max() < 3
    assert 8 < masked[sparse].mean() < 0.1 * 255
    assert baked(PLAIN, LIGHT, masked=True).deviation is None


def test_without_known_skin_no_light_is_told_from_albedo() -> None:
    found = baked(PLAIN, LIGHT, masked=False)
    assert np.abs(found.lit.astype(int) - found.albedo).max() <= 1


def test_what_is_hidden_follows_what_is_seen_of_the_person() -> None:
    """Who has dark stripes on the forehead has them around the mouth."""
    mouth, striped = around_mouth(), of_stripes()
    clear = flat(baked(known(), LIGHT, masked=False, stripes=0.8).lit)[mouth]
    told, usual = (flat(baked(model, LIGHT, masked=True, stripes=0.8).lit)[mouth] for model in (striped, known()))
    assert np.abs(told - clear).mean() < 0.7 * np.abs(usual - clear).mean()
    plain = flat(baked(known(), LIGHT, masked=False).lit)[mouth]
    none = flat(baked(striped, LIGHT, masked=True).lit)[mouth]
    assert np.abs(none - plain).mean() < 0.5 * np.abs(clear - plain).mean(), "no stripes where none are seen"


@lru_cache(maxsize=1)
def of_stripes() -> MorphableModel:
    """The egg-head, of which it is known that people have more or less of stripes, and are lighter or darker."""
    skin = known().skin
    assert skin is not None
    front = np.flatnonzero(PLAIN.head.template[:, 2] > 0.03)
    points = np.asarray(PLAIN.head.template, np.float64)
    brightness = np.maximum(irradiance(vertex_normals(points, PLAIN.faces)[front], FROM_ABOVE), 0.15) / 3
    usual = detail(points[front]) * LIGHT / 255 * brightness ** (1 / GAMMA)
    mean, ways = usual * marks(points[front], 0.5), np.stack([0.3 * usual, 0.5 * usual * (marks(points[front], 1) - 1)])
    differ = SkinVariation(front, *(np.float32(v) for v in (mean, ways, np.full(mean.shape, 1e-3))))
    return replace(known(), skin=replace(skin, variation=differ))


def test_ears_are_redder_than_skin_and_darker_in_their_hollows() -> None:
    model = openhead.load(packaged("openhead.npz"))
    template, edges = np.asarray(model.head.template), neighbours(model.faces, len(model.head.template))
    assert (ear_colours(model, edges) == 1).all(), "nothing is known of its skin"
    model = replace(model, skin=packaged_head().skin)
    factors = ear_colours(model, edges)
    ears = (factors != 1).any(axis=1)
    x, y, z = template[ears].T
    assert (np.abs(x) > 0.05).all()
    assert (np.abs(y) < 0.08).all()
    assert (z < 0.02).all()
    rim = ears & (np.abs(template[:, 0]) > np.quantile(np.abs(x), 0.9))
    assert (factors[rim, 0] > factors[rim, 1]).all(), "redder"
    assert np.median(factors[rim]) > 0.9
    assert factors[ears & ~rim].min() < 0.6
    assert np.abs(factors - factors[model.mirror_vertices])[ears].mean() < 0.03, "the same on both sides"


def of_hidden_side(correction: Callable[[Float32s], Float32s]) -> tuple[Float64s, Float64s]:
    """Grey levels [N] of the texture where a network multiplies the expected face so, by those where it does not.

    The subject's left half is hidden. The correction gets the share [K] that is seen of the vertices of the front.
    Also gives the points [N, 3] of the texels.
    """
    model, (image, projected) = of_stripes(), photograph(LIGHT)
    hidden = np.zeros(image.shape[:2], np.bool_)
    hidden[:, PIXELS // 2 :] = True
    assert model.skin is not None
    assert model.skin.variation is not None

    def corrected(_seen: Float32s, known: Float32s, expected: Float32s, _normals: Float32s) -> Float32s:
        return expected * correction(known)[:, None]

    told = replace(model, skin=replace(model.skin, variation=replace(model.skin.variation, network=corrected)))
    usual, changed = (flat(bake_texture(image, projected, m, SIZE, hidden).lit).mean(axis=1) for m in (model, told))
    return changed / usual, texel_points()


def on_cheek(points: Float64s, first: float, last: float) -> Bools:
    """Texels [N] of the subject's left cheek between two distances from the middle, in metres; of the right below 0."""
    x, y, z = points.T
    return np.asarray((x > first) & (x < last) & (np.abs(y + 0.03) < 0.02) & (z > 0.05))


def test_the_mirror_image_takes_the_level_that_is_expected_of_its_side() -> None:
    """The other side shows how a cheek is made, and the expected face how bright it is here."""
    shaded, points = of_hidden_side(lambda known: np.where(known < 0.5, np.float32(0.8), np.float32(1)))
    assert 0.7 < shaded[on_cheek(points, 0.02, 0.05)].mean() < 0.9
    assert shaded[on_cheek(points, -0.05, -0.02)].mean() == pytest.approx(1, abs=0.03)


def test_an_expected_face_begins_with_what_is_seen_beside_it() -> None:
    """One that is too dark where it is seen is too dark beside it, which must not show as a line."""
    shaded, points = of_hidden_side(lambda known: np.full(len(known), np.float32(0.8)))
    beside, far = (shaded[on_cheek(points, first, first + 0.005)].mean() for first in (0.003, 0.04))
    assert beside > 0.92
    assert far < 0.86


def test_expected_skin_fades_where_what_was_learned_is_as_much_of_hair() -> None:
    """Light as far as that is sure, dark with hair at its edge, and of no colour of its own beyond."""
    ahead, skin = texel_points()[:, 2:], known().skin
    assert skin is not None
    learned = np.where(ahead > 0.7 * EDGE[1], 0.2, np.where(ahead > EDGE[0], -0.4, 0.0)) * np.ones(3)
    certainty = np.clip((ahead - EDGE[0]) / (EDGE[1] - EDGE[0]), 0, 1) * np.ones(3)
    mean, certain = (np.asarray(TEXELS.spread(of.astype(np.float32))) for of in (learned, certainty))  # type: ignore[arg-type]
    usual = fixed_texels(replace(PLAIN, skin=replace(skin, mean=mean, certainty=certain[..., 0])), SIZE).skin.usual
    z = np.asarray(PLAIN.head.template)[:, 2]
    assert usual[(z > EDGE[0]) & (z < EDGE[1])].min() > 1, "no line of hair"
    assert usual[z > EDGE[1] + 0.02].max() == pytest.approx(np.exp(0.2), abs=0.02)
    near, far = (usual[(z > EDGE[0] - way) & (z < EDGE[0] - way + 0.01)].mean() for way in (0.01, 0.08))
    assert 1.04 < near < 1.2
    assert far - 1 < 0.6 * (near - 1)


def test_a_rim_of_what_hides_a_face_does_not_become_skin() -> None:
    """A mask is green, and where it is said to be leaves out its upper edge."""
    image, projected = photograph(LIGHT)
    hidden = np.zeros(image.shape[:2], np.bool_)
    edge = PIXELS // 2 + 15
    hidden[edge:] = True
    image[edge - 4 :] = [0, 255, 0]
    texture = flat(bake_texture(image, projected, known(), SIZE, hidden).albedo)
    away = texture - flat(baked(known(), LIGHT, masked=True).albedo)
    greener = (away[:, 1] - away[:, 0])[texel_points()[:, 2] > 0.05]
    assert greener.max() < 50, "a fifth of green"


def test_the_wall_along_an_outline_that_is_off_does_not_become_skin() -> None:
    image, projected = photograph(DARK)
    image[~rasterize(projected, PLAIN.faces, PIXELS, PIXELS).covered] = 255
    found = bake_texture(image, projected + np.array([10, 0, 0]), known(), SIZE)
    front = texel_points()[:, 2] > 0
    assert flat(found.seen)[front].mean() > 0.3
    assert flat(found.albedo)[front].mean(axis=1).max() < 1.5 * DARK.mean()


def test_a_lid_is_not_as_dark_as_the_fold_that_it_lies_in() -> None:
    """The photograph shows dark rings where the eyes are."""
    model, scale = packaged_head(), 3.4 * PIXELS
    projected = model.head.template * np.array([scale, -scale, -scale]) + [PIXELS / 2, PIXELS / 2, 0]
    image = np.full((PIXELS, PIXELS, 3), LIGHT, np.uint8)
    y, x = np.mgrid[:PIXELS, :PIXELS]
    for eye in (slice(36, 42), slice(42, 48)):
        across, down = model.landmarks68(projected)[eye, :2].mean(axis=0)
        image[np.hypot((x - across) / 1.5, y - down) < 0.016 * scale] = LIGHT / 4
    fixed = fixed_texels(model, SIZE)
    triangle, barycentric, faces = fixed.mesh
    folded = np.einsum("nk,nk->n", barycentric, fixed.folded[faces[triangle]])
    texture = bake_texture(image, np.asarray(projected, np.float64), model, SIZE).albedo
    grey = texture.reshape(SIZE * SIZE, 3)[fixed.atlas.texels.texels].mean(axis=1)
    ring = grey[(folded > 0) & (folded < 0.1)].mean()
    assert ring < 0.3 * LIGHT.mean()
    assert 1.5 * ring < grey[folded > 0.9].mean() < 0.8 * LIGHT.mean()
