"""One person through a clip: what was measured in each frame, in one frame of reference, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.geometry.camera import to_pixels
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.motion import Motion
from unveil.photos.crop import Crop
from unveil.reprs import short_repr
from unveil.typing import Float64s, Floats, Ints
from unveil.video.people import SeenFace
from unveil.video.smooth import smoothed

LONGEST_BRIDGE = 1.5  # seconds of an absence through which a head goes on moving in pictures
LEAST_DEVIATION = 1e-4  # of a coefficient that the learner holds still


@dataclass(frozen=True, eq=False)
class Track:
    """A person in the T frames in which they were seen, with one shape."""

    frames: Ints  # [T] numbers of the frames
    seconds: Float64s  # [T]
    coefficients: Coefficients  # [T, M] in the crop
    crop: Crop  # the same for all frames: where it is, coefficients of different frames can be compared
    __repr__ = short_repr

    def motion(self, rate: float, seconds: float) -> Motion:
        """All of a clip, of so many seconds, as keyframes at a rate; who is away moves on to where they are next."""
        at = np.arange(int(np.floor(seconds * rate + 1e-6)) + 1) / rate
        values = np.asarray(self.coefficients.values)
        moved = np.stack([np.interp(at, self.seconds, column) for column in values.T], axis=1)
        return Motion(Coefficients(self.coefficients.layout, moved.astype(values.dtype)), rate)

    def at(self, seconds: float) -> Coefficients | None:
        """The coefficients [M] at a time; None where the person was away."""
        after = int(np.searchsorted(self.seconds, seconds - 1e-9))
        if after == len(self.seconds):
            return None
        if self.seconds[after] - seconds < 1e-6:
            return self.coefficients.row(after)
        if after == 0 or self.seconds[after] - self.seconds[after - 1] > LONGEST_BRIDGE:
            return None
        start, end = self.seconds[after - 1 : after + 1]
        share = np.float32((seconds - start) / (end - start))
        before, behind = self.coefficients.values[after - 1 : after + 1]
        return Coefficients(self.coefficients.layout, before + share * (behind - before))


class Recorder:
    """Collects one person's frames.

    Args:
        model: the head model of the coefficients.
        first: the face in the first of them, whose place is the frame of reference.
    """

    def __init__(self, model: MorphableModel, first: SeenFace) -> None:
        self._model = model
        size = first.crop.size
        self.crop = Crop.from_square(first.crop.to_image([(size - 1) / 2] * 2), size / first.crop.scale, size)
        self._frames: list[int] = []
        self._seconds: list[float] = []
        self._values: list[Floats] = []
        self._deviations: list[Floats] = []

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, number: int, seconds: float, face: SeenFace) -> None:
        """Take in the face of a frame."""
        self._frames.append(number)
        self._seconds.append(seconds)
        self._values.append(self.placed(face).values)
        if face.deviations is not None:
            self._deviations.append(face.deviations.values)

    def placed(self, face: SeenFace) -> Coefficients:
        """A face's coefficients [M] in the frame of reference."""
        back = np.linalg.inv(np.vstack([face.crop.matrix, [0, 0, 1]]))
        return self._model.moved(face.coefficients, self.crop.matrix @ back, face.crop.size, self.crop.size)

    def track(self, shape: Floats) -> Track:
        """What was measured, smooth, as that of a head of this shape [S]."""
        values = np.stack(self._values)
        seconds = np.array(self._seconds)
        deviations = np.median(self._deviations, axis=0) if self._deviations else values.std(axis=0)
        scale = np.maximum(deviations, LEAST_DEVIATION)
        measured = self._with_shape(Coefficients(self._model.layout, values), shape)
        turns = {name: continuous(turn) for name, turn in self._model.placement.joint_turns(measured).items()}
        measured = self._model.placement.with_joint_turns(measured, turns)
        smooth = smoothed(measured.values / scale, seconds) * scale
        smooth[:, self._model.layout.slice_of(self._model.shape_group)] = shape
        coefficients = Coefficients(self._model.layout, smooth.astype(values.dtype))
        return Track(np.array(self._frames), seconds, coefficients, self.crop)

    def _with_shape(self, measured: Coefficients, shape: Floats) -> Coefficients:
        """The heads [T, M] with one shape [S], their landmarks as near as can be to where they were seen."""
        group, model = self._model.shape_group, self._model.landmark_model()
        shaped = measured.replace(**{group: np.broadcast_to(shape, measured[group].shape)})
        seen, there = (self._landmarks(model, heads) for heads in (measured, shaped))
        return self._model.moved(shaped, similarities(there, seen), self.crop.size, self.crop.size)

    def _landmarks(self, model: MorphableModel, heads: Coefficients) -> Floats:
        """Landmarks [T, 68, 2] in pixels of the frame of reference."""
        points = model.landmarks68(model.vertices(heads))
        return np.asarray(to_pixels(model.project(points, heads), self.crop.size)[..., :2])


def similarities(points: Floats, targets: Floats) -> Floats:
    """The similarities [T, 2, 3] that take points [T, N, 2] nearest to others, by least squares."""
    means = points.mean(axis=1), targets.mean(axis=1)
    there, wanted = ((p - mean[:, None]) @ [1, 1j] for p, mean in zip((points, targets), means, strict=True))
    factor = (there.conj() * wanted).sum(axis=1) / np.square(np.abs(there)).sum(axis=1)  # scale and turn of x + iy
    linear = np.stack([factor.real, -factor.imag, factor.imag, factor.real], axis=1).reshape(-1, 2, 2)
    shift = means[1] - np.einsum("tij,tj->ti", linear, means[0])
    return np.concatenate([linear, shift[..., None]], axis=2)


def continuous(turns: Floats) -> Floats:
    """Axis-angles [T, 3], each written so that it is nearest to the one before: beyond half a turn, too."""
    result = np.array(turns)
    for k in range(1, len(result)):
        angle = np.linalg.norm(result[k])
        if angle > 0:
            others = result[k] * (1 + 2 * np.pi * np.array([[-1.0], [0.0], [1.0]]) / angle)
            result[k] = others[np.linalg.norm(others - result[k - 1], axis=1).argmin()]
    return result
