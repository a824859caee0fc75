import itertools
import os
from dataclasses import replace
from pathlib import Path

import cli_answer
import numpy as np
import pytest
import rerendered
from killed import require_the_same_after

from unveil.errors import UnveilError
from unveil.heads.face_area import face_area
from unveil.heads.layout import Coefficients
from unveil.training.crops.prepared import MANIFEST, TEST, PreparedFolder
from unveil.training.data import TrainingData
from unveil.training.rerender.folder import CODES, RerenderSettings, labels_path, make_folder
from unveil.training.rerender.photographs import Photographs, seen_well, tone

SETTINGS = RerenderSettings(count=7, size=64, seed=5, shard=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return rerendered.write(tmp_path_factory.mktemp("photographs") / "prepared")


@pytest.fixture(scope="module")
def made(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    assert sum(make_folder(data, folder, SETTINGS)) == 7
    return folder


def test_training_takes_the_folder(made: Path, data: TrainingData) -> None:
    again = TrainingData.load(made, made / CODES)
    assert len(again) == 7
    assert set(again.shape_weight.tolist()) <= {0.0, 1.0}
    assert again.shape_weight.sum() >= 3
    assert not (again.folder.split == TEST).any()
    names = {str(name).partition("#")[0] for name in again.folder.names}
    assert names <= set(map(str, data.folder.names))


def test_eyes_that_are_shut_are_not_rendered_open(data: TrainingData) -> None:
    values = data.coefficients.values.copy()
    units = values[:, data.layout.slice_of("expression")]
    units[0, [name.startswith("eyeBlink") for name in data.model.expression_names]] = 0.9
    shut = replace(data, coefficients=Coefficients(data.layout, values))
    assert seen_well(data)[0]
    np.testing.assert_array_equal(seen_well(shut), [False, *seen_well(data)[1:]])


def test_codes_say_where_points_are(made: Path) -> None:
    """Seen from afar they are where the coefficients project them; a near camera and other statistics move them."""
    data = TrainingData.load(made, made / CODES)
    assert data.given_points is not None
    projected = replace(data, given_points=None).points
    apart = np.linalg.norm(data.points - projected, axis=-1).mean(axis=1)
    np.testing.assert_allclose(apart[data.shape_weight == 0], 0, atol=1e-4)  # photographs with what the fit says
    assert apart.max() < 0.1


def test_a_stopped_run_goes_on_and_ends_the_same(made: Path, data: TrainingData, tmp_path: Path) -> None:
    list(itertools.islice(make_folder(data, tmp_path, SETTINGS), 1))
    assert labels_path(tmp_path, 0).exists()
    assert not (tmp_path / MANIFEST).exists()
    assert sum(make_folder(data, tmp_path, SETTINGS)) == 7
    one, two = PreparedFolder.open(made), PreparedFolder.open(tmp_path)
    assert one.fingerprint == two.fingerprint
    for k in range(7):
        np.testing.assert_array_equal(one.crop(k), two.crop(k))
    codes = [np.load(folder / CODES)["coefficients"] for folder in (made, tmp_path)]
    np.testing.assert_array_equal(*codes)


def test_a_folder_keeps_to_its_settings(made: Path, data: TrainingData) -> None:
    with pytest.raises(UnveilError, match="seed 5, not 6"):
        next(make_folder(data, made, RerenderSettings(count=7, size=64, seed=6, shard=3)))


def test_darker_skin_has_a_smaller_angle(data: TrainingData) -> None:
    tones = [tone(data, k, rerendered.surface()) for k in range(6)]
    assert tones == sorted(tones)
    assert tones[0] < 0 < tones[-1]


def test_all_tones_are_chosen_equally_often(data: TrainingData) -> None:
    tones = np.array([0, 1, 1, 1, -1, -1], np.int8)
    photographs = Photographs.of(data, rerendered.surface(), tones)
    chosen = np.array([photographs.choose(0, np.random.default_rng(seed)) for seed in range(300)])
    assert 0.35 < (chosen == 0).mean() < 0.65
    assert set(chosen.tolist()) == {0, 1, 2, 3}


def test_what_all_faces_share_is_shape_and_no_expression(data: TrainingData) -> None:
    model, photographs = data.model, Photographs.of(data, rerendered.surface(), np.zeros(6, np.int8))
    unit = model.expression_names.index("browDownLeft")
    rest = np.zeros(51)
    rest[[unit, unit + 1]] = 0.3
    photographs = Photographs(data, rest, photographs.to_shape, photographs.tones)
    frowning = photographs.fitted(0).replace(expression=2 * rest)
    calm = photographs.rested(frowning)
    np.testing.assert_allclose(calm["expression"], rest, atol=1e-6)
    face = face_area(model) > 0
    before, after = (np.asarray(model.head.unposed(c["shape"], c["expression"]))[face] for c in (frowning, calm))
    moved = np.asarray(model.head.unposed(frowning["shape"], rest))[face]
    assert ((after - before) ** 2).sum() < 0.8 * ((moved - before) ** 2).sum()


def test_the_command_makes_a_folder(capsys: pytest.CaptureFixture[str], data: TrainingData, tmp_path: Path) -> None:
    source, out = data.folder.path, tmp_path / "out"
    options = ("--count", "2", "--size", "64")
    answer = cli_answer.Answer(capsys, "rerender", source, source / rerendered.CODES, "-o", out, *options)
    assert answer.status == 0
    assert "2 pictures" in answer.out
    assert len(PreparedFolder.open(out)) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("moved", [0, 2, 5])
def test_killed_at_any_moment_the_command_goes_on(
    capsys: pytest.CaptureFixture[str], data: TrainingData, tmp_path: Path, moved: int
) -> None:
    source = data.folder.path
    call = ("rerender", source, source / rerendered.CODES, "--count", "2", "--size", "64", "-o")
    require_the_same_after(moved, tmp_path, call, lambda *given: cli_answer.Answer(capsys, *given).status)


def test_the_command_begins_no_folder_that_holds_other_files(
    capsys: pytest.CaptureFixture[str], data: TrainingData, tmp_path: Path
) -> None:
    (tmp_path / "codes.npz").write_text("mine")
    answer = cli_answer.Answer(
        capsys, "rerender", data.folder.path, data.folder.path / rerendered.CODES, "-o", tmp_path
    )
    assert (answer.status, answer.err) == (2, f"unveil: {tmp_path} holds other files; name a new folder\n")
    assert [path.name for path in tmp_path.iterdir()] == ["codes.npz"]
