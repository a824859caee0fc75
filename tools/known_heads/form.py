"""How near heads come to heads of known form.

``scan to mesh`` is the mean distance of the true face to the predicted head after the NoW benchmark's alignment, and
how much more that is than for the mean head. ``points`` is the mean distance of corresponding points of the face after
a similarity. ``slope`` and ``correlation`` compare how its points differ from the mean head: slope is 1 and correlation
is 1 where the head is right, slope is 0 for a learner that predicts the mean head whoever it sees.

The first row is what openhead's coefficients can say at best: the heads of its prior that are nearest to the true ones.
``of the reachable`` is how much of that row's gain over the mean head a learner has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tools.known_heads.asking import ask
from tools.known_heads.making import KnownHeads
from tools.known_heads.renders import FRAMES
from tools.known_heads.tables import print_header, print_row
from unveil import load_openhead
from unveil.evaluation.alignment import procrustes
from unveil.evaluation.now.protocol import crop_scan, fit_prediction
from unveil.heads.face_area import SEVEN, face_area
from unveil.heads.model import MorphableModel
from unveil.meshes.mesh import Mesh
from unveil.typing import Bools, Float64s, Floats

COLUMNS = ("scan to mesh, mm", "against the mean head", "of the reachable", "points, mm", "slope", "correlation")
RIDGE = 0.5  # mm, of the least squares for the nearest head: what a coefficient of one must gain at each vertex
ALIGNMENTS = 5  # of a head and what is nearest to it, in turns


@dataclass(frozen=True, eq=False)
class Truth:
    """The heads that learners are measured against."""

    model: MorphableModel
    heads: Float64s  # [P, V, 3] metres

    @cached_property
    def mean(self) -> Float64s:
        """The mean head [V, 3]."""
        return np.asarray(self.model.head.template, np.float64)

    @cached_property
    def face(self) -> Bools:
        """Which vertices [V] are of the face."""
        return np.asarray(face_area(self.model) > 0)

    @cached_property
    def distance_of_mean(self) -> float:
        """Scan to mesh of the mean head, mm."""
        return float(np.mean([scan_to_mesh(self.model, self.mean, head) for head in self.heads]))

    def neutral(self, shapes: Floats) -> Float64s:
        """The heads [P, V, 3] of shapes [P, S]."""
        return np.asarray(self.model.head.neutral(shapes.astype(np.float64)))

    def points(self, shapes: Floats) -> tuple[float, float, float]:
        """Distance of corresponding points in mm, slope and correlation for shapes [P, S]."""
        return compare_points(self.neutral(shapes), self.heads, self.mean, self.face)

    @cached_property
    def nearest(self) -> Float64s:
        """The shapes [P, S] whose faces are nearest to the true ones, whatever their size and place."""
        basis = 1000 * np.asarray(self.model.head.shape_basis, np.float64)[:, self.face]
        rows = basis.reshape(len(basis), -1)
        solve = np.linalg.solve(rows @ rows.T + RIDGE**2 * self.face.sum() / len(basis) * np.eye(len(basis)), rows)
        shapes = np.zeros((len(self.heads), len(basis)))
        for _ in range(ALIGNMENTS):
            predicted = self.neutral(shapes)[:, self.face]
            goal = np.stack([procrustes(h, t)(h) for h, t in zip(self.heads[:, self.face], predicted, strict=True)])
            shapes = (1000 * (goal - self.mean[self.face])).reshape(len(goal), -1) @ solve.T
        return np.asarray(shapes)

    def gain(self, shapes: Floats) -> float:
        """How much nearer shapes [P, S] are than the mean head, scan to mesh, as a share of the mean head's."""
        pairs = zip(self.neutral(shapes), self.heads, strict=True)
        return 1 - float(np.mean([scan_to_mesh(self.model, *pair) for pair in pairs])) / self.distance_of_mean

    @cached_property
    def reachable(self) -> float:
        """The gain of the nearest heads."""
        return self.gain(self.nearest)

    def cells(self, shapes: Floats) -> list[str]:
        """The numbers of `COLUMNS` for shapes [P, S], one for each head."""
        gain, (points, slope, correlation) = self.gain(shapes), self.points(shapes)
        distance, share = (1 - gain) * self.distance_of_mean, gain / self.reachable
        form = [f"{points:.3f}", f"{slope:.2f}", f"{correlation:.2f}"]
        return [f"{distance:.3f}", f"{-100 * gain:+.1f} %", f"{share:.0%}", *form]


def score(heads: Path, learners: Sequence[str]) -> None:
    """Print a table of what learners make of the heads of known form, from one photograph and from five."""
    known = KnownHeads.load(heads)
    truth = Truth(load_openhead(), known.heads)
    print(f"{len(known.heads)} heads; the mean head is {truth.distance_of_mean:.3f} mm from them (scan to mesh)")
    print_header("learner", "crops", *COLUMNS)
    print_row("nearest of openhead", "", *truth.cells(truth.nearest))
    for name in learners:
        for condition, crops in known.crops.items():
            shapes = np.asarray(ask(name, crops).coefficients["shape"]).reshape(len(known.heads), FRAMES, -1)
            print_row(name, f"{condition}, one", *truth.cells(shapes[:, 0]))
            print_row(name, f"{condition}, five", *truth.cells(shapes.mean(axis=1)))


def scan_to_mesh(model: MorphableModel, predicted: Float64s, truth: Float64s) -> float:
    """Mean distance in mm of the face of a true head [V, 3] to a predicted one [V, 3], as NoW measures it."""
    marks, goal = (1000 * np.asarray(model.landmarks68(v))[list(SEVEN)] for v in (predicted, truth))
    face = 1000 * truth[face_area(model) > 0]
    mesh = Mesh(1000 * predicted, np.asarray(model.faces, np.int64))
    return float(fit_prediction(crop_scan(face, goal), goal, mesh, marks).distances.mean())


def compare_points(predicted: Float64s, truth: Float64s, mean: Float64s, face: Bools) -> tuple[float, float, float]:
    """Mean distance of corresponding points in mm, and slope and correlation of their ways from the mean head."""
    distances, products = [], np.zeros(3)
    for ours, theirs in zip(predicted[:, face], truth[:, face], strict=True):
        goal = 1000 * procrustes(theirs, mean[face])(theirs)
        mine = procrustes(ours, goal)(ours)
        distances.append(np.linalg.norm(mine - goal, axis=1).mean())
        a, b = mine - procrustes(mean[face], goal)(mean[face]), goal - procrustes(mean[face], goal)(mean[face])
        products += (a * b).sum(), (a * a).sum(), (b * b).sum()
    ab, aa, bb = products
    return float(np.mean(distances)), float(ab / bb), float(ab / np.sqrt(max(aa * bb, 1e-30)))
