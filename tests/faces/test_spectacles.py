"""Spectacles drawn on the bundled photograph."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from unveil import Reconstructor
from unveil.assets.store import packaged
from unveil.faces import files
from unveil.faces.reconstruction import Reconstruction
from unveil.faces.spectacles import SIZE, spectacle_frames
from unveil.photos.io import read_image
from unveil.typing import Bools, Image

FAINT = 0.31  # of the darkness of a black frame
FROWN = 0.18  # the same of a line that is no frame


@lru_cache(maxsize=1)
def demo() -> Reconstruction:
    (face,) = Reconstructor().reconstruct(read_image(packaged("demo.jpg")), max_faces=1)
    return face


def wearing(
    face: Reconstruction, *, bridge: bool = True, rims: bool = True, darkness: float = 1
) -> tuple[Image, Bools]:
    """The photograph with two rims and what joins them, and where these are; all of it ``darkness`` from 0 to 1."""
    assert face.photograph is not None
    image, drawn = face.photograph.copy(), np.zeros(face.photograph.shape[:2], np.uint8)
    thickness = max(1, round(4 / face.crop.resized(SIZE).scale))
    right, left = (face.landmarks2d[start : start + 6].mean(axis=0) for start in (36, 42))
    radius = 0.38 * np.hypot(*(left - right))
    inner = []
    for eye, towards in ((right, left), (left, right)):
        if rims:
            cv2.circle(drawn, tuple(np.rint(eye).astype(int)), round(radius), 1, thickness)
        inner.append(eye + (towards - eye) * 0.38)
    if bridge:
        cv2.line(drawn, *(tuple(np.rint(end).astype(int)) for end in inner), 1, thickness)
    image[drawn > 0] = (1 - darkness) * image[drawn > 0] + darkness * np.array([25, 20, 20])
    return image, drawn > 0


def test_frames_are_found_where_they_are() -> None:
    face = demo()
    image, drawn = wearing(face)
    found = spectacle_frames(image, face.landmarks2d, face.classes, face.crop)
    assert found[drawn].mean() > 0.7, "brows are on some of it"
    near = cv2.dilate(drawn.astype(np.uint8), np.ones((25, 25))) > 0
    assert found[~near].sum() < 0.1 * found.sum()


def test_who_wears_none_loses_nothing() -> None:
    face = demo()
    assert face.photograph is not None
    for image in (face.photograph, wearing(face, bridge=False)[0]):
        assert not spectacle_frames(image, face.landmarks2d, face.classes, face.crop).any()


def test_faint_frames_are_found_by_their_rims_and_a_faint_line_alone_is_none() -> None:
    face = demo()
    faint, drawn = wearing(face, darkness=FAINT)
    found = spectacle_frames(faint, face.landmarks2d, face.classes, face.crop)
    assert found[drawn].mean() > 0.5
    line, _ = wearing(face, rims=False, darkness=FROWN)
    assert not spectacle_frames(line, face.landmarks2d, face.classes, face.crop).any(), "such as knitted brows"


def test_frames_that_shine_in_part_are_found() -> None:
    """Metal is here darker and there lighter than the skin."""
    face = demo()
    assert face.photograph is not None
    image, drawn = wearing(face, darkness=0)
    rows, columns = np.nonzero(drawn)
    middle = face.landmarks2d[27, 0]  # of the bridge of the nose, on one side of which it is dark
    image[rows, columns] = np.clip(image[rows, columns] + np.where(columns > middle, 60.0, -60.0)[:, None], 0, 255)
    assert spectacle_frames(image, face.landmarks2d, face.classes, face.crop)[drawn].mean() > 0.5


def test_without_a_class_map_frames_are_found_too() -> None:
    face = demo()
    image, drawn = wearing(face)
    assert spectacle_frames(image, face.landmarks2d, None, face.crop)[drawn].mean() > 0.7


def test_what_is_outside_of_the_photograph_has_no_frame() -> None:
    face = demo()
    image, _ = wearing(face)
    found = spectacle_frames(image[:5, :7], face.landmarks2d + 5000, face.classes, face.crop)
    assert found.shape == (5, 7)
    assert not found.any()


def test_a_texture_shows_next_to_nothing_of_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    face = demo()
    worn = replace(face, photograph=wearing(face)[0])
    bare = face.texture().astype(int)
    free = np.abs(worn.texture() - bare).max(axis=2)
    monkeypatch.setattr(files, "spectacle_frames", lambda image, *_: np.zeros(image.shape[:2], np.bool_))
    kept = np.abs(replace(worn).texture() - bare).max(axis=2)
    frame = kept > 60
    assert frame.sum() > 1000
    assert free[frame].mean() < 0.4 * kept[frame].mean()
