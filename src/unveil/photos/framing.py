"""The way a network wants faces cut out: by one rule from a detector's find, by another from landmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from unveil.photos.crop import Crop
from unveil.photos.detection import Detection
from unveil.reprs import short_repr


@dataclass(frozen=True)
class Framing:
    """The two rules; both are given the side of the crop in pixels and raise UnveilError for a face of no size."""

    of_detection: Callable[[Detection, int], Crop]
    of_landmarks: Callable[[ArrayLike, int], Crop]  # iBUG-68 [68, 2] in image pixels
    guided: bool = False  # the landmarks are not the network's own, on a rough crop, but those of the packaged learner
    __repr__ = short_repr

    def around(self, face: Detection) -> Framing:
        """These rules for a face: where it lies or stands on its head, the crops are turned with it."""
        if face.upright:
            return self
        degrees, centre = face.roll, face.centre
        upright = Crop(np.eye(2, 3), 1).turned(degrees, centre)
        as_upright = replace(face, keypoints=upright.to_crop(face.keypoints).astype(np.float32))

        def of_detection(_: Detection, size: int) -> Crop:
            return self.of_detection(as_upright, size).turned(degrees, centre)

        def of_landmarks(landmarks68: ArrayLike, size: int) -> Crop:
            points = upright.to_crop(np.asarray(landmarks68)[:, :2])
            return self.of_landmarks(points, size).turned(degrees, centre)

        return Framing(of_detection, of_landmarks, self.guided)


CANONICAL = Framing(lambda face, size: Crop.from_detector_box(face.box_ltrb, size), Crop.from_landmarks)
