"""Faces are cut out twice: around what the detector found, then around the landmarks seen there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.encoder import Encoder, Prediction
from unveil.models.registry import head_of, open_encoder
from unveil.photos.crop import Crop
from unveil.photos.detect import Detection
from unveil.photos.framing import CANONICAL, Framing
from unveil.reconstruct.geometry import visible_landmarks
from unveil.typing import Floats, Image

# The landmarks of the first pass must agree this far with the detector, or its crop is kept.
SIDE_RATIO = (0.5, 2.0)  # mean side of the landmarks' box in mean sides of the detector's
LARGEST_SHIFT = 0.6  # of the centre, in mean sides of the detector's box


@dataclass(frozen=True, eq=False)
class Finder:
    """A network and as much of its head model as the landmarks need."""

    network: Encoder
    model: MorphableModel

    def predict(self, image: Image, crops: Sequence[Crop]) -> Prediction:
        """All faces through the network as one batch."""
        return self.network.predict(np.stack([crop.warp(image) for crop in crops]))

    def landmarks(self, image: Image, crops: Sequence[Crop]) -> list[Floats]:
        """Where the network sees the visible landmarks [68, 2] of the face in each crop, image pixels."""
        return self.landmarks2d(self.predict(image, crops).coefficients, crops)

    def landmarks2d(self, coefficients: Coefficients, crops: Sequence[Crop]) -> list[Floats]:
        """Visible landmarks [68, 2] of each face in image pixels."""
        return visible_landmarks(self.model, coefficients, crops)


def crops_around(detections: Sequence[Detection], framing: Framing, size: int) -> list[Crop]:
    """The crops, ``size`` pixels a side, that a network is first given of what a detector found."""
    return [framing.of_detection(face, size) for face in detections]


def packaged_finder() -> Finder:
    """The packaged learner, where another network needs landmarks to be framed by."""
    learner = open_encoder("openhead")
    return Finder(learner, head_of(learner).landmark_model())


@np.errstate(over="ignore", invalid="ignore")  # of landmarks without sense
def second_crop(landmarks: Floats, box_ltrb: Floats, first: Crop, framing: Framing = CANONICAL) -> Crop:
    """The crop around the landmarks [68, 2] of the first pass, or the first crop where they cannot be right.

    They cannot be right when they are far from the detector's box [4] or of quite another size, all in image pixels.
    """
    box = np.asarray(box_ltrb, np.float64)
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    side = float(np.mean(box[2:] - box[:2]))
    ratio = float(np.mean(high - low)) / side
    shift = float(np.linalg.norm((low + high) / 2 - (box[:2] + box[2:]) / 2)) / side
    # Comparisons with NaN are false, so landmarks that are not finite keep the first crop too.
    agrees = SIDE_RATIO[0] <= ratio <= SIDE_RATIO[1] and shift <= LARGEST_SHIFT
    return framing.of_landmarks(landmarks, first.size) if agrees else first
