from collections.abc import Callable
from pathlib import Path

import made_up
import numpy as np
import pytest
from cli_answer import Answer

from unveil.errors import UnveilError
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.evaluation.landmarks.scores import doubts, point_errors, score, table


def truth(count: int = 3) -> np.ndarray:
    """Faces whose landmark box is 40 by 90 pixels: the square root of its area is 60."""
    points = np.random.default_rng(0).uniform(0.1, 0.9, (count, 68, 2))
    points[:, 0], points[:, 1] = 0, 1
    return points * (40, 90) + (20, 10)


def test_errors_are_normalised_by_the_root_of_the_box() -> None:
    errors = point_errors(truth() + np.array([3, 4]), truth())
    assert errors.shape == (3, 68)
    np.testing.assert_allclose(errors, 100 * 5 / 60)


def test_score_matches_by_name_and_counts_what_is_missing() -> None:
    true = LandmarkFile(("a", "b", "c"), truth())
    predicted = truth()[[2, 0]] + 0.0
    predicted[0] += (6, 0)  # c
    predicted[1, :17] += (0, 12)  # a, the jaw only
    result = score(LandmarkFile(("c", "a"), predicted), true)
    assert (result.count, result.missing) == (2, 1)
    assert result.mean == pytest.approx((10 + 20 * 17 / 68) / 2)
    assert result.parts["jaw"] == pytest.approx((10 + 20) / 2)
    assert result.parts["left_eye"] == pytest.approx(5)
    assert "| method | 2 | 1 | 7.50 |" in table({"method": result})


def test_a_shift_that_all_images_have_in_common_is_left_out() -> None:
    predicted = truth() + np.array([3, 4])
    predicted[1] += (6, 0)  # of one face of three: no common shift
    result = score(LandmarkFile(("a", "b", "c"), predicted), LandmarkFile(("a", "b", "c"), truth()))
    assert result.mean == pytest.approx(100 * (5 + np.hypot(9, 4) + 5) / 3 / 60)
    assert result.unshifted == pytest.approx(100 * 6 / 3 / 60)


def test_frames_without_a_face_are_missing() -> None:
    predicted = truth()
    predicted[1] = np.nan
    result = score(LandmarkFile(("a", "b", "c"), predicted), LandmarkFile(("a", "b", "c"), truth()))
    assert (result.count, result.missing, result.mean) == (2, 1, 0)


def test_files_round_trip(tmp_path: Path) -> None:
    LandmarkFile(("a", "b", "c"), truth()).save(tmp_path / "p.npz")
    loaded = LandmarkFile.load(tmp_path / "p.npz")
    assert loaded.names == ("a", "b", "c")
    np.testing.assert_allclose(loaded.landmarks2d, truth(), rtol=1e-6)


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="no image of the truth"):
        score(LandmarkFile(("x",), truth(1)), LandmarkFile(("a",), truth(1)))
    with pytest.raises(UnveilError, match="twice"):
        LandmarkFile(("a", "a"), truth(2))
    with pytest.raises(UnveilError, match="shape"):
        LandmarkFile(("a", "b"), truth(3))
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(UnveilError, match=r"bad\.npz"):
        LandmarkFile.load(tmp_path / "bad.npz")
    np.savez(tmp_path / "other.npz", names=np.array(["a"]))
    with pytest.raises(UnveilError, match=r"other\.npz"):
        LandmarkFile.load(tmp_path / "other.npz")


def test_landmarks_that_name_no_pictures_need_these(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "annotation.npy", truth())
    call = ("evaluate", "landmarks", tmp_path, "--annotation", tmp_path / "annotation.npy", "-o", tmp_path / "scores")
    answer = Answer(capsys, *call)
    assert answer.status == 2
    assert "annotation.npy does not name its pictures: give these, too, with --truth" in answer.err


def faces(count: int = 12) -> np.ndarray:
    """The same face here and there, 100 pixels large."""
    rng = np.random.default_rng(1)
    return rng.uniform(0, 100, (68, 2)) + rng.uniform(200, 900, (count, 1, 2))


NAMES = tuple("abcdefghijkl")


def predicted(change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Predictions some pixels off, changed."""
    return change(faces() + np.random.default_rng(2).normal(0, 2, (12, 68, 2)))


def shuffled(points: np.ndarray) -> np.ndarray:
    return np.asarray(points[:, np.random.default_rng(3).permutation(68)])


def part(points: np.ndarray) -> np.ndarray:
    points[3, 5] = np.nan
    return points


def put(points: np.ndarray, at: tuple[object, ...], value: object) -> np.ndarray:
    points[at] = value
    return points


PREDICTIONS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "fractions": (lambda p: p / 1000, "as fractions of a picture do"),
    "fractions but for one point": (lambda p: put(p / 1000, (0, 0), 500), "as fractions of a picture do"),
    "rows before columns": (lambda p: p[..., ::-1] + [3000, 0], "0.0 % of the landmarks lie near the face"),
    "swapped axes": (lambda p: p[..., ::-1], "x and y of the landmarks seem to be swapped in the "),
    "of other pictures": (lambda p: p + 1000, "check that they are .x, y. in pixels of the pictures"),
    "far off": (lambda p: put(p, (2, 3), 1e200), "a landmark lies 1e.200 pixels off"),
    "another order": (shuffled, "the landmarks are in another order: number"),
    "from left to right": (lambda p: p[:, ::-1], "in another order: number 67 lies where number 0 belongs"),
    "no face": (lambda p: p * np.nan, "no face is found in any of the 12 images"),
    "part of a face": (part, "some landmarks of d are NaN"),
}


@pytest.mark.parametrize("case", PREDICTIONS)
def test_predictions_without_sense_are_one_line(case: str) -> None:
    change, complaint = PREDICTIONS[case]
    with pytest.raises(UnveilError, match=complaint) as raised:
        score(LandmarkFile(NAMES, predicted(change)), LandmarkFile(NAMES, faces()))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("degrees", [0, 75, 180])
@pytest.mark.parametrize("whose", ["prediction", "truth"])
def test_whose_axes_are_swapped_is_told(whose: str, degrees: float) -> None:
    """However the face is turned in the picture."""
    model = made_up.model()
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    face = np.asarray(model.landmarks68(model.head.template))[:, :2] @ turn * [1000, -1000] + [400, 300]
    files = {"prediction": face[None] + 1, "truth": face[None]}
    files[whose] = files[whose][..., ::-1]
    with pytest.raises(UnveilError, match=f"swapped in the {whose}: give"):
        score(*(LandmarkFile(("a",), points) for points in files.values()))


TRUTHS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "NaN": (lambda p: put(p, (4,), np.nan), "in the truth e has no landmarks"),
    "eye corners": (lambda p: put(p, (5, 45), p[5, 36]), "in the truth f has both outer eye corners in one place"),
    "one place": (lambda p: put(p, (6,), 300.0), "in the truth g has all landmarks in one line or place"),
    "one line": (lambda p: put(p, (slice(None), slice(None), 1), 300.0), r"one line or place \(12 of 12 images\)"),
}


@pytest.mark.parametrize("case", TRUTHS)
def test_truth_without_sense_is_one_line(case: str) -> None:
    change, complaint = TRUTHS[case]
    with pytest.raises(UnveilError, match=complaint):
        score(LandmarkFile(NAMES, faces()), LandmarkFile(NAMES, change(faces())))
    none = LandmarkFile((), np.zeros((0, 68, 2)))
    with pytest.raises(UnveilError, match="the truth names no image"):
        score(LandmarkFile(NAMES, faces()), none)
    with pytest.raises(UnveilError, match="no image of the truth has a prediction"):
        score(none, LandmarkFile(NAMES, faces()))


@pytest.mark.parametrize("noise", [0.0, 5.0, 20.0, 60.0])
def test_poor_predictions_are_scored_all_the_same(noise: float) -> None:
    """However far off, and though neighbours on the face change places."""
    points = faces() + np.random.default_rng(4).normal(0, noise, (12, 68, 2))
    result = score(LandmarkFile(NAMES, points), LandmarkFile(NAMES, faces()))
    assert result.count == 12
    centre = np.broadcast_to(faces().mean(axis=1, keepdims=True), (12, 68, 2))
    collapsed = score(LandmarkFile(NAMES, centre), LandmarkFile(NAMES, faces()))
    assert [*doubts({"a": collapsed})] == [
        "every image of a is a failure, with an error above 10 %: check that it is of the faces that the truth is of"
    ]
    assert len([*doubts({"a": collapsed, "b": collapsed})]) == 1
    upside_down = 2 * centre - faces()
    assert score(LandmarkFile(NAMES, upside_down), LandmarkFile(NAMES, faces())).failures == 100
