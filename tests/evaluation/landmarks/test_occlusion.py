"""What covering costs, on predictions whose errors are known; and every mistake in files of predictions."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_answer import Answer
from extras import needs
from killed import require_whole_or_nothing

from unveil.errors import UnveilError
from unveil.evaluation.landmarks import occlusion
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.evaluation.landmarks.occlusion import compare, load_folder
from unveil.evaluation.landmarks.scores import score

NAMES = ("a", "b", "c")
POINTS = 5


def faces() -> np.ndarray:
    """Faces whose landmark box is 40 by 90 pixels: the square root of its area is 60."""
    points = np.random.default_rng(0).uniform(0.1, 0.9, (3, 68, 2))
    points[:, 0], points[:, 1] = 0, 1
    return points * (40, 90) + (20, 10)


def heads(shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 50, (3, POINTS, 3)) + np.array([shift, 0, 0])


def clear() -> LandmarkFile:
    """Every landmark 3 pixels off: an error of 5 %."""
    places = np.zeros((3, POINTS, 2))
    return LandmarkFile(NAMES, faces() + np.array([3, 0]), neutral_mm=heads(), vertices_mm=heads(), projected=places)


def occluded() -> LandmarkFile:
    """The jaw, which is occluded, 9 pixels off and the rest 3; the heads 2 mm off, with expression 2 mm or 6."""
    hidden = np.zeros((3, 68), bool)
    hidden[:, :17] = True
    points = faces() + np.array([3, 0])
    points[hidden] += [6, 0]
    with_expression = heads(2)
    with_expression[:, 3:, 0] += 4
    under = np.tile(np.arange(POINTS) >= 3, (3, 1))
    return LandmarkFile(NAMES, points, hidden, np.array([0.2, 0.3, 0.4]), heads(2), with_expression, under)


TRUTH = LandmarkFile(NAMES, faces())


def test_errors_and_movements_are_those_put_in() -> None:
    everything, row = compare({"clear": clear(), "mask-40": occluded()}, TRUTH)
    assert (row.kind, row.wanted, row.images, row.missing) == ("mask", 40, 3, 0)
    assert row.share == pytest.approx(30)
    assert row.clear == pytest.approx(5)
    assert (row.visible, row.hidden) == (pytest.approx(5), pytest.approx(15))
    assert row.occluded == pytest.approx((51 * 5 + 17 * 15) / 68)
    assert row.ratio == pytest.approx(1.5)
    assert row.shape_mm == pytest.approx(2)
    assert (row.seen_mm, row.unseen_mm) == (pytest.approx(2), pytest.approx(6))
    assert row.vertices_mm == pytest.approx((3 * 2 + 2 * 6) / 5)
    assert (everything.kind, everything.ratio) == ("all", pytest.approx(1.5))
    assert "| mask | 40 % | 30 % | **1.50** | 5.00 | 7.50 | 5.00 | 15.00 | 0.00 | 2.50 | 2.00" in occlusion.table([row])


def test_only_images_found_both_clear_and_covered_count() -> None:
    points = occluded().landmarks2d.copy()
    points[0] = np.nan  # not found
    points[1] += [30, 0]  # far off, and counted
    worse = clear().landmarks2d.copy()
    worse[2] = np.nan
    rows = compare(
        {"clear": replace(clear(), landmarks2d=worse), "hair": replace(occluded(), landmarks2d=points)}, TRUTH
    )
    assert (rows[1].kind, rows[1].wanted, rows[1].images, rows[1].missing) == ("hair", None, 1, 2)
    assert rows[1].clear == pytest.approx(5)
    assert rows[1].occluded == pytest.approx((51 * 33 + 17 * 39) / 68 / 60 * 100)


def test_landmarks_alone_are_compared_too() -> None:
    """Predictions of others have no heads and do not say what is occluded."""
    _, row = compare({"clear": LandmarkFile(NAMES, faces()[:] + 3), "x": LandmarkFile(NAMES, faces() + 6)}, TRUTH)
    assert row.ratio == pytest.approx(2)
    assert (row.share, row.hidden, row.visible, row.shape_mm, row.vertices_mm, row.unseen_mm) == (None,) * 6


def test_only_the_shift_of_the_clear_pictures_is_left_out() -> None:
    shifted = {name: LandmarkFile(NAMES, faces() + np.array([x, 0])) for name, x in (("clear", 3), ("x", 9))}
    _, row = compare(shifted, TRUTH)
    assert row.clear_unshifted == pytest.approx(0)
    assert row.occluded_unshifted == pytest.approx(row.occluded - row.clear)


def test_scores_know_failures_and_what_is_hidden() -> None:
    points = occluded().landmarks2d.copy()
    points[0] = np.nan
    points[1] += [30, 0]
    result = score(replace(occluded(), landmarks2d=points), TRUTH)
    assert (result.count, result.missing) == (2, 1)
    assert result.failures == pytest.approx(200 / 3)
    assert result.auc == pytest.approx((1 - 0.75) / 3)
    assert result.visible == pytest.approx((5 + 55) / 2)
    assert result.hidden == pytest.approx((15 + 65) / 2)
    eyes = faces()[1:, [36, 45]]
    errors = [(51 * (3 + k) + 17 * (9 + k)) / 68 for k in (30, 0)] / np.linalg.norm(eyes[:, 0] - eyes[:, 1], axis=1)
    assert result.interocular == pytest.approx(100 * errors.mean())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A method's predictions; to write into."""
    for name, file in {"clear": clear(), "mask-40": occluded(), "truth": TRUTH}.items():
        file.save(tmp_path / "method" / f"{name}.npz")
    return tmp_path / "method"


def test_files_round_trip(folder: Path) -> None:
    loaded, file = LandmarkFile.load(folder / "mask-40.npz"), occluded()
    assert loaded.names == NAMES
    for name in ("landmarks2d", "hidden68", "hidden_share", "neutral_mm", "vertices_mm", "hidden_points"):
        np.testing.assert_allclose(getattr(loaded, name), getattr(file, name), rtol=1e-6)
    assert loaded.projected is None


def test_commands_write_scores_and_one_page(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("matplotlib")
    scores = tmp_path / "scores"
    answer = Answer(capsys, "evaluate", "occlusion", folder, "-o", scores, "--title", "Eggs, occluded")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("method: occluded / clear = 1.50\n")
    assert "| CFR-GAN (Ju et al. 2022) | AFLW2000-3D | 1.05 | 3.00 | 3.14 |" in answer.out
    rows = json.loads((scores / "occlusion.json").read_text())["methods"]["method"]
    assert rows[1]["ratio"] == pytest.approx(1.5)
    assert Answer(capsys, "evaluate", "occlusion", folder, "-o", scores, "--json").json["method"] == rows
    Answer(capsys, "evaluate", "occlusion", folder, "-o", scores, "--title", "Eggs, occluded")
    answer = Answer(capsys, "evaluate", "landmarks", folder, "-o", scores, "--title", "Eggs")
    assert (answer.status, answer.err) == (0, "")
    assert (scores / "landmarks.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((scores / "landmarks.json").read_text())["scores"]["method/clear"]["mean"] == pytest.approx(5)
    single = Answer(
        capsys,
        "evaluate",
        "landmarks",
        folder / "clear.npz",
        "--truth",
        folder / "truth.npz",
        "-o",
        scores / "1",
        "--json",
    )
    assert single.json["clear"]["count"] == 3

    answer = Answer(capsys, "evaluate", "report", scores, "-o", tmp_path / "results.md")
    assert (answer.status, answer.out) == (0, f"{tmp_path / 'results.md'}: 3 tables\n")
    page = (tmp_path / "results.md").read_text()
    assert "## Eggs, occluded\n" in page
    assert "| mask | 30 % | 1.50 (7.50) |" in page
    assert "| method | 5.00 | 5.00 | 5.00 |" in page
    assert "| deca | files not available here |" in page

    rows_of_old = (scores / "occlusion.json").read_text().replace('"occluded', '"covered')
    (scores / "occlusion.json").write_text(rows_of_old)
    Answer(capsys, "evaluate", "report", scores, "-o", tmp_path / "of_old.md")
    assert (tmp_path / "of_old.md").read_text() == page


def test_mistakes_are_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(expected: str, kind: str = "occlusion", *options: str | Path) -> None:
        answer = Answer(capsys, "evaluate", kind, folder, "-o", tmp_path / "out", *options)
        assert answer.status == 2
        assert expected in answer.err
        assert answer.err.count("\n") == 1
        assert not (tmp_path / "out").exists()

    file = occluded()
    for change, expected in {
        "neutral_mm": ({"neutral_mm": heads(2) * 1000}, "give them in millimetres"),
        "points": ({"neutral_mm": heads()[:, :4], "vertices_mm": heads()[:, :4], "hidden_points": None}, "of 4 points"),
        "nan": ({"vertices_mm": np.full((3, POINTS, 3), np.nan)}, "NaN points where a face was found"),
        "names": ({"names": ("x", "y", "z")}, "same names"),
    }.values():
        replace(file, **change).save(folder / "mask-40.npz")
        refused(expected)
    replace(file, landmarks2d=file.landmarks2d / 224).save(folder / "mask-40.npz")
    refused("give them in pixels", "landmarks")
    np.savez(folder / "mask-40.npz", names=np.array(NAMES), landmarks2d=np.zeros((3, 49, 2)))
    refused("iBUG-68")
    refused("iBUG-68", "landmarks")
    (folder / "mask-40.npz").write_bytes((folder / "clear.npz").read_bytes()[:500])
    refused("mask-40.npz is no landmark file")
    (folder / "mask-40.npz").unlink()
    refused("clear.npz with files of occluded faces")
    refused("does not exist", "landmarks", "--truth", tmp_path / "nowhere")
    (folder / "truth.npz").unlink()
    refused("say with --truth", "landmarks")
    folder = tmp_path / "absent"
    refused("absent does not exist")
    refused("absent does not exist", "landmarks")
    answer = Answer(capsys, "evaluate", "report", tmp_path / "nowhere", "-o", tmp_path / "r.md")
    assert (answer.status, "no scores below" in answer.err) == (2, True)
    (tmp_path / "landmarks.json").write_text('{"kind": "landmarks"}')
    answer = Answer(capsys, "evaluate", "report", tmp_path, "-o", tmp_path / "r.md")
    assert (answer.status, "score again" in answer.err) == (2, True)


def test_infinite_numbers_are_refused() -> None:
    with pytest.raises(UnveilError, match="infinite"):
        LandmarkFile(NAMES, faces() * np.inf)


def test_a_folder_without_occluded_faces_is_refused(tmp_path: Path) -> None:
    clear().save(tmp_path / "clear.npz")
    with pytest.raises(UnveilError, match="occluded faces"):
        load_folder(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_killed_it_leaves_no_score(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores"
    out.mkdir()
    require_whole_or_nothing(out, "evaluate", "occlusion", folder, "-o", out)
