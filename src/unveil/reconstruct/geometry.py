"""From coefficients, in the frames of their crops, to heads in the photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unveil.faces.reconstruction import Reconstruction
from unveil.faces.whole import to_photograph
from unveil.geometry.camera import to_pixels
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_euler_degrees
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.size import OF_TEMPLATE, extent, require_plausible, times_template
from unveil.photos.crop import Crop
from unveil.reprs import short_repr
from unveil.typing import Floats, Image


@dataclass(frozen=True, eq=False)
class Sighting:
    """Where a photograph shows a face."""

    name: str  # what the files of its head are called in a folder
    crop: Crop  # the frame of its coefficients
    box_ltrb: Floats  # [4] around the face in image px
    confidence: float | None  # the detector's score, None where the face was not searched for
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class Source:
    """What the heads of one photograph have in common."""

    model: str  # name of the encoder, or of the fit, that gave the coefficients
    morphable: MorphableModel  # their head model
    photograph: Image | None
    timings: Mapping[str, float]  # milliseconds per stage
    __repr__ = short_repr


# A network may give any number. What overflows on the way is refused in one line, by `require_plausible`.
_overflow_allowed = np.errstate(over="ignore", invalid="ignore")


@_overflow_allowed
def heads_in_photo(source: Source, coefficients: Coefficients, sightings: Sequence[Sighting]) -> list[Reconstruction]:
    """The heads of N faces, from coefficients [N, M] in the frames of their crops.

    Raises:
        UnveilError: the coefficients give no head of a sensible size, or one far from its crop.
    """
    model, crops = source.morphable, [seen.crop for seen in sightings]
    vertices = model.vertices(coefficients)  # [N, V, 3]
    neutral = model.neutral(coefficients)
    in_crops = to_pixels(model.project(vertices, coefficients), crops[0].size)
    require_plausible(times_template(neutral, model.head.template), OF_TEMPLATE, source.model)
    require_plausible(extent(in_crops[..., :2]) / crops[0].size, "the crop", source.model)
    projected = [to_photograph(points, crop) for points, crop in zip(in_crops, crops, strict=True)]
    landmarks2d = visible_landmarks(model.landmark_model(), coefficients, crops)
    landmarks3d = model.landmarks68(vertices)
    pose = matrix_to_euler_degrees(_in_photograph(model.rotation(coefficients), crops))  # [N, 3]
    return [
        Reconstruction(
            model=source.model,
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
            timings=source.timings,
            morphable=model,
            photograph=source.photograph,
            name=seen.name,
        )
        for k, seen in enumerate(sightings)
    ]


@_overflow_allowed
def visible_landmarks(model: MorphableModel, coefficients: Coefficients, crops: Sequence[Crop]) -> list[Floats]:
    """Landmarks [68, 2] of each of N faces in image pixels; the jaw line is the outline that the photograph shows."""
    points = model.contour68(model.vertices(coefficients), coefficients)  # [N, 68, 3]
    pixels = to_pixels(model.project(points, coefficients), crops[0].size)
    return [crop.to_image(face[:, :2]) for crop, face in zip(crops, pixels, strict=True)]


def _in_photograph(rotations: Floats, crops: Sequence[Crop]) -> Floats:
    """Rotations [N, 3, 3] in the photograph, from those in the crops, which may be turned against it."""
    turns = [np.arctan2(crop.matrix[1, 0], crop.matrix[0, 0]) for crop in crops]  # clockwise on the screen
    about_z = np.stack([np.zeros_like(turns), np.zeros_like(turns), turns], axis=-1).astype(rotations.dtype)
    return np.asarray(axis_angle_to_matrix(about_z) @ rotations)
