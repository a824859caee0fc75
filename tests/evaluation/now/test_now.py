"""The NoW benchmark from end to end: an answer that is known, an evaluation by other means, and every mistake."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from cli_answer import Answer
from extras import needs
from killed import require_whole_or_nothing
from PIL import Image
from scipy.optimize import least_squares
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from tools.make_now_like import check, write_dataset
from unveil.errors import UnveilError
from unveil.evaluation.now import run as now_run
from unveil.evaluation.now.files import NowDataset, read_landmarks
from unveil.evaluation.now.sense import check_landmarks
from unveil.heads.face_area import face_sphere
from unveil.meshes.ply import write_ply
from unveil.meshes.read import read_mesh
from unveil.storage.folder_log import LOG

NEAR = 8  # triangles looked at for each point
FIRST = "subject0/multiview_neutral/IMG_0000"  # .ply and .npy, mm over a thousand
SECOND = "subject0/multiview_expressions/IMG_0001"  # .obj and .txt, mirrored


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with predictions; do not write into it."""
    folder = tmp_path_factory.mktemp("now")
    write_dataset(folder, detail=2, points=4)
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "now"))


def evaluate(capsys: pytest.CaptureFixture[str], folder: Path, *options: str | Path) -> Answer:
    places = ["--dataset", folder / "dataset", "--predictions", folder / "predictions"]
    return Answer(capsys, "evaluate", "now", *places, "--processes", "1", *options)


def compare(summary: dict, answer: dict) -> None:
    assert summary.keys() == answer.keys()
    for part, known in answer.items():
        assert summary[part].keys() == known.keys()
        for key, value in known.items():
            assert summary[part][key] == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value), key


def test_the_score_is_the_known_answer(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("matplotlib")  # without it, a line says that there is no plot
    answer = evaluate(capsys, made, "-o", tmp_path / "out", "--method", "egg")
    known = json.loads((made / "answer.json").read_text())
    assert answer.status == 0
    assert answer.err.splitlines() == ["unveil: missing: subject1/selfie/IMG_0003.jpg"]
    compare(json.loads((tmp_path / "out" / "summary.json").read_text()), known)
    line = f"all: median {known['all']['median']:.3f} mean {known['all']['mean']:.3f} std {known['all']['std']:.3f} mm"
    assert answer.out.splitlines()[0] == f"{line}; 7 images, 1 missing"
    compare(evaluate(capsys, made, "-o", tmp_path / "out", "--json").json, known)
    assert check(made / "answer.json", tmp_path / "out" / "summary.json") < 1e-5
    (tmp_path / "other.json").write_text(json.dumps(known | {"selfie": known["all"]}))
    assert check(made / "answer.json", tmp_path / "other.json") > 1, "images are missing"


def test_what_is_written(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("matplotlib")
    out = tmp_path / "out"
    evaluate(capsys, made, "-o", out, "--method", "egg")
    known = json.loads((made / "answer.json").read_text())["all"]
    written = (out / "egg_computed_distances.npy").read_bytes()
    assert b"numpy._core" not in written, "NumPy 1 could not read it"
    # As the benchmark's own plotting script reads it.
    content = np.load(out / "egg_computed_distances.npy", allow_pickle=True, encoding="latin1").item()
    pooled = np.hstack(content["computed_distances"])
    assert (np.median(pooled), pooled.mean(), pooled.std()) == pytest.approx(
        (known["median"], known["mean"], known["std"]), rel=1e-5
    )
    assert content["num_missing_files"] == 1
    assert content["input_files"][0] == f"{FIRST}.jpg"
    assert len(content["input_files"]) == len(content["computed_distances"]) == 7
    table = (out / "egg.md").read_text()
    assert f"| all | {known['median']:.3f} | {known['mean']:.3f} | {known['std']:.3f} |" in table
    assert (
        "| DECA | 1.09 | 1.38 | 1.18 | test images, https://now.is.tue.mpg.de |" in table.split("not computed here")[1]
    )
    with Image.open(out / "egg_cumulative.png") as picture:
        assert picture.width > 600


def test_processes_change_nothing(made: Path, tmp_path: Path) -> None:
    dataset = NowDataset.open(made / "dataset")
    one, two = (list(now_run.score_all(dataset, made / "predictions", tmp_path / str(n), processes=n)) for n in (1, 2))
    assert [scored.image for scored in one] == [scored.image for scored in two] == list(dataset.images)
    for a, b in zip(one, two, strict=True):
        assert a.missing == b.missing
        if not a.missing:
            np.testing.assert_array_equal(a.distances, b.distances)


def test_a_stopped_run_goes_on(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []
    real = now_run.fit_prediction
    monkeypatch.setattr(now_run, "fit_prediction", lambda *a: (computed.append(1), real(*a))[1])
    dataset, out = NowDataset.open(copied / "dataset"), tmp_path / "out"
    running = now_run.score_all(dataset, copied / "predictions", out, processes=1)
    for _ in range(3):
        next(running)
    assert len(computed) == 3
    assert evaluate(capsys, copied, "-o", out).status == 0
    assert len(computed) == 7
    # Another prediction, another unit and a damaged file are computed again.
    shutil.copy(copied / "predictions" / f"{SECOND}.txt", copied / "predictions" / "other.txt")
    text = copied / "predictions" / f"{SECOND}.txt"
    np.savetxt(text, np.loadtxt(text) * (1 + 1e-6))
    (out / "distances" / f"{FIRST}.npz").write_bytes(b"PK")
    assert evaluate(capsys, copied, "-o", out).status == 0
    assert len(computed) == 9
    compare(json.loads((out / "summary.json").read_text()), json.loads((copied / "answer.json").read_text()))


def egg(seed: int, detail: int) -> trimesh.Trimesh:
    """An egg with bumps in metres, another for each seed."""
    rng = np.random.default_rng(seed)
    ball = trimesh.creation.icosphere(detail)
    bumps = np.sin(ball.vertices @ rng.normal(0, 2, (3, 4)) + rng.uniform(0, 6, 4)).sum(axis=1, keepdims=True)
    vertices = ball.vertices * [0.075, 0.11, 0.095] * rng.uniform(0.97, 1.03, 3) * (1 + 0.01 * bumps)
    return trimesh.Trimesh(vertices, ball.faces, process=False)


def marks(vertices: np.ndarray) -> np.ndarray:
    """Seven landmarks [7, 3] on an egg: its points in the directions of those of a face."""
    face = np.array([[-45, 25], [-17, 25], [17, 25], [45, 25], [0, -15], [-25, -45], [25, -45]])
    wanted = np.concatenate([face, np.full((7, 1), 80)], axis=1)
    directions = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    return vertices[(directions @ wanted.T).argmax(axis=0)]


def write_eggs(folder: Path, *, growth: float = 1.0, predicted: int = 2) -> None:
    """A dataset of one image, whose scan is egg 1, and a prediction of an egg for it, of another size."""
    scan, prediction = egg(1, 4), egg(predicted, 4)
    scan.vertices *= 1000
    prediction.vertices *= growth
    where = folder / "predictions" / "a" / "selfie"
    for path in (folder / "dataset" / "scans" / "a", folder / "dataset" / "scans_lmks_onlypp" / "a", where):
        path.mkdir(parents=True)
    (folder / "dataset" / "imagepathsvalidation.txt").write_text("/a/selfie/b.jpg\n")
    scan.export(folder / "dataset" / "scans" / "a" / "s.obj", digits=9)
    picked = "".join(f'<point y="{y}" x="{x}" z="{z}"/>' for x, y, z in marks(scan.vertices).tolist())
    (folder / "dataset" / "scans_lmks_onlypp" / "a" / "s.pp").write_text(f"<PickedPoints>{picked}</PickedPoints>")
    prediction.export(where / "b.obj", digits=9)
    np.save(where / "b.npy", marks(prediction.vertices))


def evaluate_otherwise(folder: Path, *, scale: float | None = None) -> np.ndarray:
    """The protocol once more by other means: trimesh's files and alignment, SciPy's search and least squares."""
    scan = trimesh.load(folder / "dataset" / "scans" / "a" / "s.obj", process=False).vertices
    mesh = trimesh.load(folder / "predictions" / "a" / "selfie" / "b.obj", process=False)
    true = read_landmarks(folder / "dataset" / "scans_lmks_onlypp" / "a" / "s.pp")
    marked = np.load(folder / "predictions" / "a" / "selfie" / "b.npy")
    bridge = (true[1] + true[2]) / 2
    radius = 1.4 * (np.linalg.norm(true[0] - true[3]) + np.linalg.norm(bridge - true[4])) / 2
    scan = scan[np.linalg.norm(scan - (true[4] + 0.3 * (bridge - true[4])), axis=1) <= radius]
    free = trimesh.registration.procrustes(marked, true)[0]
    laid = trimesh.transform_points(mesh.vertices, free)
    if scale:  # the same turn, about the landmarks, without the growth
        laid = scale / np.cbrt(np.linalg.det(free[:3, :3])) * (laid - true.mean(axis=0)) + true.mean(axis=0)
    mesh = trimesh.Trimesh(laid, mesh.faces, process=False)
    near = cKDTree(mesh.triangles_center)
    middle = scan.mean(axis=0)

    def signed(x: np.ndarray) -> np.ndarray:
        """Distances of the scan after a turn in degrees, a move in mm and a growth in per cent of the mesh."""
        growth = 1.0 if scale else np.exp(x[6] / 100)
        points = Rotation.from_rotvec(x[:3], degrees=True).inv().apply(scan - x[3:6] - middle) / growth + middle
        candidates = near.query(points, NEAR)[1].ravel()
        nearest = trimesh.triangles.closest_point(mesh.triangles[candidates], np.repeat(points, NEAR, axis=0))
        away = points[:, None] - nearest.reshape(-1, NEAR, 3)
        distances = np.linalg.norm(away, axis=2)
        best = np.arange(len(points)), distances.argmin(axis=1)
        outwards = (away * mesh.face_normals[candidates].reshape(-1, NEAR, 3)).sum(axis=2)
        return growth * distances[best] * np.sign(outwards[best])

    return np.abs(signed(least_squares(signed, np.zeros(7), xtol=1e-6).x))


@pytest.mark.parametrize("unit", [None, "m"])
def test_an_evaluation_by_other_means_agrees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unit: str | None
) -> None:
    write_eggs(tmp_path)
    options = ["--metrical", unit] if unit else []
    row = evaluate(capsys, tmp_path, "-o", tmp_path / "out", "--json", *options).json["all"]
    known = evaluate_otherwise(tmp_path, scale=1000 if unit else None)
    assert row["points"] == len(known)
    assert row["median"] > 0.1, "the eggs differ"
    assert (row["median"], row["mean"], row["std"]) == pytest.approx(
        (np.median(known), known.mean(), known.std()), rel=1e-3
    )


def test_metrical_takes_sizes_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A head that is 5 % too large fits when it may be scaled, and is millimetres off when it may not."""
    write_eggs(tmp_path, growth=1.05, predicted=1)
    free = evaluate(capsys, tmp_path, "-o", tmp_path / "free", "--json").json["all"]
    fixed = evaluate(capsys, tmp_path, "-o", tmp_path / "fixed", "--json", "--metrical", "m").json["all"]
    assert free["mean"] < 0.1  # as far as the triangles of the two differ
    assert 0.3 < fixed["mean"] < 5
    wrong = evaluate(capsys, tmp_path, "-o", tmp_path / "wrong", "--metrical", "mm")
    assert wrong.status == 2
    assert "as large as the scan when its unit is mm; state the unit" in wrong.err


def test_the_part_that_counts() -> None:
    landmarks = np.array([[-40, 0, 0], [-10, 0, 0], [10, 0, 0], [40, 0, 0], [0, -50, 0], [-20, -80, 0], [20, -80, 0.0]])
    centre, radius = face_sphere(landmarks)
    assert centre.tolist() == [0, -35, 0]
    assert radius == pytest.approx(1.4 * (80 + 50) / 2)


def spoil_nan(path: Path) -> None:
    path.write_text(path.read_text().replace("v ", "v nan ", 1))


PREDICTION_MISTAKES = {
    "six landmarks": (f"{FIRST}.npy", lambda p: np.save(p, np.load(p)[:6]), "instead of 7 finite landmarks"),
    "landmarks in another unit": (f"{FIRST}.npy", lambda p: np.save(p, np.load(p) * 1000), "own frame and unit"),
    "landmarks with NaN": (f"{FIRST}.npy", lambda p: np.save(p, np.load(p) * np.nan), "instead of 7 finite landmarks"),
    "landmarks that are a pickle": (
        f"{FIRST}.npy",
        lambda p: np.save(p, np.array({"a": 1}), allow_pickle=True),
        "no usable file of landmarks",
    ),
    "no landmark file but text": (f"{SECOND}.txt", lambda p: p.write_text("eyes\n"), "no usable file of landmarks"),
    "no faces": (
        f"{SECOND}.obj",
        lambda p: p.write_text(p.read_text().split("f ")[0]),
        "the predicted mesh has no faces",
    ),
    "NaN vertices": (f"{SECOND}.obj", spoil_nan, "not finite numbers"),
    "an empty mesh": (f"{SECOND}.obj", lambda p: p.write_text(""), "an empty file"),
}


@pytest.mark.parametrize("mistake", PREDICTION_MISTAKES)
def test_mistakes_in_a_prediction_are_one_line_each(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    name, spoil, why = PREDICTION_MISTAKES[mistake]
    spoil(copied / "predictions" / name)
    answer = evaluate(capsys, copied, "-o", tmp_path / "out")
    named, missing, total = answer.err.splitlines()
    assert answer.status == 2
    assert Path(name).stem in named
    assert why in named
    assert "missing" in missing
    assert "1 prediction cannot be used" in total
    assert not (tmp_path / "out" / "summary.json").exists()


def change_landmarks(folder: Path, change: Callable[[np.ndarray], np.ndarray], images: slice = slice(None)) -> None:
    """Change the landmarks of predictions, in the order of their names."""
    for path in sorted((folder / "predictions").rglob("*.npy"))[images]:
        np.save(path, change(np.load(path)))
    for path in sorted((folder / "predictions").rglob("*.txt"))[images]:
        np.savetxt(path, change(np.loadtxt(path)))


SHUFFLES = {
    "reversed": [6, 5, 4, 3, 2, 1, 0],
    "two corners of an eye": [1, 0, 2, 3, 4, 5, 6],
    "the eyes": [2, 3, 0, 1, 4, 5, 6],
    "corners of the mouth": [0, 1, 2, 3, 4, 6, 5],
    "the mouth first": [5, 6, 4, 0, 1, 2, 3],
}


@pytest.mark.parametrize("order", SHUFFLES)
def test_landmarks_in_another_order_are_one_line(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], order: str
) -> None:
    change_landmarks(copied, lambda points: points[SHUFFLES[order]])
    answer = evaluate(capsys, copied, "-o", tmp_path / "out")
    (line,) = answer.err.splitlines()
    assert answer.status == 2
    assert "do not lie as the scans' do" in line
    assert "check their order, which is outer and inner corner of the right eye" in line
    assert not (tmp_path / "out" / "summary.json").exists()


def test_an_axis_in_another_unit_is_one_line(copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change_landmarks(copied, lambda points: points * [1, 1, 10])
    answer = evaluate(capsys, copied, "-o", tmp_path / "out")
    assert answer.status == 2
    assert answer.err.splitlines()[0].endswith("and that their three axes have one unit")


def test_a_few_poor_predictions_are_scored_as_they_are(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs("matplotlib")
    change_landmarks(copied, lambda points: points[SHUFFLES["reversed"]], slice(1))
    answer = evaluate(capsys, copied, "-o", tmp_path / "out")
    assert (answer.status, answer.err) == (0, "unveil: missing: subject1/selfie/IMG_0003.jpg\n")


@pytest.mark.parametrize("factor", [0, 1e-300, 1e300])
def test_landmarks_of_any_size_are_looked_at(made: Path, tmp_path: Path, factor: float) -> None:
    folder = Path(shutil.copytree(made / "predictions", tmp_path / "predictions"))
    change_landmarks(tmp_path, lambda points: points * factor)
    assert check_landmarks(NowDataset.open(made / "dataset"), folder) == ""


@pytest.mark.parametrize("swapped", [True, False])
def test_predictions_that_are_mirrored_are_scored_and_end_with_a_line(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, swapped: bool
) -> None:
    """By landmarks whose left and right are swapped, or by meshes that are mirrored with their landmarks."""
    needs("matplotlib")
    if swapped:
        change_landmarks(copied, lambda points: points[[3, 2, 1, 0, 4, 6, 5]])
    else:
        for path in (copied / "predictions").rglob("*_0001.*"):
            path.unlink()  # they were mirrored before
        change_landmarks(copied, lambda points: points * [-1, 1, 1])
        for path in (copied / "predictions").rglob("*.ply"):
            mesh = read_mesh(path)
            write_ply(path, mesh.vertices * [-1, 1, 1], mesh.faces)
        for path in (copied / "predictions").rglob("*.obj"):
            mesh = read_mesh(path)
            trimesh.Trimesh(mesh.vertices * [-1, 1, 1], mesh.faces, process=False).export(path, digits=9)
    answer = evaluate(capsys, copied, "-o", tmp_path / "out")
    assert answer.status == 0
    assert "most predictions fit the scans only when mirrored" in answer.err.splitlines()[-1]
    assert (tmp_path / "out" / "summary.json").exists()


PICKED = "dataset/scans_lmks_onlypp/subject0/scan_picked_points.pp"
SCAN = "dataset/scans/subject0/scan.obj"
ENTITY = '<!DOCTYPE a [<!ENTITY b "c">]><PickedPoints><point x="&b;"/></PickedPoints>'
DATASET_MISTAKES = {
    "a wrong folder": (lambda f: shutil.rmtree(f / "dataset"), "has no imagepathsvalidation.txt"),
    "no scans": (lambda f: shutil.rmtree(f / "dataset/scans"), "has no scans;"),
    "a subject without a scan": (lambda f: (f / SCAN).unlink(), "has 0 files .obj instead of one"),
    "no predictions": (lambda f: shutil.rmtree(f / "predictions"), "predictions is no folder"),
    "predictions elsewhere": (
        lambda f: (shutil.rmtree(f / "predictions"), (f / "predictions").mkdir()),
        "has no prediction of any of the 8 images",
    ),
    "a list of another form": (
        lambda f: (f / "dataset/imagepathsvalidation.txt").write_text("a/neutral/b.jpg\n"),
        "'a/neutral/b.jpg', which is not",
    ),
    "a list that climbs out": (
        lambda f: (f / "dataset/imagepathsvalidation.txt").write_text("../selfie/b.jpg\n"),
        "which is not",
    ),
    "a picked point too few": (
        lambda f: (f / PICKED).write_text((f / PICKED).read_text().replace("<point", "<lost", 1)),
        "instead of 7 finite landmarks",
    ),
    "no XML": (lambda f: (f / PICKED).write_text("x"), "no usable file of landmarks"),
    "entities": (lambda f: (f / PICKED).write_text(ENTITY), "it defines entities"),
    "a scan in metres": (
        lambda f: (f / PICKED).write_text((f / PICKED).read_text().replace('" y', 'e-3" y').replace('" z', 'e-3" z')),
        "not the millimetres",
    ),
}


@pytest.mark.parametrize("mistake", DATASET_MISTAKES)
def test_mistakes_in_the_dataset_are_one_line_each(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    spoil, why = DATASET_MISTAKES[mistake]
    spoil(copied)
    answer = evaluate(capsys, copied, "-o", tmp_path / "out")
    assert answer.status == 2
    assert why in answer.err.splitlines()[-1]
    assert all(line.startswith("unveil: ") for line in answer.err.splitlines())
    if mistake == "predictions elsewhere":  # a line for each image would bury it
        assert len(answer.err.splitlines()) == 1


def test_an_unknown_unit_is_named(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = evaluate(capsys, made, "-o", tmp_path, "--metrical", "inch")
    assert (answer.status, answer.err) == (2, "unveil: unknown unit 'inch': choose from mm, cm, m\n")


def test_a_list_of_ones_own(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.txt").write_text(f"{FIRST}.jpg\n")
    summary = evaluate(capsys, made, "-o", tmp_path / "out", "--images", tmp_path / "list.txt", "--json").json
    assert (summary["all"]["images"], summary["all"]["missing"]) == (1, 0)
    assert summary["selfie"] == {
        **dict.fromkeys(("median", "mean", "std")),
        **dict.fromkeys(("points", "images", "missing"), 0),
        "missing_images": [],
    }


def test_without_matplotlib_there_is_everything_but_the_plot(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    answer = evaluate(capsys, made, "-o", tmp_path / "out", "--method", "egg")
    assert answer.status == 0
    assert "pip install 'unveil[plot]'" in answer.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_file()) == [
        LOG,
        "egg.md",
        "egg_computed_distances.npy",
        "summary.json",
    ]


def test_the_first_of_two_files_counts(copied: Path) -> None:
    """The benchmark's own evaluation takes .obj before .ply, and .npy before .txt."""
    from unveil.evaluation.now.files import find_prediction

    image = NowDataset.open(copied / "dataset").images[0]
    folder = copied / "predictions"
    (folder / f"{FIRST}.obj").write_text("v 0 0 0\n")
    (folder / f"{FIRST}.txt").write_text("")
    pair = find_prediction(folder, image)
    assert pair is not None
    assert (pair.mesh.suffix, pair.landmarks.suffix) == (".obj", ".npy")
    (folder / f"{FIRST}.npy").unlink()
    (folder / f"{FIRST}.txt").unlink()
    assert find_prediction(folder, image) is None


def test_landmarks_need_a_known_ending(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"")
    with pytest.raises(UnveilError, match=r"a\.npy"):
        read_landmarks(tmp_path / "a.npy")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_killed_it_leaves_no_score(copied: Path, tmp_path: Path) -> None:
    places = ["--dataset", copied / "dataset", "--predictions", copied / "predictions", "--processes", "1"]
    out = tmp_path / "scores"
    out.mkdir()
    require_whole_or_nothing(out, "evaluate", "now", *places, "-o", out)
