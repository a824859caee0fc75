"""Binary glTF 2.0: one file with the person's neutral head, morph targets, joints and texture, ready to animate.

glTF's frame is model space (metres, +y up, the face looks to +z). The pose of the head in the photograph is not
baked in: the head stands upright, the expression of the photograph is the default weight of the morph targets, and
a jaw rotation, where the model has one, is the rotation of the jaw's node. A motion becomes an animation of the same
weights and nodes. `surface_bytes` writes what does not move: a mesh with its texture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gltf

from unveil.geometry.mesh import vertex_normals
from unveil.geometry.uv import vertex_tangents
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.motion import Motion
from unveil.meshes.glb_animation import animation, quaternions
from unveil.meshes.gltf_buffer import GltfBuffer, Sparse, sparse_vectors
from unveil.meshes.image_bytes import jpeg, png
from unveil.meshes.seams import SplitMesh, split_at_seams
from unveil.meshes.surface import TexturedSurface
from unveil.storage.files import atomic_path
from unveil.typing import Float32s, Floats, Image, UInt8s

# Displacements and changes of normals below these are left out of a morph target: nobody sees them, and most
# targets move a small part of the face only.
SMALLEST_SHIFT = 5e-6  # metres
SMALLEST_TURN = 5e-3  # of a unit normal
# For the file's copyright note.
ORIGINS = {"openhead": "Head: openhead (MakeHuman, CC0; statistics of ICT-FaceKit, MIT). Texture: from a photograph."}
INFLUENCES = 4  # joints per vertex that every viewer supports


def write_glb(path: Path, data: bytes) -> None:
    """Write what `glb_bytes` or `surface_bytes` gave to ``path``, which ends in .glb."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


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
        values: [V] numbers per vertex by name; "hidden" becomes the attribute ``_HIDDEN``.
    """
    buffer = GltfBuffer()
    scene = gltf.GLTF2(
        **_about(model.name),
        materials=[_material(grey=texture is None)],
        meshes=[_mesh(buffer, model, coefficients, values or {}, tangents=normal_map is not None)],
        skins=[_skin(buffer, model, coefficients)],
        nodes=[gltf.Node(name="head", mesh=0, skin=0), *_joints(model, coefficients)],
    )
    # A mesh with a skin stands beside its joints: its own place in the scene has no effect.
    roots = [j + 1 for j, parent in enumerate(model.head.joint_parents) if parent < 0]
    scene.scenes = [gltf.Scene(nodes=[0, *roots])]
    if model.textured:
        _add_pictures(scene, buffer, texture, normal_map)
    elif texture is not None:
        colours = _linear(texture[_fixed_parts(model).split.vertex])
        scene.meshes[0].primitives[0].attributes.COLOR_0 = buffer.accessor(colours, "VEC3", gltf.ARRAY_BUFFER)
    if motion is not None:
        scene.animations = [animation(buffer, model, motion)]
    return buffer.pack(scene)


def surface_bytes(vertices: Floats, surface: TexturedSurface, texture: Image | None = None) -> bytes:
    """The content of a file with a mesh that does not move.

    Args:
        vertices: [V, 3] metres, in any pose.
        surface: gives the triangles and their texture coordinates.
        texture: uint8 RGB [H, W, 3], first row at v = 1; without one the mesh is grey.
    """
    split = split_at_seams(surface.faces, surface.uv_faces)
    buffer = GltfBuffer()
    primitive = gltf.Primitive(
        attributes=gltf.Attributes(
            POSITION=buffer.vectors(vertices[split.vertex]),
            NORMAL=buffer.vectors(_unit(vertex_normals(vertices, surface.faces)[split.vertex])),
            TEXCOORD_0=buffer.accessor(_v_down(surface.uv[split.uv]), "VEC2", gltf.ARRAY_BUFFER),
        ),
        indices=buffer.indices(split.faces),
        material=0,
    )
    scene = gltf.GLTF2(
        **_about(surface.name),
        materials=[_material(grey=texture is None)],
        meshes=[gltf.Mesh(name="head", primitives=[primitive])],
        nodes=[gltf.Node(name="head", mesh=0)],
        scenes=[gltf.Scene(nodes=[0])],
    )
    _add_pictures(scene, buffer, texture)
    return buffer.pack(scene)


def _about(model_name: str) -> dict[str, Any]:
    generator = f"unveil {version('unveil')}"
    return {
        "asset": gltf.Asset(version="2.0", generator=generator, copyright=ORIGINS.get(model_name)),
        "extras": {"model": model_name, "units": "metres"},
        "scene": 0,
    }


def _add_pictures(
    scene: gltf.GLTF2,
    buffer: GltfBuffer,
    texture: UInt8s | None,
    normal_map: Image | None = None,
) -> None:
    """Put the pictures into the file and let its one material name them."""
    pictures: list[gltf.Image] = []
    (material,) = scene.materials
    if texture is not None:
        material.pbrMetallicRoughness.baseColorTexture = gltf.TextureInfo(index=len(pictures))
        pictures.append(gltf.Image(name="skin", mimeType="image/jpeg", bufferView=buffer.view(jpeg(texture))))
    if normal_map is not None:
        material.normalTexture = gltf.NormalMaterialTexture(index=len(pictures))
        pictures.append(gltf.Image(name="normals", mimeType="image/png", bufferView=buffer.view(png(normal_map))))
    if pictures:
        scene.images = pictures
        scene.samplers = [gltf.Sampler(magFilter=gltf.LINEAR, minFilter=gltf.LINEAR_MIPMAP_LINEAR)]
        scene.textures = [gltf.Texture(sampler=0, source=k) for k in range(len(pictures))]


@dataclass(frozen=True, eq=False)
class _FixedParts:
    """What is the same for all heads of a model, in the order of the split vertices [K]."""

    split: SplitMesh
    uv: Float32s | None  # [K, 2] v down, where there are any
    joints: UInt8s  # [K, 4]
    weights: Float32s  # [K, 4]
    shifts: list[Sparse]  # [E] displacements of the morph targets
    turns: list[Sparse]  # [E] changes of the normals, those of the template


@lru_cache(maxsize=2)
def _fixed_parts(model: MorphableModel) -> _FixedParts:
    head = model.head
    split = split_at_seams(model.faces, model.uv_faces if model.textured else model.faces)
    joints, weights = _strongest(np.asarray(head.skin_weights)[split.vertex])
    normals = vertex_normals(head.template, model.faces)
    moved = vertex_normals(head.template + head.expression_basis, model.faces)
    return _FixedParts(
        split=split,
        uv=_v_down(model.uv[split.uv]) if model.textured else None,
        joints=joints,
        weights=weights,
        shifts=[sparse_vectors(d[split.vertex], SMALLEST_SHIFT) for d in head.expression_basis],
        turns=[sparse_vectors(d[split.vertex], SMALLEST_TURN) for d in moved - normals],
    )


def _v_down(uv: Floats) -> Float32s:
    """Texture coordinates [K, 2] as glTF has them."""
    return (uv * [1, -1] + [0, 1]).astype(np.float32)


def _linear(colours: UInt8s) -> Float32s:
    """Colours [K, 3] of a picture, in sRGB, as glTF has those of vertices: in proportion to light, 0 to 1."""
    values = colours / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _strongest(skin_weights: Floats) -> tuple[UInt8s, Float32s]:
    """The four strongest joints of each vertex [K, 4] and their weights, which sum to one; [K, J] in."""
    padded = np.pad(skin_weights, ((0, 0), (0, max(0, INFLUENCES - skin_weights.shape[1]))))
    joints = np.argsort(-padded, axis=1, kind="stable")[:, :INFLUENCES]
    weights = np.take_along_axis(padded, joints, axis=1)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.where(weights > 0, joints, 0).astype(np.uint8), weights


def _material(*, grey: bool) -> gltf.Material:
    surface = gltf.PbrMetallicRoughness(metallicFactor=0.0, roughnessFactor=0.8)
    if grey:
        surface.baseColorFactor = [0.7, 0.7, 0.7, 1.0]
    # Both sides: one looks into the neck from below and into the open mouth.
    return gltf.Material(name="skin", pbrMetallicRoughness=surface, doubleSided=True)


def _mesh(
    buffer: GltfBuffer,
    model: MorphableModel,
    coefficients: Coefficients,
    values: Mapping[str, Floats],
    *,
    tangents: bool,
) -> gltf.Mesh:
    fixed = _fixed_parts(model)
    neutral = np.asarray(model.neutral(coefficients))
    normals = vertex_normals(neutral, model.faces)
    vertex = fixed.split.vertex
    attributes = gltf.Attributes(
        POSITION=buffer.vectors(neutral[vertex]),
        NORMAL=buffer.vectors(_unit(normals[vertex])),
        JOINTS_0=buffer.accessor(fixed.joints, "VEC4", gltf.ARRAY_BUFFER),
        WEIGHTS_0=buffer.accessor(fixed.weights, "VEC4", gltf.ARRAY_BUFFER),
    )
    if fixed.uv is not None:
        attributes.TEXCOORD_0 = buffer.accessor(fixed.uv, "VEC2", gltf.ARRAY_BUFFER)
    if tangents:
        rows = _tangents(neutral, _unit(normals), model)[vertex]
        attributes.TANGENT = buffer.accessor(rows, "VEC4", gltf.ARRAY_BUFFER)
    for name, numbers in values.items():
        column = np.asarray(numbers, np.float32)[vertex, None]
        # glTF asks for the underscore, so that names of its own never mean something else.
        setattr(attributes, f"_{name.upper()}", buffer.accessor(column, "SCALAR", gltf.ARRAY_BUFFER))
    shifts, turns = buffer.sparse(fixed.shifts, len(vertex)), buffer.sparse(fixed.turns, len(vertex))
    primitive = gltf.Primitive(
        attributes=attributes,
        indices=buffer.indices(fixed.split.faces),
        material=0,
        targets=[{"POSITION": p, "NORMAL": n} for p, n in zip(shifts, turns, strict=True)],
    )
    weights = np.asarray(coefficients["expression"], dtype=np.float64).tolist()
    return gltf.Mesh(
        name="head", primitives=[primitive], weights=weights, extras={"targetNames": list(model.unit_names)}
    )


def _tangents(vertices: Float32s, normals: Float32s, model: MorphableModel) -> Float32s:
    """Tangents [V, 4] along rising u, square to the normals; the one, glTF's sign, says that v rises to their left."""
    along = vertex_tangents(vertices, model.faces, model.uv, model.uv_faces)
    along = along - normals * np.sum(along * normals, axis=1, keepdims=True)
    length = np.linalg.norm(along, axis=1, keepdims=True)
    # Where u rises in no direction any will do; that of least extent in the normal is far from parallel to it.
    other = np.cross(normals, np.eye(3)[np.argmin(np.abs(normals), axis=1)])
    along = np.where(length > 1e-3, along, other)
    unit = along / np.linalg.norm(along, axis=1, keepdims=True)
    return np.column_stack([unit, np.ones(len(unit))]).astype(np.float32)


def _unit(normals: Float32s) -> Float32s:
    """Zero normals, of vertices in no triangle, become +z, as glTF wants unit length."""
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(lengths > 0.5, normals, np.array([0, 0, 1], dtype=np.float32)).astype(np.float32)


def _skin(buffer: GltfBuffer, model: MorphableModel, coefficients: Coefficients) -> gltf.Skin:
    positions = np.asarray(model.head.joint_positions(model.shape(coefficients)))
    matrices = np.tile(np.eye(4, dtype=np.float32), (len(positions), 1, 1))
    matrices[:, 3, :3] = -positions  # column-major: the last row in memory is the translation
    joints = [j + 1 for j in range(len(positions))]
    return gltf.Skin(inverseBindMatrices=buffer.accessor(matrices.reshape(-1, 16), "MAT4"), joints=joints)


def _joints(model: MorphableModel, coefficients: Coefficients) -> list[gltf.Node]:
    """A node for each joint, placed relative to its parent; node j + 1 is joint j."""
    parents = model.head.joint_parents
    positions = np.asarray(model.head.joint_positions(model.shape(coefficients)), dtype=np.float64)
    rotations = np.asarray(model.joint_rotations(model.placement.upright(coefficients)), dtype=np.float64)
    nodes = []
    for j, (name, parent) in enumerate(zip(model.head.joint_names, parents, strict=True)):
        offset = positions[j] - (positions[parent] if parent >= 0 else 0)
        node = gltf.Node(name=name, translation=offset.tolist())
        node.children = [k + 1 for k, p in enumerate(parents) if p == j]
        if rotations[j].any():
            node.rotation = quaternions(rotations[j]).tolist()
        nodes.append(node)
    return nodes
