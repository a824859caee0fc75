"""From a photograph to the wide crop around its main face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.models.onnx import CoefficientModel
from unveil.models.openhead.family import learner_path
from unveil.models.registry import head_of
from unveil.photos.decode import decode_rgb
from unveil.photos.detect import FaceDetector
from unveil.photos.detection import Detection
from unveil.reconstruct.walk import FaceWalk
from unveil.timing import StageTimes
from unveil.training.crops.duplicates import Hash, perceptual_hash
from unveil.training.crops.photo import HolderError, Photo, Points5
from unveil.training.crops.prepared import wide_crop
from unveil.typing import Float64s, Image

HASH_SIZE = 64  # pixels of the canonical crop that duplicates are looked for in
FARTHEST_POINTS = 0.2  # mean distance of annotated points from the detector's, in sides of its box


class Dropped(Exception):  # noqa: N818  # an outcome, not an error
    """A photograph cannot be used: the reason, which is counted, and a message about this one."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, eq=False)
class Cut:
    """The face of a photograph."""

    crop: Image  # [W, W, 3]
    matrix: Float64s  # [2, 3] pixels of the photograph to those of the crop
    hash: Hash


class Cutter:
    """Cuts main faces out of photographs, on one thread; keep one and use it for many.

    Args:
        crop_size: W, pixels per side of the wide crop.
        smallest_face: side of the detector's box in image pixels.

    Attributes:
        clock: what the stages have taken so far.
    """

    def __init__(self, crop_size: int, smallest_face: float) -> None:
        self.crop_size, self.smallest_face = crop_size, smallest_face
        self.clock = StageTimes()
        learner = CoefficientModel(learner_path(), threads=1)
        self._walk = FaceWalk(learner, head_of(learner), once=True)
        self._detector = FaceDetector(packaged("blazeface.onnx"), threads=1)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments only: a worker opens networks of its own."""
        return Cutter, (self.crop_size, self.smallest_face)

    def cut(self, photo: Photo) -> Cut:
        """The main face of a photograph, framed by a first pass of the learner as a reconstruction frames it.

        Raises:
            Dropped: there is no picture, no face, a face too small, or one whose place is uncertain.
            HolderError: the file that holds the photograph among others is gone or unreadable.
        """
        with self.clock.stage("read"):
            image = _decode(photo)
        with self.clock.stage("detect"):
            face = main_face(self._detector.detect(image), photo.points)
        if face.size < self.smallest_face:
            raise Dropped("face too small", f"{face.size:.0f} pixels")
        with self.clock.stage("frame"):
            (framed,) = self._walk.frame(image, [face])
            if not framed.agrees:
                raise Dropped("landmarks disagree", "the learner's landmarks are not where the detector's box is")
            wide = wide_crop(framed.crop, self.crop_size)
        with self.clock.stage("warp"):
            return Cut(wide.warp(image), wide.matrix, perceptual_hash(framed.crop.warp(image, HASH_SIZE)))


def _decode(photo: Photo) -> Image:
    """The photograph as RGB [H, W, 3]; Dropped where it is not an image, is gone or may not be read."""
    try:
        return decode_rgb(photo.read(), photo.name)
    except HolderError:
        raise
    except UnveilError as error:
        raise Dropped("unreadable", str(error)) from error


def main_face(faces: Sequence[Detection], points: Points5 | None) -> Detection:
    """The face at the annotated points if there are any, else the largest, which comes first.

    Raises:
        Dropped: there is no face, or none at these points.
    """
    if not faces:
        raise Dropped("no face")
    if points is None:
        return faces[0]
    distances = [annotation_distance(face, points) for face in faces]
    nearest = int(np.argmin(distances))
    if distances[nearest] > FARTHEST_POINTS:
        raise Dropped("landmarks disagree", f"{distances[nearest]:.2f} of the face's side from the annotated ones")
    return faces[nearest]


def annotation_distance(face: Detection, points: Points5) -> float:
    """Mean distance of eyes, nose and middle of the mouth from annotated points, in sides of the detector's box."""
    eyes_nose_corners = np.reshape(points, (5, 2))
    annotated = np.concatenate([eyes_nose_corners[:3], eyes_nose_corners[3:].mean(axis=0, keepdims=True)])
    return float(np.linalg.norm(face.keypoints[:4] - annotated, axis=1).mean()) / face.size
