import numpy as np

from unveil.training.rerender.surroundings import Outline, carried
from unveil.typing import Bools

SIZE = 100
MIDDLE = np.array([50.0, 48.0])


def disc(radius: float) -> Bools:
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.asarray(np.hypot(x - MIDDLE[0], y - MIDDLE[1]) <= radius)


def outline(radius: float) -> Outline:
    return Outline.of(disc(radius), MIDDLE, -np.pi / 2)


def test_an_outline_has_the_radius_of_its_disc() -> None:
    assert np.abs(outline(30).radius - 30).max() < 1.5


def test_the_same_outline_moves_nothing() -> None:
    x, y = carried(outline(30), outline(30), SIZE)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    np.testing.assert_allclose(x, columns, atol=1e-9)
    np.testing.assert_allclose(y, rows, atol=1e-9)


def test_a_bulge_takes_the_old_outline_along() -> None:
    old = outline(30)
    radius = old.radius.copy()
    radius[20:40] += 4
    new = Outline(old.middle, old.up, radius)
    x, y = carried(old, new, SIZE)
    angle = new.up + 30 * 2 * np.pi / len(radius)
    place = new.middle + radius[30] * np.array([np.cos(angle), np.sin(angle)])
    column, row = np.rint(place).astype(int)
    away = np.hypot(x[row, column] - old.middle[0], y[row, column] - old.middle[1])
    assert abs(away - old.radius[30]) < 1


def test_a_picture_is_not_folded() -> None:
    old, new = outline(40), outline(30)
    wobble = Outline(new.middle, new.up, new.radius * (1 + 0.15 * np.sin(np.arange(len(new.radius)) / 6)))
    x, y = carried(old, wobble, SIZE)
    angles = np.linspace(0, 2 * np.pi, 40)
    for angle in angles:
        steps = np.arange(0, 40)
        columns, rows = (
            np.rint(m + f(angle) * steps).astype(int) for m, f in zip(MIDDLE, (np.cos, np.sin), strict=True)
        )
        away = np.hypot(x[rows, columns] - MIDDLE[0], y[rows, columns] - MIDDLE[1])
        assert (np.diff(away) > -0.5).all()
