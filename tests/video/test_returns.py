"""Who comes back after a while is the person of before, by the form of the head in all frames."""

from __future__ import annotations

import numpy as np
import pytest
from constant_learner import fitting_coefficients
from made_up_clips import RATE, moved, without_face

import unveil
from unveil.heads.layout import Coefficients
from unveil.models.openhead.family import Openhead
from unveil.photos.crop import Crop
from unveil.reconstruct.pipeline import Reconstructor
from unveil.video.cast import Cast
from unveil.video.parts import FrameFaces
from unveil.video.people import People, SeenFace
from unveil.video.returns import rejoin
from unveil.video.tracker import Tracker

MODEL = unveil.load_openhead()
SAID = Openhead().shape_variation()
FRAMES = 6  # of a stretch


def people_of(count: int) -> np.ndarray:
    """Shapes [count, S] of people, as the packaged file says that they vary."""
    random = np.random.default_rng(3).normal(size=(count, len(SAID.between)))
    return SAID.mean + np.linalg.solve(SAID.directions.T, (np.sqrt(SAID.between) * random).T).T


def frames_of(shape: np.ndarray, seed: int) -> np.ndarray:
    """What frames [FRAMES, S] of one of them say."""
    random = np.random.default_rng(seed).normal(size=(FRAMES, len(SAID.between)))
    return shape + np.linalg.solve(SAID.directions.T, random.T).T


def face(shape: np.ndarray, place: float = 0.0) -> SeenFace:
    coefficients = Coefficients(MODEL.layout, fitting_coefficients(MODEL)).replace(shape=shape.astype(np.float32))
    points = np.random.default_rng(0).uniform(0, 50, (68, 2)) + place
    return SeenFace(Crop.from_square((25 + place, 25), 60), coefficients, None, None, points, 1.0)


def seen(stretches: list[dict[int, np.ndarray]]) -> tuple[Cast, People]:
    """A clip in stretches, each with what its frames say of the numbers that they show."""
    cast, people = Cast(MODEL), People(MODEL)
    for k, stretch in enumerate(stretches):
        for frame in range(FRAMES):
            faces = {number: face(shapes[frame], 10.0 * k) for number, shapes in stretch.items()}
            seconds = 10.0 * k + frame / 30
            people.remember(faces, seconds)
            cast.add(FrameFaces(seconds, faces))
    return cast, people


def test_who_comes_back_has_one_number_and_one_shape() -> None:
    anna, bert = people_of(2)
    cast, people = seen([{0: frames_of(anna, 0)}, {1: frames_of(bert, 1)}, {2: frames_of(anna, 2)}])
    rejoin(cast, people, MODEL)
    assert sorted(cast.roles) == [0, 1]
    assert people[0].frames == 2 * FRAMES
    assert people[0].seconds > people[1].seconds
    both = np.concatenate([frames_of(anna, 0), frames_of(anna, 2)]).mean(axis=0)
    np.testing.assert_allclose(people[0].mean_shape, both, atol=1e-5)
    assert cast.roles[0].recorder.frames.tolist() == [*range(FRAMES), *range(2 * FRAMES, 3 * FRAMES)]
    track = cast.tracks(people, [0])[0]
    assert (np.diff(track.seconds) > 0).all()


@pytest.mark.parametrize("known", [True, False])
def test_twins_in_one_frame_stay_two(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not known:  # as with families of which nobody has measured how shapes vary
        monkeypatch.setattr(Openhead, "shape_variation", lambda _: None)
    (twin,) = people_of(1)
    cast, people = seen([{0: frames_of(twin, 0), 1: frames_of(twin, 0)}, {2: frames_of(twin, 0)}])
    rejoin(cast, people, MODEL)
    assert sorted(cast.roles) == [0, 1]
    assert sorted(len(role.recorder) for role in cast.roles.values()) == [FRAMES, 2 * FRAMES]


def test_frames_of_another_place_come_into_one_frame_of_reference() -> None:
    (anna,) = people_of(1)
    once = frames_of(anna, 0)
    cast, people = seen([{0: once}, {1: once}])
    rejoin(cast, people, MODEL)
    assert sorted(cast.roles) == [0]
    recorder = cast.roles[0].recorder
    camera = recorder.raw["camera"]
    np.testing.assert_allclose(camera[:, 0], camera[0, 0], rtol=1e-5)
    moved = (camera[FRAMES:, 1] - camera[:FRAMES, 1]) * camera[0, 0] * recorder.crop.size / 2 / recorder.crop.scale
    np.testing.assert_allclose(moved, 10, atol=1e-3)  # pixels


def test_where_nothing_is_known_of_shapes_their_distance_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Openhead, "shape_variation", lambda _: None)
    shape = np.zeros(100)
    other = shape.copy()
    other[0] = 4.0
    stretches = [{k: np.tile(each, (FRAMES, 1))} for k, each in enumerate((shape, other, shape))]
    cast, people = seen(stretches)
    rejoin(cast, people, MODEL)
    assert [len(role.recorder) for role in cast.roles.values()] == [2 * FRAMES, FRAMES]


def test_a_clip_in_which_somebody_goes_and_comes_back_after_a_while() -> None:
    reconstructor = Reconstructor()
    tracker, cast = Tracker(reconstructor), Cast(reconstructor.morphable)
    images = [*(moved(k) for k in range(FRAMES)), *[without_face()] * 25, *(moved(60 - k) for k in range(FRAMES))]
    for k, image in enumerate(images):
        cast.add(FrameFaces(k / RATE, tracker.track(image, k / RATE)))
    assert sorted(cast.roles) == [0, 1]
    rejoin(cast, tracker.people, reconstructor.morphable)
    assert sorted(cast.roles) == [0]
    assert cast.roles[0].recorder.frames.tolist() == [*range(FRAMES), *range(FRAMES + 25, 2 * FRAMES + 25)]
