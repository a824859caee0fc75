"""How far turned heads are seen to be turned: photographs re-rendered in poses up to 75 degrees of yaw and 40 of pitch.

The table gives mean errors in degrees by how far the head is turned, and how much of the angle is predicted: the mean
of predicted angles towards the true side over the mean of true angles; 0.5 means that half is lost. A learner sees the
crop as its framing wants it; with ``--detected`` the whole way is measured from the detector on, and faces that are not
found, or marked as doubtful, are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tools.known_heads.asking import ask
from tools.known_heads.renders import SIZE, canonical, photographs_of, renderer_of, spread
from tools.known_heads.tables import print_header, print_row
from unveil import Reconstructor
from unveil.geometry.rotation import matrix_to_euler_degrees
from unveil.heads.layout import Coefficients
from unveil.training.crops.prepared import TEST
from unveil.training.data import TrainingData
from unveil.training.rerender.samples import Sample
from unveil.typing import Bools, Float64s, Floats

PITCH, YAW, ROLL = range(3)  # of Euler angles
BINS = {
    "yaw": (YAW, (0, 15, 30, 45, 60, 75)),
    "pitch": (PITCH, (0, 10, 20, 30, 40)),
}


def turned(data: TrainingData, learners: Sequence[str], *, count: int, seed: int, detected: bool) -> None:
    """Print errors of the pose of ``count`` photographs that are turned to any pose."""
    samples = turned_samples(data, count, seed)
    truth = euler_degrees(data, np.stack([sample.coefficients for sample in samples]))
    print(f"{count} photographs, {'found by the detector' if detected else 'in the frame of the learner'}; degrees")
    print_header("learner", "turned by", "heads", "yaw", "pitch", "roll", "of the angle predicted", "not found")
    for learner in learners:
        predicted = from_detector(learner, samples) if detected else from_crops(data, learner, samples)
        for label, inside, axis in bins(truth):
            print_row(learner, label, *cells(predicted[inside], truth[inside], axis))


def turned_samples(data: TrainingData, count: int, seed: int) -> list[Sample]:
    """Photographs of the test people with random heads in any pose."""
    renderer = renderer_of(data, seed=seed)
    samples = []
    for number, index in enumerate(spread(photographs_of(renderer, TEST), count)):
        rng = np.random.default_rng((seed, number))
        samples.append(renderer.with_head(int(index), renderer.priors[0].draw(rng), rng, far_turns=1.0))
    return samples


def euler_degrees(data: TrainingData, values: Floats) -> Float64s:
    """Pitch, yaw and roll [N, 3] of the heads of coefficients [N, M]."""
    coefficients = Coefficients(data.layout, np.asarray(values, np.float64))
    return np.asarray(matrix_to_euler_degrees(np.asarray(data.model.rotation(coefficients))), np.float64)


def from_crops(data: TrainingData, learner: str, samples: Sequence[Sample]) -> Float64s:
    """Pitch, yaw and roll [N, 3] that a learner sees in the canonical crops."""
    return euler_degrees(data, ask(learner, np.stack([canonical(sample) for sample in samples])).coefficients.values)


def from_detector(learner: str, samples: Sequence[Sample]) -> Float64s:
    """Pitch, yaw and roll [N, 3] of the face in the middle of each picture; NaN where none is found."""
    reconstructor, middle, predicted = Reconstructor(learner), (SIZE - 1) / 2, []
    for sample in samples:
        faces = [face for face in reconstructor.reconstruct(sample.image) if not face.doubtful]
        away = [float(np.linalg.norm(np.reshape(face.box_ltrb, (2, 2)).mean(axis=0) - middle)) for face in faces]
        predicted.append(faces[int(np.argmin(away))].pose_degrees if faces else (np.nan,) * 3)
    return np.array(predicted, np.float64)


def bins(truth: Float64s) -> list[tuple[str, Bools, int]]:
    """Label, members [N] and axis of the bins of true angles [N, 3]; the first holds all."""
    found = [("any angle", np.ones(len(truth), bool), YAW)]
    for name, (axis, borders) in BINS.items():
        size = np.abs(truth[:, axis])
        for low, high in pairwise(borders):
            found.append((f"{name} {low}-{high}", (size >= low) & (size < high), axis))
    return [entry for entry in found if entry[1].any()]


def cells(predicted: Float64s, truth: Float64s, axis: int) -> list[str]:
    """Heads, errors of yaw, pitch and roll, the share of the angle about ``axis`` predicted, and who is missing."""
    there = ~np.isnan(predicted[:, 0])
    if not there.any():
        return [str(len(predicted)), "", "", "", "", str(len(predicted))]
    error = np.abs((predicted - truth + 180) % 360 - 180)[there].mean(axis=0)
    share = (predicted[there, axis] * np.sign(truth[there, axis])).mean() / np.abs(truth[there, axis]).mean()
    numbers = [f"{error[k]:.1f}" for k in (YAW, PITCH, ROLL)]
    return [str(len(predicted)), *numbers, f"{share:.2f}", str(int((~there).sum()))]
