"""All images of the NoW benchmark: on every core, and on where an earlier run stopped.

The distances of each image are kept in a file of their own with a hash of what they were computed from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.evaluation.now.files import NowDataset, Pair, find_prediction
from unveil.evaluation.now.photos import NowImage
from unveil.evaluation.now.protocol import crop_scan, fit_prediction
from unveil.processes import core_count, each_in_processes
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.npz import write_npz
from unveil.typing import Float32s, Float64s

DISTANCES = "distances"  # folder, within that of the report
KEPT = FileKind("file of distances", "score again", 2**28)
VERSION = 1  # raised when the protocol's numbers change, so that older distances are not taken


@dataclass(frozen=True)
class Scored:
    """The outcome for one image."""

    image: NowImage
    distances: Float32s | None = None  # [N] mm; None where the prediction is missing or cannot be used
    error: str = ""  # why it cannot be used, "" where it is missing

    @property
    def missing(self) -> bool:
        """Whether there is no prediction."""
        return self.distances is None and not self.error


@dataclass(frozen=True)
class _Task:
    image: NowImage
    scan: Pair
    prediction: Pair | None
    metrical: str | None
    kept: Path  # where the distances are kept


def score_all(
    dataset: NowDataset, predictions: Path, out: Path, *, metrical: str | None = None, processes: int | None = None
) -> Iterator[Scored]:
    """Score the prediction of each image, in the order of the list, and keep the distances under ``out``.

    Args:
        dataset: the benchmark.
        predictions: folder of ``<subject>/<challenge>/<image>.obj`` or ``.ply`` with ``.npy`` or ``.txt``.
        out: folder for the distances.
        metrical: the unit of the predictions, where their size is to count; see `now.fit_prediction`.
        processes: how many at once; None: as many as there are cores. The numbers do not depend on it.

    Raises:
        UnveilError: a scan cannot be used, or a file cannot be written.
    """
    tasks = [
        _Task(image, dataset.scan(image.subject), find_prediction(predictions, image), metrical, _kept(out, image))
        for image in dataset.images
    ]
    return each_in_processes(_score, tasks, processes or core_count())


def _score(task: _Task) -> Scored:
    if task.prediction is None:
        return Scored(task.image)
    scan, scan_landmarks, scan_digest = _read_scan(task.scan)
    try:
        settings = f"{VERSION} {task.metrical} {scan_digest} {task.prediction.digest()}"
        key = hashlib.sha256(settings.encode()).hexdigest()
        distances = _read_kept(task.kept, key)
        if distances is not None:
            return Scored(task.image, distances)
        mesh, landmarks = task.prediction.read()
        fit = fit_prediction(scan, scan_landmarks, mesh, landmarks, task.metrical)
    except UnveilError as error:
        return Scored(task.image, error=f"{task.image}: {error}")
    distances = fit.distances.astype(np.float32)
    write_npz(task.kept, {"distances": distances, "key": np.array(key)})
    return Scored(task.image, distances)


@lru_cache(maxsize=1)  # the list goes subject by subject
def _read_scan(scan: Pair) -> tuple[Float64s, Float64s, str]:
    """The vertices of a scan that count, its landmarks, and a hash of its files."""
    mesh, landmarks = scan.read()
    try:
        return crop_scan(mesh.vertices, landmarks), landmarks, scan.digest()
    except UnveilError as error:
        raise UnveilError(f"{scan.mesh}: {error}") from error


def _kept(out: Path, image: NowImage) -> Path:
    return out / DISTANCES / image.path.with_suffix(".npz")


def _read_kept(path: Path, key: str) -> Float32s | None:
    """The distances of an earlier run if they were computed from the same files in the same way."""
    try:
        arrays = read_arrays(path, KEPT)
        with KEPT.checking(path):
            return arrays["distances"].astype(np.float32) if str(arrays["key"]) == key else None
    except UnveilError:
        return None
