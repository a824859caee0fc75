from dataclasses import replace

import numpy as np
import pytest
import rerendered

from unveil.training.rerender.light import gain
from unveil.training.rerender.placing import Placed
from unveil.training.rerender.render import Photographed, rerender
from unveil.training.rerender.surface import Seen
from unveil.training.rerender.surroundings import continued
from unveil.typing import Bools, Floats, Image

BIG = 160  # pixels


def seen(head: Placed) -> Seen:
    return rerendered.surface().seen(head.vertices, head.pixels)


def evenly_lit(image: Image, head: Placed) -> Photographed:
    """A photograph in whose light every surface is equally bright."""
    photo = Photographed.of(image, seen(head), rerendered.surface())
    light, lit = np.array([1.0] + [0.0] * 8) * np.sqrt(4 * np.pi), np.ones_like(photo.lit)
    smooth = at(image, np.clip(head.pixels, 0, BIG - 1)).astype(np.float32)
    return replace(photo, light=light, lit=lit, seen=seen(head), smooth=smooth)


def front(view: Seen) -> Bools:
    """Vertices of the face that look at the viewer and lie well within its outline."""
    s = rerendered.surface()
    return np.asarray((s.skin > 0) & (view.free == 1) & (view.normals[:, 2] > 0.6) & ~s.sides)


def at(image: Image, pixels: Floats) -> Floats:
    column, row = np.rint(pixels[:, :2]).astype(int).T
    return image[row, column].astype(float)


def test_the_same_head_gives_the_photograph_back() -> None:
    head, image = rerendered.placed(size=BIG), rerendered.places(BIG)
    again = rerender(evenly_lit(image, head), seen(head), rerendered.surface())
    difference = np.abs(again.astype(int) - image)
    assert np.median(difference) <= 1
    vertices = front(seen(head))
    assert np.abs(at(again, head.pixels[vertices]) - at(image, head.pixels[vertices])).mean() < 2


@pytest.mark.parametrize("yaw", [0.0, 0.3])
def test_a_point_of_the_new_head_has_the_colour_it_had(yaw: float) -> None:
    old = rerendered.placed(size=BIG)
    new = rerendered.placed(np.random.default_rng(4).normal(size=100), yaw, BIG)
    image = rerendered.places(BIG)
    drawn = rerender(evenly_lit(image, old), seen(new), rerendered.surface())
    vertices = front(seen(old)) & front(seen(new))
    assert vertices.sum() > 200
    moved = np.linalg.norm(new.pixels[vertices, :2] - old.pixels[vertices, :2], axis=1)
    assert moved.max() > 2  # a picture that only stays would not do
    expected = at(image, old.pixels[vertices])
    assert np.abs(at(drawn, new.pixels[vertices]) - expected)[:, :2].mean() < 3


def test_nothing_is_invented_but_eyes_and_mouth() -> None:
    old, new = rerendered.placed(size=BIG), rerendered.placed(np.random.default_rng(8).normal(size=100), 0.2, BIG)
    drawn = rerender(evenly_lit(np.full((BIG, BIG, 3), 40, np.uint8), old), seen(new), rerendered.surface())
    assert (np.abs(drawn.astype(int) - 40).max(axis=2) > 2).mean() < 0.02


def test_skin_that_turns_away_from_the_light_gets_darker() -> None:
    head, s = rerendered.placed(size=BIG), rerendered.surface()
    view = seen(head)
    lit = np.clip(0.4 + 0.5 * view.normals[:, 0], 0.05, None)  # from the right
    flat = evenly_lit(np.full((BIG, BIG, 3), 120, np.uint8), head)
    assert gain(lit, 0.4)[view.normals[:, 0] > 0.3].min() > 1
    light = np.array([0.4, 0.5, 0, 0, 0, 0, 0, 0, 0]) * [np.sqrt(4 * np.pi), np.sqrt(4 * np.pi / 3), *[1] * 7]
    photo = replace(flat, light=light, lit=np.full(len(lit), 0.4))
    drawn = rerender(photo, view, s)
    right, left = (
        at(drawn, head.pixels[front(view) & side]) for side in (view.normals[:, 0] > 0.3, view.normals[:, 0] < -0.3)
    )
    assert right.mean() > 140
    assert left.mean() < 100


def test_a_photograph_goes_on_where_it_ended() -> None:
    crop = np.zeros((64, 64, 3), np.uint8)
    crop[10:50, 12:60] = 150
    whole = continued(crop)
    assert (np.abs(whole.astype(int) - 150) <= 2).all()
    np.testing.assert_array_equal(continued(np.zeros((64, 64, 3), np.uint8)), np.zeros((64, 64, 3)))
