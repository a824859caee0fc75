"""From bad boxes to faces, with an encoder that sees where its crop is: the picture's colours are its coordinates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from constant_learner import fitting_coefficients

import unveil
from unveil.heads.layout import Coefficients
from unveil.models.encoder import Prediction
from unveil.models.second_look import SecondLook
from unveil.photos.crop import Crop
from unveil.photos.detect import FaceDetector
from unveil.photos.detection import Detection
from unveil.photos.framing import CANONICAL, Framing
from unveil.reconstruct.laid import laid_boxes
from unveil.reconstruct.pipeline import Reconstructor
from unveil.reconstruct.walk import NEAR_ENOUGH, FaceWalk, different_faces, still

SIDE = 250  # of the picture
MODEL = unveil.load_openhead()
FACE, OTHER = Crop.from_square((110, 120), 80, 64), Crop.from_square((200, 60), 50, 64)


def picture() -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.stack([x, y, np.full_like(x, 255)], axis=-1).astype(np.uint8)


class Seer:
    """Sees the nearest of its faces from anywhere, but underestimates how far off its crop is."""

    name, path, layout, input_size = "seer", Path("seer"), MODEL.layout, 64
    framing: Framing = CANONICAL
    vertex_scale, looks_twice = 1.0, False

    def __init__(self, *faces: Crop, certainty: float | None = 0.9, seen: float = 0.7) -> None:
        self.faces, self.certainty, self.seen = faces, certainty, seen
        self.says_face = certainty is not None
        self.asked: list[int] = []

    def predict(self, crops: np.ndarray) -> Prediction:
        self.asked.append(len(crops))
        values = np.stack([self._head(crop) for crop in crops])
        face = None if self.certainty is None else np.full(len(crops), self.certainty, np.float32)
        return Prediction(Coefficients(self.layout, values), face=face)

    def _head(self, pixels: np.ndarray) -> np.ndarray:
        """The head [M] of the nearest face as a crop shows it, moved towards the crop's own middle."""
        inside = np.argwhere(pixels[..., 2] > 250)[:, ::-1]
        where = pixels[inside[:, 1], inside[:, 0], :2].astype(float)
        to_crop, *_ = np.linalg.lstsq(np.column_stack([where, np.ones(len(where))]), inside.astype(float), rcond=None)
        crop = Crop(to_crop.T, 64)
        middles = [crop.to_crop(face.to_image([[32, 32]]))[0] for face in self.faces]
        nearest = int(np.argmin([np.linalg.norm(middle - 32) for middle in middles]))
        back = np.linalg.inv(np.vstack([self.faces[nearest].matrix, [0, 0, 1]]))
        move = (np.vstack([crop.matrix, [0, 0, 1]]) @ back)[:2]
        move[:, 2] -= (1 - self.seen) * (middles[nearest] - 32)
        fitting = Coefficients(self.layout, fitting_coefficients(MODEL)[None])
        return np.asarray(MODEL.moved(fitting, move[None], 64, 64).values[0], np.float32)


def box(centre: tuple[float, float], side: float, score: float = 0.9) -> Detection:
    x, y = centre
    corners = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2], np.float32)
    return Detection(corners, score=score)


def off(crop: Crop, face: Crop) -> float:
    """How far a crop is from the one that fits, in its sides."""
    corners = np.array([[0, 0], [64, 64]])
    return float(np.abs(crop.to_crop(face.to_image(corners)) - corners).max()) / 64


@pytest.mark.parametrize(
    ("centre", "side"), [((110, 110), 58), ((85, 100), 58), ((130, 140), 58), ((110, 115), 90), ((118, 112), 40)]
)
def test_bad_boxes_lead_to_the_face(centre: tuple[float, float], side: float) -> None:
    (framed,) = FaceWalk(Seer(FACE), MODEL).frame(picture(), [box(centre, side)])
    assert framed.agrees
    assert off(framed.crop, FACE) < 0.08
    (once,) = FaceWalk(Seer(FACE, certainty=None), MODEL).frame(picture(), [box(centre, side)])
    assert off(framed.crop, FACE) <= off(once.crop, FACE) + 0.01


def test_a_walk_ends_where_it_no_longer_moves() -> None:
    seer = Seer(FACE, seen=1.0)
    walk = FaceWalk(seer, MODEL)
    (framed,) = walk.frame(picture(), [box((110, 110), 58)])
    good = Detection.of_landmarks(framed.landmarks, 0.9)
    seer.asked.clear()
    walk.frame(picture(), [good, box((90, 110), 45)])
    assert seer.asked == [2, 1]  # the first of two stays after one step
    np.testing.assert_allclose(CANONICAL.of_detection(good, 64).matrix, framed.crop.matrix, atol=1e-3)


def test_what_is_near_enough_is_not_looked_at_again() -> None:
    seer = Seer(FACE, OTHER, seen=1.0)
    walk = FaceWalk(seer, MODEL)
    picture_of_two = picture()
    (good,) = walk.frame(picture_of_two, [box((110, 110), 58)])
    near, far = Detection.of_landmarks(good.landmarks, 0.9), box((195, 55), 40, 0.8)
    framed = walk.frame(picture_of_two, [near, far])
    framed[1] = replace(framed[1], look=None)  # as if the last step had led it far
    assert framed[0].look is not None
    assert still(framed[0].shown, framed[0].crop, NEAR_ENOUGH)
    seer.asked.clear()
    said = walk.predict(picture_of_two, framed)
    assert seer.asked == [1]
    for k, one in enumerate(framed):
        alone = seer.predict(one.shown.warp(picture_of_two)[None])
        np.testing.assert_allclose(said.take([k]).coefficients.values, alone.coefficients.values, rtol=1e-6)


def test_a_network_that_knows_mirror_images_looks_twice_at_last() -> None:
    class Twice(Seer):
        looks_twice = True

    seer = Twice(FACE, seen=1.0)
    walk, once = FaceWalk(seer, MODEL), FaceWalk(seer, MODEL, once=True)
    framed = walk.frame(picture(), [box((110, 110), 58)])
    assert framed[0].look is not None
    seer.asked.clear()
    both = walk.predict(picture(), framed)
    assert seer.asked == [1]  # about the mirror image alone
    (shown,) = (one.shown.warp(picture()) for one in framed)
    expected = SecondLook(seer, MODEL).predict(shown[None])
    np.testing.assert_allclose(both.coefficients.values, expected.coefficients.values, rtol=1e-5, atol=1e-6)
    alone = once.predict(picture(), framed)
    np.testing.assert_array_equal(alone.coefficients.values, framed[0].look.said.coefficients.values)


def test_what_is_surely_no_face_is_not_looked_at_again() -> None:
    seer = Seer(FACE, certainty=0.001)
    (framed,) = FaceWalk(seer, MODEL).frame(picture(), [box((90, 110), 45)])
    assert seer.asked == [1]
    assert framed.face == pytest.approx(0.001)
    assert different_faces([framed]) == []


def test_the_crop_turns_with_the_head() -> None:
    turned = FACE.turned(60, (110, 120))
    (framed,) = FaceWalk(Seer(turned), MODEL).frame(picture(), [box((115, 115), 60)])
    assert framed.crop.roll == pytest.approx(60, abs=4)
    assert off(framed.crop, turned) < 0.15


def test_finds_that_lead_to_one_face_are_one() -> None:
    finds = [box((108, 115), 60, 0.5), box((125, 130), 50, 0.4), box((195, 55), 30, 0.6), box((112, 116), 58, 0.9)]
    faces = different_faces(FaceWalk(Seer(FACE, OTHER), MODEL).frame(picture(), finds))
    assert [face.found.score for face in faces] == [0.6, 0.9]


def test_the_box_is_that_of_the_face_where_the_find_was_elsewhere() -> None:
    good, bad = box((110, 112), 60), box((135, 140), 40)
    first, second = FaceWalk(Seer(FACE), MODEL).frame(picture(), [good, bad])
    assert first.found is good
    assert np.linalg.norm(second.found.centre - good.centre) < 12


def test_where_landmarks_cannot_be_right_no_step_is_taken() -> None:
    class Wild(Seer):
        def _head(self, pixels: np.ndarray) -> np.ndarray:
            return np.full(self.layout.size, 1e30, np.float32)

    for certainty in (None, 0.9):
        (framed,) = FaceWalk(Wild(FACE, certainty=certainty), MODEL).frame(picture(), [box((110, 110), 58)])
        assert not framed.agrees
        np.testing.assert_array_equal(framed.crop.matrix, CANONICAL.of_detection(box((110, 110), 58), 64).matrix)
        assert different_faces([framed]) == [framed]


def test_nothing_to_frame_asks_nothing() -> None:
    seer = Seer(FACE)
    assert FaceWalk(seer, MODEL).frame(picture(), []) == []
    assert seer.asked == []


class Finds(FaceDetector):
    """Finds what it was told to, half of it only where it is to be generous."""

    def __init__(self, *faces: Detection) -> None:
        super().__init__()
        self.faces = list(faces)

    def detect(self, image: object, *, generous: bool = False) -> list[Detection]:
        return self.faces if generous else self.faces[: len(self.faces) // 2]


FINDS = Finds(box((110, 112), 58), box((195, 55), 36))


@pytest.mark.parametrize(
    ("certainty", "doubtful"), [(0.9, [False, False]), (0.3, [True, True]), (0.01, []), (None, [False])]
)
def test_the_face_score_decides(certainty: float | None, doubtful: list[bool]) -> None:
    """Without one, the detector alone decides, and is not generous."""
    reconstructor = Reconstructor(Seer(FACE, OTHER, certainty=certainty), detector=FINDS)
    assert [face.doubtful for face in reconstructor.reconstruct(picture())] == doubtful


@pytest.mark.parametrize(
    ("certainty", "doubtful"), [(0.9, [False]), (0.6, [True]), (0.3, [True]), (0.1, []), (None, [])]
)
def test_a_face_that_the_detector_does_not_find_is_found(certainty: float | None, doubtful: list[bool]) -> None:
    heads = Reconstructor(Seer(FACE, certainty=certainty), detector=Finds()).reconstruct(picture())
    assert [head.doubtful for head in heads] == doubtful
    for head in heads:
        assert np.linalg.norm(head.landmarks2d.mean(axis=0) - (110, 120)) < 15
        assert head.confidence == 0


def test_the_whole_picture_is_searched_only_where_nothing_is_surely_a_face() -> None:
    seer = Seer(FACE, OTHER)
    (head,) = Reconstructor(seer, detector=Finds(FINDS.faces[0], FINDS.faces[0])).reconstruct(picture())
    assert sum(seer.asked) < len(laid_boxes((SIDE, SIDE)))
    assert head.confidence == pytest.approx(FINDS.faces[0].score)


@pytest.mark.parametrize("shape", [(250, 250, 3), (480, 640), (900, 300)])
def test_boxes_that_are_laid_are_near_every_face(shape: tuple[int, ...]) -> None:
    boxes = laid_boxes(shape)
    rng = np.random.default_rng(3)
    for size in (0.45, 0.75):
        side = size * min(shape[:2])
        for centre in side / 2 + rng.random((50, 2)) * (np.array(shape[1::-1]) - side):
            nearest = min(boxes, key=lambda box: np.abs(box.centre - centre).max() + abs(box.size - side))
            assert nearest.size == pytest.approx(side, rel=1e-4)
            assert np.abs(nearest.centre - centre).max() < 0.34 * side + 1


def test_a_strip_of_a_picture_is_not_searched() -> None:
    assert laid_boxes((40, 20_000, 3)) == []


@pytest.mark.parametrize("side", [1, 2, 19])
def test_a_picture_smaller_than_a_face_shows_none(side: int) -> None:
    """Of one pixel there is nothing to cut a face out of, and that would be an error."""
    image = np.full((side, side, 3), 128, np.uint8)
    assert Reconstructor(Seer(FACE), detector=Finds()).reconstruct(image) == []


def test_faces_that_are_given_are_kept() -> None:
    reconstructor = Reconstructor(Seer(FACE, certainty=0.01), detector=FINDS)
    heads = reconstructor.reconstruct(picture(), faces=[box((112, 112), 58), box((110, 110), 58)])
    assert [head.doubtful for head in heads] == [True, True]


def test_boxes_of_others_are_given_as_detections() -> None:
    reconstructor = Reconstructor(Seer(FACE), detector=FINDS)
    corners = box((112, 112), 58).box_ltrb
    (bare,) = reconstructor.reconstruct(picture(), faces=[Detection(corners)])
    (listed,) = reconstructor.reconstruct(picture(), faces=[Detection(corners.tolist())])  # type: ignore[arg-type]
    np.testing.assert_array_equal(bare.vertices, listed.vertices)
    (scored,) = reconstructor.reconstruct(picture(), faces=[box((112, 112), 58)])
    np.testing.assert_array_equal(bare.vertices, scored.vertices)
    with pytest.raises(TypeError, match=r"faces are Detections, such as .*, not tuple"):
        reconstructor.reconstruct(picture(), faces=[tuple(corners)])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"faces are a list of Detections: give faces=\[face\]"):
        reconstructor.reconstruct(picture(), faces=Detection(corners))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"box_ltrb of a Detection has the shape \[4\], not \[3\]"):
        Detection(corners[:3])


def test_the_most_wanted_come_first() -> None:
    reconstructor = Reconstructor(Seer(FACE, OTHER), detector=FINDS)
    (head,) = reconstructor.reconstruct(picture(), max_faces=1)
    assert np.linalg.norm(head.landmarks2d.mean(axis=0) - (110, 120)) < 15


def test_a_crop_that_hardly_moves_is_still() -> None:
    assert still(FACE, FACE)
    assert still(FACE, Crop.from_square((111, 120), 81, 64))
    assert not still(FACE, Crop.from_square((115, 120), 80, 64))
    assert not still(FACE, FACE.turned(10, (110, 120)))


def test_rows_of_a_prediction_are_of_the_crops_they_were() -> None:
    seer = Seer(FACE, OTHER)
    walk_crops = np.stack([FACE.warp(picture()), OTHER.warp(picture())])
    said = replace(seer.predict(walk_crops), occlusion=np.arange(2.0)[:, None, None] * np.ones((2, 28, 28)))
    (one,) = said.take([1]).coefficients.values
    np.testing.assert_array_equal(one, said.coefficients.values[1])
    assert said.take([1]).occlusion is not None
    assert float(said.take([1]).occlusion.mean()) == 1
    assert said.take([]).face.shape == (0,)
    assert said.take([0]).deviations is None
