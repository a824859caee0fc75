"""Training crops that are badly framed or show no face."""

from dataclasses import replace

import numpy as np
import pytest
import training_folder

from unveil.heads.layout import Coefficients
from unveil.occluders.base import Face
from unveil.occluders.pool import load_pool
from unveil.photos.crop import LANDMARK_MARGIN, MARGIN
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import TRAIN
from unveil.training.data import TrainingData
from unveil.training.sampler import Sampler
from unveil.training.views.beside import (
    BADLY,
    NO_FACE,
    WELL,
    draw_framings,
    draw_pattern,
    look_at_ear,
    look_beside,
    perturb_framing,
    randomize_phases,
    shuffle_parts,
)
from unveil.training.views.cropping import Shown
from unveil.typing import Float64s

SIZE = 64
CONFIG = TrainConfig(input_size=SIZE, feature_weight=0.0, severity_epochs=0.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return training_folder.load(training_folder.write(tmp_path_factory.mktemp("data")))


def generators(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(count)]


def corners(move: Float64s) -> Float64s:
    """Corners [4, 2] in the crop it was of the crop that a map [2, 3] leads to."""
    square = np.array([[0, 0], [SIZE, 0], [SIZE, SIZE], [0, SIZE]]) - move[:, 2]
    return np.asarray(square @ np.linalg.inv(move[:, :2]).T)


def middle_of(move: Float64s) -> Float64s:
    return np.asarray(corners(move).mean(axis=0))


def test_a_share_of_the_crops_is_beside_the_face() -> None:
    framings = draw_framings(generators(2000), 0.2)
    shares = [float((framings == framing).mean()) for framing in (WELL, BADLY, NO_FACE)]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.03)


def test_without_a_share_nothing_is_drawn() -> None:
    (drawn,) = generators(1)
    assert draw_framings([drawn], 0.0).tolist() == [WELL]
    assert drawn.random() == np.random.default_rng(0).random()


def test_bad_framings_are_off_by_half_a_face() -> None:
    moves = np.stack([perturb_framing(SIZE, rng) for rng in generators(400)])
    zooms = np.sqrt(np.linalg.det(moves[:, :, :2]))
    face = SIZE / (MARGIN * LANDMARK_MARGIN)
    off = np.abs([middle_of(move) - SIZE / 2 for move in moves]).max(axis=1) / face
    assert 0.55 <= zooms.min() < 0.65
    assert 1.6 < zooms.max() <= 1.8
    sides = off * np.minimum(1, zooms)  # of a crop that is too large, half of its own face
    assert 0.4 < sides.max() < 0.8  # across the diagonal where it is turned
    near = zooms > 1.5
    assert off[near].max() < 0.5
    turned = np.abs(moves[:, 0, 1]) > 1e-9
    assert 0.2 < turned.mean() < 0.4


def test_labels_of_bad_framings_move_with_the_pixels(data: TrainingData) -> None:
    sampler = Sampler(data, replace(CONFIG, beside=1.0), load_pool())
    indices = data.indices(TRAIN)
    flips, moves = np.zeros(len(indices), bool), np.repeat(np.eye(2, 3)[None], len(indices), axis=0)
    moves = sampler._framed(moves, np.full(len(indices), BADLY), generators(len(indices)))
    moved = Coefficients(data.layout, sampler.move_labels(indices, flips, moves))
    small = data.model.landmark_model()
    contour = small.project(small.contour68(small.vertices(moved), moved), moved)[..., :2]
    expected = sampler.move_landmarks(indices, flips, moves)
    inner = slice(17, None)  # the jaw line follows whole degrees of yaw
    np.testing.assert_allclose(((contour + 1) * SIZE / 2)[:, inner], expected[:, inner], atol=0.03)
    faces = sampler.faces(moved.values, expected)
    seen = 0
    for index, move, points, face in zip(indices, moves, expected, faces, strict=True):
        image, _ = sampler.crops.see(Shown(index, False, move, BADLY), face, np.random.default_rng(0))
        x, y = np.rint(points[30]).astype(int)
        if min(x, y) > 2 and max(x, y) < SIZE - 2:
            seen += 1
            assert np.abs(image[y, x].astype(int) - (90, 165, 128)).max() < 80  # the colour of blot 30
    assert seen > 3


@pytest.mark.parametrize("look", [look_beside, look_at_ear])
def test_what_is_beside_shows_little_of_the_face(look: object) -> None:
    landmarks = training_folder.landmarks(training_folder.coefficients(20), SIZE)
    for landmark, rng in zip(landmarks, generators(20), strict=True):
        face = Face.of(landmark)
        move = look(face, SIZE, rng)  # type: ignore[operator]
        shown = np.concatenate([landmark, np.ones((68, 1))], axis=1) @ move.T
        inner = shown[27:]  # nose, eyes and mouth
        inside = ((inner > 0) & (inner < SIZE)).all(axis=1)
        assert inside.mean() < 0.25
        assert np.abs(middle_of(move) - face.centre).max() > 0.3 * face.side


def test_batches_say_what_is_no_face(data: TrainingData) -> None:
    sampler = Sampler(data, replace(CONFIG, beside=0.6), load_pool())
    indices = data.indices(TRAIN)
    batches = [sampler.training_batch(epoch, indices, 0.7) for epoch in range(4)]
    faces, weights = (np.concatenate([getattr(b, name) for b in batches]) for name in ("face", "weight"))
    assert 0.5 < faces.mean() < 0.9
    assert set(weights[faces == 0]) == {0}
    assert set(weights[faces == 1]) == {0.25, 1}
    assert all((b.occlusion[b.face == 0] == 0).all() for b in batches)
    assert all(np.isfinite(b.coefficients).all() for b in batches)


def test_crops_beside_depend_on_the_sample_alone(data: TrainingData) -> None:
    sampler = Sampler(data, replace(CONFIG, beside=1.0), load_pool())
    indices = data.indices(TRAIN)
    whole = sampler.training_batch(2, indices)
    for k in range(len(indices)):
        single = sampler.training_batch(2, indices[k : k + 1])
        np.testing.assert_array_equal(single.images[0], whole.images[k])
        assert single.face[0] == whole.face[k]


def test_pairs_show_no_face_twice(data: TrainingData) -> None:
    sampler = Sampler(data, replace(CONFIG, beside=1.0, feature_weight=0.1, colour=0.0), load_pool())
    batch = sampler.training_batch(0, data.indices(TRAIN))
    count = len(batch.face) // 2
    np.testing.assert_array_equal(batch.face[:count], batch.face[count:])
    none = batch.face[:count] == 0
    np.testing.assert_array_equal(batch.images[:count][none], batch.images[count:][none])


def test_validation_sees_both_in_turns_and_always_the_same(data: TrainingData) -> None:
    sampler = Sampler(data, CONFIG, load_pool())
    one, other = (sampler.beside_batch(np.arange(5)) for _ in range(2))
    assert one.face.tolist() == [1, 0, 1, 0, 1]
    np.testing.assert_array_equal(one.images, other.images)


@pytest.mark.parametrize("disorder", [shuffle_parts, randomize_phases])
def test_disorder_keeps_the_colours_and_not_the_places(disorder: object) -> None:
    y, x = np.mgrid[:SIZE, :SIZE]
    picture = np.stack([90 + x, 60 + y, np.full_like(x, 128)], axis=-1).astype(np.uint8)
    for rng in generators(20):
        other = disorder(picture, rng)  # type: ignore[operator]
        assert other.shape == picture.shape
        assert other.dtype == np.uint8
        np.testing.assert_allclose(other.mean(axis=(0, 1)), picture.mean(axis=(0, 1)), atol=6)
        np.testing.assert_allclose(other.std(axis=(0, 1)), picture.std(axis=(0, 1)), atol=6)
        assert np.abs(other.astype(int) - picture).mean() > 5


def test_patterns_differ_and_are_seeded() -> None:
    patterns = [draw_pattern(SIZE, rng) for rng in generators(60)]
    assert {pattern.shape for pattern in patterns} == {(SIZE, SIZE, 3)}
    assert len({pattern.tobytes() for pattern in patterns}) == 60
    np.testing.assert_array_equal(patterns[7], draw_pattern(SIZE, np.random.default_rng(7)))
