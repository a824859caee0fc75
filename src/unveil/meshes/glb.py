"""Binary glTF 2.0: one file with the person's neutral head, morph targets, joints and texture, ready to animate.

The extras of the document name the head model and hold the coefficients of the shape. A head with parts has one
primitive and one material for each; both carry the part's name, the primitive in its extras. Hair is a node of its own,
"hair", with its own mesh and picture, so that a viewer can leave it out.

glTF's frame is model space (metres, +y up, the face looks to +z). The pose of the head in the photograph is not
baked in: the head stands upright, the expression of the photograph is the default weight of the morph targets, and
a jaw rotation, where the model has one, is the rotation of the jaw's node. A motion becomes an animation of the same
weights and nodes. `surface_bytes` writes what does not move: a mesh with its texture.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.geometry.mesh import vertex_normals
from unveil.heads.layout import Coefficients, require_one
from unveil.heads.model import MorphableModel
from unveil.heads.motion import Motion
from unveil.heads.parts import HAIR, HAIR_JOINT, HairCap, MeshParts
from unveil.meshes.glb_animation import animation
from unveil.meshes.glb_hair import ENDS, Picture, Pictures, add_hair
from unveil.meshes.glb_head import add_colours, head_mesh, joint_nodes, skin, unit_normals, v_down
from unveil.meshes.gltf_buffer import ARRAY_BUFFER, TRIANGLES, GltfBuffer, Json
from unveil.meshes.image_bytes import jpeg, png
from unveil.meshes.seams import split_at_seams
from unveil.meshes.surface import TexturedSurface
from unveil.processes import begun
from unveil.storage.files import printable, write_bytes
from unveil.typing import Floats, Image, UInt8s

SHAPE_DIGITS = 4  # of coefficients in a file, in standard deviations
LINEAR, LINEAR_MIPMAP_LINEAR, REPEAT = 9729, 9987, 10497  # how pictures are sampled


def write_glb(
    path: str | os.PathLike[str],
    model: MorphableModel,
    coefficients: Coefficients,
    texture: UInt8s | None = None,
    motion: Motion | None = None,
) -> None:
    """Write a head as a GLB file.

    Args:
        path: the file to write, named ``.glb``.
        model: the head model that the coefficients belong to.
        coefficients: [M], of which shape, expression and jaw count; head pose and camera do not.
        texture: uint8 RGB [H, W, 3], first row at v = 1, or colours [V, 3] of the vertices for a head model without
            texture coordinates; without it the head is grey.
        motion: how the head moves; its shape is that of ``coefficients``.

    Raises:
        UnveilError: the name does not end in .glb, the coefficients are another model's or those of several heads, or
            the file cannot be written.
        TypeError: the coefficients are plain numbers, or the texture is no such array.
    """
    if Path(path).suffix.lower() != ".glb":
        raise UnveilError(f"cannot write {printable(path)} as a GLB file; end the name in .glb")
    require_one(coefficients)
    if texture is not None:
        _require_texture(texture, model)
    write_bytes(path, glb_bytes(model, coefficients, texture, motion))


def _require_texture(texture: object, model: MorphableModel) -> None:
    vertices = len(model.head.template)
    wanted = "[H, W, 3]" if model.textured else f"[{vertices}, 3]"
    what = type(texture).__name__
    if isinstance(texture, np.ndarray):
        before = texture.ndim == 3 if model.textured else texture.shape[:-1] == (vertices,)
        if before and texture.size and texture.shape[-1] == 3 and texture.dtype == np.uint8:
            return
        what = f"{texture.dtype} {list(texture.shape)}"
    raise TypeError(f"the texture of {model.name} is RGB uint8 {wanted}, not {what}")


def glb_bytes(
    model: MorphableModel,
    coefficients: Coefficients,
    texture: UInt8s | None = None,
    motion: Motion | None = None,
    normal_map: Image | None = None,
    values: Mapping[str, Floats] | None = None,
) -> bytes:
    """The content of a file with the head of one person, coefficients [M].

    Args:
        model: the model that the coefficients belong to.
        coefficients: shape, and expression and jaw of the photograph; head pose and camera are not used.
        texture: uint8 RGB [H, W, 3], first row at v = 1, or for a model that is not ``textured`` the colours [V, 3] of
            the vertices; without it the head is grey.
        motion: how the head moves; its shape is that of ``coefficients``.
        normal_map: uint8 [H, W, 3], normals relative to the surface as `maps.encode_normals` gives them; for textured
            models only.
        values: numbers by name, of the vertices [V] or of all vertices of the whole head without hair; "hidden" becomes
            the attribute ``_HIDDEN``.
    """
    if motion is not None:
        motion = replace(motion, coefficients=model.complete(motion.coefficients)[1])
    values = {name: replace(model, hair=None).extended(numbers) for name, numbers in (values or {}).items()}
    hair, (model, coefficients) = model.hair, replace(model, hair=None).complete(coefficients)
    pictures = _encoded(texture if model.textured else None, normal_map, hair)
    buffer, mesh = head_mesh(model, coefficients, values, tangents=normal_map is not None)
    document = _about(model)
    shape = np.asarray(model.shape(coefficients), np.float64).round(SHAPE_DIGITS)
    document["extras"]["shape"] = (shape + 0.0).tolist()  # the sum turns -0.0 into 0.0
    document |= {"meshes": [mesh], "skins": [skin(buffer, model, coefficients)]}
    document["nodes"] = [{"mesh": 0, "skin": 0, "name": "head"}, *joint_nodes(model, coefficients)]
    # A mesh with a skin stands beside its joints: its own place in the scene has no effect.
    roots = [j + 1 for j, parent in enumerate(model.head.joint_parents) if parent < 0]
    document["scenes"] = [{"nodes": [0, *roots]}]
    if model.textured:
        document |= _look(buffer, pictures, model.parts)
    else:
        document["materials"] = [_material(grey=texture is None)]
        if texture is not None:
            add_colours(buffer, mesh, model, texture)
    if hair is not None:
        add_hair(buffer, document, hair, model.head.joint_names.index(HAIR_JOINT), pictures)
    if motion is not None:
        document["animations"] = [animation(buffer, model, motion)]
    return buffer.pack(document)


def surface_bytes(vertices: Floats, surface: TexturedSurface, texture: Image | None = None) -> bytes:
    """The content of a file with a mesh that does not move.

    Args:
        vertices: [V, 3] metres, in any pose.
        surface: gives the triangles and their texture coordinates.
        texture: uint8 RGB [H, W, 3], first row at v = 1; without one the mesh is grey.
    """
    split = split_at_seams(surface.faces, surface.uv_faces)
    buffer = GltfBuffer()
    attributes = {
        "POSITION": buffer.vectors(vertices[split.vertex]),
        "NORMAL": buffer.vectors(unit_normals(vertex_normals(vertices, surface.faces)[split.vertex])),
        "TEXCOORD_0": buffer.accessor(v_down(surface.uv[split.uv]), "VEC2", ARRAY_BUFFER),
    }
    primitive = {
        "attributes": attributes,
        "indices": buffer.indices(split.faces),
        "mode": TRIANGLES,
        "material": 0,
    }
    document = _about(surface) | {
        "meshes": [{"primitives": [primitive], "name": "head"}],
        "nodes": [{"mesh": 0, "name": "head"}],
        "scenes": [{"nodes": [0]}],
    }
    return buffer.pack(document | _look(buffer, _encoded(texture)))


def _about(surface: TexturedSurface) -> Json:
    asset = {"generator": _generator()}
    if surface.credit:
        asset["copyright"] = f"Head: {surface.credit}. Texture: from a photograph."
    return {
        "asset": asset | {"version": "2.0"},
        "extras": {"model": surface.name, "units": "metres"},
        "scene": 0,
    }


@lru_cache(maxsize=1)
def _generator() -> str:
    return f"unveil {version('unveil')}"  # reads the description of the package: 3 ms


def _encoded(texture: Image | None, normal_map: Image | None = None, hair: HairCap | None = None) -> Pictures:
    """The pictures of a head, being encoded in other threads: texture, normals, hair and its loose ends."""
    given = [("skin", texture, jpeg), ("normals", normal_map, png)]
    if hair is not None and texture is not None:
        given += [(HAIR, hair.picture, jpeg), (ENDS, None if hair.ends is None else hair.ends.picture, png)]
    return {
        name: Picture(encode.__name__, begun(encode, picture)) for name, picture, encode in given if picture is not None
    }


def _look(buffer: GltfBuffer, encoded: Pictures, parts: MeshParts | None = None) -> Json:
    """The pictures of skin, and a material for each part that shows them."""
    images, pictures = list[Json](), dict[str, int]()
    for name in ("skin", "normals"):
        if name in encoded:
            pictures[name] = len(images)
            images.append(encoded[name].added(buffer, name))
    skin, normals = pictures.get("skin"), pictures.get("normals")
    material = _material(grey=skin is None, skin=skin, normals=normals)
    materials = [material] if parts is None else [_of_part(material, *part) for part in parts.materials]
    if not images:
        return {"materials": materials}
    sampler = {"magFilter": LINEAR, "minFilter": LINEAR_MIPMAP_LINEAR, "wrapS": REPEAT, "wrapT": REPEAT}
    return {
        "images": images,
        "materials": materials,
        "samplers": [sampler],
        "textures": [{"sampler": 0, "source": k} for k in range(len(images))],
    }


def _of_part(skin: Json, name: str, roughness: float) -> Json:
    """The material of a part: the skin's, with another roughness."""
    surface = skin["pbrMetallicRoughness"] | {"roughnessFactor": roughness}
    return skin | {"pbrMetallicRoughness": surface, "name": name}


def _material(*, grey: bool, skin: int | None = None, normals: int | None = None) -> Json:
    """The material of skin; ``skin`` and ``normals`` are numbers of textures."""
    surface: Json = {
        "baseColorFactor": [0.7, 0.7, 0.7, 1.0] if grey else [1.0] * 4,
        "metallicFactor": 0.0,
        "roughnessFactor": 0.8,
    }
    if skin is not None:
        surface["baseColorTexture"] = {"index": skin, "texCoord": 0}
    material: Json = {"pbrMetallicRoughness": surface}
    if normals is not None:
        material["normalTexture"] = {"index": normals, "scale": 1.0}
    # Both sides, because the neck is seen from below, and the inside of an open mouth.
    return material | {"emissiveFactor": [0.0] * 3, "alphaMode": "OPAQUE", "doubleSided": True, "name": "skin"}
