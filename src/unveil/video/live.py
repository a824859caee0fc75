"""Heads of people in a live stream of frames, such as a webcam's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.heads.layout import Coefficients
from unveil.photos.crop import Crop
from unveil.reconstruct.pipeline import Reconstructor
from unveil.reprs import short_repr
from unveil.typing import Float64s, Floats, Image
from unveil.video.people import SeenFace
from unveil.video.smooth import OneEuro
from unveil.video.track import LEAST_DEVIATION, continuous, placed, reference_crop, with_shape
from unveil.video.tracker import Tracker

SHAPE_SECONDS = 0.5  # over which most of a change of shape is shown, so that heads do not jump with their first frames


@dataclass(frozen=True, eq=False)
class LiveHead:
    """A head in the newest frame."""

    person: int  # number, from 0 in the order in which they came
    coefficients: Coefficients  # [M] in the crop; smoothed, with a shape on its way to that of all frames so far
    crop: Crop
    seen: SeenFace  # what this frame alone says
    __repr__ = short_repr


@dataclass
class _Steady:
    """The state of a person from frame to frame."""

    crop: Crop
    scale: Float64s  # [M] deviations
    filter: OneEuro
    turns: dict[str, Floats]  # axis-angles [3] of the frame before, by joint
    shape: Floats  # [S] as it is shown
    seconds: float  # of the frame before


class LiveHeads:
    """Everybody in a stream of frames.

    Args:
        reconstructor: has the networks.

    Attributes:
        tracker: who was where so far; ``tracker.people[number].shape()`` gives somebody's shape.
    """

    def __init__(self, reconstructor: Reconstructor) -> None:
        self._model = reconstructor.morphable
        self.tracker = Tracker(reconstructor)
        self._steady: dict[int, _Steady] = {}

    def see(self, image: Image, seconds: float) -> list[LiveHead]:
        """The heads in the next frame RGB [H, W, 3], at a time that rises from frame to frame."""
        faces = self.tracker.track(image, seconds)
        return [self._head(number, face, seconds) for number, face in sorted(faces.items())]

    def _head(self, number: int, face: SeenFace, seconds: float) -> LiveHead:
        target, _ = self.tracker.people[number].shape()
        steady = self._steady.setdefault(number, self._begun(face, target, seconds))
        steady.shape = target + (steady.shape - target) * np.exp((steady.seconds - seconds) / SHAPE_SECONDS)
        shape, steady.seconds = steady.shape, seconds
        one = Coefficients(face.coefficients.layout, placed(self._model, face, steady.crop).values[None])
        measured = with_shape(self._model, one, shape, steady.crop.size).row(0)
        turns = self._model.placement.joint_turns(measured)
        before = turns | steady.turns
        steady.turns = {joint: continuous(np.stack([before[joint], turn]))[1] for joint, turn in turns.items()}
        measured = self._model.placement.with_joint_turns(measured, steady.turns)
        smooth = steady.filter(measured.values / steady.scale, seconds) * steady.scale
        smooth[self._model.layout.slice_of(self._model.shape_group)] = shape
        values = smooth.astype(face.coefficients.values.dtype)
        return LiveHead(number, Coefficients(measured.layout, values), steady.crop, face)

    def _begun(self, face: SeenFace, shape: Floats, seconds: float) -> _Steady:
        size = face.coefficients.layout.size
        deviations = np.ones(size) if face.deviations is None else face.deviations.values
        scale = np.maximum(deviations, LEAST_DEVIATION)
        return _Steady(reference_crop(face), scale, OneEuro(), {}, shape, seconds)
