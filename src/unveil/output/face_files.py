"""The files of one face: GLB, OBJ, PLY, npz and the overlay picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.appearance.colours import head_colours, vertex_colours
from unveil.appearance.visibility import covered_pixels
from unveil.drawing.overlay import draw_overlay
from unveil.heads.model import MorphableModel
from unveil.meshes.glb import glb_bytes, write_glb
from unveil.meshes.maps import encode_normals
from unveil.meshes.obj import write_obj
from unveil.meshes.ply import write_ply
from unveil.output.formats import RELIT_FORMAT
from unveil.output.skin_files import write_detail, write_maps, write_relit
from unveil.photos.io import write_image
from unveil.reconstruct.result import Reconstruction
from unveil.storage.files import atomic_path
from unveil.timing import StageTimes

OVERLAY_ENDING = "_overlay.png"
PICTURE_ENDINGS = (OVERLAY_ENDING, ".jpg")  # after "<photo>_<k>"; .jpg is the texture of the OBJ


@dataclass(frozen=True)
class FaceFiles:
    """What was written for a face."""

    names: dict[str, str]  # file name by kind: a format, "mtl", "texture" or "overlay"
    timings: dict[str, float]  # milliseconds per stage


def write_face(
    stem: Path, image: NDArray[np.uint8], face: Reconstruction, model: MorphableModel, formats: tuple[str, ...]
) -> FaceFiles:
    """Write ``<stem>.<format>`` for each of the formats, what `fine_files` has, and ``<stem>_overlay.png``.

    The GLB holds the neutral head, upright, with the expression as morph weights; OBJ and PLY the head as it is in
    the photograph, with expression and pose; the npz what `npz_content` lists. Details of the skin, where the model
    gives them, are in the GLB as a map of normals. A model without texture coordinates has coloured vertices
    instead of a texture.

    Args:
        stem: path of the files without their endings; the folder must exist.
        image: the photograph, uint8 RGB [H, W, 3].
        face: one of its faces.
        model: the head model of its coefficients.
        formats: some of `unveil.reconstruct.ALL_FORMATS`.
    """
    clock = StageTimes()
    with clock.stage("texture"):
        colours = face_colours(image, face, model)
    normal_map = None if face.detail is None else encode_normals(face.detail.normal_map)
    writers: dict[str, Callable[[Path], Any]] = {
        "glb": lambda path: write_glb(
            path, glb_bytes(model, face.coefficients, colours, normal_map=normal_map, values=vertex_values(face))
        ),
        "obj": lambda path: write_obj(path, face.vertices, model, colours),
        "ply": lambda path: write_ply(
            path, face.vertices, face.faces, vertex_colours(colours, model), vertex_values(face)
        ),
        "npz": lambda path: _write_npz(path, face),
    }
    fine_writers: dict[str, Callable[[], dict[str, str]]] = {
        "detail": lambda: write_detail(stem, face, colours),
        "maps": lambda: write_maps(stem, face),
        RELIT_FORMAT: lambda: write_relit(stem, image, face, model, colours),
    }
    names: dict[str, str] = {}
    for kind in formats:
        with clock.stage(kind):
            if kind in writers:
                path = stem.with_name(f"{stem.name}.{kind}")
                writers[kind](path)
                names[kind] = path.name
            else:
                names |= fine_writers[kind]()
    if "obj" in formats and model.textured:
        names |= {"mtl": f"{stem.name}.mtl", "texture": f"{stem.name}.jpg"}
    with clock.stage("overlay"):
        overlay = stem.with_name(stem.name + OVERLAY_ENDING)
        write_image(overlay, draw_overlay(image, face, model, colours))
        names["overlay"] = overlay.name
    return FaceFiles(names, clock.milliseconds)


def face_colours(image: NDArray[np.uint8], face: Reconstruction, model: MorphableModel) -> NDArray[np.uint8]:
    """What `head_colours` gives for a face of a photograph, without what the learner says covers it."""
    covered = None if face.occlusion is None else covered_pixels(face.occlusion, face.crop, image.shape)
    return head_colours(image, face.photographed, model, covered)


def vertex_values(face: Reconstruction) -> dict[str, NDArray[np.float32]]:
    """What mesh files say of each vertex [V] beside its place: ``hidden``, ``uncertainty`` in mm, where known."""
    known = {"hidden": face.hidden, "uncertainty": face.uncertainty_mm}
    return {name: values for name, values in known.items() if values is not None}


def npz_content(face: Reconstruction) -> dict[str, NDArray[Any]]:
    """What the npz of a face holds; units and frames are those of `Reconstruction`.

    ``coefficients`` [M] with ``layout`` (JSON text), each of its groups as ``coefficients_<group>``,
    ``expression_names``, ``model``, ``vertices`` and ``neutral_vertices`` [V, 3], ``faces`` [F, 3], ``landmarks3d``
    [68, 3], ``landmarks2d`` [68, 2], ``projected`` [V, 3], ``pose_degrees`` [3] (pitch, yaw, roll), ``crop_matrix``
    [2, 3] (image to crop pixels), ``crop_size``, ``box_ltrb`` [4] and ``confidence``; where the model gives them,
    ``displacement`` [256, 256] and ``albedo`` [256, 256, 3], ``occlusion`` [28, 28], ``hidden`` [V], ``deviations``
    [M] and ``uncertainty_mm`` [V].
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
        "hidden": face.hidden,
        "deviations": None if face.deviations is None else face.deviations.values,
        "uncertainty_mm": face.uncertainty_mm,
    }
    return {name: np.asarray(value) for name, value in arrays.items() if value is not None}


def _write_npz(path: Path, face: Reconstruction) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **npz_content(face))  # type: ignore[arg-type]
