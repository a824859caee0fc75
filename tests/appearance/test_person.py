"""Skin of people who differ from the mean in one way: what is hidden follows what is seen."""

import numpy as np

from unveil.appearance.person import personal_skin
from unveil.heads.albedo import SkinVariation
from unveil.typing import Float32s

COUNT = 400
SEEN = np.arange(COUNT) < COUNT // 2
TONE, HAIR = np.full(3, 0.5), np.array([40.0, 5, 10])
COMPONENT = np.sin(np.arange(COUNT) / 9)[None, :, None] * np.array([0.2, 0.1, 0.1])  # of both halves


def people(told: Float32s | None = None) -> SkinVariation:
    return SkinVariation(
        vertices=np.arange(COUNT),
        traits=np.array([[*np.log(TONE), *HAIR], [1, 1, 1, 20, 20, 20]], np.float32),
        told=np.zeros((7, COUNT, 3), np.float32) if told is None else told,
        components=COMPONENT.astype(np.float32),
        variance=np.full((COUNT, 3), 0.01, np.float32),
    )


def test_the_hidden_half_follows_the_seen_one() -> None:
    person = 1.5 * COMPONENT[0].astype(np.float32)
    found = personal_skin(np.where(SEEN[:, None], person, 9).astype(np.float32), 1.0 * SEEN, (TONE, HAIR), people())
    np.testing.assert_allclose(found[~SEEN], person[~SEEN], atol=0.05)


def test_a_little_that_is_seen_says_little() -> None:
    person = 1.5 * COMPONENT[0].astype(np.float32)
    found = personal_skin(person, 1e-4 * SEEN, (TONE, HAIR), people())
    assert np.abs(found).max() < 0.05


def test_hair_tells_what_is_hidden_and_nothing_where_it_is_not_known() -> None:
    told = np.zeros((7, COUNT, 3), np.float32)
    told[4] = 0.2  # of its lightness
    nothing = np.zeros((COUNT, 3), np.float32)
    weight = np.zeros(COUNT, np.float32)
    dark = personal_skin(nothing, weight, (TONE, HAIR - [20, 0, 0]), people(told))
    np.testing.assert_allclose(dark, -0.2, atol=1e-6)
    np.testing.assert_allclose(personal_skin(nothing, weight, (TONE, None), people(told)), 0, atol=1e-6)


def test_one_spot_is_not_taken_for_the_person() -> None:
    spot = np.zeros((COUNT, 3), np.float32)
    spot[7] = -1
    assert np.abs(personal_skin(spot, 1.0 * SEEN, (TONE, HAIR), people())).max() < 0.02
