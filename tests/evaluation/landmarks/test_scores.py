from pathlib import Path

import numpy as np
import pytest

from unveil.errors import UnveilError
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.evaluation.landmarks.scores import point_errors, score, table


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
