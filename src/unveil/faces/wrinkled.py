"""Faces with the wrinkles that their photograph shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from unveil.appearance.visibility import covered_pixels
from unveil.appearance.wrinkles.found import find_wrinkles
from unveil.faces.face import ReconstructedFace
from unveil.heads.detail import DetailSurface
from unveil.models.classes import SKIN
from unveil.typing import Bools, Image

Face = TypeVar("Face", bound=ReconstructedFace)


def wrinkled(image: Image, face: Face, surface: DetailSurface) -> Face:
    """A face of a photograph with what it shows of wrinkles as its detail."""
    vertices = np.asarray(face.vertices, np.float64)
    found = find_wrinkles(image, face.projected, vertices, surface, _hidden(face, image.shape))
    return replace(face, detail=surface.detail(vertices, found))


def _hidden(face: ReconstructedFace, shape: tuple[int, ...]) -> Bools | None:
    """Which pixels [H, W] do not show the skin of the face, as far as the learner says it."""
    hidden = None if face.occlusion is None else covered_pixels(face.occlusion, face.crop, shape)
    if face.classes is None:
        return hidden
    no_skin = covered_pixels(1 - face.classes[SKIN], face.crop, shape)
    return no_skin if hidden is None else no_skin | hidden
