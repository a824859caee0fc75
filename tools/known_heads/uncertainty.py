"""Whether a learner knows where it errs: stated against true errors of the neutral face, by region.

Every vertex of every photograph is a pair: the uncertainty that is stated for its neutral place, and its distance from
the true head after a similarity. ``stated`` and ``true`` are roots of mean squares in mm: calibration makes them equal.
``correlation`` is that of all pairs of the region, ``between faces`` that of the means over the region, one pair for
each photograph. ``at best fixed`` is the best that a fixed statement could reach, which gives each vertex its mean
error whatever the photograph.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tools.known_heads.asking import ask, deviations_of
from tools.known_heads.form import Truth
from tools.known_heads.making import KnownHeads
from tools.known_heads.regions import REGIONS, regions
from tools.known_heads.renders import FRAMES
from tools.known_heads.tables import print_header, print_row
from unveil import load_openhead
from unveil.evaluation.alignment import procrustes
from unveil.heads.uncertainty import vertex_uncertainty
from unveil.models.registry import open_encoder
from unveil.typing import Bools, Float64s, Images


def uncertainty(heads: Path, learners: Sequence[str]) -> None:
    """Print stated and true errors of the heads of known form."""
    known = KnownHeads.load(heads)
    truth = Truth(load_openhead(), np.repeat(known.heads, FRAMES, axis=0))
    region = regions(truth.model)[truth.face]
    print(f"{len(truth.heads)} photographs of {len(known.heads)} heads")
    print_header(
        "learner", "crops", "region", "stated, mm", "true, mm", "correlation", "between faces", "at best fixed"
    )
    for name in learners:
        for condition, crops in known.crops.items():
            stated, true = stated_and_true(name, crops, truth)
            print_row(name, condition, "face", *cells(stated, true))
            for number, label in enumerate(REGIONS):
                print_row(name, condition, label, *cells(stated[:, region == number], true[:, region == number]))


def stated_and_true(learner: str, crops: Images, truth: Truth) -> tuple[Float64s, Float64s]:
    """Stated uncertainty and true distance in mm [N, P] of the vertices of the neutral face in photographs."""
    said = ask(learner, crops)
    deviations = deviations_of(learner, said)
    resting = deviations.replace(expression=np.zeros_like(deviations["expression"]))
    stated = vertex_uncertainty(truth.model, resting, open_encoder(learner).vertex_scale)[:, truth.face]
    predicted = truth.neutral(np.asarray(said.coefficients["shape"]))
    return np.asarray(stated, np.float64), distances(predicted, truth.heads, truth.face)[:, truth.face]


def distances(predicted: Float64s, truth: Float64s, face: Bools) -> Float64s:
    """Distances [N, V] in mm of vertices [N, V, 3], in metres, from true ones after the similarity of the face [V]."""
    pairs = ((1000 * ours, 1000 * theirs) for ours, theirs in zip(predicted, truth, strict=True))
    return np.stack(
        [np.linalg.norm(procrustes(ours[face], theirs[face])(ours) - theirs, axis=1) for ours, theirs in pairs]
    )


def cells(stated: Float64s, true: Float64s) -> list[str]:
    """Roots of mean squares of both [N, P]; correlations of all pairs, of photographs, and of a fixed statement."""
    fixed = np.broadcast_to(true.mean(axis=0), true.shape)
    levels = [np.sqrt((values**2).mean()) for values in (stated, true)]
    found = [correlation(stated, true), correlation(stated.mean(axis=1), true.mean(axis=1)), correlation(fixed, true)]
    return [f"{value:.2f}" for value in (*levels, *found)]


def correlation(a: Float64s, b: Float64s) -> float:
    """Pearson's, 0 where one of them never changes."""
    spread = a.std() * b.std()
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 0 else 0.0
