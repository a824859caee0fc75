"""A face with all parts of its head, teeth and lashes included, as pictures and files show it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unveil.appearance import visibility
from unveil.faces.face import ReconstructedFace
from unveil.geometry.camera import to_pixels
from unveil.heads.model import MorphableModel
from unveil.photos.crop import Crop
from unveil.reprs import short_repr
from unveil.typing import Floats


@dataclass(frozen=True, eq=False)
class WholeFace:
    """The vertices of a face and those of its teeth, tongue and lashes, where the model has them."""

    model: MorphableModel  # whose faces and texture coordinates the vertices have
    vertices: Floats  # [V + P, 3] model space, with expression and pose
    projected: Floats  # [V + P, 3] image px and a depth in px, smaller is nearer
    __repr__ = short_repr


def whole_face(face: ReconstructedFace, model: MorphableModel) -> WholeFace:
    """The whole of a face, whose head model is ``model``."""
    whole, coefficients = model.complete(face.coefficients)
    if whole is model:
        return WholeFace(model, face.vertices, face.projected)
    vertices = np.asarray(whole.vertices(coefficients))
    in_crop = to_pixels(whole.project(vertices, coefficients), face.crop.size)
    return WholeFace(whole, vertices, to_photograph(in_crop, face.crop))


def whole_hidden(face: ReconstructedFace, model: MorphableModel) -> Floats | None:
    """Probability [V + P] that the learner did not see a vertex of the whole face; None where it is not known.

    Parts have values of their own, because a smile shows teeth that closed lips hide. Those of hair come with it.
    """
    if face.hidden is None or face.occlusion is None or model.whole is None:
        return face.hidden
    whole = whole_face(face, replace(model, hair=None))
    hidden = visibility.whole_hidden(face.hidden, face.occlusion, face.crop, whole.projected, whole.model.faces)
    return hidden if model.hair is None else np.concatenate([hidden, model.hair.hidden])


def to_photograph(crop_pixels: Floats, crop: Crop) -> Floats:
    """Points [V, 3] of a crop, in its pixels, to image pixels; the depth keeps the scale of x and y."""
    return np.concatenate([crop.to_image(crop_pixels[:, :2]), crop_pixels[:, 2:] / crop.scale], axis=1)
