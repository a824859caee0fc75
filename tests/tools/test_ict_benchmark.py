"""The benchmark of drawn heads, on openhead packed as ICT-FaceKit is, with a few of its identities."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli_answer import Answer

import unveil
from tools import ict_benchmark
from tools.scan_parts import PartScore, score_parts, summarise
from unveil.errors import UnveilError
from unveil.evaluation.now.files import NowDataset
from unveil.meshes.ply import write_ply
from unveil.photos.io import read_image

HEADS = 2


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two heads, each clear and covered; do not write into it."""
    folder = tmp_path_factory.mktemp("ict")
    model = unveil.load_openhead()
    template = np.asarray(model.head.template, np.float64)
    marks = np.asarray(model.landmarks68(template))
    nearest = np.linalg.norm(template - marks[:, None], axis=2).argmin(axis=1)
    pack = {"neutral": 100 * template, "identity": 100 * np.asarray(model.head.shape_basis[:3]), "faces": model.faces}
    np.savez(folder / "ict.npz", landmarks68=nearest, **pack)
    options = ["--heads", str(HEADS), "--kinds", "pixels,below-bridge", "-o", str(folder / "heads")]
    ict_benchmark.main(["draw", "--ict", str(folder / "ict.npz"), *options])
    return folder / "heads"


def test_heads_are_drawn_clear_and_covered_the_same_every_time(data: Path, tmp_path: Path) -> None:
    dataset = NowDataset.open(data)
    stems = [image.path.stem for image in dataset.images]
    assert stems == ["view_clear", "view_pixels-40", "view_below-bridge"] * HEADS
    clear, covered = (read_image(data / "iphone_pictures" / image.path) for image in dataset.images[:2])
    hidden = np.load(data / "hidden" / dataset.images[1].path.with_suffix(".npy"))
    assert not np.load(data / "hidden" / dataset.images[0].path.with_suffix(".npy")).any()
    assert 0.1 < hidden.mean() < 0.8
    assert (clear != covered).any(axis=2).mean() > 0.03
    first, second = (dataset.scan(subject).read()[0].vertices for subject in ("head000", "head001"))
    assert np.linalg.norm(first - second, axis=1).mean() > 0.5, "mm: another identity"
    pack = str(data.parent / "ict.npz")
    ict_benchmark.main(["draw", "--ict", pack, "--heads", "1", "--kinds", "pixels", "-o", str(tmp_path)])
    again = read_image(tmp_path / "iphone_pictures" / dataset.images[1].path)
    np.testing.assert_array_equal(again, covered)


def test_a_prediction_that_is_the_scan_has_no_error_but_where_it_was_bent(data: Path, tmp_path: Path) -> None:
    """In another frame and unit; what is bent is hidden, and what is missing is counted."""
    dataset = NowDataset.open(data)
    scan, landmarks = dataset.scan("head000").read()
    nose = np.linalg.norm(scan.vertices - landmarks[4], axis=1) < 18  # mm
    bent = scan.vertices + 4.0 * nose[:, None] * [0, 0, 1]
    for image, vertices, hidden in zip(dataset.images, (scan.vertices, bent), (~nose & nose, nose), strict=False):
        stem = tmp_path / image.path.with_suffix("")
        write_ply(stem.with_name(stem.name + ".ply"), vertices / 1000 + 1, scan.faces)
        np.save(stem.with_name(stem.name + ".npy"), landmarks / 1000 + 1)
        (tmp_path / "hidden" / image.path).parent.mkdir(parents=True)
        np.save(tmp_path / "hidden" / image.path.with_suffix(".npy"), hidden)
    rows = summarise(list(score_parts(dataset, tmp_path / "hidden", tmp_path)))
    assert rows["clear"]["all"]["mean"] < 1e-3
    assert (rows["clear"]["hidden"], rows["clear"]["heads"], rows["clear"]["missing"]) == (None, 1, HEADS - 1)
    assert 1 < rows["pixels-40"]["hidden"]["mean"] < 4
    assert rows["pixels-40"]["visible"]["mean"] < 0.6
    assert rows["below-bridge"]["missing"] == HEADS


def test_parts_pool_the_points_of_all_heads() -> None:
    flags = np.array([True, False, False])
    scores = [PartScore("hair", np.array([9.0, 1, 2]), flags), PartScore("hair", np.array([5.0, 3, 6]), flags)]
    row = summarise([*scores, PartScore("hair", None, None)])["hair"]
    assert row == {
        "heads": 2,
        "missing": 1,
        "all": {"median": 4.0, "mean": 26 / 6},
        "visible": {"median": 2.5, "mean": 3.0},
        "hidden": {"median": 7.0, "mean": 7.0},
    }


def test_from_pictures_to_a_page(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predictions, scores = tmp_path / "openhead", tmp_path / "scores" / "ict.json"
    answer = Answer(capsys, "predict", "now", "--dataset", data, "-o", predictions)
    assert (answer.status, answer.err) == (0, "")
    ict_benchmark.main(["mean", str(data), "-o", str(tmp_path / "openhead-mean")])
    ict_benchmark.main(["score", str(data), str(predictions), str(tmp_path / "openhead-mean"), "-o", str(scores)])
    methods = json.loads(scores.read_text())["methods"]
    assert methods["openhead"]["clear"]["heads"] == HEADS
    mean = [row["all"]["mean"] for row in methods["openhead-mean"].values()]
    assert mean == pytest.approx([mean[0]] * 3), "the mean head does not see the pictures"
    assert 0.05 < methods["openhead"]["clear"]["all"]["mean"] < 6
    assert Answer(capsys, "evaluate", "report", scores.parent, "-o", tmp_path / "page.md").status == 0
    assert (
        f"| openhead | clear | {methods['openhead']['clear']['all']['median']:.2f} /"
        in (tmp_path / "page.md").read_text()
    )


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "no.npz", neutral=np.zeros((3, 3)))
    with pytest.raises(UnveilError, match=r"no\.npz is no pack of ICT-FaceKit"):
        ict_benchmark.IctModel.read(tmp_path / "no.npz")


def test_flags_of_another_scan_are_refused(data: Path, tmp_path: Path) -> None:
    image = NowDataset.open(data).images[0]
    for path, array in ((image.path.with_suffix(".npy"), np.zeros(4, bool)),):
        (tmp_path / path).parent.mkdir(parents=True)
        np.save(tmp_path / path, array)
    ict_benchmark.predict_mean(data, tmp_path / "mean")
    with pytest.raises(UnveilError, match="not a flag for each of"):
        list(score_parts(NowDataset.open(data), tmp_path, tmp_path / "mean"))
