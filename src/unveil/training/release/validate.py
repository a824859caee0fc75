"""The paper's validation: how far landmarks move when the face is occluded, and whether its deviations are right.

The teacher's landmarks of the clear crop are what everything is compared with. Three answers are: the learner's for the
clear crop, the learner's for the occluded crop, and, where the teacher can be asked, the teacher's own for the occluded
crop, which is what a learner is trained to beat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unveil import markdown
from unveil.errors import UnveilError
from unveil.heads.layout import Coefficients
from unveil.models.encoder import Encoder
from unveil.occluders.base import NOTHING, SEVERITIES, Pool
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import SPLITS
from unveil.training.data import TrainingData
from unveil.training.release.reliability import Reliability
from unveil.training.sampler import Sampler
from unveil.training.views.batch import Batch
from unveil.typing import Floats, Int64s

BATCH = 32


@dataclass(frozen=True)
class Row:
    """Discrepancies for one kind of occluder and one wanted severity: NME of the landmarks in percent, means."""

    kind: str
    severity: float  # share of the face that is asked to be hidden
    images: int
    learner: float
    teacher: float | None  # None where the teacher cannot be asked

    def cells(self) -> tuple[str, ...]:
        """The row's texts for a table."""
        teacher = "" if self.teacher is None else f"{self.teacher:.2f}"
        return self.kind, f"{100 * self.severity:.0f} %", str(self.images), f"{self.learner:.2f}", teacher


def validate(
    data: TrainingData, indices: Int64s, learner: Encoder, pool: Pool, teacher: Encoder | None = None
) -> Iterator[tuple[Row, Reliability]]:
    """Rows for the clear crops and for every kind of occluder at `SEVERITIES`, each with its reliability.

    Args:
        data: prepared crops with the teacher's codes, the labels of the clear crops.
        indices: the samples, of people the learner was not trained on.
        learner: of the layout of the codes.
        pool: its occluders are measured one by one.
        teacher: what gave the codes, to be asked about occluded crops.
    """
    data.layout.require(learner.layout)
    kinds = [(occluder.kind, Pool((occluder,), (1.0,), second=0.0)) for occluder in pool.occluders]
    conditions = [(NOTHING, 0.0, pool)] + [(k, s, single) for k, single in kinds for s in SEVERITIES]
    for kind, severity, single in conditions:
        reliability = Reliability(data.model, learner.vertex_scale)
        errors = [discrepancies(data, indices, learner, single, severity, reliability)]
        if teacher is not None:
            errors.append(discrepancies(data, indices, teacher, single, severity))
        means = [float(error.mean()) for error in errors]
        yield Row(kind, severity, len(indices), means[0], means[1] if teacher else None), reliability


def chosen(data: TrainingData, split: str, limit: int) -> Int64s:
    """At most ``limit`` samples of a split, spread over it; UnveilError where there are none."""
    if split not in SPLITS[1:]:
        raise UnveilError(f"unknown split {split!r}: choose {' or '.join(SPLITS[1:])}")
    indices = data.indices(SPLITS.index(split))
    if not len(indices):
        raise UnveilError(f"no labelled crop is kept for {split}: choose another split, or prepare more people")
    return np.asarray(indices[:: max(1, -(-len(indices) // limit))])


def discrepancies(
    data: TrainingData,
    indices: Int64s,
    encoder: Encoder,
    pool: Pool,
    severity: float,
    reliability: Reliability | None = None,
) -> Floats:
    """NME in percent [N] of an encoder's landmarks for crops occluded by ``pool``; severity 0 leaves them clear."""
    sampler = Sampler(data, TrainConfig(input_size=encoder.input_size), pool)
    parts = []
    for start in range(0, len(indices), BATCH):
        batch = sampler.validation_batch(
            indices[start : start + BATCH], occluded=severity > 0, severity=severity or None
        )
        prediction = encoder.predict(batch.images)
        if reliability is not None:
            reliability.add(prediction, batch)
        parts.append(nme(data, prediction.coefficients, batch))
    return np.concatenate(parts)


def nme(data: TrainingData, predicted: Coefficients, batch: Batch) -> Floats:
    """Mean distance of the 68 landmarks, as annotated, over the root of their box's area, in percent [N]."""
    ours, truth = (data.project_landmarks(values) for values in (predicted.values, batch.coefficients))
    extent = truth.max(axis=1) - truth.min(axis=1)  # [N, 2]
    distance = np.linalg.norm(ours - truth, axis=-1).mean(axis=1)
    return np.asarray(100 * distance / np.sqrt(extent.prod(axis=-1)))


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = markdown.header(("occluder", "hidden", "images", "learner", "teacher"))
    return "\n".join(lines + [markdown.row(row.cells()) for row in rows])
