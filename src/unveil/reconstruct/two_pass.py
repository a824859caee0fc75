"""Faces are cut out twice: around what the detector found, then around the landmarks seen there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unveil.heads.model import MorphableModel
from unveil.models.encoder import Encoder, Prediction
from unveil.models.openhead.family import Openhead
from unveil.models.registry import head_of
from unveil.photos.crop import Crop
from unveil.photos.detection import Detection
from unveil.photos.framing import CANONICAL, Framing
from unveil.reconstruct.geometry import visible_landmarks
from unveil.typing import Floats, Image

# The landmarks of the first pass must agree this far with the detector, or its crop is kept.
SIDE_RATIO = (0.5, 2.0)  # mean side of the landmarks' box in mean sides of the detector's
LARGEST_SHIFT = 0.6  # of the centre, in mean sides of the detector's box


class TwoPass:
    """Cuts faces out for an encoder, as its framing wants them.

    The first pass is the encoder's own or, where its framing is guided, the packaged learner's.

    Args:
        encoder: the network.
        model: its head model, or as much of it as the landmarks need.
    """

    def __init__(self, encoder: Encoder, model: MorphableModel) -> None:
        self._encoder = encoder
        self._guide = Openhead().open_encoder() if encoder.framing.guided else encoder
        self._model = (head_of(self._guide) if encoder.framing.guided else model).landmark_model()

    def landmarks(self, image: Image, faces: Sequence[Detection]) -> list[Floats]:
        """Landmarks [68, 2] of each face in image pixels, seen in crops around what the detector found."""
        framing, size = self._guide.framing, self._guide.input_size
        crops = [framing.around(face).of_detection(face, size) for face in faces]
        return visible_landmarks(self._model, predict(self._guide, image, crops).coefficients, crops)

    def crops(self, faces: Sequence[Detection], landmarks: Sequence[Floats]) -> list[Crop]:
        """What the encoder is given of each face: the crop around its landmarks [68, 2], or around the detector's find.

        The latter where the landmarks cannot be right.
        """
        framing, size = self._encoder.framing, self._encoder.input_size
        around = [framing.around(face) for face in faces]
        first = [rules.of_detection(face, size) for rules, face in zip(around, faces, strict=True)]
        return [
            second_crop(points, face.box_ltrb, crop, rules)
            for points, face, crop, rules in zip(landmarks, faces, first, around, strict=True)
        ]


def predict(encoder: Encoder, image: Image, crops: Sequence[Crop]) -> Prediction:
    """What an encoder says about crops of an image, as one batch."""
    return encoder.predict(np.stack([crop.warp(image) for crop in crops]))


def second_crop(landmarks: Floats, box_ltrb: Floats, first: Crop, framing: Framing = CANONICAL) -> Crop:
    """The crop around the landmarks [68, 2] of the first pass, or the first crop where they cannot be right."""
    return framing.of_landmarks(landmarks, first.size) if agree(landmarks, box_ltrb) else first


@np.errstate(over="ignore", invalid="ignore")  # of landmarks without sense
def agree(landmarks: Floats, box_ltrb: Floats) -> bool:
    """Whether landmarks [68, 2] are about where a detector's box [4] is, and of about its size, all in image pixels."""
    box = np.asarray(box_ltrb, np.float64)
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    side = float(np.mean(box[2:] - box[:2]))
    ratio = float(np.mean(high - low)) / side
    shift = float(np.linalg.norm((low + high) / 2 - (box[:2] + box[2:]) / 2)) / side
    # Comparisons with NaN are false, so landmarks that are not finite do not agree either.
    return SIDE_RATIO[0] <= ratio <= SIDE_RATIO[1] and shift <= LARGEST_SHIFT
