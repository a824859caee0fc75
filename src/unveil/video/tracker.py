"""Faces from frame to frame. Most frames need no detector, because a face is about where it was.

A face is looked for where its landmarks were in the last frame. The network that gives the coefficients also says
whether there is a face. While there is none, as behind an occluder, its place is watched for `PATIENCE` seconds. The
detector searches the whole frame when somebody has just been lost, and otherwise from time to time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unveil.models.encoder import Prediction
from unveil.photos.detection import Detection, overlaps
from unveil.processes import numpy_on_one_thread
from unveil.reconstruct.false_detection import CONVINCED, SURE, is_convincing
from unveil.reconstruct.geometry import visible_landmarks
from unveil.reconstruct.pipeline import Reconstructor
from unveil.reconstruct.walk import FaceWalk, Framed, agree, different_faces
from unveil.typing import Floats, Image
from unveil.video.people import People, SeenFace

PATIENCE = 1.5  # seconds for which the place of a lost face is watched
SEARCH_LOST, SEARCH = 0.2, 1.0  # seconds between searches of whole frames, while somebody is missing and otherwise
SAME_PLACE = 0.3  # intersection over union from which two boxes are around one face


class Tracker:
    """Follows everybody through the frames of one clip, in order.

    Its state depends only on the faces found so far. So it can be resumed: after `remember` was given the faces of all
    earlier frames, it goes on as if it had found them itself.

    Args:
        reconstructor: has the networks.

    Attributes:
        people: everybody so far.
    """

    def __init__(self, reconstructor: Reconstructor) -> None:
        self._detector = reconstructor.detector
        self._walk = FaceWalk(reconstructor.encoder, reconstructor.morphable, once=True)
        self._landmark_model = reconstructor.morphable.landmark_model()
        self.people = People(reconstructor.morphable)
        self._seconds = -np.inf  # of the last frame

    @numpy_on_one_thread
    def track(self, image: Image, seconds: float) -> dict[int, SeenFace]:
        """The faces of the next frame, by the numbers of their people."""
        faces = self._followed(image, seconds)
        if self._searches(faces, seconds):
            boxes = [np.reshape(face.box, (2, 2)).astype(np.float32) for face in faces.values()]
            found = self._again(image, [face for face in self._found(image) if not _there(face, boxes)])
            faces |= self.people.whose(found, seconds, without=faces)
        self.remember(faces, seconds)
        return faces

    def remember(self, faces: Mapping[int, SeenFace], seconds: float) -> None:
        """Take in what is known of a frame."""
        self.people.remember(faces, seconds)
        self._seconds = seconds

    def _searches(self, faces: Mapping[int, SeenFace], seconds: float) -> bool:
        """Whether the whole frame is searched, where these faces were found again."""
        if not self._walk.says_face:
            return True
        missing = {*self.people.seen_since(self._seconds - PATIENCE)} - faces.keys()
        lost_now = {*self.people.seen_since(self._seconds)} - faces.keys()
        every = SEARCH_LOST if missing or not faces else SEARCH
        return bool(lost_now) or seconds // every != self._seconds // every

    def _followed(self, image: Image, seconds: float) -> dict[int, SeenFace]:
        """The faces that are about where they were."""
        numbers = self.people.seen_since(seconds - PATIENCE)
        if not self._walk.says_face or not numbers:
            return {}
        before = [self.people[number].last for number in numbers]
        seen = self._seen(image, self._walk.frame(image, [_place(face) for face in before]))
        found = {
            number: face
            for number, face, last in zip(numbers, seen, before, strict=True)
            if face.score >= CONVINCED and agree(face.landmarks, last.box)
        }
        return self._each_once(found)

    def _each_once(self, faces: dict[int, SeenFace]) -> dict[int, SeenFace]:
        """The faces without those that are another's, which the place led to where two people met."""
        kept: dict[int, SeenFace] = {}
        for number in sorted(faces, key=lambda number: self.people.difference(number, faces[number])):
            boxes = [np.reshape(face.box, (2, 2)).astype(np.float32) for face in kept.values()]
            if not _there(faces[number], boxes):
                kept[number] = faces[number]
        return kept

    def _found(self, image: Image) -> list[SeenFace]:
        """The faces that a search of the whole frame finds, the largest first."""
        framed = different_faces(self._walk.frame(image, self._walk.detect(self._detector, image)))
        return [f for f, one in zip(self._seen(image, framed), framed, strict=True) if self._believed(f, one)]

    def _again(self, image: Image, faces: list[SeenFace]) -> list[SeenFace]:
        """Finds in the crops in which they will be followed, so that heads do not step when they are seen again."""
        if not self._walk.says_face:  # they will be found again
            return faces
        seen = self._seen(image, self._walk.frame(image, [_place(face) for face in faces]))
        pairs = zip(seen, faces, strict=True)
        return [now if now.score >= CONVINCED and agree(now.landmarks, face.box) else face for now, face in pairs]

    def _believed(self, face: SeenFace, framed: Framed) -> bool:
        """Whether a find is followed; `perhaps_no_face` says why so much is asked."""
        if self._walk.says_face:
            return is_convincing(framed.found, face.score)
        return framed.found.score >= SURE

    def _seen(self, image: Image, framed: Sequence[Framed]) -> list[SeenFace]:
        """The network's prediction for faces that are cut out."""
        if not framed:
            return []
        said = self._walk.predict(image, framed)
        crops = [one.shown for one in framed]
        landmarks = visible_landmarks(self._landmark_model, said.coefficients, crops)
        return [_seen_face(row, one, points) for row, one, points in zip(said.rows(), framed, landmarks, strict=True)]


def _seen_face(said: Prediction, framed: Framed, landmarks: Floats) -> SeenFace:
    """A face of which a prediction of one row is."""
    occlusion = None if said.occlusion is None else np.rint(said.occlusion[0] * 255).astype(np.uint8)
    deviations = said.deviations and said.deviations.row(0)
    scores = [None if said.face is None else float(said.face[0]), framed.face, framed.found.score]
    score = next(score for score in scores if score is not None)
    points = np.asarray(landmarks, np.float64)
    return SeenFace(framed.shown, said.coefficients.row(0), deviations, occlusion, points, score)


def _place(face: SeenFace) -> Detection:
    """Where a face is looked for in the next frame."""
    return Detection.of_landmarks(face.landmarks, face.score)


def _there(face: SeenFace, boxes: Sequence[Floats]) -> bool:
    """Whether a face is in one of the boxes [2, 2]."""
    box = np.reshape(face.box, (2, 2)).astype(np.float32)
    return any(overlaps(box, np.asarray(other)[None])[0][0] > SAME_PLACE for other in boxes)
