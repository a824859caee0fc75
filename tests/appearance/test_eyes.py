"""The colour of irises and where they look, from made-up photographs of eyes: small, squinting, with lights in them."""

import numpy as np
import pytest

from unveil.appearance.eyes import IRIS, Eyeballs, paint_eyes
from unveil.photos.cielab import to_cielab
from unveil.typing import Float32s, Floats

SKIN, WHITE, BLACK, LIGHT = (190, 145, 125), (175, 165, 160), (25, 15, 12), (250, 250, 255)
DARK, BROWN, BLUE = (38, 24, 18), (84, 55, 34), (76, 98, 112)
RADIUS = 0.36  # sine of the angle of an iris
ACROSS = np.linspace(-0.9, 0.9, 91)


def two_eyes() -> Eyeballs:
    x, y = (axis.ravel() for axis in np.meshgrid(ACROSS, ACROSS))
    inside = x**2 + y**2 < 0.9
    one = np.stack([x, y, np.sqrt(np.maximum(0, 1 - x**2 - y**2))], axis=1)[inside].astype(np.float32)
    count = len(one)
    rows = np.arange(2 * count)
    return Eyeballs(NONE, rows, np.concatenate([one, one]), (rows + count) % len(rows), RADIUS)


NONE = np.zeros(0, np.int64)
EYES = two_eyes()
PLACE = EYES.direction[:, :2] / np.float32(RADIUS)  # of texels, in radii of the iris
OPEN = (np.abs(PLACE[:, 0]) < 2.2) & (PLACE[:, 1] < 0.6) & (PLACE[:, 1] > -1.1)  # between the lids of the head
RING = (0.5, 0.85)


def photographed(
    iris: tuple[int, int, int],
    at: tuple[float, float] = (0.0, 0.1),
    squint: float = 0.0,
    lights: bool = False,
    pixel: float = 0.02,
) -> Floats:
    """What texels [K, 3] of eyes show: lids that close by ``squint`` more than those of the head, pixels, and noise.

    Places and sizes are in radii of the iris.
    """
    x, y = (np.rint(PLACE / pixel) * pixel).T
    away = np.hypot(x - at[0], y - at[1])
    colour = np.where((away < 1)[:, None], iris, WHITE)
    colour[away < 0.35] = BLACK
    if lights:
        colour[np.hypot(x - at[0] - 0.4, y - at[1] - 0.2) < 0.3] = LIGHT
        colour[np.hypot(x - at[0] + 0.5, y - at[1] - 0.1) < 0.2] = LIGHT
    colour[(y > 0.6 - squint / 3) | (y < squint - 1.1 + 0.05 * x**2)] = SKIN
    return np.clip(colour + np.random.default_rng(0).normal(0, 6, colour.shape), 0, 255)


def painted(shown: Floats, seen: float = 1.0) -> tuple[Float32s, Floats]:
    """The colour [3] of painted irises, and their place (x, y), where texels between the lids are ``seen`` so well."""
    values = np.round(shown).astype(np.uint8)
    paint_eyes(values, EYES, seen * OPEN.astype(np.float32), 150.0)
    dark = values[:, 0] < 0.25 * values[:, 0].max()
    place = PLACE[dark & (EYES.direction[:, 2] > 0)].mean(axis=0)
    away = np.linalg.norm(PLACE - place, axis=1)
    return np.asarray(np.median(values[(away > RING[0]) & (away < RING[1])], axis=0), np.float32), place


def difference(one: Floats, other: Floats) -> float:
    return float(np.linalg.norm(to_cielab(np.asarray(one)) - to_cielab(np.asarray(other))))


@pytest.mark.parametrize("iris", [DARK, BROWN, BLUE])
@pytest.mark.parametrize(
    "seen_so", [{}, {"squint": 0.9}, {"lights": True}, {"squint": 0.8, "lights": True, "pixel": 0.15}]
)
def test_an_iris_has_the_colour_it_has_in_the_photograph(
    iris: tuple[int, int, int], seen_so: dict[str, float | bool]
) -> None:
    colour, _ = painted(photographed(iris, **seen_so))
    assert difference(colour, iris) < 8


@pytest.mark.parametrize("at", [(0.0, 0.0), (0.5, 0.1), (-1.0, 0.1), (1.0, 0.1)])
def test_eyes_look_where_they_look_in_the_photograph(at: tuple[float, float]) -> None:
    _, place = painted(photographed(BROWN, at, lights=True))
    assert np.abs(place - at).max() < 0.35


def test_an_iris_that_is_hardly_seen_is_brown() -> None:
    blue = photographed(BLUE)
    seen, hardly, hidden = (difference(painted(blue, seen)[0], BLUE) for seen in (1.0, 0.01, 0.0))
    assert seen + 2 < hardly < hidden - 2
    assert difference(painted(blue, 0.0)[0], IRIS) < 8
