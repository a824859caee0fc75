"""A head that is to move: that of a photograph, of a GLB that unveil wrote, or of an npz."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unveil.faces.files import face_glb
from unveil.faces.hair import without_light
from unveil.faces.opaque_hair import without_opacity
from unveil.faces.reconstruction import Reconstruction, plain_colours
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.motion import Motion
from unveil.heads.parts import HAIR, HairCap, HairEnds
from unveil.meshes.glb import glb_bytes
from unveil.meshes.glb_animation import animation
from unveil.meshes.glb_file import GlbFile
from unveil.meshes.glb_hair import ENDS
from unveil.meshes.glb_head import v_down
from unveil.meshes.gltf_buffer import GltfBuffer, Json
from unveil.models.registry import FAMILIES, load_head
from unveil.photos.decode import decode_rgb, decode_rgba
from unveil.reprs import short_repr
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.text import read_bytes
from unveil.typing import UInt8s

GLB = FileKind("head that unveil wrote", "give a photograph, or a GLB of `unveil reconstruct`", 64 * 2**20)
NPZ = FileKind("npz of a face", "give one of `unveil reconstruct`", 2**28)
MOST_PIXELS, MOST_TRIANGLES = 2**22, 2**17  # of a picture of hair, and of its surface: each is drawn
SUFFIXES = (".glb", ".npz")  # of heads that are read; all else is a photograph


@dataclass(frozen=True, eq=False)
class MovingHead:
    """The data needed to move a head."""

    model: MorphableModel  # with the person's hair
    coefficients: Coefficients  # [M] of the model, or of the whole head
    texture: UInt8s  # as pictures show it
    scene: Callable[[Motion], bytes]  # the content of a GLB of the moving head
    __repr__ = short_repr


def of_face(face: Reconstruction, *, lit: bool = False) -> MovingHead:
    """The head of a face, whose GLB is in the albedo or in the light of the photograph."""
    bright, albedo = face.texture(), face.texture(lit=False)
    model = face.wearing if lit else without_light(face.wearing, bright, albedo)
    colours = bright if lit else albedo
    drawn = without_opacity(face.wearing, face.coefficients, bright)
    return MovingHead(drawn, face.coefficients, bright, lambda motion: face_glb(face, model, colours, motion))


def read_head(path: Path, assets: Path | None = None) -> MovingHead:
    """The head of a GLB or an npz that unveil wrote; one of an npz is grey.

    Raises:
        UnveilError: the file is missing or is none of them, or a file of its head model is missing.
    """
    if path.suffix.lower() == ".glb":
        data = read_bytes(path, GLB, "a GLB file")
        with GLB.checking(path):
            return _of_glb(GlbFile.parse(data), printable(path), assets)
    arrays = read_arrays(path, NPZ, ("coefficients", "layout"))
    with NPZ.checking(path):
        layout = CoefficientLayout.from_json(str(arrays["layout"]))
        values = np.asarray(arrays["coefficients"], np.float32)
        if values.shape != (layout.size,) or not np.isfinite(values).all():
            raise ValueError("its coefficients are not those of one head")
    model = load_head(layout, assets).with_layout(layout)
    coefficients = Coefficients(layout, values)
    scene = partial(glb_bytes, model, coefficients, None)
    return MovingHead(model, coefficients, plain_colours(model), scene)


def _of_glb(file: GlbFile, name: str, assets: Path | None) -> MovingHead:
    extras = file.document["extras"]
    family = FAMILIES.get(str(extras["model"]))
    if family is None:
        raise ValueError(f"there is no head model {extras['model']!r}")
    model = family.load_head(assets)
    whole, start = model.complete(model.zero())
    shape, weights = np.asarray(extras["shape"], np.float32), np.asarray(file.document["meshes"][0]["weights"])
    if file.document["meshes"][0]["extras"]["targetNames"] != list(whole.unit_names):
        raise ValueError("it has other expression units than its head model")
    start = start.replace(**{model.shape_group: shape}).replace(expression=weights.astype(np.float32))
    if start.values.shape != (start.layout.size,) or not np.isfinite(start.values).all():
        raise ValueError("its shape is not one of its head model")
    picture = file.picture("skin")
    texture = plain_colours(model) if picture is None else decode_rgb(picture, name)
    drawn = without_opacity(replace(model, hair=_hair(file, name)), start, texture)
    return MovingHead(drawn, start, texture, lambda motion: _moving(file, model, motion))


def _moving(file: GlbFile, model: MorphableModel, motion: Motion) -> bytes:
    """The same file with a motion instead of what it had: everything else in it stays."""
    whole, coefficients = model.complete(motion.coefficients)
    buffer = GltfBuffer.of(file.document, file.binary)
    moved = animation(buffer, whole, Motion(coefficients, motion.frames_per_second))
    return buffer.pack(file.document | {"animations": [moved]})


def _hair(file: GlbFile, name: str) -> HairCap | None:
    mesh = next((mesh for mesh in file.document["meshes"] if mesh.get("name") == HAIR), None)
    pictures = file.picture(HAIR), file.picture(ENDS)
    if mesh is None or pictures[0] is None:
        return None
    cap, *more = (_surface(file, primitive) for primitive in mesh["primitives"])
    picture, ends = decode_rgb(pictures[0], name, MOST_PIXELS), None
    if more and pictures[1] is not None:
        ends = HairEnds(**more[0], picture=decode_rgba(pictures[1], name, MOST_PIXELS))
        if ends.picture.shape[:2] != picture.shape[:2]:
            raise ValueError("the pictures of its hair are not of one size")
    return HairCap(**cap, picture=picture, anchors=np.zeros(len(cap["vertices"]), np.int64), ends=ends)


def _surface(file: GlbFile, primitive: Json) -> dict[str, Any]:
    """Vertices, triangles and texture coordinates of hair or of its loose ends."""
    attributes = primitive["attributes"]
    faces = file.array(primitive["indices"]).reshape(-1, 3).astype(np.int64)
    vertices, uv = file.array(attributes["POSITION"]), v_down(file.array(attributes["TEXCOORD_0"]))  # which turns it up
    hidden = file.array(attributes["_HIDDEN"])[:, 0]
    if not len(vertices) == len(uv) == len(hidden) > faces.max(initial=0) >= faces.min(initial=0) >= 0:
        raise ValueError("its hair has triangles of vertices that are not there")
    if len(faces) > MOST_TRIANGLES:
        raise ValueError(f"its hair has {len(faces)} triangles, more than {MOST_TRIANGLES}")
    return {"vertices": vertices, "faces": faces, "uv": uv, "uv_faces": faces, "hidden": hidden}
