"""A head in its crop: posed, seen by a camera nearby or far away, framed as a reconstruction frames it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.geometry.camera import to_pixels
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.photos.crop import CROP_SIZE, Crop
from unveil.training.crops.prepared import canonical_crop
from unveil.typing import Floats


@dataclass(frozen=True, eq=False)
class Placed:
    """A head in a wide crop."""

    coefficients: Coefficients  # [M] in the frame of the canonical crop
    vertices: Floats  # [V, 3] posed, model space
    pixels: Floats  # [V, 3] of the wide crop, depth in the same scale, smaller is nearer


def place(
    model: MorphableModel, wanted: Coefficients, size: int, distance: float = np.inf, added: Floats | None = None
) -> Placed:
    """Frame a head by its landmarks, in a wide crop of ``size`` pixels.

    Args:
        model: the head model.
        wanted: [M] its form and pose; the camera's place does not matter.
        size: pixels per side of the wide crop.
        distance: metres between the camera and the face. The coefficients get the scaled orthographic camera that
            comes nearest to this one on the landmarks.
        added: [V, 3] metres that the head differs from what the coefficients say, before it is turned.
    """
    vertices = np.asarray(model.vertices(wanted), np.float64)
    if added is not None:
        vertices = vertices + added @ np.asarray(model.rotation(wanted)).T
    marks = np.asarray(model.contour68(vertices, wanted))
    middle = marks.mean(axis=0)
    camera = _nearest_camera(marks, seen_from(marks, middle, distance))
    flat = to_pixels(seen_from(vertices, middle, distance) * [1, -1, -1], CROP_SIZE)
    crop = Crop.from_landmarks(to_pixels(seen_from(marks, middle, distance) * [1, -1, -1], CROP_SIZE)[:, :2])
    framed = model.moved(wanted.replace(camera=camera), crop.matrix, CROP_SIZE, CROP_SIZE)
    to_wide = _to_wide(size)
    points = to_wide.to_crop(crop.to_crop(flat[:, :2]))
    return Placed(framed, vertices, np.column_stack([points, flat[:, 2] * crop.scale * to_wide.scale]))


def as_photographed(model: MorphableModel, coefficients: Coefficients, size: int) -> Placed:
    """The head of coefficients [M] of a canonical crop in the wide crop around it, of ``size`` pixels per side."""
    vertices = np.asarray(model.vertices(coefficients), np.float64)
    flat = to_pixels(np.asarray(model.project(vertices, coefficients)), CROP_SIZE)
    to_wide = _to_wide(size)
    pixels = np.column_stack([to_wide.to_crop(flat[:, :2]), flat[:, 2] * to_wide.scale])
    return Placed(coefficients, vertices, pixels)


def seen_from(points: Floats, middle: Floats, distance: float) -> Floats:
    """Points [N, 3] of model space around ``middle`` [3] as a camera in front of it sees them.

    x and y grow with nearness as in perspective, and are unchanged at the depth of the middle.
    """
    away = points - middle
    nearness = 1 / (1 - away[:, 2:] / distance)
    return np.column_stack([middle[:2] + away[:, :2] * nearness, points[:, 2]])


def _nearest_camera(points: Floats, seen: Floats) -> Floats:
    """The scaled orthographic camera (s, tx, ty) that projects points [L, 3] nearest to x and y of ``seen`` [L, 3]."""
    a, b = (p[:, :2] - p[:, :2].mean(axis=0) for p in (points, seen))
    scale = (a * b).sum() / (a * a).sum()
    shift = seen[:, :2].mean(axis=0) / scale - points[:, :2].mean(axis=0)
    return np.array([scale, *shift])


def _to_wide(size: int) -> Crop:
    """From pixels of the canonical crop to those of the wide crop around it."""
    inverse = np.linalg.inv(np.vstack([canonical_crop(size, CROP_SIZE).matrix, [0, 0, 1]]))
    return Crop(inverse[:2], size)
