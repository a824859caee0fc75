"""The packaged detector on real photographs, and the arithmetic between the network and a face."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import onnxruntime
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from unveil.assets.store import packaged
from unveil.photos import blazeface, detect, detection, io, pyramid
from unveil.photos.detect import FaceDetector
from unveil.photos.detection import Detection

ASTRONAUT_EYES = np.array([[202.0, 101.0], [246.0, 104.0]])  # the subject's right and left, placed by eye
ASTRONAUT_NOSE = np.array([223.0, 126.0])

# Of Google's TFLite file, run by LiteRT 2.3.0: the surest anchor of either grid, its logit and its 16 numbers.
REFERENCE = [
    (239, 0.8099, [5.532, 2.446, 52.103, 52.103, -6.186, -10.197, 16.301, -8.173,
                   3.395, 3.272, 2.702, 13.837, -17.924, -7.190, 29.223, -2.828]),
    (680, 2.8098, [-7.088, 6.388, 51.167, 51.157, -18.707, -5.237, 2.718, -3.835,
                   -9.867, 8.804, -9.809, 18.523, -29.109, -1.636, 15.576, 0.800]),
]  # fmt: skip


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(packaged("blazeface.onnx"))


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="module")
def portrait(astronaut: np.ndarray) -> np.ndarray:
    """Head and collar, 230 x 200, the face about 98 pixels wide."""
    return np.ascontiguousarray(astronaut[0:230, 125:325])


def only(faces: list[Detection]) -> Detection:
    assert len(faces) == 1
    return faces[0]


def test_the_face_of_a_photograph(detector: FaceDetector, astronaut: np.ndarray) -> None:
    face = only(detector.detect(astronaut))
    np.testing.assert_allclose(face.keypoints[:2], ASTRONAUT_EYES, atol=5)
    np.testing.assert_allclose(face.keypoints[2], ASTRONAUT_NOSE, atol=6)
    left, top, right, bottom = face.box_ltrb
    assert (face.keypoints[:4] > [left, top]).all()
    assert (face.keypoints[:4] < [right, bottom]).all()
    assert 80 < face.size < 120
    assert face.score > 0.8


def test_the_demo_photograph(detector: FaceDetector) -> None:
    photo = packaged("demo.jpg")
    assert len(detector.detect(io.read_image(photo))) == 1


def test_the_network_answers_as_the_original_does(astronaut: np.ndarray) -> None:
    network = onnxruntime.InferenceSession(packaged("blazeface.onnx"))
    image = np.ascontiguousarray(astronaut[0:256:2, 96:352:2])
    boxes, logits = network.run(None, {"images": image[None]})
    assert boxes.shape == (1, 896, 16)
    for anchor, logit, box in REFERENCE:
        assert logits[0, anchor] == pytest.approx(logit, abs=2e-3)
        np.testing.assert_allclose(boxes[0, anchor], box, atol=2e-3)


@pytest.mark.parametrize("scale", [0.4, 0.75, 2.0, 4.0])
def test_boxes_grow_with_the_photograph(detector: FaceDetector, astronaut: np.ndarray, scale: float) -> None:
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=interpolation)
    face = only(detector.detect(scaled))
    np.testing.assert_allclose((face.keypoints[:2] + 0.5) / scale - 0.5, ASTRONAUT_EYES, atol=6)


def test_a_mirrored_photograph_swaps_the_eyes(detector: FaceDetector, astronaut: np.ndarray) -> None:
    face = only(detector.detect(np.ascontiguousarray(astronaut[:, ::-1])))
    mirrored = np.array([511, 0]) + [-1, 1] * ASTRONAUT_EYES
    np.testing.assert_allclose(face.keypoints[:2], mirrored[::-1], atol=5)


@pytest.mark.parametrize("degrees", [-60, -40, -20, 20, 40, 60])
def test_a_tilted_head(detector: FaceDetector, astronaut: np.ndarray, degrees: float) -> None:
    turn = cv2.getRotationMatrix2D((255.5, 255.5), degrees, 1.0)
    face = only(detector.detect(np.asarray(cv2.warpAffine(astronaut, turn, (512, 512)), np.uint8)))
    eyes = ASTRONAUT_EYES @ turn[:, :2].T + turn[:, 2]
    np.testing.assert_allclose(face.keypoints[:2], eyes, atol=9)


def turned(image: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """A square photograph turned clockwise about its middle on a mirrored ground, and the way there [2, 3]."""
    middle = (image.shape[0] - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), -degrees, 1.0)
    size = image.shape[1::-1]
    return np.asarray(cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REFLECT), np.uint8), turn


@pytest.mark.parametrize("degrees", [-90, -60, 45, 90, 120, 150, 180, 215, 250])
def test_a_face_that_lies_or_stands_on_its_head(detector: FaceDetector, astronaut: np.ndarray, degrees: float) -> None:
    image, turn = turned(astronaut[:256, 96:352], degrees)
    eyes = (ASTRONAUT_EYES - [96, 0]) @ turn[:, :2].T + turn[:, 2]
    face = max(detector.detect(image), key=lambda face: face.score)
    assert face.score > 0.8
    assert not face.upright
    assert (face.roll - degrees + 180) % 360 - 180 == pytest.approx(0, abs=10)
    np.testing.assert_allclose(face.keypoints[:2], eyes, atol=9)
    np.testing.assert_allclose(face.centre, face.keypoints[:4].mean(axis=0), atol=0.3 * face.size)


def test_lying_and_standing_faces_of_one_photograph(detector: FaceDetector, portrait: np.ndarray) -> None:
    wall = cv2.resize(np.repeat(skimage.data.brick()[..., None], 3, axis=2), (1000, 400))
    square = portrait[:200]
    for k in range(4):
        wall[100:300, 20 + 240 * k : 220 + 240 * k] = np.rot90(square, -k)
    faces = sorted(detector.detect(wall), key=lambda face: face.centre[0])
    assert [round(face.roll / 90) % 4 for face in faces] == [0, 1, 2, 3]


def test_a_face_looked_at_twice_is_one() -> None:
    points = np.array([[30, 40], [70, 40], [50, 60], [50, 80], [20, 45], [80, 45]], np.float32)
    upright = Detection(np.array([0, 0, 100, 100], np.float32), points, 0.6)
    lying = Detection(np.array([10, 0, 110, 100], np.float32), points[:, ::-1].copy(), 0.9)
    elsewhere = Detection(np.array([300, 0, 400, 100], np.float32), points + np.float32([300, 0]), 0.7)
    assert detection.distinct([upright, lying, elsewhere]) == [lying, elsewhere]


def test_a_face_whose_keypoints_are_not_known_counts_as_upright() -> None:
    assert Detection(np.array([0, 0, 9, 9], np.float32), np.full((6, 2), np.nan, np.float32), 1.0).upright


def test_every_face_of_a_large_photograph_once(detector: FaceDetector, portrait: np.ndarray) -> None:
    """Portraits of 50 to 400 pixels' face side on a wall, one of them leaving the picture."""
    wall = cv2.resize(np.repeat(skimage.data.brick()[..., None], 3, axis=2), (1600, 1200))
    places = [(40, 30, 4.0), (1000, 60, 1.0), (1300, 500, 0.7), (900, 700, 2.0), (1450, 20, 0.5), (1480, 950, 1.0)]
    for x, y, scale in places:
        small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        wall[y : y + small.shape[0], x : x + small.shape[1]] = small[: 1200 - y, : 1600 - x]
    faces = detector.detect(wall)
    assert len(faces) == len(places)
    sizes = [face.size for face in faces]
    assert sizes == sorted(sizes, reverse=True)
    noses = np.array([face.keypoints[2] for face in faces])
    for x, y, scale in places:
        expected = (ASTRONAUT_NOSE - [125, 0]) * scale + [x, y]
        assert np.linalg.norm(noses - expected, axis=1).min() < 12 * scale


def test_a_portrait_is_not_searched_for_small_faces(monkeypatch: pytest.MonkeyPatch, portrait: np.ndarray) -> None:
    """But where a face half as large is found, faces a third as large as that are searched for as well."""
    searched: list[int] = []
    search = FaceDetector._search

    def noted(self: FaceDetector, level: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        searched.append(max(level.shape[:2]))
        return search(self, level, shape)

    monkeypatch.setattr(FaceDetector, "_search", noted)
    wall = cv2.resize(np.repeat(skimage.data.brick()[..., None], 3, axis=2), (1600, 1200))
    wall[30:950, 40:840] = cv2.resize(portrait, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    only(FaceDetector().detect(wall))
    assert sorted(searched) == [64, 128, 256]
    wall[500:960, 1000:1400] = cv2.resize(portrait, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert len(FaceDetector().detect(wall)) == 2
    assert sorted(searched[3:]) == [64, 128, 256, 512]


def test_a_second_core_finds_the_same_faces(
    monkeypatch: pytest.MonkeyPatch, detector: FaceDetector, astronaut: np.ndarray, portrait: np.ndarray
) -> None:
    """It begins with a level that small photographs do not have, and that large faces do not need."""
    monkeypatch.setattr("unveil.processes.core_count", lambda: 2)
    levels = [len(list(pyramid.levels_of(image, detect.SMALLEST_FACE))) for image in (portrait, astronaut)]
    assert levels[0] <= detect.AHEAD < levels[1]
    for image in (portrait, astronaut, cv2.resize(portrait, None, fx=4, fy=4)):
        found = []
        for threads in ("1", "2"):
            monkeypatch.setenv("OMP_NUM_THREADS", threads)
            face = only(detector.detect(image))
            found.append((*face.box_ltrb, face.score))
        assert found[0] == found[1]


def test_a_find_of_which_two_scales_are_certain_is_not_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, detector: FaceDetector, astronaut: np.ndarray
) -> None:
    looked_at = []
    look_again = FaceDetector._look_again
    monkeypatch.setattr(FaceDetector, "_look_again", lambda *find: looked_at.append(find) or look_again(*find))
    portrait = only(detector.detect(astronaut))
    assert portrait.score > detect.CERTAIN
    assert not looked_at
    covered = astronaut.copy()
    covered[130:180, 170:280] = [90, 140, 200]
    hidden = only(detector.detect(covered))
    assert looked_at
    assert hidden.score < portrait.score


@pytest.mark.parametrize("cut", ["left", "top", "bottom"])
def test_a_face_cut_by_the_border(detector: FaceDetector, astronaut: np.ndarray, cut: str) -> None:
    parts = {"left": astronaut[:, 195:], "top": astronaut[95:], "bottom": astronaut[:145]}
    face = only(detector.detect(np.ascontiguousarray(parts[cut])))
    assert 70 < face.size < 130


def test_a_face_that_fills_the_picture(detector: FaceDetector, astronaut: np.ndarray) -> None:
    assert only(detector.detect(np.ascontiguousarray(astronaut[75:180, 175:275]))).size > 70


@pytest.mark.parametrize("hidden", ["mouth", "eyes"])
def test_a_covered_face(detector: FaceDetector, astronaut: np.ndarray, hidden: str) -> None:
    covered = astronaut.copy()
    rows = slice(130, 180) if hidden == "mouth" else slice(98, 120)
    covered[rows, 170:280] = [90, 140, 200]
    face = only(detector.detect(covered))
    np.testing.assert_allclose(face.box_ltrb, only(detector.detect(astronaut)).box_ltrb, atol=20)


def test_a_generous_search_gives_more(detector: FaceDetector, astronaut: np.ndarray) -> None:
    """All that the strict one gives, the same; and a face that is too small to be so well hidden."""
    hidden = np.full((1600, 1600, 3), 120, np.uint8)
    hidden[:512, :512] = astronaut
    hidden[60:141, 170:280] = [90, 140, 200]
    for image in (astronaut, hidden):
        strict, generous = detector.detect(image), detector.detect(image, generous=True)
        assert {repr(face) for face in strict} <= {repr(face) for face in generous}
        assert all(face.score > detect.GENEROUS for face in generous)
        sizes = [face.size for face in generous]
        assert sizes == sorted(sizes, reverse=True)
    assert detector.detect(hidden) == []
    assert any(np.linalg.norm(face.centre - (225, 125)) < 30 for face in detector.detect(hidden, generous=True))


@pytest.mark.parametrize("name", ["coffee", "rocket", "brick", "grass", "gravel", "page", "text", "coins"])
def test_no_face(detector: FaceDetector, name: str) -> None:
    image = np.asarray(getattr(skimage.data, name)())
    image = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    assert detector.detect(np.ascontiguousarray(image[..., :3])) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (7, 5), (640, 480)])
def test_pictures_of_any_shape(detector: FaceDetector, shape: tuple[int, int]) -> None:
    assert detector.detect(np.full((*shape, 3), 128, np.uint8)) == []


def test_finer_search_on_request(detector: FaceDetector, portrait: np.ndarray) -> None:
    """A face of 17 pixels in a photograph of 800 is found only by asking for such small ones."""
    wall = cv2.resize(np.repeat(skimage.data.brick()[..., None], 3, axis=2), (800, 600))
    small = cv2.resize(portrait, None, fx=0.17, fy=0.17, interpolation=cv2.INTER_AREA)
    wall[300 : 300 + small.shape[0], 400 : 400 + small.shape[1]] = small
    assert detector.detect(wall) == []
    assert 12 < only(FaceDetector(packaged("blazeface.onnx"), smallest_face=16).detect(wall)).size < 22


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (3840, 2160), (6000, 4000)])
def test_a_face_of_45_pixels_in_a_large_photograph(
    detector: FaceDetector, astronaut: np.ndarray, width: int, height: int
) -> None:
    wall = cv2.resize(np.repeat(skimage.data.brick()[..., None], 3, axis=2), (width, height))
    small = cv2.resize(astronaut, None, fx=0.46, fy=0.46, interpolation=cv2.INTER_AREA)
    wall[300 : 300 + small.shape[0], 400 : 400 + small.shape[1]] = small
    face = only(detector.detect(wall))
    assert 38 < face.size < 52
    np.testing.assert_allclose((face.keypoints[2] - [400, 300]) / 0.46, ASTRONAUT_NOSE, atol=12)


def test_a_small_face_in_a_panorama(detector: FaceDetector, astronaut: np.ndarray) -> None:
    wall = cv2.resize(np.repeat(skimage.data.brick()[..., None], 3, axis=2), (4000, 300))
    small = cv2.resize(astronaut[:256], None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    wall[100 : 100 + small.shape[0], 1800 : 1800 + small.shape[1]] = small
    assert 50 < only(detector.detect(wall)).size < 70


def test_a_file_and_its_bytes_give_the_same_detector(astronaut: np.ndarray) -> None:
    path = packaged("blazeface.onnx")
    from_file, from_bytes = (only(FaceDetector(model).detect(astronaut)) for model in (path, path.read_bytes()))
    np.testing.assert_array_equal(from_file.box_ltrb, from_bytes.box_ltrb)


@pytest.mark.parametrize("shape", [(416, 1024), (1024, 416), (800, 800)])
def test_strips_answer_as_the_whole_does(
    monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray, shape: tuple[int, int]
) -> None:
    monkeypatch.setattr(blazeface, "STRIP_PIXELS", 2**17)
    network = blazeface.BlazeFace(packaged("blazeface.onnx"))
    image = np.ascontiguousarray(np.tile(astronaut[::4, ::4], (9, 9, 1))[: shape[0], : shape[1]])
    strips = list(network.in_strips(image, 0.4))
    points, scores = (np.concatenate(parts) for parts in zip(*strips, strict=True))
    whole_points, whole_scores = (answer[0] for answer in network(image[None]))
    assert len(strips) > 2
    for found, score in zip(whole_points[whole_scores > 0.5], whole_scores[whole_scores > 0.5], strict=True):
        (same,) = np.flatnonzero(np.abs(points - found).max(axis=(1, 2)) < 0.05)  # once
        assert scores[same] == pytest.approx(score, abs=1e-3)


def test_anchors_of_the_original_size() -> None:
    centres = blazeface.anchors(128, 128)
    assert centres.shape == (896, 2)
    assert centres[[0, 1, 2, 32, 511, 512, 517, 518, 895]].tolist() == [
        [4, 4], [4, 4], [12, 4], [4, 12], [124, 124], [8, 8], [8, 8], [24, 8], [120, 120],
    ]  # fmt: skip


@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(10, 200))
def test_pyramid_keeps_the_aspect_and_halves(height: int, width: int, smallest_face: float) -> None:
    levels = list(pyramid.levels_of(np.zeros((height, width, 3), np.uint8), smallest_face))
    sides = [max(level.shape[:2]) for level in levels]
    assert sides[-2:] == [128, 64]
    assert all(finer == 2 * coarser for finer, coarser in itertools.pairwise(sides))
    for level in levels:
        ratio = max(level.shape[:2]) / max(height, width)
        assert abs(level.shape[0] - height * ratio) <= 1
        assert abs(level.shape[1] - width * ratio) <= 1
        padded = pyramid.pad_to_grid(level)
        assert padded.shape[0] % 16 == padded.shape[1] % 16 == 0
        assert padded.shape[0] >= level.shape[0] + 2 * pyramid.MARGIN


def candidates(*corners: tuple[float, float, float, float]) -> np.ndarray:
    """Boxes [N, 8, 2] whose keypoints all lie in the centre."""
    boxes = np.array(corners, np.float32).reshape(-1, 2, 2)
    return np.concatenate([boxes, np.repeat(boxes.mean(axis=1, keepdims=True), 6, axis=1)], axis=1)


def merged(points: np.ndarray, scores: list[float]) -> list[tuple[np.ndarray, float]]:
    """The candidates may come in any portions."""
    values = np.array(scores, np.float32)
    return list(detection.merge([(points[:1], values[:1]), (points[1:], values[1:])]))


def test_answers_about_one_face_are_averaged_by_score() -> None:
    faces = merged(candidates((0, 0, 10, 10), (3, 0, 13, 10), (50, 50, 60, 60)), [0.9, 0.6, 0.7])
    assert [score for _, score in faces] == pytest.approx([0.9, 0.7])
    np.testing.assert_allclose(faces[0][0][:2], [[1.2, 0], [11.2, 10]], rtol=1e-6)


def test_a_part_of_a_face_is_no_face_of_its_own() -> None:
    faces = merged(candidates((0, 0, 10, 10), (5, 1, 10.5, 6.5), (9, 0, 19, 10)), [0.9, 0.8, 0.7])
    assert [face[:2].ravel().tolist() for face, _ in faces] == [[0, 0, 10, 10], [9, 0, 19, 10]]


def test_the_order_of_the_answers_does_not_matter() -> None:
    points, scores = candidates((9, 0, 19, 10), (0, 0, 10, 10), (3, 0, 13, 10)), [0.7, 0.9, 0.6]
    forwards, backwards = merged(points, scores), merged(points[::-1], scores[::-1])
    for (face, score), (other, other_score) in zip(forwards, backwards, strict=True):
        np.testing.assert_allclose(face, other, rtol=1e-6)
        assert score == other_score


def test_nothing_merges_to_nothing() -> None:
    assert list(detection.merge([])) == []
    assert merged(np.zeros((0, 8, 2), np.float32), []) == []


def test_too_small_faces_are_not_promised() -> None:
    with pytest.raises(ValueError, match="at least 8"):
        FaceDetector(packaged("blazeface.onnx"), smallest_face=1)


def test_small_faces_must_be_surer() -> None:
    assert detect.required_score(0.9) == detect.required_score(0.2) == 0.5
    assert detect.required_score(0.1) == pytest.approx(0.6)
    assert detect.required_score(0.05, 0.4) == pytest.approx(0.6)
    assert detect.required_score(0.001) == pytest.approx(0.85)
    assert detect.required_score(0.001, 0.9) == pytest.approx(0.9)


@pytest.mark.parametrize("degrees", [0, 40, 80])
def test_eyes_that_stand_nearer_together_say_how_far_a_face_is_turned(degrees: float) -> None:
    half = 21 * np.cos(np.radians(degrees))
    points = np.array([[50 - half, 33], [50 + half, 33], [50, 58], [50, 76], [10, 40], [90, 40]], np.float32)
    found = Detection(np.array([0, 0, 100, 100], np.float32), points, 0.9)
    np.testing.assert_allclose(found.turn, degrees, atol=0.1)
    unknown = Detection(found.box_ltrb, np.full((6, 2), np.nan, np.float32), 1.0)
    assert unknown.turn == 0
