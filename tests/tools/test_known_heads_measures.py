import shutil
from pathlib import Path

import numpy as np
import pytest
import rerendered

from tools.known_heads import found
from tools.known_heads.__main__ import main
from tools.known_heads.asking import ask
from tools.known_heads.expressions import pictures_with, said_at_rest, sides
from tools.known_heads.form import Truth
from tools.known_heads.frames import Said, joined
from tools.known_heads.making import CONDITIONS, KnownHeads
from tools.known_heads.occlusion import overlap
from tools.known_heads.regions import REGIONS, regions
from tools.known_heads.renders import FRAMES, photographs_of, renderer_of, spread
from tools.known_heads.roc import area_under_curve
from tools.known_heads.turned import bins, cells, euler_degrees, turned_samples
from tools.known_heads.uncertainty import correlation, distances, stated_and_true
from unveil.assets.store import packaged
from unveil.heads.face_area import face_area
from unveil.photos.io import read_image
from unveil.storage.npz import write_npz
from unveil.training.crops.prepared import TRAIN
from unveil.training.data import TrainingData

RNG = np.random.default_rng(4)
NAMES = rerendered.model().expression_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured") / "prepared"
    rerendered.write(folder)
    return folder


@pytest.fixture(scope="module")
def data(folder: Path) -> TrainingData:
    return TrainingData.load(folder, folder / rerendered.CODES)


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head of known form with pictures of noise."""
    path = tmp_path_factory.mktemp("heads") / "heads.npz"
    vertices = np.asarray(rerendered.model().head.neutral(RNG.normal(size=(1, 100))), np.float32)
    crops = {name: RNG.integers(0, 255, (FRAMES, 48, 48, 3), dtype=np.uint8) for name in CONDITIONS.values()}
    write_npz(path, {"heads": vertices, **crops})
    return path


def test_the_area_under_the_curve_counts_ties_as_one_half() -> None:
    more, less = np.array([2.0, 3.0, 1.0]), np.array([0.0, 1.0])
    plain = np.mean([(a > b) + 0.5 * (a == b) for a in more for b in less])
    assert area_under_curve(more, less) == pytest.approx(plain)
    assert area_under_curve(np.zeros(5), np.zeros(3)) == 0.5
    assert area_under_curve(less, more) == pytest.approx(1 - plain)


def test_a_unit_is_its_left_and_its_right() -> None:
    assert [NAMES[k] for k in sides(NAMES, "mouthFrown")] == ["mouthFrownLeft", "mouthFrownRight"]
    assert [NAMES[k] for k in sides(NAMES, "mouthPucker")] == ["mouthPucker"]
    assert [NAMES[k] for k in sides(NAMES, "jawLeft")] == ["jawLeft"]  # a direction


def test_what_is_given_at_rest_is_told_largest_first() -> None:
    levels = np.zeros(len(NAMES))
    levels[sides(NAMES, "browDown")], levels[sides(NAMES, "jawOpen")] = (0.4, 0.2), 0.5
    assert said_at_rest(NAMES, levels) == "jawOpen 0.50, browDown 0.30"


def test_pictures_with_and_without_a_unit_differ(data: TrainingData) -> None:
    renderer = renderer_of(data)
    strong, others = pictures_with(renderer, photographs_of(renderer, TRAIN)[:2], "mouthSmile")
    assert strong.shape == others.shape
    assert (strong != others).any(axis=(1, 2, 3)).all()


def test_photographs_are_spread_over_all() -> None:
    assert spread(np.arange(10) * 2, 5).tolist() == [0, 4, 8, 12, 16]
    assert spread(np.arange(2), 4).tolist() == [0, 0, 1, 1]


def test_bins_hold_each_head_once(data: TrainingData) -> None:
    truth = RNG.uniform([-39, -74, -10], [39, 74, 10], (50, 3))
    found = bins(truth)
    for name in ("yaw", "pitch"):
        assert sum(inside.sum() for label, inside, _ in found if label.startswith(name)) == 50


def test_half_an_angle_is_told_as_half() -> None:
    truth = np.array([[10.0, -40.0, 2.0], [-10.0, 60.0, -2.0], [0.0, 50.0, 0.0]])
    told = truth * [1, 0.5, 1]
    told[2] = np.nan
    assert cells(told, truth, axis=1) == ["3", "25.0", "0.0", "0.0", "0.50", "1"]
    assert cells(truth, truth, axis=0) == ["3", "0.0", "0.0", "0.0", "1.00", "0"]


def test_heads_are_turned_farther_than_their_photographs(data: TrainingData) -> None:
    samples = turned_samples(data, 6, seed=1)
    angles = euler_degrees(data, np.stack([sample.coefficients for sample in samples]))
    assert np.abs(angles[:, 1]).max() > 15


def test_what_is_found_is_counted() -> None:
    given, detected = np.array([2.0, 2.0, 4.0, 4.0]), np.array([3.0, 19.0, 8.0, np.inf])
    doubtful = np.array([0.0, 1.0, 1.0, 0.0])
    assert found.cells(given, detected, doubtful) == ["3.00", "10.00", "3.75", "25.0 %", "25.0 %", "50.0 %"]
    assert found.cells(given, np.full(4, 99.0), doubtful) == ["3.00", "", "", "100.0 %", "", ""]


def test_people_are_shown_with_their_landmarks(data: TrainingData) -> None:
    """The same photographs under each kind of occluder."""
    shown = dict(found.people(data, None, 2, seed=1))
    assert {"clear", "mask-40", "glasses-40"} <= shown.keys()
    for photographs in shown.values():
        for (image, truth), (clear, known) in zip(photographs, shown["clear"], strict=True):
            assert image.shape == (160, 160, 3)
            np.testing.assert_array_equal(truth, known)
            assert 0 < truth.min() < truth.max() < 160
            assert (image == clear).all(axis=2).mean() > 0.3


def test_pictures_without_a_face_are_of_many_kinds() -> None:
    assert len({image.shape for image in found.faceless()}) > 5
    assert len(list(found.faceless())) == 4 * len(found.FACELESS)


def test_overlap_of_cells() -> None:
    truth, marked = np.zeros((1, 4, 4), bool), np.zeros((1, 4, 4), bool)
    truth[0, :2], marked[0, 1:] = True, True  # 8 true, 12 marked, 4 both
    assert overlap(marked, truth) == pytest.approx((4 / 8, 4 / 12, 4 / 16))
    assert overlap(np.zeros_like(truth), truth) == (0, 0, 0)


def test_regions_are_the_same_on_both_sides() -> None:
    model = rerendered.model()
    region, face = regions(model), face_area(model) > 0
    assert set(region[face]) == set(range(len(REGIONS)))
    assert (region[face] == region[np.asarray(model.mirror_vertices)][face]).mean() > 0.97


def test_distances_leave_out_size_and_place() -> None:
    truth = RNG.normal(size=(2, 40, 3))
    face = np.arange(truth.shape[1]) % 3 > 0
    assert distances(3 * truth + 1, truth, face).max() < 1e-6
    assert distances(truth + RNG.normal(0, 0.1, truth.shape), truth, face).min() > 0


def test_correlation_of_what_never_changes_is_none() -> None:
    a = RNG.normal(size=30)
    assert correlation(a, 2 * a + 1) == pytest.approx(1)
    assert correlation(a, np.ones(30)) == 0


def test_independent_photographs_are_joined_as_bayes_joins_them() -> None:
    noise = np.array([0.5, 1.0, 2.0])[None, :, None]
    seen = RNG.normal(size=(4, 1, 6)) + noise * RNG.normal(size=(4, 3, 6))
    one = Said(seen / (1 + noise**2), np.broadcast_to(noise / np.sqrt(1 + noise**2), seen.shape))
    together = (seen / noise**2).sum(axis=1) / (1 + (1 / noise**2).sum(axis=1))
    np.testing.assert_allclose(joined(one, 0.0), together)


def test_photographs_that_are_all_the_same_say_what_one_says() -> None:
    one = RNG.normal(size=(4, 1, 6))
    said = Said(np.repeat(one, 5, axis=1), np.full((4, 5, 6), 0.6))
    np.testing.assert_allclose(joined(said, 1.0), one[:, 0])


def test_known_heads_are_read_as_they_were_written(heads: Path) -> None:
    known = KnownHeads.load(heads)
    assert known.heads.shape == (1, len(rerendered.model().head.template), 3)
    assert {name: len(crops) for name, crops in known.crops.items()} == dict.fromkeys(CONDITIONS, FRAMES)


@pytest.mark.parametrize("command", ["expressions", "turned", "found", "occlusion"])
def test_photographs_are_measured_by_one_command(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found, "FACELESS", ("page", "logo"))
    main([command, str(folder), str(folder / rerendered.CODES), "--count", "2"])
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith("| openhead | ")]
    assert rows
    assert {line.count("|") for line in rows} <= {line.count("|") for line in lines if line.startswith("| learner")}


@pytest.mark.parametrize("command", ["score", "uncertainty", "frames"])
def test_heads_are_measured_by_one_command(command: str, heads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([command, str(heads), "openhead", *(["--validation", str(heads)] if command == "frames" else [])])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| openhead | ")]
    assert len(rows) >= 4
    assert not any("nan" in row for row in rows)


def test_uncertainty_is_calibrated_on_heads(heads: Path, tmp_path: Path) -> None:
    learner = tmp_path / "learner.onnx"
    shutil.copy(packaged("openhead_learner.onnx"), learner)
    main(["calibrate", str(heads), str(learner)])
    known = KnownHeads.load(heads)
    truth = Truth(rerendered.model(), np.repeat(known.heads, FRAMES, axis=0))
    pairs = [stated_and_true(str(learner), crops, truth) for crops in known.crops.values()]
    stated, true = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    np.testing.assert_allclose(np.sqrt((stated**2).mean(axis=0)), np.sqrt((true**2).mean(axis=0)), rtol=5e-3)
    ours, theirs = (ask(name, known.crops["clear"]) for name in (str(learner), "openhead-float32"))
    np.testing.assert_array_equal(ours.coefficients.values, theirs.coefficients.values)


def test_the_page_shows_people_beside_their_heads(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.png"
    main(["page", str(folder), str(folder / rerendered.CODES), "openhead", "-o", str(out)])
    picture = read_image(out)
    assert picture.shape[1] > picture.shape[0]  # one person of the test split: a photograph and two heads
