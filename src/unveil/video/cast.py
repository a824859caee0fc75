"""Everybody in a clip who gets a head: what was measured of them, and the frame in which they are seen best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unveil.heads.model import MorphableModel
from unveil.reconstruct.joining import added_precision
from unveil.reprs import short_repr
from unveil.video.parts import FrameFaces
from unveil.video.people import People, SeenFace
from unveil.video.track import Recorder, Track

FEWEST_FRAMES = 5  # in which somebody must be seen to get a head; all frames in a shorter clip
SHARP = 200.0  # pixels of a face; more add nothing


@dataclass(eq=False)
class Role:
    """A person of a clip."""

    recorder: Recorder
    best: SeenFace  # the most informative face
    frame: int  # the number of its frame
    worth: float = -np.inf  # of the best face
    __repr__ = short_repr


class Cast:
    """Collects what the frames of a clip show of its people.

    Attributes:
        roles: everybody so far, by the numbers that the tracker gave them.
        frames: how many frames there were.
        seconds: when the last of them was.
        errors: of frames that could not be used, the first of each kind.
    """

    def __init__(self, model: MorphableModel) -> None:
        self._model = model
        self.roles: dict[int, Role] = {}
        self.frames, self.seconds = 0, 0.0
        self.errors: list[str] = []

    def add(self, frame: FrameFaces) -> None:
        """Take in the next frame."""
        for number, face in frame.faces.items():
            role = self.roles.setdefault(number, Role(Recorder(self._model, face), face, self.frames))
            role.recorder.add(self.frames, frame.seconds, face)
            if (worth := self._worth(face)) > role.worth:
                role.best, role.frame, role.worth = face, self.frames, worth
        if frame.error and frame.error not in self.errors:
            self.errors.append(frame.error)
        self.frames, self.seconds = self.frames + 1, frame.seconds

    def join(self, number: int, other: int) -> None:
        """Give the frames of ``other`` to ``number`` as well."""
        role, taken = self.roles[number], self.roles.pop(other)
        role.recorder.join(taken.recorder)
        if taken.worth > role.worth:
            role.best, role.frame, role.worth = taken.best, taken.frame, taken.worth

    def leading(self, most: int | None = None) -> list[int]:
        """The numbers of those who get a head, in the order in which they came; at most ``most``, the longest seen."""
        lengths = {number: len(role.recorder) for number, role in self.roles.items()}
        seen = [number for number, length in lengths.items() if length >= min(FEWEST_FRAMES, self.frames)]
        return sorted(sorted(seen, key=lambda number: -lengths[number])[:most])

    def tracks(self, people: People, numbers: list[int]) -> Mapping[int, Track]:
        """The smoothed motion of each of them, with the shape that all their frames give."""
        return {number: self.roles[number].recorder.track(people[number].shape()[0]) for number in numbers}

    def _worth(self, face: SeenFace) -> float:
        """How informative a face is: by its size and by how sure the learner is of the shape."""
        size = min(float(np.ptp(face.landmarks, axis=0).mean()), SHARP)
        if face.deviations is None:
            return size
        return size * float(added_precision(self._model.shape(face.deviations)).mean())
