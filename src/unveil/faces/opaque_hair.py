"""Opaque hair, for pictures and files without opacity.

Where loose ends of hair lie on the skin, they fade into its colour. Where they hang free, they are cut off.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from unveil.appearance.colours import vertex_colours
from unveil.geometry.arrays import nearest, squared_lengths
from unveil.geometry.cut import cut_mesh
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rasterize import interpolate, rasterize
from unveil.geometry.smooth_step import smooth_step
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.parts import HairEnds
from unveil.typing import Bools, Float32s, Floats, UInt8s

HANGS = 0.015, 0.020  # metres: up to the first from the skin, hair lies on it; from the second on, it hangs free
# Metres from the lower end of the neck: up to the first, hair hangs free whatever its distance from the skin; from the
# second on, only that distance counts.
AT_END = 0.012, 0.018
# Metres above the lowest vertex: the edge where the neck is cut off lies below the first, and is looked for below the
# second.
CUT, NECK = 0.04, 0.06
HALF = 0.5  # opacity at which hair that hangs free is cut off
NONE = 1e-3  # added to opacities, so that fully transparent ends stay where hair lies on the skin
MIXED = 6  # texels a side over which a vertex's opacity is averaged; even, because vertices lie between texels
BEYOND = 17  # texels a side of the filter that continues colours beyond the edge of the hair


def without_opacity(model: MorphableModel, coefficients: Coefficients, texture: UInt8s) -> MorphableModel:
    """A head whose hair, with its loose ends, is opaque.

    Where the ends lie on the skin, they are moved down to it and show its colour between their strands. Where they hang
    free, that would be skin in the air, so there they show hair alone, up to where they are cut off.

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
    below, opacity = nearest(ends.vertices, neutral), _opacity(ends)
    free = _hangs_free(ends.vertices, neutral[below], neutral[_ends_neck(model)])
    normals = vertex_normals(neutral, model.faces)[below]
    raised = np.maximum(np.sum((ends.vertices - neutral[below]) * normals, axis=1), 0)
    points = ends.vertices - (raised * (1 - opacity) * (1 - free))[:, None] * normals
    shown = opacity + NONE - (HALF + NONE) * free
    at_uv = np.empty(len(ends.uv), np.float32)
    at_uv[ends.uv_faces] = shown[ends.faces]
    mesh, uv = cut_mesh(ends.faces, shown), cut_mesh(ends.uv_faces, at_uv)
    opaque = replace(
        hair,
        vertices=np.concatenate([hair.vertices, mesh.at(points)]),
        faces=np.concatenate([hair.faces, mesh.faces + len(hair.vertices)]),
        uv=np.concatenate([hair.uv, uv.at(ends.uv)]),
        uv_faces=np.concatenate([hair.uv_faces, uv.faces + len(hair.uv)]),
        picture=_over_skin(hair.picture, ends, skin[below], free),
        hidden=np.concatenate([hair.hidden, mesh.at(ends.hidden[:, None])[:, 0]]),
        anchors=np.concatenate([hair.anchors, below[mesh.ends[:, 0]]]),
        ends=None,
    )
    return replace(model, hair=opaque)


def _opacity(ends: HairEnds) -> Float32s:
    """The opacity of loose ends at their vertices [N], 0 to 1."""
    height, width = ends.picture.shape[:2]
    around = np.pad(ends.picture[..., 3], ((0, 0), (MIXED, MIXED)), mode="wrap")  # hair goes around the head
    mean = cv2.blur(around.astype(np.float32) / 255, (MIXED, MIXED))[:, MIXED:-MIXED]
    at = np.rint(ends.uv * [width, -height] + [0, height]).astype(int)
    opacity = np.zeros(len(ends.vertices), np.float32)
    opacity[ends.faces] = mean[np.clip(at[:, 1], 0, height - 1), at[:, 0] % width][ends.uv_faces]
    return opacity


def _hangs_free(points: Float32s, below: Float32s, rim: Float32s) -> Float32s:
    """How far hair hangs free at its points [N, 3], 0 to 1.

    Args:
        points: metres.
        below: [N, 3] the vertices of the skin nearest to them.
        rim: [K, 3] those of the neck's lower end.
    """
    free = smooth_step(np.sqrt(squared_lengths(points - below)), *HANGS)
    if len(rim):
        from_rim = np.sqrt(squared_lengths(points - rim[nearest(points, rim)]))
        free = np.maximum(free, 1 - smooth_step(from_rim, *AT_END))
    return np.asarray(free, np.float32)


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


def _over_skin(picture: UInt8s, ends: HairEnds, skin: UInt8s, free: Float32s) -> UInt8s:
    """A picture [h, w, 3] of hair, with its loose ends laid over the colours [N, 3] of the skin below their vertices.

    How far a vertex hangs ``free`` [N] is how far no skin shows there.
    """
    height, width = picture.shape[:2]
    corners = np.arange(ends.faces.size).reshape(-1, 3)
    at = ends.uv[ends.uv_faces].reshape(-1, 2) * [width, -height] + [-0.5, height - 0.5]
    raster = rasterize(np.column_stack([at, np.zeros(len(at))]), corners, height, width)
    drawn = interpolate(raster, corners, np.column_stack([skin, free])[ends.faces].reshape(-1, 4))
    below, opacity = drawn[..., :3], np.maximum(ends.picture[..., 3] / np.float32(255), drawn[..., 3])[..., None]
    beyond = ~raster.covered & (ends.picture[..., 3] == 0)
    below[beyond] = _spread(below, raster.covered)[beyond]
    laid = ends.picture[..., :3] * opacity + below * (1 - opacity)
    there = (raster.covered | beyond)[..., None]
    return np.asarray(np.where(there, laid + 0.5, picture), np.uint8)


def _spread(colours: Floats, known: Bools) -> Floats:
    """Colours [h, w, 3] as the mean of those nearby that are ``known`` [h, w]."""
    sums = cv2.blur(np.dstack([colours * known[..., None], known.astype(np.float32)]), (BEYOND, BEYOND))
    return np.asarray(sums[..., :3] / np.maximum(sums[..., 3:], 1e-6))
