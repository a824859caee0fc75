"""One person through the frames of a video: where they were, how large, and what their head is like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError, about
from unveil.faces.reconstruction import Reconstruction
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle
from unveil.heads.layout import Coefficients
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.files import printable

# What counts as much against two finds being one person. Place and size say most from frame to frame; the form of a
# head is a weak hint: of 34 people of YouTube Faces, 9 % of pairs of one person's frames are more than `UNLIKE` apart,
# and 22 % of pairs of two people's.
SIDES_APART = 1.0  # between the middles of the boxes, in sides of a box
TIMES_LARGER = 2.0
UNLIKE = 0.004  # metres, between the faces of the neutral heads
SOMEBODY_ELSE = 3.0  # the sum from which on it is another person


class Follower:
    """Finds the same person in frame after frame.

    Args:
        reconstructor: makes the heads.
        number: of the face to follow in the first frame that has one, counted as `reconstruct` does, from 0.

    Attributes:
        filled: frames in which the person was not found, so far.
        failed: what was wrong with frames that could not be used, so far.
    """

    def __init__(self, reconstructor: Reconstructor, number: int = 0) -> None:
        self._reconstructor, self._number = reconstructor, number
        self._last: Reconstruction | None = None
        self.filled: list[Path] = []
        self.failed: dict[Path, Exception] = {}

    def follow(self, photos: Iterable[Path]) -> list[Coefficients]:
        """The person's coefficients [M] in each frame, with the pose in the photograph.

        A frame without the person, or that cannot be used, repeats the one before, or the first one with the person.

        Raises:
            UnveilError: no frame has a face, or the first with a face has fewer than asked for.
        """
        frames = [self._in(photo) for photo in photos]
        seen = next((frame for frame in frames if frame is not None), None)
        if seen is None:
            for photo, error in self.failed.items():
                raise UnveilError(f"no photograph can be followed: {about(printable(photo), error)}") from error
            raise UnveilError("no face found in any photograph to follow: give photographs of a face")
        filled = []
        for frame in frames:
            seen = frame or seen
            filled.append(seen)
        return filled

    def _in(self, photo: Path) -> Coefficients | None:
        try:
            faces = [face for face in self._reconstructor.reconstruct(photo) if not face.doubtful]
        except Exception as error:  # one frame is not to end the work on the others
            self.failed[photo] = error
            return None
        person = self._person(photo, faces)
        if person is None:
            self.filled.append(photo)
            return None
        self._last = person
        return in_photograph(person)

    def _person(self, photo: Path, faces: Sequence[Reconstruction]) -> Reconstruction | None:
        if not faces:
            return None
        if self._last is None:
            if self._number >= len(faces):
                raise UnveilError(
                    f"there is no face {self._number} in {printable(photo)}, only {len(faces)}: count from 0, the "
                    "largest first"
                )
            return faces[self._number]
        differences = [difference(self._last, face) for face in faces]
        nearest = int(np.argmin(differences))
        return faces[nearest] if differences[nearest] < SOMEBODY_ELSE else None


def difference(before: Reconstruction, face: Reconstruction) -> float:
    """How little two faces of successive frames are alike in place, size and form; 0 for one and the same."""
    boxes = np.stack([np.reshape(f.box_ltrb, (2, 2)) for f in (before, face)])
    sides = (boxes[:, 1] - boxes[:, 0]).mean(axis=1)
    apart = float(np.linalg.norm(boxes[0].mean(axis=0) - boxes[1].mean(axis=0)) / sides.max())
    larger = float(abs(np.log(sides[0] / sides[1]) / np.log(TIMES_LARGER)))
    between = np.linalg.norm(before.neutral_vertices - face.neutral_vertices, axis=1)
    unlike = float(np.average(between, weights=before.face_area))
    return apart / SIDES_APART + larger + unlike / UNLIKE


def in_photograph(face: Reconstruction) -> Coefficients:
    """The face's coefficients [M] with the head turned as the photograph shows it, where the crop was turned."""
    if face.crop.roll == 0:
        return face.coefficients
    placement = face.morphable.placement
    root = placement.joint_turns(face.coefficients).get("root")
    if root is None:
        return face.coefficients
    about_view = axis_angle_to_matrix(np.radians([0.0, 0.0, -face.crop.roll]))
    turned = matrix_to_axis_angle(about_view @ axis_angle_to_matrix(np.asarray(root, np.float64)))
    return placement.with_joint_turns(face.coefficients, {"root": turned.astype(root.dtype)})
