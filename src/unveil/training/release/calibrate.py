"""Calibration of deviations: on people held out, errors are on average as large as the learner says.

Its deviations were learned on people it knows, where it errs less. One factor per group of coefficients makes the
mean of the squared errors, each in its own deviations, one; and two factors for each vertex make up for errors of
coefficients that go together, which `unveil.heads.uncertainty` leaves out. Labels that are not trusted to say what form
a head has, as those of a fit beside exact ones, do not count for the shape and the vertices.

Pictures without a face were drawn for training, and are easier to recognise than a detector's false finds. So the face
score is shifted until nearly all faces held out are just beyond one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from unveil.heads.face_area import face_area
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.uncertainty import MILLIMETRES, parts_of_uncertainty
from unveil.training.views.batch import Batch
from unveil.typing import Bools, Float32s, Floats

LEAST = 1e-3  # mm, of an uncertainty that is scaled
MOST_SCALED = 1000.0  # times, to fit in half precision
FACES_KEPT = 0.99  # share of the faces held out that keep a score of one half or more


@dataclass(frozen=True)
class Calibration:
    """The factors for a learner's deviations, and for the uncertainty of vertices that follows from them."""

    factors: Mapping[str, float]  # by group of coefficients
    vertex_scale: Float32s  # [2, V] for the errors by shape and by expression
    count: int  # crops it was measured on
    face_shift: float = 0.0  # subtracted from the logit of the face score

    def factor_of_each(self, layout: CoefficientLayout) -> Float32s:
        """The factor [M] of each coefficient."""
        return np.concatenate([np.full(g.size, self.factors[g.name], np.float32) for g in layout.groups])


class Labels(NamedTuple):
    """The labels of N crops."""

    coefficients: Float32s  # [N, M]
    shape_weight: Float32s  # [N] trust in their shape of the head

    @property
    def exact(self) -> Bools:
        """Which labels [N] can be trusted for the form of the head; all of them if none can."""
        return self.shape_weight > 0 if self.shape_weight.any() else np.ones(len(self.shape_weight), bool)


def labels_of(batch: Batch) -> Labels:
    """The labels of a batch, as far as calibration needs them."""
    return Labels(batch.coefficients, batch.shape_weight)


def calibrate(
    coefficients: Coefficients, deviations: Coefficients, labels: Labels, model: MorphableModel
) -> Calibration:
    """The factors, from a learner's predictions for N crops, with deviations [N, M], and their labels."""
    squares = mean_squared_z(coefficients, deviations, labels, model)
    unscaled = np.ones((2, len(model.head.template)), np.float32)
    raw = Calibration({name: float(np.sqrt(square)) for name, square in squares.items()}, unscaled, len(labels.exact))
    right = deviations.values * raw.factor_of_each(deviations.layout)
    stated = parts_of_uncertainty(model, Coefficients(deviations.layout, right[labels.exact]))
    exact = Coefficients(coefficients.layout, coefficients.values[labels.exact])
    moved = displacements(exact, labels.coefficients[labels.exact], model)
    true = [np.linalg.norm(without_similarity(part, model), axis=-1) * MILLIMETRES for part in moved]
    return replace(raw, vertex_scale=scale_of_each(np.stack(true, axis=1), stated))


def scale_of_each(true: Floats, stated: Floats) -> Float32s:
    """The factor [...] that gives stated distances [N, ...] the mean squares of the true ones."""
    true_square, stated_square = (np.square(values).mean(axis=0) for values in (true, stated))
    known = stated_square > LEAST**2  # what no coefficient moves is never off
    scale = np.sqrt(np.where(known, true_square, 1) / np.where(known, stated_square, 1))
    return np.clip(scale, 1 / MOST_SCALED, MOST_SCALED).astype(np.float32)


def face_shift(faces: Floats) -> float:
    """The number to subtract from the logits of the probabilities [N] that held-out faces are faces."""
    probability = np.clip(np.quantile(np.asarray(faces, np.float64), 1 - FACES_KEPT), 1e-6, 1 - 1e-6)
    return float(np.log(probability / (1 - probability)))


def mean_squared_z(
    coefficients: Coefficients, deviations: Coefficients, labels: Labels, model: MorphableModel
) -> dict[str, float]:
    """Mean, per group, of the squared errors of [N, M] in their deviations: one where these are right."""
    z = (coefficients.values - labels.coefficients) / deviations.values
    groups = coefficients.layout.split(z) | {model.shape_group: model.shape(Coefficients(coefficients.layout, z))}
    counted = {name: labels.exact if name == model.shape_group else slice(None) for name in groups}
    return {name: float(np.square(values[counted[name]]).mean()) for name, values in groups.items()}


def displacements(coefficients: Coefficients, labels: Floats, model: MorphableModel) -> tuple[Float32s, Float32s]:
    """How far [N, V, 3], in metres, vertices of heads without pose are from those of labels [N, M].

    The first are displaced by what is wrong with the shape, the second by the expression; heads are linear in both.
    """
    wrong = Coefficients(coefficients.layout, np.asarray(coefficients.values - labels, np.float32))
    shape, expression = (np.asarray(basis) for basis in (model.head.shape_basis, model.head.expression_basis))
    return np.tensordot(model.shape(wrong), shape, axes=1), np.tensordot(wrong["expression"], expression, axes=1)


def without_similarity(displacements: Floats, model: MorphableModel) -> Float32s:
    """Displacements [N, V, 3] without the small shift, rotation and scaling that best explain them on the face."""
    points, axes = np.asarray(model.head.template, np.float64), np.eye(3)
    moves = [np.broadcast_to(axis, points.shape) for axis in axes] + [np.cross(axis, points) for axis in axes]
    motions = np.stack([*moves, points])  # [7, V, 3] to first order
    face = face_area(model) > 0
    known, wanted = (np.asarray(v, np.float64)[:, face].reshape(len(v), -1) for v in (motions, displacements))
    shares = np.linalg.lstsq(known.T, wanted.T, rcond=None)[0].T  # [N, 7]
    return np.asarray(displacements - np.tensordot(shares, motions, axes=1), np.float32)
