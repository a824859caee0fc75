"""Cut faces out: first around the detector's boxes, then around the landmarks that a network finds there.

Most networks take one such step. A network with a face score takes more, because it has also learned from badly framed
faces and from crops without a face. Its detector may search generously: the network walks from a bad box to the face,
and rejects finds that are no faces. Where the detector finds nothing that is surely a face, it walks from boxes laid
over the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from unveil.heads.model import MorphableModel
from unveil.models.encoder import Encoder, Prediction
from unveil.models.openhead.family import Openhead
from unveil.models.registry import head_of
from unveil.models.second_look import SecondLook
from unveil.photos.crop import Crop
from unveil.photos.detect import FaceDetector
from unveil.photos.detection import Detection, overlaps
from unveil.photos.framing import Framing
from unveil.reconstruct.false_detection import CONVINCED, is_no_face
from unveil.reconstruct.geometry import visible_landmarks
from unveil.reconstruct.laid import laid_boxes
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Image

# A step is taken only if its landmarks agree this well with the box that it started from.
SIDE_RATIO = (0.5, 2.0)  # mean side of the landmarks' box, in mean sides of that box
LARGEST_SHIFT = 0.6  # of the centre, in mean sides of that box

MOST_STEPS = 2  # of a network with a face score, which then sees three crops: two steps and the prediction
STILL = 0.04  # largest movement of a crop's corners, in sides of the crop, for it to count as not moved
# The same for a step so small that the prediction for the crop before it is kept, without another look. On 330 pictures
# of video frames, two of three partly hidden, a face then takes 1.6 looks instead of 2.9, and the NME is 5.28 % instead
# of 5.27; at 0.1 it is 5.32, at 0.12 5.46.
NEAR_ENOUGH = 0.08
MOSTLY_CLEAR = 0.1  # hidden share of a crop; where more is hidden, `STILL` holds instead of `NEAR_ENOUGH`
PERHAPS = 0.2  # face score from which a box that was laid over the image may have led to a face
NOT_WORTH_A_STEP = 0.01  # face score below which there is no further step; badly framed faces have more
SAME_BOX = 0.5  # intersection over union from which two boxes are around one face


class Look(NamedTuple):
    """A crop, its picture, and the encoder's prediction for it, of one row."""

    crop: Crop
    picture: Image  # [S, S, 3]
    said: Prediction


@dataclass(frozen=True, eq=False)
class Framed:
    """A face and how it is cut out for a network."""

    found: Detection  # by the detector; with the box of the landmarks where the walk led to another one
    crop: Crop  # around the landmarks of the last step, or around the detector's box where no step was taken
    landmarks: Floats  # [68, 2] in image pixels, from the last step
    agrees: bool  # whether the landmarks are plausible, see `agree`
    face: float | None = None  # face score, where the network has one
    look: Look | None = None  # the encoder's look at a crop that is near enough

    __repr__ = short_repr

    @property
    def shown(self) -> Crop:
        """The crop that the encoder's prediction is for."""
        return self.look.crop if self.look else self.crop

    @property
    def box(self) -> Floats:
        """[4] box of the landmarks, or the detector's where these cannot be right: left, top, right, bottom."""
        if not self.agrees:
            return self.found.box_ltrb
        return np.concatenate([self.landmarks.min(axis=0), self.landmarks.max(axis=0)])


class FaceWalk:
    """Cuts faces out for an encoder, as its framing wants them.

    The landmarks of the steps come from the encoder itself or, where its framing is guided, from the packaged learner.

    Args:
        encoder: the network.
        model: its head model.
        once: do not look at the mirrored crop as well (`models.second_look`).
    """

    def __init__(self, encoder: Encoder, model: MorphableModel, *, once: bool = False) -> None:
        self._encoder = encoder
        self._second_look = None if once else SecondLook(encoder, model)
        self._guide = Openhead().open_encoder() if encoder.framing.guided else encoder
        self._model = (head_of(self._guide) if encoder.framing.guided else model).landmark_model()

    @property
    def says_face(self) -> bool:
        """Whether the network that gives the landmarks has a face score."""
        return self._guide.says_face

    def detect(self, detector: FaceDetector, image: Image) -> list[Detection]:
        """The detector's finds. It searches generously where the network rejects false ones later."""
        return detector.detect(image, generous=True) if self.says_face else detector.detect(image)

    def faces(self, image: Image, finds: Sequence[Detection]) -> list[Framed]:
        """The faces among a detector's finds, each once.

        Where no find surely is a face, also those that are found from boxes laid over the whole image. Where nothing is
        left even so, the likeliest of these, if it may be a face.
        """
        framed = self.frame(image, finds)
        if self.says_face and not any(_convincing(one) for one in framed):
            laid = [one for one in self.frame(image, laid_boxes(image.shape)) if one.agrees]
            framed += [one for one in laid if _convincing(one)]
            likeliest = max(laid, key=_probability, default=None)
            if likeliest and _probability(likeliest) >= PERHAPS and not different_faces(framed):
                framed.append(likeliest)
        return different_faces(framed)

    def frame(self, image: Image, faces: Sequence[Detection]) -> list[Framed]:
        """Each of the faces, cut out."""
        if not faces:
            return []
        framing, size = self._guide.framing, self._guide.input_size
        walked = [_Walked(face, framing.around(face).of_detection(face, size)) for face in faces]
        for _ in range(MOST_STEPS if self.says_face else 1):
            self._step(image, [one for one in walked if not one.stays])
        return [self._framed(one) for one in walked]

    def predict(self, image: Image, framed: Sequence[Framed]) -> Prediction:
        """The encoder's prediction for the crop of each face that is ``shown``; crops it has seen are not run again."""
        pictures = np.stack([one.look.picture if one.look else one.crop.warp(image) for one in framed])
        unseen = [k for k, one in enumerate(framed) if one.look is None]
        asked = iter(self._encoder.predict(pictures[unseen]).rows() if unseen else [])
        said = Prediction.joined([one.look.said if one.look else next(asked) for one in framed])
        return said if self._second_look is None else self._second_look.joined(said, pictures)

    def _step(self, image: Image, walked: Sequence[_Walked]) -> None:
        """Move faces that are on their way to the crops around the guide's landmarks."""
        if not walked:
            return
        crops = [one.crop for one in walked]
        pictures = np.stack([crop.warp(image) for crop in crops])
        said = self._guide.predict(pictures)
        landmarks = visible_landmarks(self._model, said.coefficients, crops)
        for one, points, look in zip(walked, landmarks, map(Look, crops, pictures, said.rows()), strict=True):
            one.step(points, look, self._guide.framing)

    def _framed(self, walked: _Walked) -> Framed:
        found, framing, size = walked.found, self._encoder.framing.around(walked.place), self._encoder.input_size
        crop = walked.crop
        if self._encoder.framing.guided:
            points = walked.landmarks
            crop = framing.of_landmarks(points, size) if walked.agrees else framing.of_detection(found, size)
        if walked.place is not found and not _same(found.box_ltrb, walked.place.box_ltrb):
            found = replace(found, box_ltrb=walked.place.box_ltrb, keypoints=walked.place.keypoints)
        look = walked.look if self._guide is self._encoder else None
        return Framed(found, crop, walked.landmarks, walked.agrees, walked.face, look)


class _Walked:
    """A face on its way: where it is believed to be, and the crop that is looked at next."""

    def __init__(self, found: Detection, crop: Crop) -> None:
        self.found = self.place = found
        self.crop = crop
        self.landmarks: Floats = np.full((68, 2), np.nan)
        self.agrees = False
        self.face: float | None = None
        self.look: Look | None = None  # at a crop that is near enough
        self.stays = False

    def step(self, landmarks: Floats, look: Look, framing: Framing) -> None:
        """Move the crop to the landmarks [68, 2] of a look at it, unless they cannot be right.

        This is the last step where it moves the crop little, or where there is hardly a face.
        """
        face = None if look.said.face is None else float(look.said.face[0])
        self.face, self.stays, self.look = face, True, look
        box, before = self.place.box_ltrb, self.crop
        agrees = agree(landmarks, box)
        if self.agrees and not agrees:
            return  # the step before was the better one
        self.landmarks, self.agrees = landmarks, agrees
        if agrees and face is not None:  # such a network sees how a face is turned; for others the detector does
            self.place = Detection.of_landmarks(landmarks, self.found.score)
        if agrees:
            self.crop = framing.around(self.place).of_landmarks(landmarks, before.size)
        if face is None or not still(before, self.crop, NEAR_ENOUGH if _mostly_clear(look.said) else STILL):
            self.look = None
            self.stays = face is not None and face < NOT_WORTH_A_STEP


def _mostly_clear(said: Prediction) -> bool:
    return said.occlusion is None or float(said.occlusion.mean()) < MOSTLY_CLEAR


def different_faces(framed: Sequence[Framed]) -> list[Framed]:
    """Those that are faces, each once, in their order; all of them where the network has no face score."""
    kept: list[Framed] = []
    for one in sorted(framed, key=lambda one: (one.found.score, one.face or 0.0), reverse=True):
        if one.face is None or not (is_no_face(one.face) or any(_same(one.box, other.box) for other in kept)):
            kept.append(one)
    return [one for one in framed if one in kept]


def _convincing(one: Framed) -> bool:
    return _probability(one) >= CONVINCED


def _probability(one: Framed) -> float:
    return one.face or 0.0


def _same(box_ltrb: Floats, other_ltrb: Floats) -> bool:
    boxes: list[Float32s] = [np.reshape(box, (2, 2)).astype(np.float32) for box in (box_ltrb, other_ltrb)]
    return bool(overlaps(boxes[0], boxes[1][None])[0][0] > SAME_BOX)


def still(before: Crop, after: Crop, share: float = STILL) -> bool:
    """Whether the corners of a crop are where they were before, within a share of its side."""
    size = before.size
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]])
    moved = after.to_crop(before.to_image(corners)) - corners
    return bool(np.abs(moved).max() <= share * size)


@np.errstate(over="ignore", invalid="ignore")  # implausible landmarks may be huge
def agree(landmarks: Floats, box_ltrb: Floats) -> bool:
    """Whether landmarks [68, 2] are about where a detector's box [4] is, and about as large; all in image pixels."""
    box = np.asarray(box_ltrb, np.float64)
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    side = float(np.mean(box[2:] - box[:2]))
    ratio = float(np.mean(high - low)) / side
    shift = float(np.linalg.norm((low + high) / 2 - (box[:2] + box[2:]) / 2)) / side
    # Comparisons with NaN are false, so landmarks that are not finite do not agree either.
    return SIDE_RATIO[0] <= ratio <= SIDE_RATIO[1] and shift <= LARGEST_SHIFT
