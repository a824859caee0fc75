"""Training data: a prepared folder joined with a teacher's codes, in the frame of the canonical crop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from unveil.codes.file import Codes, read_codes
from unveil.errors import UnveilError
from unveil.heads.face_points import face_points
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.registry import load_head
from unveil.storage.files import printable
from unveil.training.crops.prepared import PreparedFolder
from unveil.typing import Float32s, Float64s, Floats, Int64s

BATCH = 1024  # heads evaluated at once


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Samples of a prepared folder that have a label; the crops stay on disk and are mapped into memory."""

    folder: PreparedFolder
    rows: Int64s  # [N] the samples in the folder
    coefficients: Coefficients  # [N, M] of the clear crop, in the frame of the canonical crop
    weight: Float32s  # [N] trust in the label, about 1
    shape_weight: Float32s  # [N] trust in the label's shape of the head, 0 to 1
    model: MorphableModel  # the head that the coefficients are of, with their layout
    teacher: str  # who gave the labels
    given_points: Float32s | None = None  # [N, P, 2] face points that are known exactly, in sides of the canonical crop

    @classmethod
    def load(cls, prepared: Path, codes: Path, assets: Path | None = None) -> TrainingData:
        """Join a prepared folder and a codes file by name, with the head model of the codes.

        Raises:
            UnveilError: a file is missing or damaged, they have no sample in common, or the head model is not there.
        """
        folder, labels = PreparedFolder.open(prepared), read_codes(codes)
        layout = labels.coefficients.layout
        model = load_head(layout, assets).with_layout(layout)
        data = cls.join(folder, labels, model)
        if not len(data.rows):
            raise UnveilError(
                f"{printable(codes)} has no label for any sample of {printable(prepared)}: "
                f"write it with `unveil encode {printable(prepared)}`"
            )
        return data

    @classmethod
    def join(cls, folder: PreparedFolder, codes: Codes, model: MorphableModel) -> TrainingData:
        """The samples that have codes, in the folder's order; LayoutError where the model has other coefficients."""
        model.layout.require(codes.coefficients.layout)
        place = {name: row for row, name in enumerate(codes.names)}
        pairs = [(row, place[str(name)]) for row, name in enumerate(folder.names) if str(name) in place]
        rows, labels = np.array(pairs, np.int64).reshape(-1, 2).T
        one = np.ones(len(codes.names), np.float32)
        weight, shape_weight = (one if w is None else w for w in (codes.weight, codes.shape_weight))
        values = np.asarray(codes.coefficients.values, np.float32)[labels]
        coefficients = Coefficients(model.layout, values)
        points = None if codes.points is None else codes.points[labels]
        if points is not None and points.shape[1] != len(face_points(model).vertices):
            raise UnveilError(
                f"the codes have {points.shape[1]} face points, not those of {model.name}: make them again"
            )
        weights = weight[labels], shape_weight[labels]
        return cls(folder, rows, coefficients, *weights, model, codes.teacher, points)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def layout(self) -> CoefficientLayout:
        """The layout of the labels."""
        return self.model.layout

    @cached_property
    def landmark_model(self) -> MorphableModel:
        """The head model cut down to what its landmarks need."""
        return self.model.landmark_model()

    @cached_property
    def landmarks68(self) -> Float64s:
        """The 68 landmarks [N, 68, 2] as photographs are annotated, in sides of the canonical crop."""
        values = self.coefficients.values
        parts = [self.project_landmarks(values[start : start + BATCH]) for start in range(0, len(self), BATCH)]
        return np.concatenate(parts) / 2 + 0.5

    def project_landmarks(self, values: Floats) -> Float64s:
        """The same landmarks [N, 68, 2] of coefficients [N, M], in the crop's [-1, 1] frame."""
        model = self.landmark_model
        coefficients = Coefficients(self.layout, np.asarray(values, np.float64))
        points = model.contour68(model.vertices(coefficients), coefficients)
        return np.asarray(model.project(points, coefficients)[..., :2])

    @cached_property
    def points(self) -> Float32s:
        """The face points [N, P, 2] of `heads.face_points`, in sides of the canonical crop."""
        if self.given_points is not None:
            return self.given_points
        chosen = replace(self.model, head=self.model.head.take(face_points(self.model).vertices))
        parts = []
        for start in range(0, len(self), BATCH):
            part = Coefficients(self.layout, self.coefficients.values[start : start + BATCH].astype(np.float64))
            parts.append(np.asarray(chosen.project(chosen.vertices(part), part)[..., :2] / 2 + 0.5, np.float32))
        return np.concatenate(parts)

    def indices(self, split: int) -> Int64s:
        """Positions of the samples of a split."""
        return np.flatnonzero(self.folder.split[self.rows] == split)

    def name(self, index: int) -> str:
        """The name of a sample."""
        return str(self.folder.names[self.rows[index]])

    @property
    def fingerprint(self) -> str:
        """A line that names the crops and who labelled them; a run goes on only with the same."""
        return f"{len(self)} crops of {self.folder.fingerprint}, labels of {self.teacher or 'an unknown teacher'}"
