"""Faces with the wrinkles that their photograph shows; some come and go with the expression."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from unveil.appearance.visibility import occluded_pixels
from unveil.appearance.wrinkles.found import find_wrinkles
from unveil.faces.face import ReconstructedFace
from unveil.geometry.mesh import vertex_normals
from unveil.heads.model import MorphableModel
from unveil.heads.skin.detail import Detail, DetailSurface, MovingRelief
from unveil.heads.skin.space import at_coordinates
from unveil.models.classes import SKIN
from unveil.typing import Bools, Float32s, Floats, Image

Face = TypeVar("Face", bound=ReconstructedFace)


def wrinkled(image: Image, face: Face, surface: DetailSurface) -> Face:
    """The face with the wrinkles that its photograph shows as its detail."""
    vertices = np.asarray(face.vertices, np.float64)
    found = find_wrinkles(image, face.projected, vertices, surface, _hidden(face, image.shape))
    skin = surface.model.skin
    if skin is None or skin.folds is None:
        return replace(face, detail=Detail(surface, vertices, found))
    expression = np.asarray(face.coefficients["expression"])
    moving = MovingRelief.of(found, expression, _share(face, surface), skin.folds)
    return replace(face, detail=expressed(surface, vertices, expression, moving))


def expressed(surface: DetailSurface, vertices: Floats, expression: Floats, moving: MovingRelief) -> Detail:
    """The detail of a posed head with ``vertices`` [V, 3] and expression units [E]."""
    relief = moving.at(expression)
    raised = _heights(surface.model, moving)
    over_mesh = surface.mesh.interpolate((np.asarray(expression, np.float32) @ raised)[:, None])
    beside = relief - surface.mesh.as_map(over_mesh.astype(np.float32), 0)[..., 0]
    fine = surface.relative(vertices, surface.normals(vertices, beside))
    return Detail(surface, vertices, relief, moving=moving, fine_normal_map=fine)


def folding(model: MorphableModel, moving: MovingRelief) -> MorphableModel:
    """The head model with units that also fold this person's skin, as finely as its vertices can show it."""
    shift = _heights(model, moving)[..., None] * vertex_normals(np.asarray(model.head.template), model.faces)
    whole = None if model.whole is None else _shifted(model.whole, shift)
    return replace(_shifted(model, shift), whole=whole)


def _heights(model: MorphableModel, moving: MovingRelief) -> Float32s:
    """How far each unit raises this person's skin at the vertices: [E, V] in metres."""
    uv = model.vertex_uv()
    return np.asarray(moving.folds.at(uv) * at_coordinates(moving.gain, uv), np.float32)


def _shifted(model: MorphableModel, shift: Float32s) -> MorphableModel:
    """A model whose first units move its first vertices further, by [E, V, 3] metres."""
    basis = np.array(model.head.expression_basis)
    basis[: shift.shape[0], : shift.shape[1]] += shift
    return replace(model, head=replace(model.head, expression_basis=basis))


def _share(face: ReconstructedFace, surface: DetailSurface) -> Float32s:
    """How far [256, 256] the skin folds as other people's does, 0 to 1: not where neither side of the face is seen."""
    if face.hidden is None:
        return surface.detail_mask
    hidden = np.minimum(face.hidden, face.hidden[surface.model.mirror_vertices])
    over_mesh = surface.mesh.interpolate(hidden[:, None]).astype(np.float32)
    return np.asarray(surface.detail_mask * (1 - surface.mesh.as_map(over_mesh, 0)[..., 0]), np.float32)


def _hidden(face: ReconstructedFace, shape: tuple[int, ...]) -> Bools | None:
    """Which pixels [H, W] do not show the skin of the face; None where the learner says nothing about that."""
    hidden = None if face.occlusion is None else occluded_pixels(face.occlusion, face.crop, shape)
    if face.classes is None:
        return hidden
    no_skin = occluded_pixels(1 - face.classes[SKIN], face.crop, shape)
    return no_skin if hidden is None else no_skin | hidden
