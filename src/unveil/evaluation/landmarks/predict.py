"""Predictions of a model for annotated photographs, clear and occluded, written to files that scores are made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.evaluation.landmarks.annotated_set import Annotated
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.evaluation.occluded_faces import Condition, FaceFinder
from unveil.evaluation.predictions import CLEAR, NOTE, TRUTH, note_predictions
from unveil.geometry.camera import to_pixels
from unveil.heads.face_area import face_area
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.encoder import Encoder, identity
from unveil.models.second_look import SecondLook
from unveil.occluders.base import Face, hidden_share
from unveil.photos.crop import Crop
from unveil.photos.detect import FaceDetector
from unveil.reconstruct.walk import FaceWalk
from unveil.storage.files import printable
from unveil.storage.outputs import alone_in
from unveil.typing import Bools, Float64s, Floats, Image, Images, Int64s

FACES = ("annotated", "detected")
POINTS = 256  # of the head that are kept of each prediction
BATCH = 16


@dataclass(frozen=True)
class PredictionSettings:
    """How predictions are made.

    Attributes:
        faces: "annotated": cut out around the annotation, which measures the network; "detected": found by the
            detector and cut out as in a reconstruction, which measures the whole of unveil.
        jaw: of `annotated.JAWS`, which points the data set annotates.
        seed: of the occluders.
    """

    faces: str = "annotated"
    jaw: str = "outline"
    seed: int = 0


class LandmarkPredictor:
    """A network and its head model.

    Args:
        encoder: the network.
        model: its head model, or one with the landmarks alone.
        settings: which faces and which jaw line.
    """

    def __init__(self, encoder: Encoder, model: MorphableModel, settings: PredictionSettings) -> None:
        self.encoder = encoder
        self.model = model.with_layout(encoder.layout)
        self.settings = settings
        self._landmark_model = self.model.landmark_model()
        self._second_look = SecondLook(encoder, self.model)
        self._walk = FaceWalk(encoder, self._landmark_model)  # which only finds faces
        self._detector = FaceDetector(packaged("blazeface.onnx"))
        self._points = _points_of_the_face(self.model)

    def crop(self, image: Image, annotated: Floats) -> Crop | None:
        """How the face with annotated landmarks [68, 2] is cut out; None where the detector finds no face."""
        if self.settings.faces == "annotated":
            return self.encoder.framing.of_landmarks(annotated, self.encoder.input_size)
        faces = self._walk.faces(image, self._walk.detect(self._detector, image))
        if not faces:
            return None
        middle = (annotated.min(axis=0) + annotated.max(axis=0)) / 2  # other people may be in the picture
        return min(faces, key=lambda face: float(np.hypot(*(face.found.centre - middle)))).shown

    def predict(self, crops: Sequence[Crop], pictures: Images) -> dict[str, Float64s]:
        """The arrays that `LandmarkFile` holds of heads, for crops and their pixels [N, S, S, 3]."""
        coefficients = self._second_look.predict(pictures).coefficients
        return {
            "landmarks2d": self._landmarks(coefficients, crops),
            "neutral_mm": 1000 * np.asarray(self.model.neutral(coefficients))[:, self._points],
            "vertices_mm": 1000 * self._vertices(self.model.upright(coefficients)),
            "projected": self._in_pictures(self._vertices(coefficients), coefficients, crops),
        }

    @property
    def points(self) -> int:
        """How many points of the head are kept of each prediction."""
        return len(self._points)

    def _vertices(self, coefficients: Coefficients) -> Float64s:
        return np.asarray(self.model.vertices(coefficients), np.float64)[:, self._points]

    def _landmarks(self, coefficients: Coefficients, crops: Sequence[Crop]) -> Float64s:
        model = self._landmark_model
        vertices = model.vertices(coefficients)
        on_surface = self.settings.jaw == "surface"
        points = model.landmarks68(vertices) if on_surface else model.contour68(vertices, coefficients)
        return self._in_pictures(np.asarray(points), coefficients, crops)

    def _in_pictures(self, points: Float64s, coefficients: Coefficients, crops: Sequence[Crop]) -> Float64s:
        pixels = to_pixels(self.model.project(points, coefficients), self.encoder.input_size)
        return np.stack([crop.to_image(face[:, :2]) for crop, face in zip(crops, pixels, strict=True)])


def predict_landmarks(
    pictures: Annotated,
    predictor: LandmarkPredictor,
    conditions: Sequence[Condition],
    out: Path,
    failed: dict[str, Exception] | None = None,
) -> Iterator[str]:
    """Write ``truth.npz`` and ``<condition>.npz`` into a folder, and yield a picture's name after each prediction.

    A file that is there is not written again, so a run that was stopped goes on. A picture that cannot be used has no
    prediction, as one without a face; ``failed`` gets what was wrong with it, by its name.

    Raises:
        UnveilError: the folder has predictions of another model or of other settings, or something else, or is in use.
    """
    with alone_in(out, "predict landmarks", first=NOTE):
        _note(pictures, predictor, out)
        known = _Known(FaceFinder(), {}, {} if failed is None else failed)
        for condition in conditions:
            yield from _predict_condition(pictures, predictor, condition, out, known)


def _note(pictures: Annotated, predictor: LandmarkPredictor, out: Path) -> None:
    """Write what the predictions are made with, and the truth, or check that they are the same."""
    settings = predictor.settings
    made_with = {
        "model": identity(predictor.encoder),
        "points": predictor.points,
        "images": len(pictures.names),
        "first": pictures.names[0],
        "faces": settings.faces,
        "jaw": settings.jaw,
        "seed": settings.seed,
    }
    note_predictions(out, made_with)
    truth = out / f"{TRUTH}.npz"
    if not truth.exists():
        pictures.truth.save(truth)
    elif not LandmarkFile.load(truth).says_as(pictures.truth):
        raise UnveilError(f"{printable(truth)} says other than the annotation; choose another folder with -o")


def _predict_condition(
    pictures: Annotated, predictor: LandmarkPredictor, condition: Condition, out: Path, known: _Known
) -> Iterator[str]:
    path = out / f"{condition.stem}.npz"
    if path.is_file():
        yield from pictures.names
        return
    clear = None if condition.occluder is None else LandmarkFile.load(out / f"{CLEAR}.npz")
    parts = []
    for start in range(0, len(pictures.names), BATCH):
        rows = range(start, min(start + BATCH, len(pictures.names)))
        shown = [_show_or_not(pictures, k, condition, known, predictor.settings.seed) for k in rows]
        parts.append(_predict(predictor, shown, clear, start))
        yield from pictures.names[start : start + BATCH]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    LandmarkFile(pictures.names, **joined).save(path)


@dataclass(frozen=True, eq=False)
class _Known:
    """Where the faces of pictures are, found once."""

    finder: FaceFinder
    faces: dict[str, Face]
    failed: dict[str, Exception]  # what was wrong with pictures that cannot be used

    def face(self, name: str, image: Image, landmarks68: Float64s) -> Face:
        if name not in self.faces:
            self.faces[name] = self.finder.face(image, landmarks68)
        return self.faces[name]


@dataclass(frozen=True, eq=False)
class _Shown:
    """A picture as a method is shown it."""

    image: Image
    landmarks68: Float64s  # [68, 2] annotated
    mask: Bools  # [H, W] of the occluder
    share: float  # of the face that is hidden
    usable: bool = True


def _show_or_not(pictures: Annotated, index: int, condition: Condition, known: _Known, seed: int) -> _Shown:
    """The picture, or an empty one in its place where it cannot be used."""
    try:
        return _show(pictures, index, condition, known, seed)
    except Exception as error:  # one picture is not to end the work on the others
        known.failed.setdefault(pictures.names[index], error)
        empty = np.zeros((1, 1, 3), np.uint8)
        return _Shown(empty, pictures.landmarks68[index], np.zeros((1, 1), bool), 0.0, usable=False)


def _show(pictures: Annotated, index: int, condition: Condition, known: _Known, seed: int) -> _Shown:
    name, landmarks = pictures.names[index], pictures.landmarks68[index]
    image = pictures.read(name)
    if condition.occluder is None:
        return _Shown(image, landmarks, np.zeros(image.shape[:2], bool), 0.0)
    face = known.face(name, image, landmarks)
    occlusion = condition.apply(image, face, name, seed)
    return _Shown(occlusion.image, landmarks, occlusion.mask, hidden_share(occlusion.mask, face))


def _predict(
    predictor: LandmarkPredictor, shown: Sequence[_Shown], clear: LandmarkFile | None, start: int
) -> dict[str, NDArray[Any]]:
    """Arrays of `LandmarkFile` for pictures, NaN where no face was found; ``start`` is the first one's row in clear."""
    count, points = len(shown), predictor.points
    shapes = {"landmarks2d": (68, 2), "neutral_mm": (points, 3), "vertices_mm": (points, 3), "projected": (points, 2)}
    result: dict[str, NDArray[Any]] = {name: np.full((count, *shape), np.nan) for name, shape in shapes.items()}
    found = {k: predictor.crop(one.image, one.landmarks68) for k, one in enumerate(shown) if one.usable}
    crops = {k: crop for k, crop in found.items() if crop is not None}
    if crops:
        pixels = np.stack([crop.warp(shown[k].image) for k, crop in crops.items()])
        for name, values in predictor.predict(list(crops.values()), pixels).items():
            result[name][list(crops)] = values
    if clear is not None and clear.projected is not None:
        seen_at = clear.projected[start : start + count]
        result["hidden_points"] = np.stack([_at(one.mask, at) for one, at in zip(shown, seen_at, strict=True)])
        result["hidden68"] = np.stack([_at(one.mask, one.landmarks68) for one in shown])
        result["hidden_share"] = np.array([one.share for one in shown])
    return result


def _at(mask: Bools, points: Floats) -> Bools:
    """Whether the mask [H, W] is set at points [N, 2]; beyond the picture, or at NaN, nothing is."""
    x, y = np.rint(np.nan_to_num(points, nan=-1)).astype(int).T
    height, width = mask.shape
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.asarray(inside & mask[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)])


def _points_of_the_face(model: MorphableModel) -> Int64s:
    """Vertices [K] of the front of the face, spread over their numbers; all of them where there are no triangles."""
    candidates = np.flatnonzero(face_area(model)) if len(model.faces) else np.arange(len(model.head.template))
    spread = np.linspace(0, len(candidates) - 1, min(POINTS, len(candidates))).astype(int)
    return np.asarray(candidates[spread], np.int64)
