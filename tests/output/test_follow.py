"""The same person is followed from frame to frame, however large others are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.faces.reconstruction import Reconstruction
from unveil.geometry.rotation import matrix_to_euler_degrees
from unveil.output.follow import Follower, difference, in_photograph
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor

ANNA, BERT = 0.0, 0.006  # metres by which the second head is wider on either side


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor()


@pytest.fixture(scope="module")
def seen(reconstructor: Reconstructor) -> Reconstruction:
    return reconstructor.reconstruct(packaged("demo.jpg"))[0]


def person(seen: Reconstruction, who: float, x: float, side: float, mark: float) -> Reconstruction:
    """A head at a place; ``mark`` is written into its coefficients, to be known by."""
    wider = seen.neutral_vertices + who * np.sign(seen.neutral_vertices) * [1, 0, 0]
    values = seen.coefficients.values.copy()
    values[0] = mark
    return replace(
        seen,
        box_ltrb=np.array([x, 100, x + side, 100 + side]),
        neutral_vertices=wider,
        coefficients=replace(seen.coefficients, values=values),
    )


def follow(frames: list[list[Reconstruction]], number: int = 0) -> tuple[list[float], list[Path]]:
    """The marks of whom was followed, and the frames that were filled."""
    paths = [Path(f"{k}.jpg") for k in range(len(frames))]
    found = dict(zip(paths, frames, strict=True))
    follower = Follower(SimpleNamespace(reconstruct=found.__getitem__), number)  # type: ignore[arg-type]
    marks = [float(frame.values[0]) for frame in follower.follow(paths)]
    return marks, follower.filled


def test_a_passer_by_who_is_larger_is_not_followed(seen: Reconstruction) -> None:
    frames = [[person(seen, ANNA, 100, 80, 1)]]
    frames.append([person(seen, BERT, 400, 120, -1), person(seen, ANNA, 110, 80, 2)])
    frames.append([person(seen, BERT, 250, 130, -2), person(seen, ANNA, 120, 82, 3)])
    assert follow(frames) == ([1, 2, 3], [])


def test_two_who_change_places_are_told_apart_by_their_heads(seen: Reconstruction) -> None:
    frames = [[person(seen, ANNA, 100, 80, 1), person(seen, BERT, 160, 80, -1)]]
    frames.append([person(seen, BERT, 120, 81, -2), person(seen, ANNA, 140, 80, 2)])
    frames.append([person(seen, BERT, 90, 81, -3), person(seen, ANNA, 170, 80, 3)])
    assert follow(frames)[0] == [1, 2, 3]
    assert follow(frames, number=1)[0] == [-1, -2, -3]


def test_a_frame_with_somebody_else_only_is_filled(seen: Reconstruction) -> None:
    ghost = replace(person(seen, ANNA, 100, 80, -5), doubtful=True)
    frames = [[ghost], [person(seen, ANNA, 100, 80, 1)], [person(seen, BERT, 600, 90, -1)], []]
    frames.append([person(seen, ANNA, 105, 80, 2)])
    marks, filled = follow(frames)
    assert marks == [1, 1, 1, 1, 2]
    assert filled == [Path("0.jpg"), Path("2.jpg"), Path("3.jpg")]


def test_a_face_that_is_not_there(seen: Reconstruction) -> None:
    with pytest.raises(UnveilError, match=r"no face 1 in 0\.jpg, only 1"):
        follow([[person(seen, ANNA, 100, 80, 1)]], number=1)


def test_one_person_who_moves_is_one_person(reconstructor: Reconstructor, seen: Reconstruction) -> None:
    image = read_image(packaged("demo.jpg"))
    (moved,) = reconstructor.reconstruct(np.roll(image, (10, 20), axis=(0, 1)), max_faces=1)
    assert difference(seen, moved) < 1


def test_a_turned_head_keeps_its_pose_in_the_photograph(reconstructor: Reconstructor, seen: Reconstruction) -> None:
    image = read_image(packaged("demo.jpg"))
    (lying,) = reconstructor.reconstruct(np.ascontiguousarray(np.rot90(image)), max_faces=1)
    assert lying.crop.roll != 0
    rotation = lying.morphable.rotation(in_photograph(lying))
    np.testing.assert_allclose(matrix_to_euler_degrees(np.asarray(rotation)), lying.pose_degrees, atol=0.01)
    assert in_photograph(seen) is seen.coefficients
