"""A photograph to heads: detect, crop, coefficients, crop again where the landmarks are, coefficients, geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.geometry.camera import to_pixels
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_euler_degrees
from unveil.imaging.crop import Crop
from unveil.imaging.detect import FaceDetector
from unveil.imaging.io import printable, read_image
from unveil.morphable.layout import Coefficients
from unveil.morphable.model import MorphableModel
from unveil.reconstruct.clock import Clock
from unveil.reconstruct.deca import DecaModel
from unveil.reconstruct.encoder import DoubtfulEncoder, Encoder, Prediction, predict_all
from unveil.reconstruct.fine import load_fine
from unveil.reconstruct.heads import head_name, load_head
from unveil.reconstruct.onnx import CoefficientModel
from unveil.reconstruct.result import Floats, Reconstruction
from unveil.reconstruct.uncertainty import vertex_uncertainty
from unveil.reconstruct.visibility import face_area, hidden_vertices

LEARNERS = {"openhead": "openhead_learner.onnx"}  # names of packaged learners
# The landmarks of the first pass must agree this far with the detector, or its crop is kept.
SIDE_RATIO = (0.5, 2.0)  # mean side of the landmarks' box in mean sides of the detector's
LARGEST_SHIFT = 0.6  # of the centre, in mean sides of the detector's box


@dataclass(frozen=True, eq=False)
class Sighting:
    """Where a photograph shows a face."""

    crop: Crop  # what the network is given
    box_ltrb: Floats  # [4] the detector's box in image px
    confidence: float


class Reconstructor:
    """Reconstructs every face of a photograph; keep one and use it for many photographs.

    Args:
        model: "openhead", the learner in the package; "deca", where its networks lie as ONNX files among the assets;
            the path of an ONNX learner (see `CoefficientModel`); or a network, such as `teachers.deca.DecaTeacher`.
        assets: folder with the files of a model that the user brings; `assets.store.search_folders` lists others.
        detector: finds the faces; the packaged BlazeFace with its defaults if left out.

    Raises:
        UnveilError: the model is unknown, or a file it needs is missing or cannot be used.
    """

    def __init__(
        self,
        model: str | Path | Encoder = "openhead",
        *,
        assets: str | Path | None = None,
        detector: FaceDetector | None = None,
    ) -> None:
        assets = None if assets is None else Path(assets)
        self.learner = open_learner(model, assets) if isinstance(model, str | Path) else model
        self.morphable = _morphable_model(self.learner, assets)
        self.fine = load_fine(self.learner, self.morphable, assets)
        self._landmark_model = self.morphable.landmark_model()
        self.detector = detector or FaceDetector(packaged("blazeface.onnx"))

    def reconstruct(
        self, image: NDArray[np.uint8] | str | Path, *, max_faces: int | None = None
    ) -> list[Reconstruction]:
        """Every face of an image, largest first; an empty list where there is none.

        Args:
            image: RGB uint8 [H, W, 3], or the path of a photograph.
            max_faces: leave out all but so many of the largest faces.

        Raises:
            UnveilError: the path leads to no readable photograph.
        """
        clock = Clock()
        if isinstance(image, str | Path):
            with clock.stage("read"):
                image = read_image(image)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"expected a uint8 RGB image (H, W, 3), got {image.dtype} {image.shape}")
        with clock.stage("detect"):
            detections = self.detector.detect(image)[:max_faces]
        if not detections:
            return []
        with clock.stage("first pass"):
            crops = [Crop.from_detector_box(d.box_ltrb, self.learner.input_size) for d in detections]
            landmarks = self.landmarks(image, crops)
        with clock.stage("second pass"):
            framed = zip(landmarks, detections, crops, strict=True)
            crops = [second_crop(points, detection.box_ltrb, crop) for points, detection, crop in framed]
            prediction = self._predict(image, crops)
        with clock.stage("geometry"):
            sightings = [
                Sighting(crop, np.asarray(d.box_ltrb, np.float64), float(d.score))
                for crop, d in zip(crops, detections, strict=True)
            ]
            faces = self._results(prediction.coefficients, sightings, clock.milliseconds)
            return [self._with_doubts(face, prediction, k) for k, face in enumerate(faces)]

    def landmarks(self, image: NDArray[np.uint8], crops: Sequence[Crop]) -> list[Floats]:
        """Where the learner sees the visible landmarks [68, 2] of the face in each crop, image pixels."""
        return self._landmarks2d(self._predict(image, crops).coefficients, crops)

    def changed(self, face: Reconstruction, coefficients: Coefficients) -> Reconstruction:
        """The face of a photograph with other coefficients [M], for example those of `transfer_expression`.

        Its texture is still taken from where the photograph shows it, and what is hidden there stays hidden; how sure
        the new coefficients are is not known.
        """
        sighting = Sighting(face.crop, face.box_ltrb, face.confidence)
        batch = Coefficients(coefficients.layout, coefficients.values[None])
        (moved,) = self._results(batch, [sighting], face.timings)
        kept = ("photographed", "occlusion", "hidden", "face_area")
        return replace(moved, **{name: getattr(face, name) for name in kept})

    def _predict(self, image: NDArray[np.uint8], crops: Sequence[Crop]) -> Prediction:
        """All faces through the network as one batch."""
        return predict_all(self.learner, np.stack([crop.warp(image) for crop in crops]))

    def _with_doubts(self, face: Reconstruction, prediction: Prediction, index: int) -> Reconstruction:
        """The face with what the network says, in that row of its prediction, about what it saw and how sure it is."""
        face = replace(face, face_area=face_area(self.morphable))
        if prediction.occlusion is not None:
            occlusion = prediction.occlusion[index]
            hidden = hidden_vertices(occlusion, face.crop, face.projected, face.faces)
            face = replace(face, occlusion=occlusion, hidden=hidden)
        if prediction.deviations is not None:
            deviations = prediction.deviations.row(index)
            scale = self.learner.vertex_scale if isinstance(self.learner, DoubtfulEncoder) else 1.0
            uncertainty = vertex_uncertainty(self.morphable, deviations, scale)
            face = replace(face, deviations=deviations, uncertainty_mm=uncertainty)
        return face

    def _landmarks2d(self, coefficients: Coefficients, crops: Sequence[Crop]) -> list[Floats]:
        """Visible landmarks [68, 2] of each face in image pixels."""
        model = self._landmark_model
        points = model.contour68(model.vertices(coefficients), coefficients)  # [N, 68, 3]
        pixels = to_pixels(model.project(points, coefficients), self.learner.input_size)
        return [crop.to_image(face[:, :2]) for crop, face in zip(crops, pixels, strict=True)]

    def _results(
        self, coefficients: Coefficients, sightings: Sequence[Sighting], timings: Mapping[str, float]
    ) -> list[Reconstruction]:
        model = self.morphable
        vertices = model.vertices(coefficients)  # [N, V, 3]
        neutral = model.neutral(coefficients)
        in_crops = to_pixels(model.project(vertices, coefficients), self.learner.input_size)
        projected = [_to_image(points, seen.crop) for points, seen in zip(in_crops, sightings, strict=True)]
        landmarks2d = self._landmarks2d(coefficients, [seen.crop for seen in sightings])
        landmarks3d = model.landmarks68(vertices)
        details, albedos = self.fine.details(vertices, coefficients), self.fine.albedos(coefficients)
        pose = matrix_to_euler_degrees(axis_angle_to_matrix(coefficients["pose"][..., :3]))  # [N, 3]
        return [
            Reconstruction(
                model=self.learner.name,
                coefficients=coefficients.row(k),
                expression_names=model.unit_names,
                neutral_vertices=neutral[k],
                vertices=vertices[k],
                faces=model.faces,
                landmarks3d=landmarks3d[k],
                landmarks2d=landmarks2d[k],
                projected=projected[k],
                photographed=projected[k],
                pose_degrees=(float(pose[k, 0]), float(pose[k, 1]), float(pose[k, 2])),
                crop=seen.crop,
                box_ltrb=seen.box_ltrb,
                confidence=seen.confidence,
                timings=timings,
                detail=details[k],
                albedo=albedos[k],
            )
            for k, seen in enumerate(sightings)
        ]


def second_crop(landmarks: Floats, box_ltrb: Floats, first: Crop) -> Crop:
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
    return Crop.from_landmarks(landmarks, first.size) if agrees else first


def learner_path(model: str | Path) -> Path:
    """The ONNX file of a packaged learner's name, or the path given; UnveilError where it is neither."""
    if model in LEARNERS:
        return packaged(LEARNERS[str(model)])
    path = Path(model)
    if path.suffix.lower() != ".onnx":
        raise UnveilError(
            f"unknown model {str(model)!r}: choose {', '.join((*LEARNERS, 'deca'))} or give the path of an .onnx file"
        )
    return path


def open_learner(model: str | Path, assets: Path | None = None) -> Encoder:
    """The network called ``model``, a name or the path of an ONNX file; UnveilError where there is none."""
    return DecaModel(assets) if model == "deca" else CoefficientModel(learner_path(model))


def _morphable_model(learner: Encoder, assets: Path | None) -> MorphableModel:
    """The head model whose coefficients the learner gives."""
    try:
        head_name(learner.layout)
    except UnveilError as error:
        raise UnveilError(f"{printable(learner.path)} cannot be used: {error}") from error
    # What the layout has besides the head's own is not geometry: skin, light, detail.
    return replace(load_head(learner.layout, assets), layout=learner.layout)


def _to_image(crop_pixels: Floats, crop: Crop) -> Floats:
    """Points [V, 3] of a crop, in its pixels, to image pixels; the depth keeps the scale of x and y."""
    return np.concatenate([crop.to_image(crop_pixels[:, :2]), crop_pixels[:, 2:] / crop.scale], axis=1)
