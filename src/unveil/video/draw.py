"""Heads drawn over the frames of a clip."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.drawing.render import over, render_mesh
from unveil.faces.whole import to_photograph
from unveil.geometry.camera import to_pixels
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.photos.crop import Crop
from unveil.typing import Floats, Image, Ints
from unveil.video.track import Track

OPACITY, BRIDGED = 0.62, 0.3  # of the mesh over the frame, while the person is seen and during a short absence
LARGEST = 400  # pixels of a head's longer side, at most, that are drawn; a larger head is enlarged from these
BESIDE = 4  # pixels around a head


def draw_track(frame: Image, model: MorphableModel, track: Track, seconds: float) -> Image:
    """A frame RGB [H, W, 3] with the head of a person over it as it is at that time; fainter where it is not seen."""
    coefficients = track.at(seconds)
    if coefficients is None:
        return frame
    return draw_head(frame, model, coefficients, track.crop, OPACITY if track.sees(seconds) else BRIDGED)


def draw_head(
    frame: Image, model: MorphableModel, coefficients: Coefficients, crop: Crop, opacity: float = OPACITY
) -> Image:
    """A frame RGB [H, W, 3] with a head of clay over it, of coefficients [M] in a crop."""
    whole, coefficients = model.complete(coefficients)
    in_crop = to_pixels(whole.project(np.asarray(whole.vertices(coefficients)), coefficients), crop.size)
    return draw_mesh(frame, to_photograph(np.asarray(in_crop), crop), whole.faces, opacity)


def draw_mesh(frame: Image, points: Floats, faces: Ints, opacity: float = OPACITY) -> Image:
    """A frame with a mesh of clay over it, of vertices [V, 3] in its pixels."""
    limits = np.array(frame.shape[1::-1])
    low = np.clip(np.floor(points[:, :2].min(axis=0)) - BESIDE, 0, limits).astype(int)
    high = np.clip(np.ceil(points[:, :2].max(axis=0)) + BESIDE, 0, limits).astype(int)
    size = high - low
    if size.min() < 1:
        return frame
    scale = min(1.0, LARGEST / size.max())
    width, height = np.maximum(np.rint(size * scale).astype(int), 1).tolist()
    there = (points - [*low, 0]) * [width / size[0], height / size[1], scale]
    mesh = render_mesh(there, faces, height, width)
    if scale < 1:
        mesh = np.asarray(cv2.resize(mesh, size.tolist(), interpolation=cv2.INTER_LINEAR), np.uint8)
    drawn = frame.copy()
    part = drawn[low[1] : high[1], low[0] : high[0]]
    part[:] = over(mesh, part, opacity)
    return drawn
