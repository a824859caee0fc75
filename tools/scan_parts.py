"""Scans with flags for the vertices that a picture hides: errors over the whole face, its visible and hidden parts.

The data lie as NoW's do, with ``hidden/<image>.npy`` beside them, a flag [N] for each vertex of the scan. A picture's
name ends in the condition of the face, ``<view>_<condition>``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unveil.errors import UnveilError
from unveil.evaluation.now.files import NowDataset, find_prediction
from unveil.evaluation.now.protocol import crop_scan, fit_prediction
from unveil.heads.face_area import face_sphere
from unveil.storage.arrays import read_array
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.typing import Bools, Float64s

FLAGS = FileKind("file of flags", "draw the heads again", 2**28)
PARTS = ("all", "visible", "hidden")


@dataclass(frozen=True, eq=False)
class PartScore:
    """Distances of the points of one scan to a prediction."""

    condition: str  # the occluder, "clear" without one
    distances: Float64s | None  # [N] mm; None where there is no prediction
    hidden: Bools | None  # [N] by an occluder


def score_parts(dataset: NowDataset, hidden: Path, predictions: Path) -> Iterator[PartScore]:
    """Score each picture's prediction; UnveilError where a file cannot be used."""
    for image in dataset.images:
        condition = image.path.stem.rpartition("_")[2]
        prediction = find_prediction(predictions, image)
        if prediction is None:
            yield PartScore(condition, None, None)
            continue
        scan, landmarks = dataset.scan(image.subject).read()
        flags = _read_flags(hidden / image.path.with_suffix(".npy"), len(scan.vertices))
        centre, radius = face_sphere(landmarks)
        counts = np.linalg.norm(scan.vertices - centre, axis=1) <= radius
        fit = fit_prediction(crop_scan(scan.vertices, landmarks), landmarks, *prediction.read())
        yield PartScore(condition, fit.distances, flags[counts])


def summarise(scores: list[PartScore]) -> dict[str, dict[str, Any]]:
    """For each condition the median and mean of each of `PARTS`, mm, over all heads together, and what is missing."""
    found: dict[str, dict[str, Any]] = {}
    for condition in dict.fromkeys(one.condition for one in scores):
        group = [one for one in scores if one.condition == condition]
        known = [one for one in group if one.distances is not None]
        row: dict[str, Any] = {"heads": len(known), "missing": len(group) - len(known)}
        for part in PARTS:
            pooled = np.concatenate([np.zeros(0), *(_part(one, part) for one in known)])
            row[part] = {"median": float(np.median(pooled)), "mean": float(pooled.mean())} if len(pooled) else None
        found[condition] = row
    return found


def _part(one: PartScore, part: str) -> Float64s:
    distances, hidden = one.distances, one.hidden
    if distances is None or hidden is None:
        return np.zeros(0)
    return {"all": distances, "visible": distances[~hidden], "hidden": distances[hidden]}[part]


def _read_flags(path: Path, count: int) -> Bools:
    flags = read_array(path, FLAGS)
    if flags.shape != (count,) or flags.dtype != np.bool_:
        raise UnveilError(f"{printable(path)} is {flags.dtype} {flags.shape}, not a flag for each of {count} vertices")
    return np.asarray(flags)
