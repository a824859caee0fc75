"""How a network wants faces cut out: by one rule from a detector's find, by another from landmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from numpy.typing import ArrayLike

from unveil.photos.crop import Crop
from unveil.photos.detect import Detection


@dataclass(frozen=True)
class Framing:
    """The two rules; both are given the side of the crop in pixels and raise UnveilError for a face of no size."""

    of_detection: Callable[[Detection, int], Crop]
    of_landmarks: Callable[[ArrayLike, int], Crop]  # iBUG-68 [68, 2] in image pixels
    guided: bool = False  # the landmarks are not the network's own, on a rough crop, but those of the packaged learner


CANONICAL = Framing(lambda face, size: Crop.from_detector_box(face.box_ltrb, size), Crop.from_landmarks)
