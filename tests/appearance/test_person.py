"""Faces in photographs that differ from the mean in two ways: what is hidden follows what is seen."""

from dataclasses import replace

import numpy as np

from unveil.appearance.person import SeenSkin, face_as_photographed
from unveil.heads.skin.space import SkinVariation
from unveil.typing import Float32s, Floats

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

NORMALS = np.tile(np.float32([0, 0, 1]), (COUNT, 1))


def looked_at(shown: Float32s, known: Floats, variation: SkinVariation = PEOPLE) -> Float32s:
    seen = SeenSkin(shown, np.asarray(known, np.float32), np.ones(COUNT, np.float32), NORMALS)
    return face_as_photographed(seen, variation)


def test_the_hidden_half_follows_the_seen_one() -> None:
    shown = np.where(SEEN[:, None], PERSON, np.float32(1))
    found = looked_at(shown, 1.0 * SEEN)
    assert np.abs(found - PERSON)[~SEEN].max() < 0.15 * np.abs(PERSON - PEOPLE.mean)[~SEEN].max()


def test_nothing_seen_is_the_mean_and_a_little_says_little() -> None:
    shown = np.where(SEEN[:, None], PERSON, np.float32(1))
    np.testing.assert_allclose(looked_at(shown, 0.0 * SEEN), PEOPLE.mean, atol=1e-6)
    assert np.abs(looked_at(shown, 1e-4 * SEEN) - PEOPLE.mean).max() < 0.02


def test_a_lock_of_hair_is_not_taken_for_the_person() -> None:
    clean = looked_at(PERSON, 1.0 * SEEN)
    shown = PERSON.copy()
    shown[20:40] = 0.05
    assert np.abs(looked_at(shown, 1.0 * SEEN) - clean).max() < 0.03


def test_a_network_has_the_last_word_and_knows_what_was_seen() -> None:
    told = {}

    def correct(seen: Float32s, known: Float32s, expected: Float32s, normals: Float32s) -> Float32s:
        told.update(seen=seen, known=known, normals=normals)
        return expected + np.float32(0.1)

    found = looked_at(PERSON, 1.0 * SEEN, replace(PEOPLE, network=correct))
    np.testing.assert_allclose(found, looked_at(PERSON, 1.0 * SEEN) + 0.1, atol=1e-6)
    np.testing.assert_array_equal(told["seen"], PERSON)
    np.testing.assert_array_equal(told["known"], SEEN)
    np.testing.assert_array_equal(told["normals"], NORMALS)
