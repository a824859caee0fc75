"""Who is who from frame to frame: each person has one number and one shape, unless they are away for long.

People are told apart by place, size and the form of their head. Whoever was away for longer than `MEMORY` gets a new
number on coming back, until `unveil.video.returns` has seen all frames. Nobody is recognised by name or beyond the
clip.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unveil.heads.face_area import face_area
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.photos.crop import Crop
from unveil.reconstruct.joining import ShapeSums
from unveil.reprs import short_repr
from unveil.typing import Float64s, Floats, UInt8s

# Differences between two faces that count one each against their being one person. Place and size say most from frame
# to frame. The form of the head is a weak hint: among 34 people of YouTube Faces, it differs by more than `UNLIKE` in 9
# % of pairs of one person's frames, and in 22 % of pairs of two people's.
SIDES_APART = 1.0  # between the centres of the boxes, in sides of a box
TIMES_LARGER = 2.0
UNLIKE = 0.004  # metres, between the faces of the neutral heads
SOMEBODY_ELSE = 3.0  # the sum of these from which it is another person
MEMORY = 2.0  # seconds after which somebody's place says nothing any more

# Correlation of the learner's errors in the frames of a clip. For 90 people of YouTube Faces, the variance of a
# coefficient between frames is 0.26 of the stated one, where that is below the prior's.
CORRELATION = 0.74


@dataclass(frozen=True, eq=False)
class SeenFace:
    """One face in one frame."""

    crop: Crop  # what the encoder saw
    coefficients: Coefficients  # [M] in that crop
    deviations: Coefficients | None  # [M] of them, where the learner says it
    occlusion: UInt8s | None  # [28, 28] probability in 255ths that an occluder covers the cell of the crop
    landmarks: Float64s  # [68, 2] in pixels of the frame
    score: float  # probability of a face, the network's or else the detector's
    __repr__ = short_repr

    @property
    def box(self) -> Float64s:
        """Around the landmarks: left, top, right, bottom."""
        return np.concatenate([self.landmarks.min(axis=0), self.landmarks.max(axis=0)])


@dataclass(eq=False)
class Person:
    """Somebody in a clip."""

    last: SeenFace
    seconds: float  # when they were seen last
    frames: int  # in which they were seen
    shapes: Float64s  # [S] sum of the shapes in all frames
    sums: ShapeSums | None  # the evidence on the shape, where the learner says how sure it is
    __repr__ = short_repr

    def shape(self) -> tuple[Floats, Floats | None]:
        """The shape [S] that all frames so far give the person, and its deviations [S]."""
        return (self.mean_shape, None) if self.sums is None else self.sums.joined(CORRELATION)

    @property
    def mean_shape(self) -> Float64s:
        """The mean shape [S] of single frames, to compare frames with; it is less bold than the joint shape."""
        return self.shapes / self.frames

    def join(self, other: Person) -> None:
        """Add what was seen of them under another number."""
        if other.seconds > self.seconds:
            self.last, self.seconds = other.last, other.seconds
        self.frames, self.shapes = self.frames + other.frames, self.shapes + other.shapes
        self.sums = None if self.sums is None or other.sums is None else self.sums + other.sums


class People:
    """The people of a clip by their numbers, in the order in which they came.

    Args:
        model: the head model of all coefficients.
    """

    def __init__(self, model: MorphableModel) -> None:
        self._model, self._area = model, face_area(model)
        self._people: list[Person] = []
        self._seconds = -np.inf  # of the last frame

    def __len__(self) -> int:
        return len(self._people)

    def __getitem__(self, number: int) -> Person:
        return self._people[number]

    def seen_since(self, seconds: float) -> list[int]:
        """Numbers of those who were seen at that time or later."""
        return [number for number, person in enumerate(self._people) if person.seconds >= seconds]

    def remember(self, faces: Mapping[int, SeenFace], seconds: float) -> None:
        """Take in the faces of a frame by the numbers of their people; new ones have the next numbers."""
        self._seconds = seconds
        for number, face in sorted(faces.items()):
            shape = np.asarray(self._model.shape(face.coefficients), np.float64)
            said = None if face.deviations is None else ShapeSums.of(shape, self._model.shape(face.deviations))
            if number == len(self._people):
                self._people.append(Person(face, seconds, 1, shape, said))
                continue
            person = self._people[number]
            person.last, person.seconds, person.frames = face, seconds, person.frames + 1
            person.shapes = person.shapes + shape
            person.sums = None if person.sums is None or said is None else person.sums + said

    def whose(self, faces: Sequence[SeenFace], seconds: float, without: Collection[int] = ()) -> dict[int, SeenFace]:
        """The faces by the numbers of their people, those of newcomers included; nobody has two faces.

        ``without`` are people whose faces in this frame are known already.
        """
        since = min(seconds - MEMORY, self._seconds)  # frames may come slowly
        absent = [number for number in self.seen_since(since) if number not in without]
        costs = np.array([[self.difference(number, face) for number in absent] for face in faces])
        known: dict[int, SeenFace] = {}
        left = list(range(len(faces)))
        while costs.size and (best := costs.min()) < SOMEBODY_ELSE:
            row, column = (int(k) for k in np.argwhere(costs == best)[0])
            known[absent[column]] = faces[row]
            left.remove(row)
            costs[row], costs[:, column] = np.inf, np.inf
        return known | {len(self) + k: faces[row] for k, row in enumerate(left)}

    def difference(self, number: int, face: SeenFace) -> float:
        """How much a face differs from a person who was just seen, in place, size and form; 0 if in nothing."""
        person = self._people[number]
        shape = self._model.shape(face.coefficients)
        between = np.tensordot(person.mean_shape - shape, self._model.head.shape_basis, 1)  # [V, 3]
        unlike = float(np.average(np.linalg.norm(between, axis=1), weights=self._area))
        boxes = np.stack([np.reshape(each.box, (2, 2)) for each in (person.last, face)])
        sides = (boxes[:, 1] - boxes[:, 0]).mean(axis=1)
        apart = float(np.linalg.norm(boxes[0].mean(axis=0) - boxes[1].mean(axis=0)) / sides.max())
        larger = float(abs(np.log(sides[0] / sides[1]) / np.log(TIMES_LARGER)))
        return apart / SIDES_APART + larger + unlike / UNLIKE
