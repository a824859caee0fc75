"""Faces in photographs that differ from the mean in two ways: what is hidden follows what is seen."""

import numpy as np

from unveil.appearance.person import face_as_photographed
from unveil.heads.skin.space import SkinVariation

COUNT = 400
SEEN = np.arange(COUNT) < COUNT // 2
PLACE = np.arange(COUNT)[:, None] / COUNT
WAVES = np.stack([np.sin(COUNT / 9 * PLACE) * [0.08, 0.05, 0.05], np.cos(COUNT / 23 * PLACE) * [0.06, 0.06, 0.06]])
PEOPLE = SkinVariation(
    vertices=np.arange(COUNT),
    mean=np.full((COUNT, 3), 0.5, np.float32),
    components=WAVES.astype(np.float32),
    variance=np.full((COUNT, 3), 0.002, np.float32),
)
PERSON = (0.5 + 1.2 * WAVES[0] - 0.8 * WAVES[1]).astype(np.float32)


def test_the_hidden_half_follows_the_seen_one() -> None:
    shown = np.where(SEEN[:, None], PERSON, np.float32(1))
    found = face_as_photographed(shown, 1.0 * SEEN, PEOPLE)
    assert np.abs(found - PERSON)[~SEEN].max() < 0.15 * np.abs(PERSON - PEOPLE.mean)[~SEEN].max()


def test_nothing_seen_is_the_mean_and_a_little_says_little() -> None:
    shown = np.where(SEEN[:, None], PERSON, np.float32(1))
    np.testing.assert_allclose(face_as_photographed(shown, 0.0 * SEEN, PEOPLE), PEOPLE.mean, atol=1e-6)
    assert np.abs(face_as_photographed(shown, 1e-4 * SEEN, PEOPLE) - PEOPLE.mean).max() < 0.02


def test_a_lock_of_hair_is_not_taken_for_the_person() -> None:
    clean = face_as_photographed(PERSON, 1.0 * SEEN, PEOPLE)
    shown = PERSON.copy()
    shown[20:40] = 0.05
    assert np.abs(face_as_photographed(shown, 1.0 * SEEN, PEOPLE) - clean).max() < 0.03
