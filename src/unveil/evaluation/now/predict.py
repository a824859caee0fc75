"""Predictions for the NoW benchmark: of each photograph the person's neutral head and seven landmarks of it.

They lie as the benchmark wants them, ``<subject>/<challenge>/<image>.ply`` and ``.npy``, so that its evaluation and
ours can score them. What is written already is not predicted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from unveil.errors import UnveilError, line_of
from unveil.evaluation.now.face_hider import FaceHider
from unveil.evaluation.now.photos import IMAGE_LIST, NowImage, find_part, part_of, read_face_box, read_image_list
from unveil.evaluation.predictions import NOTE, note_predictions
from unveil.heads.face_area import SEVEN
from unveil.heads.size import OF_TEMPLATE, require_plausible, times_template
from unveil.meshes.ply import write_ply
from unveil.models.registry import family_of
from unveil.output.batch import options_for
from unveil.photos.crop import Crop
from unveil.photos.detection import Detection
from unveil.photos.io import read_image, write_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.files import atomic_path
from unveil.storage.outputs import alone_in
from unveil.typing import Floats, Image

# A detector's six keypoints in a box, for networks that are framed by them: where the bundled photograph has them.
KEYPOINTS = np.array([[0.30, 0.27], [0.72, 0.31], [0.49, 0.54], [0.48, 0.73], [0.05, 0.32], [0.94, 0.40]])

Change = Callable[[Image, NowImage, Detection | None], Image]


@dataclass(frozen=True)
class NowPhotos:
    """The photographs of the benchmark and, unless left aside, the face boxes that come with them."""

    images: tuple[NowImage, ...]
    photographs: Path
    boxes: Path | None

    @classmethod
    def open(cls, dataset: Path, *, with_boxes: bool = True, image_list: Path | None = None) -> NowPhotos:
        """Find the parts in the folder of the benchmark; UnveilError where photographs or their list are missing."""
        images = read_image_list(image_list or part_of(dataset, IMAGE_LIST))
        boxes = find_part(dataset, "detected_face") if with_boxes else None
        return cls(images, part_of(dataset, "iphone_pictures"), boxes)

    def face(self, image: NowImage) -> Detection | None:
        """The face that the benchmark marks, or None where it is left to a detector to find one."""
        if self.boxes is None:
            return None
        box = read_face_box(self.boxes / image.path.with_suffix(".npy"))
        points = box[:2] + KEYPOINTS * (box[2:] - box[:2])
        return Detection(box.astype(np.float32), points.astype(np.float32), 1.0)


@dataclass(frozen=True)
class Predicted:
    """The outcome for one photograph."""

    image: NowImage
    status: Literal["done", "skipped", "failed"]
    error: str = ""


def predict_now(
    photos: NowPhotos, reconstructor: Reconstructor, out: Path, *, change: Change | None = None, label: str = ""
) -> Iterator[Predicted]:
    """Write a prediction for each photograph and yield what became of it.

    Args:
        photos: the photographs.
        reconstructor: with the network to try.
        out: folder for the predictions.
        change: what is done to a photograph first, such as hiding parts of the face.
        label: says what ``change`` does; predictions with another label are not continued.

    Raises:
        UnveilError: the folder has predictions of another network or of other settings, or something else; is in use;
            or cannot be written.
    """
    settings = options_for(reconstructor, (), 1).to_json() | {"boxes": photos.boxes is not None, "change": label}
    with alone_in(out, "predict now", first=NOTE):
        note_predictions(out, settings)
        yield from (_predict_one(photos, reconstructor, image, out, change) for image in photos.images)


def _predict_one(
    photos: NowPhotos, reconstructor: Reconstructor, image: NowImage, out: Path, change: Change | None
) -> Predicted:
    stem = out / image.path.with_suffix("")
    mesh, landmarks = (stem.with_name(stem.name + suffix) for suffix in (".ply", ".npy"))
    if mesh.is_file() and landmarks.is_file():  # the landmarks are written last
        return Predicted(image, "skipped")
    try:
        neutral = _predict(photos, reconstructor, image, change)
    except Exception as error:  # one photograph is not to end the work on the others
        return Predicted(image, "failed", f"{image}: {line_of(error)}")
    write_ply(mesh, neutral, reconstructor.morphable.faces)
    seven = np.asarray(reconstructor.morphable.landmarks68(neutral), np.float64)[list(SEVEN)]
    with atomic_path(landmarks) as temporary, temporary.open("wb") as stream:
        np.save(stream, seven)
    return Predicted(image, "done")


def hiding(hider: FaceHider, severity: float, photographs: Path | None = None) -> Change:
    """A change that hides about so much of the face, and keeps the photographs so changed in a folder if there is one.

    The face is the one that the benchmark marks, else the largest of the clear photograph.
    """

    def change(picture: Image, image: NowImage, face: Detection | None) -> Image:
        hidden = hider.hide(picture, image.path.as_posix(), severity, None if face is None else [face]).image
        if photographs is not None:
            write_image(photographs / image.path, hidden)
        return hidden

    return change


def _predict(photos: NowPhotos, reconstructor: Reconstructor, image: NowImage, change: Change | None) -> Floats:
    """The neutral head [V, 3] of a photograph."""
    face = photos.face(image)
    picture = read_image(photos.photographs / image.path)
    if change is not None:
        picture = change(picture, image, face)
    encoder, model = reconstructor.encoder, reconstructor.morphable
    margin = family_of(encoder.layout).box_margin
    if face is not None and margin is not None:
        low, high = face.box_ltrb[:2], face.box_ltrb[2:]
        crop = Crop.from_square((low + high) / 2, margin * face.size, encoder.input_size)
        coefficients = encoder.predict(crop.warp(picture)[None]).coefficients
        neutral = np.asarray(model.neutral(coefficients))  # [1, V, 3]
        require_plausible(times_template(neutral, model.head.template), OF_TEMPLATE, encoder.name)
        return np.asarray(neutral[0])
    found = reconstructor.reconstruct(picture, max_faces=1, faces=None if face is None else [face])
    if not found:
        raise UnveilError("no face found; the photograph has no prediction and will count as missing")
    return found[0].neutral_vertices
