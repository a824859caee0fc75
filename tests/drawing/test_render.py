"""Light on meshes in pictures."""

from __future__ import annotations

import numpy as np
import pytest

from unveil.drawing.render import AMBIENT, INSIDE, LIGHTS, Bands, _light


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
