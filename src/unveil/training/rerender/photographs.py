"""The photographs that are re-rendered: those whose face is well visible, all skin tones equally often."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_euler_degrees
from unveil.heads.face_area import face_area
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.training.crops.prepared import TRAIN
from unveil.training.data import TrainingData
from unveil.training.rerender.placing import as_photographed
from unveil.training.rerender.surface import Surface
from unveil.typing import Bools, Floats

MOST_YAW, MOST_PITCH = 35.0, 25.0  # degrees of photographs that show both sides of the face well enough
LEAST_TRUST = 0.3  # in the label
SHUT = 0.3  # of `eyeBlink` beyond what faces at rest have: from there on a photograph shows no eye to open
# Individual typology angle in degrees at the borders of the six classes of Chardon et al. (1991), dark to light.
TONES = (-30.0, 10.0, 28.0, 41.0, 55.0)
TONE_SIZE = 96  # pixels of the crop that skin is looked at in
SHAPE_RIDGE = 1e-9  # square metres: what of an expression a shape may take over


@dataclass(frozen=True, eq=False)
class Photographs:
    """Photographs with their heads, sorted by the tone of the skin."""

    data: TrainingData
    rest: Floats  # [E] units that a face at rest has by the labels, which a face at rest should not have
    to_shape: Floats  # [E, S] the shape that looks like a unit, in standard deviations
    tones: NDArray[np.int8]  # [N] class of each sample's skin, dark to light; -1 where it is not re-rendered

    @classmethod
    def of(cls, data: TrainingData, surface: Surface, tones: NDArray[np.int8] | None = None) -> Photographs:
        """The photographs of training data that are seen well; their tones [N] need not be known.

        Raises:
            UnveilError: the data have none to train on.
        """
        usable = require_usable(data)
        if tones is None:
            tones = np.full(len(data), -1, np.int8)
            for index in np.flatnonzero(usable):
                tones[index] = np.digitize(tone(data, int(index), surface), TONES)
        return cls(data, rest_of(data), _shape_of_units(data.model), tones)

    def __len__(self) -> int:
        return int((self.tones >= 0).sum())

    def has(self, split: int) -> bool:
        """Whether there are photographs of a split."""
        return bool(((self.tones >= 0) & (self.data.folder.split[self.data.rows] == split)).any())

    def choose(self, split: int, rng: np.random.Generator) -> int:
        """A random photograph of a split: first the tone of the skin is drawn, then the photograph."""
        there = (self.tones >= 0) & (self.data.folder.split[self.data.rows] == split)
        tone = rng.choice(np.unique(self.tones[there]))
        return int(rng.choice(np.flatnonzero(there & (self.tones == tone))))

    def fitted(self, index: int) -> Coefficients:
        """The label [M] of a photograph as it is: where its head lies in the picture."""
        return Coefficients(self.data.layout, self.data.coefficients.values[index].astype(np.float64))

    def rested(self, coefficients: Coefficients) -> Coefficients:
        """The same head [M], with what expression all faces share given to the shape instead."""
        less = np.minimum(coefficients["expression"], self.rest)
        shape = coefficients["shape"] + less @ self.to_shape
        return coefficients.replace(shape=shape, expression=coefficients["expression"] - less)

    @cached_property
    def expressions(self) -> Floats:
        """The units [N, E] of the photographs, without what all faces share."""
        units = self.data.coefficients["expression"][self.tones >= 0]
        return np.asarray(np.maximum(units - self.rest, 0))


def tone(data: TrainingData, index: int, surface: Surface) -> float:
    """The individual typology angle of a sample's skin, in degrees: -90 is black, 90 is white."""
    coefficients = Coefficients(data.layout, data.coefficients.values[index].astype(np.float64))
    pixels = as_photographed(data.model, coefficients, TONE_SIZE).pixels[surface.skin > 0, :2]
    crop = cv2.resize(data.folder.crop(int(data.rows[index])), (TONE_SIZE, TONE_SIZE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    column, row = np.clip(np.rint(pixels), 0, TONE_SIZE - 1).astype(int).T
    light, _, yellow = np.median(lab[row, column], axis=0)
    return float(np.degrees(np.arctan2(light - 50, max(float(yellow), 1e-3))))


def require_usable(data: TrainingData) -> Bools:
    """Which samples [N] are well visible; UnveilError where none of those to train on is."""
    train = data.indices(TRAIN)
    usable = seen_well(data) if len(train) else np.zeros(len(data), bool)
    if not usable[train].any():
        raise UnveilError(
            "no photograph to train on shows a face from the front with open eyes; prepare more photographs"
        )
    return usable


def rest_of(data: TrainingData) -> Floats:
    """The units [E] that a face at rest has by the labels: the median of the samples to train on."""
    return np.asarray(np.median(data.coefficients["expression"][data.indices(TRAIN)], axis=0), np.float64)


def seen_well(data: TrainingData) -> Bools:
    """Which samples [N] show both sides of a face with open eyes, and have a fit that can be trusted."""
    lids = [name.startswith("eyeBlink") for name in data.model.expression_names]
    shut = ((data.coefficients["expression"] - rest_of(data))[:, lids] > SHUT).any(axis=1)
    turns = axis_angle_to_matrix(data.coefficients["pose"][:, :3].astype(np.float64))
    pitch, yaw, _ = np.abs(np.asarray(matrix_to_euler_degrees(turns))).T
    return np.asarray((yaw < MOST_YAW) & (pitch < MOST_PITCH) & (data.weight > LEAST_TRUST) & ~shut)


def _shape_of_units(model: MorphableModel) -> Floats:
    """The shape [E, S] that moves the face most nearly as each unit does."""
    face = np.asarray(face_area(model)) > 0
    shapes, units = (
        np.asarray(basis, np.float64)[:, face].reshape(len(basis), -1)
        for basis in (model.head.shape_basis, model.head.expression_basis)
    )
    system = shapes @ shapes.T / face.sum() + SHAPE_RIDGE * np.eye(len(shapes))
    return np.asarray(np.linalg.solve(system, shapes @ units.T / face.sum()).T)
