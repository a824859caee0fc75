"""One face through a clip: hidden, gone and back it stays one person; a stopped run goes on as if it had not been."""

from pathlib import Path

import numpy as np
import pytest
from made_up_clips import RATE, SEEN, comes_and_goes, moved, photograph

from unveil.photos.detect import FaceDetector
from unveil.reconstruct.pipeline import Reconstructor
from unveil.typing import Image
from unveil.video.clip import Frame
from unveil.video.follow import follow
from unveil.video.parts import ClipParts, FrameFaces
from unveil.video.tracker import Tracker


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor()


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return [Frame(k, k / RATE, image) for k, image in enumerate(comes_and_goes())]


@pytest.fixture(scope="module")
def followed(reconstructor: Reconstructor, frames: list[Frame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    list(follow(frames, Tracker(reconstructor), ClipParts(folder, reconstructor.encoder.layout)))
    return folder


def assert_same(found: list[FrameFaces], wanted: list[FrameFaces]) -> None:
    assert [frame.seconds for frame in found] == [frame.seconds for frame in wanted]
    assert [[*frame.faces] for frame in found] == [[*frame.faces] for frame in wanted]
    for one, other in zip(found, wanted, strict=True):
        for number, face in one.faces.items():
            np.testing.assert_array_equal(face.coefficients.values, other.faces[number].coefficients.values)
            np.testing.assert_array_equal(face.landmarks, other.faces[number].landmarks)


def test_who_is_hidden_or_away_stays_the_same_person(reconstructor: Reconstructor, followed: Path) -> None:
    found = list(ClipParts(followed, reconstructor.encoder.layout).read())
    assert [k for k, frame in enumerate(found) if frame.faces] == SEEN
    assert {number for frame in found for number in frame.faces} == {0}
    middles = [found[k].faces[0].landmarks.mean(axis=0)[0] for k in range(5)]
    np.testing.assert_allclose(np.diff(middles), 2, atol=1)


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    reconstructor: Reconstructor, frames: list[Frame], followed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = reconstructor.encoder.layout
    monkeypatch.setattr("unveil.video.parts.PART", 4)
    for frame in follow(frames, Tracker(reconstructor), ClipParts(tmp_path, layout)):
        if frame.seconds > 0.95:  # in the second part and a bit, which is lost
            break
    assert len(list(tmp_path.iterdir())) == 2
    rest = list(follow(frames, Tracker(reconstructor), ClipParts(tmp_path, layout)))
    assert_same(rest, list(ClipParts(followed, layout).read()))
    assert_same(list(ClipParts(tmp_path, layout).read()), rest)


def test_a_damaged_part_is_made_again(reconstructor: Reconstructor, followed: Path, tmp_path: Path) -> None:
    (part,) = followed.iterdir()
    (tmp_path / part.name).write_bytes(part.read_bytes()[:1000])
    assert not list(ClipParts(tmp_path, reconstructor.encoder.layout).read())


def test_two_people_have_two_numbers(reconstructor: Reconstructor) -> None:
    left, right = photograph(), np.ascontiguousarray(photograph()[:, ::-1])
    tracker = Tracker(reconstructor)
    for k in range(3):
        faces = tracker.track(np.hstack([np.roll(left, 3 * k, axis=1), right]), k / RATE)
        assert sorted(faces) == [0, 1]
        across = [faces[number].landmarks[:, 0].mean() for number in (0, 1)]
        assert (across[0] < 256) != (across[1] < 256)


def test_a_face_is_found_in_the_crop_in_which_it_is_followed(reconstructor: Reconstructor) -> None:
    tracker = Tracker(reconstructor)
    crops = [tracker.track(photograph(), k / RATE)[0].crop for k in range(2)]
    corners = [crop.to_image(np.array([[0, 0], [crop.size, crop.size]])) for crop in crops]
    assert np.abs(corners[1] - corners[0]).max() < 0.02 * np.ptp(corners[0][:, 0])


def test_most_frames_need_no_detector(reconstructor: Reconstructor, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []
    detect = FaceDetector.detect

    def noted(self: FaceDetector, image: Image, *, generous: bool = False) -> object:
        searched.append(image.shape)
        return detect(self, image, generous=generous)

    monkeypatch.setattr(FaceDetector, "detect", noted)
    tracker = Tracker(reconstructor)
    assert all(tracker.track(moved(k), k / 30).keys() == {0} for k in range(12))
    assert len(searched) == 1


def test_a_frame_that_cannot_be_used_ends_nothing(reconstructor: Reconstructor, tmp_path: Path) -> None:
    bad = np.zeros((0, 0, 3), np.uint8)
    frames = [Frame(k, k / RATE, image) for k, image in enumerate([moved(0), bad, moved(1)])]
    found = list(follow(frames, Tracker(reconstructor), ClipParts(tmp_path, reconstructor.encoder.layout)))
    assert [[*frame.faces] for frame in found] == [[0], [], [0]]
    assert [bool(frame.error) for frame in found] == [False, True, False]
