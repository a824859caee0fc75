"""One person through a clip: the measurements of all frames in one frame of reference, and the motion they give."""

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
TOGETHER = 256  # frames whose landmarks are computed at a time, for their memory
SAME_TIME = 1e-6  # seconds
LEAST_DEVIATION = 1e-4  # of a coefficient that the learner holds still


@dataclass(frozen=True, eq=False)
class Track:
    """A person in the T frames in which they were seen, with one shape."""

    frames: Ints  # [T] numbers of the frames
    seconds: Float64s  # [T]
    coefficients: Coefficients  # [T, M] in the crop
    crop: Crop  # the same for all frames, so that their coefficients can be compared
    __repr__ = short_repr

    def motion(self, rate: float, seconds: float) -> Motion:
        """Keyframes at ``rate`` for a clip of so many seconds; absences are bridged by straight lines."""
        at = np.arange(int(np.floor(seconds * rate + 1e-6)) + 1) / rate
        values = np.asarray(self.coefficients.values)
        moved = np.stack([np.interp(at, self.seconds, column) for column in values.T], axis=1)
        return Motion(Coefficients(self.coefficients.layout, moved.astype(values.dtype)), rate)

    def sees(self, seconds: float) -> bool:
        """Whether the person was seen in the frame of that time."""
        return bool(np.abs(self.seconds - seconds).min() < SAME_TIME)

    def at(self, seconds: float) -> Coefficients | None:
        """The coefficients [M] at a time; None where the person was away."""
        after = int(np.searchsorted(self.seconds, seconds - SAME_TIME))
        if after == len(self.seconds):
            return None
        if self.seconds[after] - seconds < SAME_TIME:
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
        self.crop = reference_crop(first)
        self._frames: list[int] = []
        self._seconds: list[float] = []
        self._values: list[Floats] = []
        self._deviations = np.zeros(model.layout.size)  # sum over the frames

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, number: int, seconds: float, face: SeenFace) -> None:
        """Add the face of a frame."""
        self._frames.append(number)
        self._seconds.append(seconds)
        self._values.append(placed(self._model, face, self.crop).values)
        if face.deviations is not None:
            self._deviations += face.deviations.values

    def join(self, other: Recorder) -> None:
        """Add other frames of the person, none of which is among these."""
        rows = Coefficients(self._model.layout, np.stack(other._values))
        moved = self._model.moved(rows, other.crop.into(self.crop), other.crop.size, self.crop.size)
        frames = [*self._frames, *other._frames]
        order = np.argsort(frames)
        self._frames = [frames[k] for k in order]
        self._seconds, self._values = (
            [both[k] for k in order]
            for both in ([*self._seconds, *other._seconds], [*self._values, *np.asarray(moved.values)])
        )
        self._deviations = self._deviations + other._deviations

    @property
    def frames(self) -> Ints:
        """Numbers [T] of the frames, rising."""
        return np.array(self._frames)

    @property
    def raw(self) -> Coefficients:
        """The measured coefficients, each with its own shape: [T, M] in the crop."""
        return Coefficients(self._model.layout, np.stack(self._values))

    def measured(self, shape: Floats) -> Coefficients:
        """The measured coefficients, frame by frame, for a head of this shape [S]: [T, M] in the crop."""
        layout, size = self._model.layout, self.crop.size
        parts = [
            with_shape(self._model, Coefficients(layout, np.stack(self._values[start : start + TOGETHER])), shape, size)
            for start in range(0, len(self), TOGETHER)
        ]
        values = np.concatenate([np.asarray(part.values, self._values[0].dtype) for part in parts])
        heads = Coefficients(layout, values)
        turns = {name: continuous(turn) for name, turn in self._model.placement.joint_turns(heads).items()}
        return self._model.placement.with_joint_turns(heads, turns)

    def track(self, shape: Floats) -> Track:
        """The same, smoothed over time."""
        heads, seconds = self.measured(shape), np.array(self._seconds)
        values = np.asarray(heads.values, self._values[0].dtype)
        of_shape = np.zeros(heads.layout.size, bool)
        of_shape[heads.layout.slice_of(self._model.shape_group)] = True
        deviations = self._deviations / len(self) if self._deviations.any() else values.std(axis=0)
        scale = np.maximum(deviations, LEAST_DEVIATION)[~of_shape]
        values[:, ~of_shape] = smoothed(values[:, ~of_shape] / scale, seconds) * scale
        return Track(np.array(self._frames), seconds, Coefficients(heads.layout, values), self.crop)


def reference_crop(first: SeenFace) -> Crop:
    """The upright crop at the place of a face, in which those of other frames are expressed."""
    size = first.crop.size
    return Crop.from_square(first.crop.to_image([(size - 1) / 2] * 2), size / first.crop.scale, size)


def placed(model: MorphableModel, face: SeenFace, crop: Crop) -> Coefficients:
    """A face's coefficients [M] in another crop."""
    return model.moved(face.coefficients, face.crop.into(crop), face.crop.size, crop.size)


def with_shape(model: MorphableModel, heads: Coefficients, shape: Floats, size: int) -> Coefficients:
    """Heads [T, M] in a crop of ``size`` pixels with one shape [S], with their landmarks about where they were.

    Changing the shape moves the landmarks; the similarity that best moves them back is applied.
    """
    group = model.shape_group
    shaped = heads.replace(**{group: np.broadcast_to(shape, heads[group].shape)})
    points = model.landmark_model()
    before, after = (
        to_pixels(points.project(points.landmarks68(points.vertices(each)), each), size)[..., :2]
        for each in (heads, shaped)
    )
    return model.moved(shaped, similarities(np.asarray(after), np.asarray(before)), size, size)


def similarities(points: Floats, targets: Floats) -> Floats:
    """The similarities [T, 2, 3] that take points [T, N, 2] nearest to others, by least squares."""
    means = points.mean(axis=1), targets.mean(axis=1)
    there, wanted = ((p - mean[:, None]) @ [1, 1j] for p, mean in zip((points, targets), means, strict=True))
    factor = (there.conj() * wanted).sum(axis=1) / np.square(np.abs(there)).sum(axis=1)  # scale and turn of x + iy
    linear = np.stack([factor.real, -factor.imag, factor.imag, factor.real], axis=1).reshape(-1, 2, 2)
    shift = means[1] - np.einsum("tij,tj->ti", linear, means[0])
    return np.concatenate([linear, shift[..., None]], axis=2)


def continuous(turns: Floats) -> Floats:
    """Axis-angles [T, 3], each in the form that is nearest to the one before, also beyond half a turn."""
    result = np.array(turns)
    for k in range(1, len(result)):
        angle = np.linalg.norm(result[k])
        if angle > 0:
            others = result[k] * (1 + 2 * np.pi * np.array([[-1.0], [0.0], [1.0]]) / angle)
            result[k] = others[np.linalg.norm(others - result[k - 1], axis=1).argmin()]
    return result
