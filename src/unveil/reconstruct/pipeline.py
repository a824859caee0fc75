"""A photograph to heads: detect, crop, coefficients, crop again where the landmarks are, coefficients, geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unveil.appearance.visibility import hidden_vertices
from unveil.assets.store import packaged
from unveil.geometry.camera import to_pixels
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_euler_degrees
from unveil.heads.face_area import face_area
from unveil.heads.layout import Coefficients
from unveil.heads.uncertainty import vertex_uncertainty
from unveil.models.encoder import Encoder, Prediction
from unveil.models.registry import head_of, open_encoder, open_skin
from unveil.photos.crop import Crop
from unveil.photos.detect import Detection, FaceDetector
from unveil.photos.io import read_image
from unveil.reconstruct.result import Reconstruction
from unveil.reconstruct.two_pass import Finder, crops_around, packaged_finder, second_crop
from unveil.timing import StageTimes
from unveil.typing import Floats, Image


@dataclass(frozen=True, eq=False)
class Sighting:
    """Where a photograph shows a face."""

    crop: Crop  # what the network is given
    box_ltrb: Floats  # [4] the detector's box in image px
    confidence: float


class Reconstructor:
    """Reconstructs every face of a photograph; keep one and use it for many photographs.

    Args:
        model: a name of `models.registry.NETWORKS`, such as "openhead", the learner in the package; the path of an
            ONNX learner (see `CoefficientModel`); or an encoder.
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
        self.encoder = open_encoder(model, assets) if isinstance(model, str | Path) else model
        self.morphable = head_of(self.encoder, assets)
        self.skin = open_skin(self.encoder, self.morphable, assets)
        self._framing = self.encoder.framing
        self._finder = Finder(self.encoder, self.morphable.landmark_model())
        self._guide = packaged_finder() if self._framing.guided else self._finder
        self.detector = detector or FaceDetector(packaged("blazeface.onnx"))

    def reconstruct(
        self,
        image: Image | str | Path,
        *,
        max_faces: int | None = None,
        faces: Sequence[Detection] | None = None,
    ) -> list[Reconstruction]:
        """Every face of an image, largest first; an empty list where there is none.

        Args:
            image: RGB uint8 [H, W, 3], or the path of a photograph.
            max_faces: leave out all but so many of the largest faces.
            faces: where the faces are, if that is known; they are not searched for then.

        Raises:
            UnveilError: the path leads to no readable photograph.
        """
        clock = StageTimes()
        if isinstance(image, str | Path):
            with clock.stage("read"):
                image = read_image(image)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"expected a uint8 RGB image (H, W, 3), got {image.dtype} {image.shape}")
        with clock.stage("detect"):
            detections = (self.detector.detect(image) if faces is None else list(faces))[:max_faces]
        if not detections:
            return []
        with clock.stage("first pass"):
            guide = self._guide
            crops = crops_around(detections, guide.network.framing, guide.network.input_size)
            landmarks = guide.landmarks(image, crops)
        with clock.stage("second pass"):
            crops = crops_around(detections, self._framing, self.encoder.input_size)
            framed = zip(landmarks, detections, crops, strict=True)
            crops = [second_crop(points, face.box_ltrb, crop, self._framing) for points, face, crop in framed]
            prediction = self._finder.predict(image, crops)
        with clock.stage("geometry"):
            sightings = [
                Sighting(crop, np.asarray(d.box_ltrb, np.float64), float(d.score))
                for crop, d in zip(crops, detections, strict=True)
            ]
            found = self._results(prediction.coefficients, sightings, clock.milliseconds)
            return [self._with_doubts(face, prediction, k) for k, face in enumerate(found)]

    def landmarks(self, image: Image, crops: Sequence[Crop]) -> list[Floats]:
        """Where the learner sees the visible landmarks [68, 2] of the face in each crop, image pixels."""
        return self._finder.landmarks(image, crops)

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

    def _with_doubts(self, face: Reconstruction, prediction: Prediction, index: int) -> Reconstruction:
        """The face with what the network says, in that row of its prediction, about what it saw and how sure it is."""
        face = replace(face, face_area=face_area(self.morphable))
        if prediction.occlusion is not None:
            occlusion = prediction.occlusion[index]
            hidden = hidden_vertices(occlusion, face.crop, face.projected, face.faces)
            face = replace(face, occlusion=occlusion, hidden=hidden)
        if prediction.deviations is not None:
            deviations = prediction.deviations.row(index)
            uncertainty = vertex_uncertainty(self.morphable, deviations, self.encoder.vertex_scale)
            face = replace(face, deviations=deviations, uncertainty_mm=uncertainty)
        return face

    def _results(
        self, coefficients: Coefficients, sightings: Sequence[Sighting], timings: Mapping[str, float]
    ) -> list[Reconstruction]:
        model = self.morphable
        vertices = model.vertices(coefficients)  # [N, V, 3]
        neutral = model.neutral(coefficients)
        in_crops = to_pixels(model.project(vertices, coefficients), self.encoder.input_size)
        projected = [_to_image(points, seen.crop) for points, seen in zip(in_crops, sightings, strict=True)]
        landmarks2d = self._finder.landmarks2d(coefficients, [seen.crop for seen in sightings])
        landmarks3d = model.landmarks68(vertices)
        details, albedos = self.skin.details(vertices, coefficients), self.skin.albedos(coefficients)
        rotations = _in_photograph(model.rotation(coefficients), [seen.crop for seen in sightings])
        pose = matrix_to_euler_degrees(rotations)  # [N, 3]
        return [
            Reconstruction(
                model=self.encoder.name,
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


def _in_photograph(rotations: Floats, crops: Sequence[Crop]) -> Floats:
    """Rotations [N, 3, 3] of heads as the photograph shows them, of those in their crops, which may be turned."""
    turns = [np.arctan2(crop.matrix[1, 0], crop.matrix[0, 0]) for crop in crops]  # clockwise on the screen
    about_z = np.stack([np.zeros_like(turns), np.zeros_like(turns), turns], axis=-1).astype(rotations.dtype)
    return np.asarray(axis_angle_to_matrix(about_z) @ rotations)


def _to_image(crop_pixels: Floats, crop: Crop) -> Floats:
    """Points [V, 3] of a crop, in its pixels, to image pixels; the depth keeps the scale of x and y."""
    return np.concatenate([crop.to_image(crop_pixels[:, :2]), crop_pixels[:, 2:] / crop.scale], axis=1)
