"""Light and tone of made-up skin: what was put in must be found again."""

import numpy as np

from unveil.appearance.light import GAMMA, SkinLight, SkinSamples, fit_skin_light
from unveil.geometry.lighting import irradiance, turned_about_z
from unveil.typing import Float64s

RNG = np.random.default_rng(7)
FIRST_BAND = np.array([[1.2, 1.1, 1.0], [0.3, 0.25, 0.2], [0.2, 0.2, 0.2], [0.3, 0.3, 0.3], *np.zeros((5, 3))])


def directions(count: int) -> Float64s:
    """Unit vectors that point out of a face."""
    vectors = RNG.normal(size=(count, 3))
    vectors[:, 2] = np.abs(vectors[:, 2])
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def seen(light: Float64s, albedo: Float64s, normals: Float64s) -> Float64s:
    """Encoded colours of surfaces in a light."""
    return np.asarray(255 * (albedo / 255) * irradiance(normals, light) ** (1 / GAMMA))


def samples(colours: Float64s) -> SkinSamples:
    """What a photograph shows of the first of the points."""
    count = len(colours)
    known = (ALBEDO[:count], NORMALS[:count], np.ones(count))
    return SkinSamples(*(array.astype(np.float32) for array in (colours, *known)))


NORMALS, ALBEDO = directions(2000), RNG.uniform(60, 180, (2000, 3))
SKIN = np.array([150.0, 118, 102])
FACE = (directions(500), np.ones(500))


def test_light_and_tone_are_found_together() -> None:
    tone = np.array([0.5, 0.35, 0.3])
    found = fit_skin_light(samples(seen(FIRST_BAND * tone, ALBEDO, NORMALS)), FACE, SKIN)
    mean = irradiance(FACE[0], FIRST_BAND).mean(axis=0)
    np.testing.assert_allclose(found.tone, tone * mean, rtol=0.03)
    told, true = found.brightness(NORMALS), irradiance(NORMALS, FIRST_BAND) / mean
    assert np.abs(told - true).mean() < 0.06
    np.testing.assert_allclose(found.brightness(FACE[0]).mean(axis=0), 1, rtol=0.03)


def test_what_is_no_skin_hardly_moves_the_light() -> None:
    colours = seen(FIRST_BAND * 0.4, ALBEDO, NORMALS)
    spoilt = colours.copy()
    spoilt[::7] = 255 * RNG.random((len(spoilt[::7]), 3))
    clean, found = (fit_skin_light(samples(c), FACE, SKIN) for c in (colours, spoilt))
    assert np.abs(found.tone / clean.tone - 1).max() < 0.1


def test_shadows_that_are_redder_stay_so_in_part() -> None:
    light = np.array(
        [[1.0] * 3, [0] * 3, [0] * 3, [0.1, 0.2, 0.4], *np.zeros((5, 3))]
    )  # the darker to a side, the redder
    found = fit_skin_light(samples(seen(light, ALBEDO, NORMALS)), FACE, SKIN)
    red, _, blue = np.log(found.brightness(NORMALS)).T
    wanted = np.log(irradiance(NORMALS, light))
    share = np.polyfit(wanted[:, 2] - wanted[:, 0], blue - red, 1)[0]
    assert 0.25 < share < 0.75  # what the camera adds is not taken for light, a lamp's colour is
    lightness = np.log(found.brightness(NORMALS).mean(axis=1)), np.log(irradiance(NORMALS, light).mean(axis=1))
    assert np.corrcoef(*lightness)[0, 1] > 0.98


def test_too_little_skin_gives_an_even_light() -> None:
    few = fit_skin_light(samples(np.zeros((9, 3))), FACE, SKIN)
    np.testing.assert_allclose(few.tone, (SKIN / 255) ** GAMMA)
    np.testing.assert_allclose(few.brightness(NORMALS), 1, rtol=1e-6)
    np.testing.assert_allclose(few.gain(NORMALS), 1, rtol=1e-6)


def test_a_light_turns_with_its_surroundings() -> None:
    light, angle = SkinLight(FIRST_BAND, np.ones(3)), 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    turned = light.turned(angle)
    np.testing.assert_allclose(turned.coefficients, turned_about_z(FIRST_BAND, np.asarray(angle)))
    np.testing.assert_allclose(turned.brightness(NORMALS @ turn.T), light.brightness(NORMALS), rtol=1e-5)


def test_no_skin_is_quite_dark() -> None:
    away = SkinLight(np.array([[0.1], [0], [0], [-3], *np.zeros((5, 1))]) * np.ones(3), np.ones(3))
    assert away.brightness(NORMALS).min() > 0
