"""The same person is followed from frame to frame, however large others are, through photographs and clips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import extras
import numpy as np
import pytest

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_euler_degrees
from unveil.heads.layout import Coefficients
from unveil.models.onnx import CoefficientModel
from unveil.output.follow import Follower, read_track
from unveil.photos.io import read_image, write_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.npz import write_npz
from unveil.video.people import People, SeenFace
from unveil.video.track import placed, reference_crop
from unveil.video.tracker import Tracker

ANNA, BERT = 0.0, 3.0  # the coefficient of the shape that moves the face most: the heads are millimetres apart


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor()


@pytest.fixture(scope="module")
def seen(reconstructor: Reconstructor) -> SeenFace:
    return Tracker(reconstructor).track(read_image(packaged("demo.jpg")), 0.0)[0]


def person(seen: SeenFace, who: float, x: float, side: float) -> SeenFace:
    """A head at a place, its box as large as that."""
    low, high = seen.landmarks.min(axis=0), seen.landmarks.max(axis=0)
    landmarks = (seen.landmarks - low) / (high - low) * side + [x, 100]
    shape = np.array(seen.coefficients["shape"])
    shape[:2] += who
    return replace(seen, landmarks=landmarks, coefficients=seen.coefficients.replace(shape=shape), deviations=None)


def who_is_who(reconstructor: Reconstructor, frames: list[list[SeenFace]], rate: float = 12.5) -> list[list[int]]:
    """The numbers that the faces of each frame get, in their order."""
    people, numbers = People(reconstructor.morphable), []
    for k, faces in enumerate(frames):
        found = people.whose(faces, k / rate)
        people.remember(found, k / rate)
        number = {id(face): n for n, face in found.items()}
        numbers.append([number[id(face)] for face in faces])
    return numbers


def test_a_passer_by_who_is_larger_is_not_followed(reconstructor: Reconstructor, seen: SeenFace) -> None:
    frames = [[person(seen, ANNA, 100, 80)]]
    frames.append([person(seen, BERT, 400, 120), person(seen, ANNA, 110, 80)])
    frames.append([person(seen, BERT, 250, 130), person(seen, ANNA, 120, 82)])
    assert who_is_who(reconstructor, frames) == [[0], [1, 0], [1, 0]]


def test_two_who_change_places_are_told_apart_by_their_heads(reconstructor: Reconstructor, seen: SeenFace) -> None:
    frames = [[person(seen, ANNA, 100, 80), person(seen, BERT, 160, 80)]]
    frames.append([person(seen, BERT, 120, 81), person(seen, ANNA, 140, 80)])
    frames.append([person(seen, BERT, 90, 81), person(seen, ANNA, 170, 80)])
    assert who_is_who(reconstructor, frames) == [[0, 1], [1, 0], [1, 0]]


def test_who_comes_back_soon_is_known_and_later_new_at_first(reconstructor: Reconstructor, seen: SeenFace) -> None:
    first, back = person(seen, ANNA, 100, 80), person(seen, ANNA, 110, 80)
    assert who_is_who(reconstructor, [[first], *[[]] * 20, [back]])[-1] == [0]
    assert who_is_who(reconstructor, [[first], *[[]] * 40, [back]])[-1] == [1]
    assert who_is_who(reconstructor, [[first], [back]], rate=0.2) == [[0], [0]]  # a slow camera


def test_who_comes_back_late_among_photographs_is_followed_on(
    reconstructor: Reconstructor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unveil.output.follow.STEP", 1.5)  # seconds: two photographs without the person are too long
    there, nobody = read_image(packaged("demo.jpg")), np.zeros((200, 200, 3), np.uint8)
    photos = [tmp_path / f"{k}.png" for k in range(5)]
    for path, image in zip(photos, [there, nobody, nobody, there[:, ::-1], there], strict=True):
        write_image(path, np.ascontiguousarray(image))
    follower = Follower(reconstructor)
    values = follower.follow(photos, 10).values
    assert follower.filled == photos[1:3]
    np.testing.assert_array_equal(values[:3], values[[0, 0, 0]])
    np.testing.assert_allclose(values[4], values[0], atol=1e-4)
    assert np.abs(values[3] - values[0]).max() > 0.1


def test_a_face_that_is_not_there(reconstructor: Reconstructor) -> None:
    with pytest.raises(UnveilError, match=r"no face 1 in .*demo\.jpg, only 1"):
        Follower(reconstructor, 1).follow([packaged("demo.jpg")], 10)


def test_a_turned_head_keeps_its_pose_in_the_photograph() -> None:
    learner = CoefficientModel(packaged("openhead_learner_int8.onnx"))
    learner.looks_twice = False  # as in clips
    reconstructor = Reconstructor(learner)
    image = np.ascontiguousarray(np.rot90(read_image(packaged("demo.jpg"))))
    face = Tracker(reconstructor).track(image, 0.0)[0]
    assert face.crop.roll != 0
    coefficients = placed(reconstructor.morphable, face, reference_crop(face))
    pose, in_crop = (
        np.asarray(reconstructor.morphable.rotation(values)) for values in (coefficients, face.coefficients)
    )
    back = axis_angle_to_matrix(np.array([0, 0, -np.radians(face.crop.roll)]))  # y is up, and the crop clockwise
    told = matrix_to_euler_degrees(pose)
    np.testing.assert_allclose(told, matrix_to_euler_degrees(back @ in_crop), atol=0.01)
    (lying,) = reconstructor.reconstruct(image, max_faces=1)  # which looks at it once, in another crop
    np.testing.assert_allclose(told, lying.pose_degrees, atol=2)


def test_a_clip_is_followed_as_its_npz_says(reconstructor: Reconstructor, tmp_path: Path) -> None:
    extras.needs("av")
    from made_up_clips import moved, write_clip

    from unveil import cli

    clip = write_clip(tmp_path / "clip.mp4", [moved(2 * k) for k in range(6)])
    write_image(tmp_path / "first.png", moved(0))
    assert cli.main(["reconstruct", str(clip), "--formats", "npz", "-o", str(tmp_path / "out")]) == 0
    followed = Follower(reconstructor).follow([clip], 20)
    again = Follower(reconstructor).follow([tmp_path / "out" / "clip_person0.npz"], 20)
    np.testing.assert_allclose(followed.values, again.values, atol=1e-4)
    assert len(followed.values) == 11
    both = Follower(reconstructor).follow([tmp_path / "first.png", clip], 20)
    assert len(both.values) == 12


def test_a_take_is_sent_to_its_own_option(reconstructor: Reconstructor) -> None:
    with pytest.raises(UnveilError, match=r"take\.csv is not followed .* --arkit"):
        Follower(reconstructor).follow([Path("take.csv")], 20)


def test_an_npz_that_is_no_track(reconstructor: Reconstructor, tmp_path: Path) -> None:
    layout = reconstructor.morphable.layout
    good = {
        "frame": np.arange(2),
        "seconds": np.arange(2.0),
        "coefficients": np.zeros((2, layout.size), np.float32),
        "layout": layout.to_json(),
        "crop_matrix": np.eye(2, 3),
        "crop_size": np.array(100),
    }
    write_npz(tmp_path / "good.npz", good)
    assert isinstance(read_track(tmp_path / "good.npz").coefficients, Coefficients)
    for name, value in (
        ("seconds", np.array([1.0, 0.5])),
        ("seconds", np.array([0.0, 1e12])),
        ("seconds", np.zeros(0)),
        ("coefficients", np.full((2, layout.size), np.nan)),
        ("coefficients", np.zeros((2, 3))),
        ("layout", "{"),
        ("crop_matrix", np.zeros((2, 3))),
    ):
        write_npz(tmp_path / "bad.npz", good | {name: value})
        with pytest.raises(UnveilError, match=r"npz|layout") as error:
            read_track(tmp_path / "bad.npz")
        assert "\n" not in str(error.value)
