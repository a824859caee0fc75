"""From a run to ONNX files whose loss against torch, and whose stated deviations, are measured on people held out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unveil.models.encoder import Prediction
from unveil.models.learner import Learner
from unveil.models.onnx import CoefficientModel
from unveil.training.crops.prepared import TEST, TRAIN
from unveil.training.release.calibrate import Calibration, calibrate, face_shift, labels_of, mean_squared_z
from unveil.training.release.predict import clear_and_occluded, predict
from unveil.training.release.to_onnx import Statement, export_int8, export_onnx
from unveil.training.release.validate import chosen, nme
from unveil.training.sampler import Sampler
from unveil.training.views.batch import Batch

MOST_SAMPLES = 400  # of a split
RANGE_SAMPLES = 64  # to learn the ranges of activations from; more change little
TIMED = 30  # crops


@dataclass(frozen=True)
class Exported:
    """A file against the learner in torch, on crops of people held out, half of them occluded."""

    path: Path
    nme: float  # of the landmarks against the teacher's, percent
    nme_torch: float
    moved: float  # landmarks against torch's, percent of the same box
    milliseconds: float  # per crop, one by one


@dataclass(frozen=True)
class Measured:
    """The measurements of an export on held-out people."""

    count: int  # crops
    files: tuple[Exported, ...]
    calibration: Calibration | None  # None where the learner gives no deviations
    squared_z: Mapping[str, float]  # by group, after calibration, on the people of the test split


def export_measured(
    learner: Learner, path: Path, statement: Statement, sampler: Sampler, *, int8: bool = False
) -> Measured:
    """Write the learner with calibrated deviations, and with ``int8`` as ``<name>_int8.onnx`` too, and measure both.

    Raises:
        UnveilError: the data keep nobody for validation, or a file cannot be written.
        LayoutError: the data are of another layout than the learner.
    """
    sampler.data.layout.require(learner.layout)
    batch = clear_and_occluded(sampler, chosen(sampler.data, "validation", MOST_SAMPLES))
    said = predict(learner, batch.images)
    calibration = None
    if said.deviations is not None:
        calibration = calibrate(said.coefficients, said.deviations, labels_of(batch), sampler.data.model)
        if said.face is not None:
            calibration = replace(calibration, face_shift=face_shift(said.face))
    export_onnx(learner, path, statement, calibration)
    paths = [path]
    if int8:
        paths.append(path.with_name(f"{path.stem}_int8.onnx"))
        known = sampler.data.indices(TRAIN)
        seen = clear_and_occluded(sampler, known[:: max(1, len(known) // RANGE_SAMPLES)][:RANGE_SAMPLES])
        export_int8(learner, paths[1], statement, calibration, seen.images)
    files = tuple(_compare(each, said, batch, sampler) for each in paths)
    return Measured(len(batch.images), files, calibration, _squared_z(path, sampler))


def _compare(path: Path, torch: Prediction, batch: Batch, sampler: Sampler) -> Exported:
    model, data = CoefficientModel(path), sampler.data
    predicted = model.predict(batch.images).coefficients
    as_torch = batch._replace(coefficients=np.asarray(torch.coefficients.values))
    return Exported(
        path,
        nme=float(nme(data, predicted, batch).mean()),
        nme_torch=float(nme(data, torch.coefficients, batch).mean()),
        moved=float(nme(data, predicted, as_torch).mean()),
        milliseconds=_time_per_crop(model, batch),
    )


def _time_per_crop(model: CoefficientModel, batch: Batch) -> float:
    """Median time of one crop by itself, in milliseconds."""
    durations = []
    for k in range(min(TIMED, len(batch.images))):
        start = time.perf_counter()
        model.predict(batch.images[k : k + 1])
        durations.append((time.perf_counter() - start) * 1000)
    return float(np.median(durations))


def _squared_z(path: Path, sampler: Sampler) -> dict[str, float]:
    """Squared errors in calibrated deviations on people that these were not calibrated on; empty without such."""
    if not len(sampler.data.indices(TEST)):
        return {}
    batch = clear_and_occluded(sampler, chosen(sampler.data, "test", MOST_SAMPLES))
    said = CoefficientModel(path).predict(batch.images)
    if said.deviations is None:
        return {}
    return mean_squared_z(said.coefficients, said.deviations, labels_of(batch), sampler.data.model)
