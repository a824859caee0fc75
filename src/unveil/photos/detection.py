"""A face that was found in a photograph, and what became of several answers about one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from unveil.photos.crop import DETECTOR_SHIFT, LANDMARK_MARGIN
from unveil.typing import Float32s, Float64s, Floats

UPRIGHT = 30.0  # degrees to either side: what networks that reconstruct faces are used to
# Right eye, left eye, nose tip and mouth about their mean as x + iy, in sides of the box of an upright face.
UPRIGHT_FACE = np.array([-0.21 - 0.17j, 0.21 - 0.17j, 0.08j, 0.26j])

SAME_FACE_IOU = 0.3
PART_OF_FACE = 0.6  # share of the smaller box that lies inside the larger one


@dataclass(frozen=True, eq=False)
class Detection:
    """A face in a photograph, in image pixels with centres at integers; it may reach beyond the photograph.

    ``box_ltrb`` [4] left, top, right, bottom: from the brows to the chin, about as wide as high.
    ``keypoints`` [6, 2] the subject's right eye, left eye, nose tip, mouth, right ear, left ear; NaN if not known.
    ``score`` in [0, 1]: how sure the network is.

    Raises:
        ValueError: the box has not four numbers, or the keypoints are not [6, 2].
    """

    box_ltrb: Float32s
    keypoints: Float32s = field(default_factory=lambda: np.full((6, 2), np.nan, np.float32))
    score: float = 1.0

    def __post_init__(self) -> None:
        for name, shape in (("box_ltrb", (4,)), ("keypoints", (6, 2))):
            numbers = np.asarray(getattr(self, name))
            if numbers.shape != shape:
                raise ValueError(f"{name} of a Detection has the shape {list(shape)}, not {list(numbers.shape)}")
            object.__setattr__(self, name, numbers)

    @classmethod
    def of_landmarks(cls, landmarks68: Floats, score: float) -> Detection:
        """The face with these landmarks [68, 2] as a detector would find it: both lead to the same crop."""
        low, high = landmarks68.min(axis=0), landmarks68.max(axis=0)
        side = LANDMARK_MARGIN * float((high - low).mean())
        centre = (low + high) / 2 - (0, DETECTOR_SHIFT * side)
        box = np.concatenate([centre - side / 2, centre + side / 2])
        keypoints = np.concatenate([eyes_nose_mouth(landmarks68), landmarks68[[0, 16]]])
        return cls(box.astype(np.float32), keypoints.astype(np.float32), score)

    def __repr__(self) -> str:
        left, top, right, bottom = self.box_ltrb
        return f"Detection(box_ltrb=[{left:.0f}, {top:.0f}, {right:.0f}, {bottom:.0f}], score={self.score:.2f})"

    @property
    def size(self) -> float:
        """Mean of the box's width and height, image pixels."""
        return float((self.box_ltrb[2:] - self.box_ltrb[:2]).mean())

    @property
    def centre(self) -> Float64s:
        """Of the box, (x, y)."""
        return np.asarray(np.reshape(self.box_ltrb, (2, 2)).mean(axis=0), np.float64)

    @property
    def roll(self) -> float:
        """How far the face is turned clockwise in the photograph, degrees from -180 to 180.

        It is the turn with the least squared distance of eyes, nose and mouth from those of an upright face; in
        profile, where the eyes are close together, their line alone would say nothing.
        """
        eyes_nose_mouth = np.asarray(self.keypoints[:4], np.float64)
        x, y = (eyes_nose_mouth - eyes_nose_mouth.mean(axis=0)).T
        return float(np.degrees(np.angle(np.sum((x + 1j * y) * UPRIGHT_FACE.conj()))))

    @property
    def turn(self) -> float:
        """How far the face seems to look to a side, in degrees from 0 to 90: the eyes stand nearer together.

        No face of 250 video frames gets more than 54; scikit-image's cameraman, in profile, gets 62.
        """
        apart = np.linalg.norm(self.keypoints[1] - self.keypoints[0]) / self.size
        turn = np.degrees(np.arccos(np.clip(apart / np.abs(UPRIGHT_FACE[1] - UPRIGHT_FACE[0]), 0, 1)))
        return float(np.nan_to_num(turn))  # 0 where keypoints are not known

    @property
    def upright(self) -> bool:
        """Whether the face stands as networks know faces, to within ``UPRIGHT`` degrees."""
        return not abs(self.roll) > UPRIGHT  # true where keypoints are not known


def given_faces(faces: Sequence[Detection]) -> list[Detection]:
    """Faces that a caller knows; TypeError where they are boxes alone, one face, or anything else."""
    if isinstance(faces, Detection):
        raise TypeError("faces are a list of Detections: give faces=[face]")
    for face in faces:
        if not isinstance(face, Detection):
            raise TypeError(
                f"faces are Detections, such as unveil.Detection([left, top, right, bottom]), not {type(face).__name__}"
            )
    return list(faces)


def eyes_nose_mouth(landmarks68: Floats) -> Floats:
    """Middles of the right eye, the left eye and the mouth, and the nose tip before the last: [4, 2] of iBUG-68."""
    eyes_nose_mouth = (landmarks68[36:42], landmarks68[42:48], landmarks68[30:31], landmarks68[48:68])
    return np.stack([part.mean(axis=0) for part in eyes_nose_mouth])


def merge(answers: list[tuple[Float32s, Float32s]]) -> Iterator[tuple[Float32s, float]]:
    """One face for each group of answers about it: the mean of those that agree, weighted by their scores.

    Takes points [N, 8, 2], corners first, and scores [N]. A box that lies mostly within a surer one is a part of that
    face, such as half of it at another scale, and is dropped.
    """
    if not answers:
        return
    points, scores = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    order = np.argsort(-scores, kind="stable")
    points, scores = points[order], scores[order]
    while len(points):
        iou, inside = overlaps(points[0, :2], points[:, :2])
        agree = iou > SAME_FACE_IOU
        mean = np.tensordot(scores[agree] / scores[agree].sum(), points[agree], 1)
        yield mean.astype(np.float32), float(scores[0])
        rest = ~agree & (inside < PART_OF_FACE)
        points, scores = points[rest], scores[rest]


def distinct(faces: Sequence[Detection]) -> list[Detection]:
    """The faces without those that are in the place of a surer one, as looks from several sides may give them."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda face: face.score, reverse=True):
        boxes = np.reshape([other.box_ltrb for other in kept], (-1, 2, 2)).astype(np.float32)
        iou, inside = overlaps(np.reshape(face.box_ltrb, (2, 2)), boxes)
        seen_twice = (iou > SAME_FACE_IOU) | (inside >= PART_OF_FACE)
        both_upright = [face.upright and other.upright for other in kept]  # these were told apart already
        if not (seen_twice & ~np.array(both_upright, bool)).any():
            kept.append(face)
    return kept


def overlaps(box: Float32s, boxes: Float32s) -> tuple[Float32s, Float32s]:
    """Intersection of a box [2, 2] with boxes [N, 2, 2], over the union and over the smaller of the two."""
    sides = np.minimum(box[1], boxes[:, 1]) - np.maximum(box[0], boxes[:, 0])
    shared = np.maximum(sides, 0).prod(axis=-1)
    area, areas = (box[1] - box[0]).prod(), (boxes[:, 1] - boxes[:, 0]).prod(axis=-1)
    least = np.float32(1e-6)  # square pixels: boxes without area overlap nothing
    return shared / np.maximum(area + areas - shared, least), shared / np.maximum(np.minimum(area, areas), least)


def mean_side(points: Float32s) -> Float32s:
    """Mean of width and height of boxes, of points [..., 8, 2] that begin with their corners."""
    return np.asarray((points[..., 1, :] - points[..., 0, :]).mean(axis=-1))
