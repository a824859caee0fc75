"""The files of a face that show its skin: the dense mesh, maps, and the face in another light."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.appearance.colours import HeadColours
from unveil.faces.face import ReconstructedFace
from unveil.faces.relight import as_picture, draw_relit, upright_light
from unveil.heads.model import MorphableModel
from unveil.meshes.glb import surface_bytes
from unveil.meshes.maps import encode_displacement, encode_normals
from unveil.meshes.obj import write_obj
from unveil.photos.io import write_image
from unveil.storage.files import write_bytes
from unveil.typing import Image, UInt8s


def write_detail(stem: Path, face: ReconstructedFace, texture: UInt8s) -> dict[str, str]:
    """Write the dense mesh as ``<stem>_detail.obj`` (with .mtl and .jpg) and ``<stem>_detail.glb``; names by kind."""
    if face.detail is None:
        return {}
    paths = {kind: _beside(stem, f"_detail.{kind}") for kind in ("obj", "mtl", "jpg", "glb")}
    write_obj(paths["obj"], face.detail.vertices, face.detail, texture)
    write_bytes(paths["glb"], surface_bytes(face.detail.vertices, face.detail, texture))
    return {f"detail_{kind}": path.name for kind, path in paths.items()}


def write_maps(stem: Path, face: ReconstructedFace) -> dict[str, str]:
    """Write ``<stem>_displacement.png`` (16 bits), ``_normals.png`` and ``_albedo.png``, those that the model has."""
    pictures: dict[str, UInt8s | NDArray[np.uint16]] = {}
    if face.detail is not None:
        pictures["displacement"] = encode_displacement(face.detail.displacement)
        pictures["normals"] = encode_normals(face.detail.normal_map)
    if face.albedo is not None:
        pictures["albedo"] = as_picture(face.albedo)
    paths = {kind: _beside(stem, f"_{kind}.png") for kind in pictures}
    for kind, path in paths.items():
        write_image(path, pictures[kind])
    return {kind: path.name for kind, path in paths.items()}


def write_relit(
    stem: Path,
    image: Image,
    face: ReconstructedFace,
    model: MorphableModel,
    colours: HeadColours,
) -> dict[str, str]:
    """Write what `draw_relit` draws as ``<stem>_relit.png``."""
    path = _beside(stem, "_relit.png")
    write_image(path, draw_relit(image, face, model, colours))
    return {"relit": path.name}


def colour_arrays(face: ReconstructedFace, colours: HeadColours) -> dict[str, NDArray[Any]]:
    """The arrays of light and colours in the npz, none where they are not known.

    ``light`` [9, 3], harmonics by RGB as `geometry.lighting` orders and scales them, in the frame of ``vertices``;
    ``tone`` [3], the linear albedo of the person's skin: skin of that albedo is as bright as their product; and
    ``texture_deviation`` [S / 4, S / 4], the standard deviation of the texture in grey levels.
    """
    light = upright_light(face, colours)
    arrays = {} if light is None else {"light": light.coefficients, "tone": light.tone}
    return arrays if colours.deviation is None else arrays | {"texture_deviation": colours.deviation.astype(np.float16)}


def _beside(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)
