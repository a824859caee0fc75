"""Hair for pictures and files that know of no opacity: at its edge it goes over into the colour of the skin."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from unveil.appearance.colours import vertex_colours
from unveil.geometry.arrays import nearest, squared_lengths
from unveil.geometry.rasterize import interpolate, rasterize
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.parts import HairEnds
from unveil.typing import Bools, Floats, UInt8s

HANGS, LOWER = 0.022, 0.01  # metres from the skin, and below it, from which on ends hang free of it and are left out
CUT, NECK = 0.04, 0.06  # metres above the lowest vertex to which the neck's lower end rises at most, and a part of it
BEYOND = 17  # texels a side over which colours go on beyond the edge of hair


def without_opacity(model: MorphableModel, coefficients: Coefficients, texture: UInt8s) -> MorphableModel:
    """A head whose hair is opaque and has its loose ends, between which it has the colour of the skin below.

    Args:
        model: with the hair of a person.
        coefficients: [M] of that person.
        texture: of the skin, as `vertex_colours` takes it.
    """
    hair = model.hair
    if hair is None or hair.ends is None:
        return model
    ends, skin = hair.ends, vertex_colours(texture, model)
    whole, coefficients = model.complete(coefficients)
    neutral = np.asarray(whole.neutral(coefficients), np.float32)[: len(model.head.template)]
    below = nearest(ends.vertices, neutral)
    away = ends.vertices - neutral[below]
    on_skin = (squared_lengths(away) < HANGS**2) & (away[:, 1] > -np.where(_ends_neck(model)[below], 0, LOWER))
    lying = on_skin[ends.faces].all(axis=1)
    opaque = replace(
        hair,
        vertices=np.concatenate([hair.vertices, ends.vertices]),
        faces=np.concatenate([hair.faces, ends.faces[lying] + len(hair.vertices)]),
        uv=np.concatenate([hair.uv, ends.uv]),
        uv_faces=np.concatenate([hair.uv_faces, ends.uv_faces[lying] + len(hair.uv)]),
        picture=_over_skin(hair.picture, ends, skin[below]),
        hidden=np.concatenate([hair.hidden, ends.hidden]),
        anchors=np.concatenate([hair.anchors, below]),
        ends=None,
    )
    return replace(model, hair=opaque)


def _ends_neck(model: MorphableModel) -> Bools:
    """Which vertices [V] of a head are at the lower end of its neck, below which there is no skin."""
    height = np.asarray(model.head.template)[:, 1]
    height = height - height.min()
    of_neck = height < NECK
    faces = model.faces[of_neck[model.faces].all(axis=1)]
    edges, count = np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)), axis=0, return_counts=True)
    ends = np.zeros(len(height), np.bool_)
    ends[edges[count == 1]] = True
    return np.asarray(ends & (height < CUT))


def _over_skin(picture: UInt8s, ends: HairEnds, skin: UInt8s) -> UInt8s:
    """A picture [h, w, 3] of hair with its loose ends laid over the colours [N, 3] of the skin below their vertices."""
    height, width = picture.shape[:2]
    corners = np.arange(ends.faces.size).reshape(-1, 3)
    at = ends.uv[ends.uv_faces].reshape(-1, 2) * [width, -height] + [-0.5, height - 0.5]
    raster = rasterize(np.column_stack([at, np.zeros(len(at))]), corners, height, width)
    below = interpolate(raster, corners, skin[ends.faces].reshape(-1, 3))
    opacity = ends.picture[..., 3:] / np.float32(255)
    beyond = ~raster.covered & (ends.picture[..., 3] == 0)
    below[beyond] = _spread(below, raster.covered)[beyond]
    laid = ends.picture[..., :3] * opacity + below * (1 - opacity)
    there = (raster.covered | beyond)[..., None]
    return np.asarray(np.where(there, laid + 0.5, picture), np.uint8)


def _spread(colours: Floats, known: Bools) -> Floats:
    """Colours [h, w, 3] from those that are near and ``known`` [h, w]."""
    sums = cv2.blur(np.dstack([colours * known[..., None], known.astype(np.float32)]), (BEYOND, BEYOND))
    return np.asarray(sums[..., :3] / np.maximum(sums[..., 3:], 1e-6))
