from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import training_folder
from extras import needs

from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.models.encoder import Prediction
from unveil.occluders.base import SEVERITIES, Pool
from unveil.occluders.pool import load_pool
from unveil.photos.framing import CANONICAL, Framing
from unveil.photos.io import read_image
from unveil.training.crops.prepared import VALIDATION
from unveil.training.data import TrainingData
from unveil.training.release.calibrate import calibrate, labels_of
from unveil.training.release.reliability import Pairs, Reliability
from unveil.training.release.validate import NOTHING, chosen, discrepancies, table, validate
from unveil.training.sampler import Sampler


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return training_folder.load(training_folder.write(tmp_path_factory.mktemp("data")))


@dataclass
class Knowing:
    """An encoder that knows the labels, moves the camera by ``shift``, and where a crop is occluded moves it more."""

    data: TrainingData
    indices: np.ndarray
    shift: float = 0.0
    name: str = "knowing"
    path: Path = Path("knowing")
    input_size: int = 64
    framing: Framing = CANONICAL
    vertex_scale: float = 1.0

    @property
    def layout(self) -> CoefficientLayout:
        return self.data.layout

    def predict(self, crops: np.ndarray) -> Prediction:
        sampler = Sampler(self.data, training_folder.config(self.input_size), load_pool())
        clear = sampler.validation_batch(self.indices, occluded=False)
        values = clear.coefficients.copy()
        hidden = (clear.images != crops).any(axis=(1, 2, 3))
        values[:, self.layout.slice_of("camera").start + 1] += self.shift * (1 + hidden)
        return Prediction(Coefficients(self.layout, values))


def test_who_gives_the_labels_is_without_discrepancy(data: TrainingData) -> None:
    indices = data.indices(VALIDATION)
    np.testing.assert_allclose(discrepancies(data, indices, Knowing(data, indices), load_pool(), 0.0), 0, atol=1e-4)


def test_a_shift_of_the_camera_is_told_in_shares_of_the_face(data: TrainingData) -> None:
    indices, shift = data.indices(VALIDATION), 0.01
    values = Coefficients(data.layout, data.coefficients.values[indices].astype(np.float64))
    model = data.landmark_model
    points = model.project(model.contour68(model.vertices(values), values), values)[..., :2]
    sizes = np.sqrt((points.max(axis=1) - points.min(axis=1)).prod(axis=1))
    expected = 100 * values["camera"][:, 0] * shift / sizes
    found = discrepancies(data, indices, Knowing(data, indices, shift), load_pool(), 0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_rows_for_every_kind_and_severity_with_learner_and_teacher(data: TrainingData) -> None:
    indices = data.indices(VALIDATION)
    pool = load_pool(kinds={"pixels", "hair"})
    results = list(validate(data, indices, Knowing(data, indices, 0.01), pool, Knowing(data, indices, 0.02)))
    rows = [row for row, _ in results]
    assert [(row.kind, row.severity) for row in rows] == [(NOTHING, 0.0)] + [
        (kind, severity) for kind in ("pixels", "hair") for severity in SEVERITIES
    ]
    for row in rows:
        assert row.teacher == pytest.approx(2 * row.learner, rel=1e-3)
    assert all(row.learner == pytest.approx(2 * rows[0].learner, rel=1e-3) for row in rows[1:])
    text = table(rows)
    assert text.count("\n") == len(rows) + 1
    assert f"| hair | 40 % | {len(indices)} | {rows[5].learner:.2f} | {rows[5].teacher:.2f} |" in text


def test_splits_are_chosen_by_name(data: TrainingData) -> None:
    assert list(chosen(data, "validation", 100)) == list(data.indices(VALIDATION))
    assert len(chosen(data, "validation", 2)) == 2
    with pytest.raises(UnveilError, match="no labelled crop is kept for test"):
        chosen(data, "test", 10)
    with pytest.raises(UnveilError, match="validation or test"):
        chosen(data, "train", 10)


def test_true_deviations_lie_on_the_diagonal() -> None:
    rng = np.random.default_rng(0)
    deviations = rng.uniform(0.1, 2, 40_000)
    pairs, boastful = Pairs(), Pairs()
    pairs.add(deviations, np.abs(rng.normal(0, deviations)))
    boastful.add(deviations / 2, np.abs(rng.normal(0, deviations)))
    said, was = pairs.bins(squared=True)
    np.testing.assert_allclose(was, said, rtol=0.05)
    said, was = boastful.bins(squared=True)
    np.testing.assert_allclose(was, 2 * said, rtol=0.05)
    probabilities = rng.uniform(0, 1, 40_000)
    pairs = Pairs()
    pairs.add(probabilities, rng.uniform(0, 1, 40_000) < probabilities)
    np.testing.assert_allclose(*pairs.bins(squared=False), atol=0.03)


def test_reliability_is_gathered_and_drawn(data: TrainingData, tmp_path: Path) -> None:
    needs("matplotlib")
    rng = np.random.default_rng(0)
    indices = data.indices(VALIDATION)
    batch = Sampler(data, training_folder.config(64), load_pool()).validation_batch(indices, occluded=True)
    error = rng.normal(0, 0.1, batch.coefficients.shape).astype(np.float32)
    said = Coefficients(data.layout, batch.coefficients + error)
    deviations = Coefficients(data.layout, np.full_like(error, 0.1))
    told = Prediction(said, deviations, np.clip(batch.occlusion, 0.02, 0.98))
    found = calibrate(said, deviations, labels_of(batch), data.model)
    reliability, more = (Reliability(data.model, found.vertex_scale) for _ in range(2))
    for _ in range(200):
        reliability.add(told, batch)
    more.take_in(reliability)
    stated, was = more.coefficients.bins(squared=True)
    np.testing.assert_allclose(stated, 0.1, rtol=1e-5)
    assert np.sqrt((was**2).mean()) == pytest.approx(0.1, rel=0.1)
    stated, was = more.vertices.bins(squared=True)
    # Shape and expression err nearly independently.
    assert np.sqrt((was**2).mean() / (stated**2).mean()) == pytest.approx(1, abs=0.2)
    more.plot(tmp_path / "reliability.png")
    picture = read_image(tmp_path / "reliability.png")
    assert picture.shape[1] > 2 * picture.shape[0] > 200
    assert (picture != picture[0, 0]).any(axis=-1).mean() > 0.005


def test_nothing_is_made_of_what_is_not_said(data: TrainingData, tmp_path: Path) -> None:
    needs("matplotlib")
    batch = Sampler(data, training_folder.config(64), Pool(load_pool().occluders[:1], (1.0,))).validation_batch(
        data.indices(VALIDATION), occluded=False
    )
    reliability = Reliability(data.model)
    reliability.add(Prediction(Coefficients(data.layout, batch.coefficients)), batch)
    assert not reliability.cells.said
    assert not reliability.vertices.said
    reliability.plot(tmp_path / "empty.png")
