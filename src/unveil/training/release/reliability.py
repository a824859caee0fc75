"""Whether a learner's deviations and occlusion map are right, measured where the truth is known.

Three promises are checked: of the cells of the occlusion map that say "occluded with probability p", a share p is; a
coefficient with deviation s is off by s, in the root mean square; and so is a vertex, in millimetres, where the label
is trusted to say what form the head has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from unveil.heads.face_area import face_area
from unveil.heads.model import MorphableModel
from unveil.heads.uncertainty import MILLIMETRES, vertex_uncertainty
from unveil.models.encoder import Prediction
from unveil.storage.files import atomic_path
from unveil.training.release.calibrate import displacements, labels_of, without_similarity
from unveil.training.views.batch import Batch
from unveil.typing import Floats, Int64s

BINS = 12
FEWEST = 100  # pairs in a bin that is drawn
EVERY_VERTEX = 10  # every so many are looked at: neighbours err together


@dataclass
class Pairs:
    """Predictions and truths of many crops."""

    said: list[Floats] = field(default_factory=list)
    was: list[Floats] = field(default_factory=list)

    def add(self, said: Any, was: Any) -> None:
        """Take in arrays of one shape."""
        self.said.append(np.asarray(said, np.float32).ravel())
        self.was.append(np.asarray(was, np.float32).ravel())

    def bins(self, *, squared: bool) -> tuple[Floats, Floats]:
        """Means of predictions and of truths [K], in bins of equally many pairs; roots of mean squares."""
        if not self.said:
            return np.empty(0), np.empty(0)
        said, was = np.concatenate(self.said), np.concatenate(self.was)
        groups = [group for group in np.array_split(np.argsort(said, kind="stable"), BINS) if len(group) >= FEWEST]
        power = 2 if squared else 1
        means = [[(values[group] ** power).mean() ** (1 / power) for group in groups] for values in (said, was)]
        return np.array(means[0]), np.array(means[1])


@dataclass
class Reliability:
    """Gathers predictions with the truth."""

    model: MorphableModel
    vertex_scale: Floats | float = 1.0
    cells: Pairs = field(default_factory=Pairs)  # probability of being occluded; occluded share
    coefficients: Pairs = field(default_factory=Pairs)  # deviation; error; in the standard deviations of the data
    vertices: Pairs = field(default_factory=Pairs)  # uncertainty; error; millimetres

    def add(self, prediction: Prediction, batch: Batch) -> None:
        """Take in a batch; outputs that the learner lacks are left out."""
        if prediction.occlusion is not None:
            self.cells.add(prediction.occlusion, batch.occlusion)
        if prediction.deviations is None:
            return
        layout = prediction.coefficients.layout
        _, std = layout.statistics(batch.coefficients)
        error = prediction.coefficients.values - batch.coefficients  # [N, M]
        self.coefficients.add(prediction.deviations.values / std, np.abs(error) / std)
        said = vertex_uncertainty(self.model, prediction.deviations, self.vertex_scale)
        by_shape, by_expression = displacements(prediction.coefficients, batch.coefficients, self.model)
        moved = without_similarity(by_shape + by_expression, self.model)
        exact = np.ix_(labels_of(batch).exact, self._face)
        self.vertices.add(said[exact], MILLIMETRES * np.linalg.norm(moved, axis=-1)[exact])

    def take_in(self, other: Reliability) -> None:
        """Add what another has gathered."""
        for name in ("cells", "coefficients", "vertices"):
            ours, theirs = getattr(self, name), getattr(other, name)
            ours.said += theirs.said
            ours.was += theirs.was

    @cached_property
    def _face(self) -> Int64s:
        """The vertices of the face, which are measured."""
        return np.flatnonzero(face_area(self.model))[::EVERY_VERTEX]

    def plot(self, path: Path) -> None:
        """Draw the three as a PNG: predictions along x, truths along y, on the diagonal where they agree."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10.5, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        panels = (
            ("occlusion map", "predicted probability", "occluded share", self.cells, False),
            ("coefficients", "predicted deviation, in the data's", "error", self.coefficients, True),
            ("vertices of the face", "predicted uncertainty, mm", "distance, mm", self.vertices, True),
        )
        for axes, (title, said_label, was_label, pairs, squared) in zip(figure.subplots(1, 3), panels, strict=True):
            said, was = pairs.bins(squared=squared)
            most = max(1.05 * float(np.max([said, was], initial=0)), 1e-3)
            axes.plot([0, most], [0, most], color="0.7", linewidth=1)
            axes.plot(said, was, "o-", color="#1f5a96", markersize=4)
            axes.set(title=title, xlabel=said_label, ylabel=was_label, xlim=(0, most), ylim=(0, most), aspect="equal")
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=120)
