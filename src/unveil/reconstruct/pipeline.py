"""A photograph to heads: detect, crop, predict coefficients, crop again around the landmarks, predict, build heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from unveil.appearance.visibility import hidden_vertices
from unveil.appearance.wrinkles.clear_skin import wrinkle_surface
from unveil.errors import UnveilError
from unveil.faces.reconstruction import Reconstruction
from unveil.faces.wrinkled import expressed, wrinkled
from unveil.heads.face_area import face_area
from unveil.heads.layout import Coefficients, require_one
from unveil.heads.skin.detail import Detail
from unveil.heads.uncertainty import vertex_uncertainty
from unveil.models.encoder import Encoder, Prediction
from unveil.models.registry import NETWORKS, head_of, open_encoder, open_skin
from unveil.models.skin import SkinModel
from unveil.photos.detect import FaceDetector
from unveil.photos.detection import Detection, given_faces
from unveil.photos.io import Photograph, as_rgb, name_of
from unveil.processes import numpy_on_one_thread
from unveil.reconstruct.bite import biting
from unveil.reconstruct.false_detection import is_no_face, perhaps_no_face
from unveil.reconstruct.geometry import Sighting, Source, heads_in_photo
from unveil.reconstruct.joining import join_shapes
from unveil.reconstruct.squint import squinting
from unveil.reconstruct.walk import FaceWalk, Framed
from unveil.timing import StageTimes
from unveil.typing import Float32s, Floats, Image

Timings: TypeAlias = Mapping[str, float]  # milliseconds per stage


class Reconstructor:
    """Reconstructs the faces in photographs. Loading its models takes time, so use one for many photographs.

    Args:
        model: a name of `models.registry.NETWORKS`, such as "openhead", the learner in the package; the path of an
            ONNX learner (see `CoefficientModel`); or an encoder.
        assets: folder with the files of a research model; `assets.store.search_folders` lists other places.
        detector: finds the faces; `FaceDetector()` if left out.
        hair: whether heads get the hair that the photograph shows, where the learner has a class map.
        wrinkles: whether heads get the wrinkles that the photograph shows, where the model itself gives no details of
            the skin.

    Raises:
        UnveilError: the model is unknown, or a file it needs is missing or cannot be used; or wrinkles are asked for,
            but its head model has no texture coordinates.
        TypeError: the model is neither a name, nor a path, nor an encoder.
    """

    def __init__(
        self,
        model: str | Path | Encoder = "openhead",
        *,
        assets: str | Path | None = None,
        detector: FaceDetector | None = None,
        hair: bool = True,
        wrinkles: bool = False,
    ) -> None:
        if not isinstance(model, str | Path) and not hasattr(model, "predict"):
            raise TypeError(f"a model is a name, the path of an ONNX file or an encoder, not {type(model).__name__}")
        assets = None if assets is None else Path(assets)
        self.encoder = open_encoder(model, assets) if isinstance(model, str | Path) else model
        self.morphable = head_of(self.encoder, assets)
        self.skin = open_skin(self.encoder, self.morphable, assets)
        self._walk = FaceWalk(self.encoder, self.morphable)
        self.detector = detector or FaceDetector()
        self.hair, self.wrinkles = hair, wrinkles and not self.skin.has_details
        if self.wrinkles:
            self.skin = self._skin_with_wrinkles()
        self._made_of = (model, assets, detector, hair, wrinkles)

    def __repr__(self) -> str:
        layout, vertices = self.encoder.layout, len(self.morphable.head.template)
        return f"Reconstructor({self.encoder.name!r}, vertices={vertices}, {layout!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments that it was made with: workers that it is sent to open networks of their own."""
        model, assets, detector, hair, wrinkles = self._made_of
        if isinstance(model, str | Path) and str(model) not in NETWORKS:
            model = Path(model).absolute()  # a worker may be in another folder
        assets = assets and assets.absolute()
        make = partial(Reconstructor, assets=assets, detector=detector, hair=hair, wrinkles=wrinkles)
        return make, (model,)

    @numpy_on_one_thread
    def reconstruct(
        self,
        photograph: Photograph,
        *,
        max_faces: int | None = None,
        faces: Sequence[Detection] | None = None,
    ) -> list[Reconstruction]:
        """All faces in a photograph, the largest first, doubtful ones last; an empty list if there is none.

        Args:
            photograph: a path, a PIL image, or an RGB array uint8 [H, W, 3].
            max_faces: keep only this many, in the order above.
            faces: where the faces are, if you know; the detector is then not used, and their order is kept.

        Raises:
            UnveilError: the file is missing or is not a photograph.
            TypeError: the photograph is anything else, or the faces are no detections.
        """
        clock = StageTimes()
        if isinstance(photograph, np.ndarray):
            image = as_rgb(photograph)
        else:
            with clock.stage("read"):
                image = as_rgb(photograph)
        with clock.stage("detect"):
            detections = self._walk.detect(self.detector, image) if faces is None else given_faces(faces)[:max_faces]
        with clock.stage("first pass"):
            walk = self._walk.faces if faces is None else self._walk.frame
            framed = walk(image, detections)
        wanted = len(framed) if max_faces is None else max_faces
        found: list[Reconstruction] = []
        while framed and sum(not face.doubtful for face in found) < wanted:
            found += self._reconstruct(image, framed[:wanted], clock, given=faces is not None)
            framed = framed[wanted:]
        if faces is None:
            found.sort(key=lambda face: face.doubtful)  # the rest of the order stays
        name = name_of(photograph)
        return [replace(face, name=f"{name}_{k}") for k, face in enumerate(found[:wanted])]

    def _reconstruct(
        self, image: Image, framed: Sequence[Framed], clock: StageTimes, *, given: bool
    ) -> list[Reconstruction]:
        """The heads of faces that have been cut out, in their order and without names.

        Finds that turn out to be no faces are left out, unless the caller gave them.
        """
        with clock.stage("second pass"):
            prediction = self._walk.predict(image, framed)
            scores = [one.face for one in framed] if prediction.face is None else prediction.face.tolist()
            framed = [replace(one, face=score) for one, score in zip(framed, scores, strict=True)]
            kept = [k for k, one in enumerate(framed) if given or one.face is None or not is_no_face(one.face)]
            framed, prediction = [framed[k] for k in kept], prediction.take(kept)
        if not framed:
            return []
        with clock.stage("geometry"):
            sightings = [
                Sighting("face", one.shown, np.asarray(one.found.box_ltrb, np.float64), float(one.found.score))
                for one in framed
            ]
            heads = self._heads(image, prediction.coefficients, sightings, clock.milliseconds)
            heads = [self._with_guesses(head, prediction, k, image.shape) for k, head in enumerate(heads)]
            heads = [self._looked_again(image, head) for head in heads]
            if self.wrinkles and self.skin.surface is not None:
                heads = [wrinkled(image, head, self.skin.surface) for head in heads]
            return [
                replace(head, detector_turn=one.found.turn, doubtful=perhaps_no_face(one.found, head, one.face))
                for head, one in zip(heads, framed, strict=True)
            ]

    @numpy_on_one_thread
    def changed(self, face: Reconstruction, coefficients: Coefficients) -> Reconstruction:
        """The same face with other coefficients [M], for example those of `heads.motion.transfer_expression`.

        The texture still comes from the photograph, and what is hidden there stays hidden. The result has no
        deviations, because none are known for the new coefficients.

        Raises:
            LayoutError: they are another model's, or those of several heads.
            TypeError: they are plain numbers.
        """
        require_one(coefficients)
        moved = self._moved(face, coefficients)
        kept = ("photographed", "occlusion", "classes", "hidden", "face_area", "detector_turn", "doubtful")
        if self.wrinkles and face.detail is not None:
            moved = replace(moved, detail=_with_expression(face.detail, moved))
        return replace(moved, **{name: getattr(face, name) for name in kept})

    def joined(self, faces: Sequence[Reconstruction]) -> list[Reconstruction]:
        """Give several photographs of one person one shape; see `reconstruct.joining`.

        Expression, pose and texture stay each photograph's own. For a model without deviations the shape is the mean.

        Args:
            faces: of one person, by this reconstructor.

        Raises:
            UnveilError: there is no face.
        """
        if not faces:
            raise UnveilError("there is no face to join: give the reconstructions of one person's photographs")
        group = self.morphable.shape_group
        shapes = np.stack([face.coefficients[group] for face in faces])
        deviations = [face.deviations for face in faces if face.deviations is not None]
        if len(deviations) < len(faces):
            return [self.with_shape(face, shapes.mean(axis=0)) for face in faces]
        shape, deviation = join_shapes(shapes, np.stack([known[group] for known in deviations]))
        return [self.with_shape(face, shape, deviation) for face in faces]

    def with_shape(self, face: Reconstruction, shape: Floats, deviation: Floats | None = None) -> Reconstruction:
        """The face with these coefficients of the shape [S] and, where they are known, their deviations [S]."""
        group = self.morphable.shape_group
        moved = self.changed(face, face.coefficients.replace(**{group: shape}))
        if face.deviations is None or deviation is None:
            return moved
        surer = face.deviations.replace(**{group: deviation})
        return replace(moved, deviations=surer, uncertainty_mm=self._uncertainty(surer))

    def _uncertainty(self, deviations: Coefficients) -> Float32s:
        """Root mean square distance [V] in mm to expect of each vertex."""
        return vertex_uncertainty(self.morphable, deviations, self.encoder.vertex_scale)

    def _with_guesses(
        self, face: Reconstruction, prediction: Prediction, index: int, shape: tuple[int, ...]
    ) -> Reconstruction:
        """The face with what row ``index`` of a prediction says about what was hidden and how sure the network is.

        ``shape`` is that of the photograph, [H, W, 3].
        """
        classes = None if prediction.classes is None else prediction.classes[index]
        face = replace(face, face_area=face_area(self.morphable), classes=classes)
        if prediction.occlusion is not None:
            occlusion = prediction.occlusion[index]
            hidden = hidden_vertices(occlusion, face.crop, face.projected, face.faces, shape)
            face = replace(face, occlusion=occlusion, hidden=hidden)
        if prediction.deviations is not None:
            deviations = prediction.deviations.row(index)
            face = replace(face, deviations=deviations, uncertainty_mm=self._uncertainty(deviations))
        return face

    def _looked_again(self, image: Image, face: Reconstruction) -> Reconstruction:
        """The face with its eyes as narrow and its teeth as close together as in the photograph."""
        coefficients = face.coefficients
        for look in (squinting, biting):
            coefficients = look(image, replace(face, coefficients=coefficients), self.morphable) or coefficients
        if coefficients is face.coefficients:
            return face
        kept = ("occlusion", "classes", "hidden", "face_area", "deviations", "uncertainty_mm")
        return replace(self._moved(face, coefficients), **{name: getattr(face, name) for name in kept})

    def _moved(self, face: Reconstruction, coefficients: Coefficients) -> Reconstruction:
        """The head of a face with other coefficients [M]."""
        sighting = Sighting(face.name, face.crop, face.box_ltrb, face.confidence)
        batch = Coefficients(coefficients.layout, coefficients.values[None])
        (moved,) = self._heads(face.photograph, batch, [sighting], face.timings)
        return moved

    def _skin_with_wrinkles(self) -> SkinModel:
        if not self.morphable.textured:
            raise UnveilError(
                f"{self.encoder.name} has no texture coordinates to put wrinkles in: leave them out, or take openhead"
            )
        return replace(self.skin, surface=wrinkle_surface(self.morphable))

    def _heads(
        self, image: Image | None, coefficients: Coefficients, sightings: Sequence[Sighting], timings: Timings
    ) -> list[Reconstruction]:
        """The head of each face, with its skin."""
        source = Source(self.encoder.name, self.morphable, image, timings)
        heads = heads_in_photo(source, coefficients, sightings)
        vertices = np.stack([head.vertices for head in heads])
        skins = zip(self.skin.details(vertices, coefficients), self.skin.albedos(coefficients), strict=True)
        return [
            replace(head, detail=detail, albedo=albedo, bald=not self.hair)
            for head, (detail, albedo) in zip(heads, skins, strict=True)
        ]


def _with_expression(detail: Detail, face: Reconstruction) -> Detail:
    """The detail of the same skin for a face with another expression."""
    if detail.moving is None:
        return replace(detail, posed=face.vertices)
    return expressed(detail.surface, face.vertices, np.asarray(face.coefficients["expression"]), detail.moving)
