"""Recognising people: whether two real frames show the same person, judged by neutral heads and by expressions.

The table gives the area under the ROC curve, frame by frame and in fives. The expression should say nothing about the
person: one half is best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tools.known_heads.asking import ask
from tools.known_heads.renders import FRAMES, SIZE
from tools.known_heads.roc import area_under_curve
from tools.known_heads.tables import print_header, print_row
from unveil.heads.face_area import face_area
from unveil.training.crops.prepared import TEST
from unveil.training.data import TrainingData
from unveil.typing import Float64s, Floats


def people(data: TrainingData, learners: Sequence[str]) -> None:
    """Print how well neutral heads and expressions of real frames distinguish the people of the test split."""
    rows = data.rows[data.indices(TEST)]
    person = data.folder.person[rows]
    crops = np.stack([data.folder.canonical(int(row), SIZE) for row in rows])
    print(f"{len(rows)} frames of {len(np.unique(person))} people; area under the ROC curve")
    print_header("learner", "head, one frame", "head, five", "expression, one frame", "expression, five")
    for name in learners:
        predicted = ask(name, crops).coefficients
        forms = np.asarray(data.model.head.neutral(predicted["shape"].astype(np.float64)))[:, face_area(data.model) > 0]
        cells = []
        for values in (form_vectors(forms), predicted["expression"]):
            cells += [roc_area(values, person, euclidean), roc_area(*in_fives(values, person), euclidean)]
        print_row(name, *(f"{cell:.3f}" for cell in cells))


def form_vectors(forms: Float64s) -> Float64s:
    """Faces [N, P, 3] as vectors [N, 3 P], whatever their size and place."""
    centred = forms - forms.mean(axis=1, keepdims=True)
    sizes = np.sqrt((centred**2).mean(axis=(1, 2), keepdims=True))
    return np.asarray((centred / sizes).reshape(len(forms), -1))


def euclidean(a: Floats, b: Floats) -> Floats:
    """Distances [N, K] between the rows of two arrays [N, D] and [K, D]."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def in_fives(values: Floats, person: np.ndarray[Any, Any]) -> tuple[Floats, np.ndarray[Any, Any]]:
    """Means [K, D] of every five rows [N, D] of one person, and their people [K]."""
    groups = [
        (values[rows[k : k + FRAMES]].mean(axis=0), name)
        for name in np.unique(person)
        for rows in [np.flatnonzero(person == name)]
        for k in range(0, len(rows) - FRAMES + 1, FRAMES)
    ]
    return np.stack([mean for mean, _ in groups]), np.array([name for _, name in groups])


def roc_area(values: Floats, person: np.ndarray[Any, Any], distance: Callable[[Floats, Floats], Floats]) -> float:
    """Probability that two rows [N, D] of one person are nearer to each other than two of different people."""
    upper = np.triu_indices(len(values), 1)
    apart = distance(values, values)[upper]
    same = (person[:, None] == person)[upper]
    return area_under_curve(apart[~same], apart[same])
