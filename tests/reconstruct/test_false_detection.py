"""What is taken for a face comes after the faces and says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from unveil.assets.store import packaged
from unveil.faces.overlay import draw_overlay
from unveil.faces.reconstruction import Reconstruction
from unveil.models.encoder import Prediction
from unveil.models.onnx import CoefficientModel
from unveil.photos.detect import SCORE_THRESHOLD, FaceDetector
from unveil.photos.detection import Detection
from unveil.photos.io import read_image
from unveil.reconstruct.false_detection import distance, perhaps_no_face
from unveil.reconstruct.pipeline import Reconstructor
from unveil.typing import Images

COFFEE = (slice(60, 330), slice(150, 470))  # a cup


class Finds(FaceDetector):
    """Finds what it was told to."""

    def __init__(self, *faces: Detection) -> None:
        super().__init__()
        self.faces = list(faces)

    def detect(self, image: object, *, generous: bool = False) -> list[Detection]:
        return sorted(self.faces, key=lambda face: face.size, reverse=True)


class Silent(CoefficientModel):
    """The packaged learner as if it did not say whether a crop shows a face."""

    def __init__(self) -> None:
        super().__init__(packaged("openhead_learner.onnx"))
        self.says_face = False

    def predict(self, crops: Images) -> Prediction:
        return replace(super().predict(crops), face=None)


def moved(face: Detection, scale: float, shift: tuple[float, float], score: float) -> Detection:
    place = np.float32(shift)
    box = (face.box_ltrb.reshape(2, 2) * np.float32(scale) + place).ravel()
    return Detection(box, face.keypoints * np.float32(scale) + place, score)


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, Detection, list[Detection]]:
    """The demo's face beside two cups that are taken for larger ones, as the detector would have it."""
    demo = read_image(packaged("demo.jpg"))
    wall = np.full((1100, 1600, 3), 120, np.uint8)
    wall[:512, :512] = demo
    (face,) = FaceDetector().detect(demo)
    ghosts = []
    for x, y in ((600, 100), (1100, 500)):
        ghost = moved(face, 1.3, (0, 0), 0.63)
        ghost = moved(ghost, 1.0, tuple(np.array([x + 150.0, y + 150.0]) - ghost.centre), 0.63)
        cup = skimage.data.coffee()[COFFEE]
        wall[y : y + cup.shape[0], x : x + cup.shape[1]] = cup
        ghosts.append(ghost)
    return wall, face, ghosts


@pytest.fixture(scope="module")
def found(scene: tuple[np.ndarray, Detection, list[Detection]]) -> list[Reconstruction]:
    wall, face, ghosts = scene
    return Reconstructor(Silent(), detector=Finds(face, *ghosts)).reconstruct(wall)


def test_a_learner_that_knows_faces_forgets_the_others(scene: tuple[np.ndarray, Detection, list[Detection]]) -> None:
    wall, face, ghosts = scene
    (head,) = Reconstructor(detector=Finds(*ghosts, face)).reconstruct(wall)
    assert not head.doubtful
    assert head.confidence > 0.8


def test_ghosts_come_last_and_are_marked(found: list[Reconstruction]) -> None:
    assert [face.doubtful for face in found] == [False, True, True]
    assert [face.name for face in found] == ["face_0", "face_1", "face_2"]
    assert [face.to_json()["doubtful"] for face in found] == [False, True, True]
    assert found[0].confidence > 0.8


@pytest.mark.parametrize("most", [1, 2])
def test_the_most_wanted_faces_are_no_ghosts_as_long_as_there_are_faces(
    scene: tuple[np.ndarray, Detection, list[Detection]], most: int
) -> None:
    wall, face, ghosts = scene
    heads = Reconstructor(Silent(), detector=Finds(face, *ghosts)).reconstruct(wall, max_faces=most)
    assert [head.doubtful for head in heads] == [False, True][:most]


def test_faces_that_were_given_keep_their_order(scene: tuple[np.ndarray, Detection, list[Detection]]) -> None:
    wall, face, ghosts = scene
    heads = Reconstructor().reconstruct(wall, faces=[ghosts[0], face])
    assert [head.doubtful for head in heads] == [True, False]


def test_a_large_face_half_hidden_stays_first() -> None:
    """A score below that of smaller, clear faces is no doubt by itself."""
    demo = read_image(packaged("demo.jpg"))
    (face,) = FaceDetector().detect(demo)
    reconstructor = Reconstructor(detector=Finds(replace(face, score=0.55)))
    (head,) = reconstructor.reconstruct(demo)
    assert not head.doubtful


def test_without_an_uncertainty_the_distance_decides(found: list[Reconstruction]) -> None:
    sure = replace(found[0], uncertainty_mm=None)
    points = sure.landmarks2d
    keypoints = np.stack(
        [points[36:42].mean(0), points[42:48].mean(0), points[30], points[48:].mean(0)] + 2 * [points[0]]
    )
    there = Detection(np.array([0, 0, 100, 100], np.float32), keypoints.astype(np.float32), 0.6)
    assert distance(there, sure) == pytest.approx(0, abs=1e-4)
    assert not perhaps_no_face(there, sure)
    elsewhere = replace(there, keypoints=there.keypoints + np.float32([25, 0]))
    assert distance(elsewhere, sure) == pytest.approx(0.25)
    assert perhaps_no_face(elsewhere, sure)
    assert not perhaps_no_face(replace(elsewhere, score=0.85), sure)


def test_a_find_that_is_weak_has_to_be_a_surer_face(found: list[Reconstruction]) -> None:
    plain = Detection(np.array([0, 0, 100, 100], np.float32), np.zeros((6, 2), np.float32), SCORE_THRESHOLD)
    weak = replace(plain, score=SCORE_THRESHOLD - 0.01)
    assert [perhaps_no_face(plain, found[0], face) for face in (0.4, 0.6, 0.8)] == [True, False, False]
    assert [perhaps_no_face(weak, found[0], face) for face in (0.4, 0.6, 0.8)] == [True, True, False]


def test_the_overlay_says_so(found: list[Reconstruction]) -> None:
    face = found[0]
    assert face.photograph is not None
    parts = (face.photograph, face.morphable, face.texture())
    plain = draw_overlay(parts[0], face, *parts[1:])
    marked = draw_overlay(parts[0], replace(face, doubtful=True), *parts[1:])
    differs = (plain != marked).any(axis=(1, 2)), (plain != marked).any(axis=(0, 2))
    assert differs[0][:36].all()
    assert not differs[0][40:].any()
    assert not differs[1][481:].any()
