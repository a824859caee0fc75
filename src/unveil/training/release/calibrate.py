"""Deviations that mean what they say: on people held out, errors are as large as the learner says, on average.

Its deviations were learned on people it knows, where it errs less. One factor per group of coefficients makes the
mean of the squared errors, each in its own deviations, one; and one factor for the vertices makes up for errors of
coefficients that go together, which `unveil.heads.uncertainty` leaves out.

What is no face was drawn for training, and is easier to tell than what detectors take for one. So the face score is
shifted until nearly all faces held out are just beyond one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from unveil.heads.face_area import face_area
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.uncertainty import MILLIMETRES, vertex_uncertainty
from unveil.typing import Float32s, Floats

FACES_KEPT = 0.98  # share of the faces held out that keep a score of one half or more
BATCH = 64  # heads evaluated at once


@dataclass(frozen=True)
class Calibration:
    """What a learner's deviations, and those of vertices made of them, are multiplied with."""

    factors: Mapping[str, float]  # by group of coefficients
    vertex_scale: float
    count: int  # crops it was measured on
    face_shift: float = 0.0  # what is taken from the logit that there is a face

    def factor_of_each(self, layout: CoefficientLayout) -> Float32s:
        """The factor [M] of each coefficient."""
        return np.concatenate([np.full(g.size, self.factors[g.name], np.float32) for g in layout.groups])


def calibrate(
    coefficients: Coefficients, deviations: Coefficients, labels: Floats, model: MorphableModel
) -> Calibration:
    """The factors by what a learner says of N crops, with deviations [N, M], and the labels [N, M]."""
    squares = mean_squared_z(coefficients, deviations, labels)
    raw = Calibration({name: float(np.sqrt(square)) for name, square in squares.items()}, 1.0, len(labels))
    right = Coefficients(deviations.layout, deviations.values * raw.factor_of_each(deviations.layout))
    ratio = vertex_distances(coefficients, labels, model) / vertex_uncertainty(model, right)
    return replace(raw, vertex_scale=float(np.sqrt((np.square(ratio) @ face_area(model)).mean())))


def face_shift(faces: Floats) -> float:
    """What is to be taken from the logits of probabilities [N] that faces held out are faces."""
    probability = np.clip(np.quantile(np.asarray(faces, np.float64), 1 - FACES_KEPT), 1e-6, 1 - 1e-6)
    return float(np.log(probability / (1 - probability)))


def mean_squared_z(coefficients: Coefficients, deviations: Coefficients, labels: Floats) -> dict[str, float]:
    """Mean, per group, of the squared errors of [N, M] in their deviations: one where these are right."""
    z = (coefficients.values - labels) / deviations.values
    return {name: float(np.square(values).mean()) for name, values in coefficients.layout.split(z).items()}


def vertex_distances(coefficients: Coefficients, labels: Floats, model: MorphableModel) -> Floats:
    """Distances [N, V], in millimetres, of the vertices of heads without pose from the labels'."""
    difference = Coefficients(coefficients.layout, np.asarray(coefficients.values - labels, np.float32))
    parts = []
    for start in range(0, len(labels), BATCH):
        batch = Coefficients(difference.layout, difference.values[start : start + BATCH])
        # The heads are linear in both, so that their difference is the head of the difference.
        moved = model.head.unposed(model.shape(batch), batch["expression"]) - model.head.template
        parts.append(np.linalg.norm(moved, axis=-1) * MILLIMETRES)
    return np.concatenate(parts)
