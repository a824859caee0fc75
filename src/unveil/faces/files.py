"""The files of one face, a kind at a time: GLB, OBJ, PLY, npz, JSON and the overlay picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.appearance.colours import HeadColours, head_colours, nearest_texels
from unveil.appearance.hair.surroundings import Surroundings, not_skin
from unveil.appearance.hair.worn import HairForm
from unveil.appearance.view import part_with
from unveil.appearance.visibility import BESIDE, occluded_pixels
from unveil.drawing.render import Skin
from unveil.faces.face import ReconstructedFace
from unveil.faces.formats import NUMBERS, OVERLAY, RELIT_FORMAT
from unveil.faces.hair import hair_arrays, hair_pixels, without_light
from unveil.faces.opaque_hair import without_opacity
from unveil.faces.overlay import draw_overlay
from unveil.faces.skin_files import colour_arrays, write_detail, write_maps, write_relit
from unveil.faces.spectacles import spectacle_frames
from unveil.faces.whole import whole_face, whole_hidden
from unveil.heads.model import MorphableModel
from unveil.heads.motion import Motion
from unveil.heads.skin.finer import FinerMesh
from unveil.meshes.glb import glb_bytes
from unveil.meshes.maps import encode_normals
from unveil.meshes.obj import write_obj
from unveil.meshes.ply import write_ply
from unveil.models.classes import BACKGROUND, CLOTH
from unveil.photos.detection import eyes_nose_mouth
from unveil.photos.io import write_image
from unveil.storage.files import json_text, write_bytes, write_text
from unveil.storage.npz import write_npz
from unveil.typing import Bools, Floats, Image, UInt8s

PLY_PARTS = 2  # into which each edge of the head's mesh is divided
OVERLAY_ENDING = "_overlay.png"
ENDINGS = (  # of all files of a face, after "<photo>_<k>"
    *(".glb", ".obj", ".mtl", ".jpg", "_hair.jpg", ".ply", ".npz", OVERLAY_ENDING, "_relit.png"),
    *("_detail.obj", "_detail.mtl", "_detail.jpg", "_detail.glb", "_displacement.png", "_normals.png", "_albedo.png"),
)


def write_kind(
    stem: Path, kind: str, image: Image, face: ReconstructedFace, model: MorphableModel, colours: HeadColours
) -> dict[str, str]:
    """Write the files of one kind (a format, "overlay" or "json") and return their names by kind.

    The GLB holds the neutral head, upright, with the expression as morph weights, and the albedo, because viewers light
    it. OBJ and PLY hold the head as the photograph shows it, with expression, pose and light. The npz holds what
    `npz_content` lists, the JSON what `to_json` gives. Details of the skin, where there are any, are a normal map in
    the GLB. A model without texture coordinates has coloured vertices instead of a texture.

    Args:
        stem: path of the files without their endings.
        kind: see above.
        image: the photograph, RGB uint8 [H, W, 3].
        face: one of its faces.
        model: the head model of its coefficients.
        colours: what `face_colours` gives for it.
    """
    path = stem.with_name(stem.name + (OVERLAY_ENDING if kind == OVERLAY else f".{kind}"))

    def opaque() -> MorphableModel:
        return without_opacity(model, face.coefficients, colours.lit)

    writers: dict[str, Callable[[], Any]] = {
        "glb": lambda: write_bytes(path, _glb(face, model, colours)),
        "obj": lambda: _write_obj(path, face, opaque(), colours.lit),
        "ply": lambda: _write_ply(path, face, opaque(), colours.lit),
        "npz": lambda: write_npz(path, npz_content(face) | hair_arrays(model.hair) | colour_arrays(face, colours)),
        OVERLAY: lambda: write_image(path, draw_overlay(image, face, model, colours.lit, colours.deviation)),
        NUMBERS: lambda: _write_json(path, face),
    }
    several: dict[str, Callable[[], dict[str, str]]] = {
        "detail": lambda: write_detail(stem, face, colours.lit),
        "maps": lambda: write_maps(stem, face),
        RELIT_FORMAT: lambda: write_relit(stem, image, face, model, colours),
    }
    if kind in several:
        return several[kind]()
    writers[kind]()
    material = {"mtl": f"{stem.name}.mtl", "texture": f"{stem.name}.jpg"}
    if model.hair is not None:
        material["hair_texture"] = f"{stem.name}_hair.jpg"
    return {kind: path.name} | (material if kind == "obj" and model.textured else {})


def _glb(face: ReconstructedFace, model: MorphableModel, colours: HeadColours) -> bytes:
    return face_glb(face, without_light(model, colours.lit, colours.albedo), colours.albedo)


def _write_obj(path: Path, face: ReconstructedFace, model: MorphableModel, colours: UInt8s) -> None:
    whole = whole_face(face, model)
    write_obj(path, whole.vertices, whole.model, colours, whole.model.parts)


def _write_ply(path: Path, face: ReconstructedFace, model: MorphableModel, colours: UInt8s) -> None:
    whole, values = whole_face(face, model), vertex_values(face, model)
    if not model.textured:
        write_ply(path, whole.vertices, whole.model.faces, colours, values)
        return
    # The head's own vertices are too few for its colours.
    skin = Skin.of(colours, whole.model)
    finer = FinerMesh.of(whole.model.faces, skin.uv, skin.uv_faces, PLY_PARTS)
    values = {name: finer.mesh.at(known[:, None])[:, 0] for name, known in values.items()}
    colours = nearest_texels(skin.texture, finer.vertex_uv)
    write_ply(path, finer.mesh.at(whole.vertices), finer.faces, colours, values)


def face_colours(
    image: Image,
    face: ReconstructedFace,
    model: MorphableModel,
    surroundings: Surroundings | None = None,
    hair: Callable[[], HairForm | None] = lambda: None,
) -> HeadColours:
    """The colours of a face's head, from the pixels of a photograph [H, W, 3] that show its skin.

    Pixels of occluders, hair, spectacles, cloth and background are left out, and so is what ``surroundings`` say is no
    skin. ``hair`` is called last, because another thread may still be making it.
    """
    left, top, right, bottom = part_with(face.photographed, image.shape)  # the rest of the photograph costs time
    image, photographed = image[top:bottom, left:right], np.asarray(face.photographed) - [left, top, 0]
    face = replace(face, photographed=photographed, crop=face.crop.of_part(left, top))
    landmarks = np.asarray(face.landmarks2d, np.float64) - [left, top]

    def unusable() -> Bools:
        pixels = spectacle_frames(image, landmarks, face.classes, face.crop)
        if face.occlusion is not None:
            pixels |= occluded_pixels(face.occlusion, face.crop, image.shape)
        if face.classes is not None:
            others = face.classes[BACKGROUND] + face.classes[CLOTH]
            pixels |= occluded_pixels(others, face.crop, image.shape, casts=BESIDE)
        if surroundings is not None:
            crop = surroundings.around.crop.of_part(left, top)
            pixels |= not_skin(surroundings, crop, image.shape, eyes_nose_mouth(landmarks)[:2])
        return pixels | hair_pixels(face, model, hair(), image.shape)

    return head_colours(image, face.photographed, model, unusable)


def face_glb(face: ReconstructedFace, model: MorphableModel, colours: UInt8s, motion: Motion | None = None) -> bytes:
    """The content of a GLB of a face, with its normal map and values of its vertices; animated if there is a motion."""
    normal_map = None
    if (detail := face.detail) is not None:
        # Morph targets hold the folds of expressions. A normal map stays the same with every expression.
        fine = detail.fine_normal_map
        normal_map = encode_normals(detail.normal_map if fine is None else fine)
    values = vertex_values(face, replace(model, hair=None))  # the GLB writes those of the hair itself
    return glb_bytes(model, face.coefficients, colours, motion, normal_map, values)


def vertex_values(face: ReconstructedFace, model: MorphableModel) -> dict[str, Floats]:
    """What mesh files say about each vertex of a whole face: ``hidden`` and ``uncertainty`` in mm, where known."""
    known = {"hidden": whole_hidden(face, model), "uncertainty": face.uncertainty_mm}
    return {name: model.extended(values) for name, values in known.items() if values is not None}


def npz_content(face: ReconstructedFace) -> dict[str, NDArray[Any]]:
    """The arrays in the npz of a face; units and frames are those of `ReconstructedFace`.

    ``coefficients`` [M] with ``layout`` (JSON text), each of its groups as ``coefficients_<group>``,
    ``expression_names``, ``model``, ``vertices`` and ``neutral_vertices`` [V, 3], ``faces`` [F, 3], ``landmarks3d``
    [68, 3], ``landmarks2d`` [68, 2], ``projected`` [V, 3], ``pose_degrees`` [3] (pitch, yaw, roll), ``crop_matrix``
    [2, 3] (image to crop pixels), ``crop_size``, ``box_ltrb`` [4] and ``confidence``; where the model gives them,
    ``displacement`` [256, 256] and ``albedo`` [256, 256, 3], ``occlusion`` [28, 28], ``classes`` [9, 56, 56],
    ``hidden`` [V], ``deviations`` [M] and ``uncertainty_mm`` [V].
    """
    layout = face.coefficients.layout
    arrays: dict[str, Any] = {
        "coefficients": face.coefficients.values,
        "layout": layout.to_json(),
        **{f"coefficients_{name}": group for name, group in layout.split(face.coefficients.values).items()},
        "expression_names": face.expression_names,
        "model": face.model,
        "vertices": face.vertices,
        "neutral_vertices": face.neutral_vertices,
        "faces": face.faces.astype(np.int32),
        "landmarks3d": face.landmarks3d,
        "landmarks2d": face.landmarks2d,
        "projected": face.projected,
        "pose_degrees": face.pose_degrees,
        "crop_matrix": face.crop.matrix,
        "crop_size": face.crop.size,
        "box_ltrb": face.box_ltrb,
        "confidence": face.confidence,
    }
    arrays |= {
        "displacement": None if face.detail is None else face.detail.displacement,
        "albedo": face.albedo,
        "occlusion": face.occlusion,
        "classes": face.classes,
        "hidden": face.hidden,
        "deviations": None if face.deviations is None else face.deviations.values,
        "uncertainty_mm": face.uncertainty_mm,
    }
    return {name: np.asarray(value) for name, value in arrays.items() if value is not None}


def _write_json(path: Path, face: ReconstructedFace) -> None:
    write_text(path, json_text(face.to_json()))
