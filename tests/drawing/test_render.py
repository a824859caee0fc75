"""Light on meshes in pictures."""

from __future__ import annotations

import numpy as np
import pytest

from unveil.drawing.render import AMBIENT, INSIDE, LIGHTS, Bands, Skin, _light, render_head


@pytest.mark.parametrize("behind", [False, True])
def test_a_wall_has_the_light_of_all_lamps_and_less_from_behind(behind: bool) -> None:
    wall = np.array([[-9.0, -9, 5], [40, -9, 5], [40, 40, 5], [-9, 40, 5]])
    faces = np.array([[0, 2, 1], [0, 3, 2]])[:, :: -1 if behind else 1]
    light = _light(Bands(wall, faces, 32, 32))
    towards = [-np.array(direction)[2] / np.linalg.norm(direction) for direction, _ in LIGHTS]  # of a wall towards -z
    expected = AMBIENT + sum(
        strength * (cosine + 0.25) / 1.25 for cosine, (_, strength) in zip(towards, LIGHTS, strict=True)
    )
    np.testing.assert_allclose(light, expected * INSIDE if behind else expected, rtol=1e-5)


@pytest.mark.parametrize("height", [0.2, 0.5])
def test_a_picture_shows_a_head_with_long_hair_whole(height: float) -> None:
    """Short ones are drawn at one scale."""
    plate = np.array([[-0.05, 0, 0], [0.05, 0, 0], [0.05, height, 0], [-0.05, height, 0]])
    picture = render_head(plate, np.array([[0, 1, 2], [0, 2, 3]]), 100)
    drawn = (picture < 250).any(axis=2)
    assert not drawn[[0, -1]].any()
    assert abs(drawn.any(axis=1).sum() - min(height / 0.28, 1 / 1.04) * 100) < 3


def test_the_edge_of_a_narrow_picture_shows_its_own_colours() -> None:
    plate, faces = np.array([[-0.1, 0, 0], [0, 0, 0], [0, 0.1, 0], [-0.1, 0.1, 0]]), np.array([[0, 1, 2], [0, 2, 3]])
    own = Skin(np.zeros((8, 9, 3), np.uint8), np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]), faces)
    skin = own._with_below(np.full((8, 2, 3), 200, np.uint8), faces)
    drawn = render_head(plate, faces, 64, skin=skin)
    inside = drawn[(drawn < 250).any(axis=2)]
    assert inside.min() > 0.8 * np.median(inside), "nothing of what is beside it in the sheet"
