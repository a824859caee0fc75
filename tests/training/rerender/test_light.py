import numpy as np

from unveil.appearance.light import GAMMA
from unveil.training.rerender.light import brightness, fit_light, gain
from unveil.typing import Float64s

RNG = np.random.default_rng(3)
LIGHT = np.array([0.9, 0.2, 0.3, 0.4, 0.0, 0.05, 0.0, 0.0, 0.0])


def directions(count: int) -> Float64s:
    normals = np.abs(RNG.normal(size=(count, 3))) * [1, 1, 1] * np.where(RNG.random((count, 3)) < 0.5, -1, 1)
    normals[:, 2] = np.abs(normals[:, 2])
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))


def test_a_light_is_found_again_in_a_picture() -> None:
    normals = directions(900)
    level = 255 * brightness(LIGHT, normals) ** (1 / GAMMA)
    grey = np.clip(level, 0, 255).astype(np.uint8).reshape(30, 30)
    pixels = np.column_stack([np.tile(np.arange(30), 30), np.repeat(np.arange(30), 30), np.zeros(900)]).astype(float)
    found = fit_light(grey, pixels, normals, np.ones(900))
    told, true = brightness(found, normals), brightness(LIGHT, normals)
    assert np.corrcoef(told, true)[0, 1] > 0.9


def test_too_little_skin_gives_a_light_from_everywhere() -> None:
    light = fit_light(np.zeros((8, 8), np.uint8), np.zeros((5, 3)), np.tile([0.0, 0, 1], (5, 1)), np.ones(5))
    assert np.ptp(brightness(light, directions(50))) < 1e-9


def test_no_skin_is_in_complete_shade_and_gains_are_limited() -> None:
    normals = directions(100)
    dark = brightness(np.array([0.5, 0, 0, -3.0, 0, 0, 0, 0, 0]), normals)
    assert dark.min() > 0
    assert gain(dark, dark).tolist() == [1.0] * 100
    assert gain(np.array([100.0]), 1.0) < 2
