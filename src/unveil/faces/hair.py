"""The hair of a face of a photograph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.faces.face import ReconstructedFace
from unveil.geometry.rasterize import nearest_depth
from unveil.heads.face_area import vertex_areas
from unveil.heads.model import MorphableModel
from unveil.heads.parts import HairCap
from unveil.typing import Bools, Floats, Image, UInt8s

if TYPE_CHECKING:
    # at run time only in the functions that need them, because they are slow to import
    from unveil.appearance.hair.sighted import Sighted
    from unveil.appearance.hair.surroundings import Surroundings
    from unveil.appearance.hair.worn import HairForm

FINEST = 800  # pixels of the photograph's longer side, at most, at which hair and skin are told apart
EVERY = 8  # texels: one of so many, a side, is compared to find the light
DARK = 16  # grey level up to which colours say nothing about light
FACTORS = (0.6, 1.7)  # least and largest between hair in the light of the photograph and without it


def face_surroundings(image: Image, face: ReconstructedFace, model: MorphableModel) -> Surroundings | None:
    """What is around a face; None where its head model has no network for that, or its learner no class map."""
    from unveil.appearance.hair.surroundings import Surroundings

    networks, head = model.surroundings, sighted(image, face)
    return None if networks is None or head is None else Surroundings.of(head, model, networks)


def sighted(image: Image, face: ReconstructedFace) -> Sighted | None:
    """The face as `appearance.hair` takes it; None where its learner has no class map."""
    from unveil.appearance.hair.sighted import Sighted

    if face.classes is None:
        return None
    neutral = np.asarray(face.neutral_vertices)
    return Sighted(image, np.asarray(face.photographed), neutral, face.classes, face.crop)


def face_hair(surroundings: Surroundings, model: MorphableModel) -> HairForm | None:
    """The form of the hair of a face with these surroundings; None for a bald head, or a head model without parts."""
    from unveil.appearance.hair.worn import hair_form

    return None if model.whole is None else hair_form(surroundings, model)


def hair_arrays(hair: HairCap | None) -> dict[str, NDArray[Any]]:
    """The arrays of hair in the npz, none if there is none.

    ``hair_vertices`` [N, 3] around the neutral head, ``hair_faces`` [F, 3], ``hair_hidden`` [N].
    """
    if hair is None:
        return {}
    return {"hair_vertices": hair.vertices, "hair_faces": hair.faces.astype(np.int32), "hair_hidden": hair.hidden}


def hair_numbers(face: ReconstructedFace, hair: HairCap | None) -> dict[str, Any] | None:
    """The entry for hair in the JSON: whether it is drawn, and the share of it that is guessed; None if not known."""
    if face.classes is None:
        return None
    if hair is None:
        return {"drawn": False, "hidden_share": None}
    areas = vertex_areas(hair.vertices, hair.faces)
    return {"drawn": True, "hidden_share": round(float((hair.hidden * areas).sum() / areas.sum()), 3)}


def without_light(model: MorphableModel, lit: UInt8s, albedo: UInt8s) -> MorphableModel:
    """A head whose hair has lost as much light as its skin has, in the median, between two textures [S, S, 3]."""
    if model.hair is None:
        return model
    # NumPy finds a median in half the time when it is given one channel at a time.
    shaded, bare = (picture[::EVERY, ::EVERY].reshape(-1, 3).T for picture in (lit, albedo))
    inside = np.minimum(np.minimum(shaded[0], shaded[1]), shaded[2]) > DARK
    shares = [one[inside] / other[inside] for one, other in zip(bare, shaded, strict=True)]
    factors = np.clip([np.median(share) if len(share) else 1.0 for share in shares], *FACTORS)
    hair, ends = replace(model.hair, picture=_times(model.hair.picture, factors)), model.hair.ends
    if ends is not None:
        hair = replace(hair, ends=replace(ends, picture=_times(ends.picture, np.append(factors, 1))))
    return replace(model, hair=hair)


def _times(picture: UInt8s, factors: Floats) -> UInt8s:
    table = np.clip(np.arange(256)[:, None] * factors + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table[None]), np.uint8)


def hair_pixels(face: ReconstructedFace, model: MorphableModel, hair: HairForm | None, shape: tuple[int, ...]) -> Bools:
    """Which pixels [H, W] of a photograph of ``shape`` show the cap of hair before the skin, without its loose ends."""
    from unveil.appearance.hair.surroundings import placement

    if hair is None:
        return np.zeros(shape[:2], bool)
    to_image = placement(np.asarray(face.photographed), np.asarray(face.neutral_vertices), model)
    projected = np.concatenate([face.photographed, hair.vertices @ to_image[:, :3].T + to_image[:, 3]])
    scale = min(1.0, FINEST / max(shape[:2]))
    height, width = (max(1, round(side * scale)) for side in shape[:2])
    points = projected * scale + np.array([0.5, 0.5, 0]) * (scale - 1)  # pixel centres are at integers in both
    of_head, of_hair = (
        nearest_depth(points, faces, height, width) for faces in (model.faces, hair.faces + len(face.photographed))
    )
    in_front = (of_hair < of_head).astype(np.uint8)
    return np.asarray(cv2.resize(in_front, shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0)
