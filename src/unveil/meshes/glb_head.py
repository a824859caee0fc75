"""A head in a glTF file: its mesh with morph targets, and the joints that turn it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from unveil.geometry.arrays import squared_lengths
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.uv import vertex_tangents
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.meshes.glb_animation import quaternions
from unveil.meshes.gltf_buffer import ARRAY_BUFFER, TRIANGLES, GltfBuffer, Json, sparse_vectors
from unveil.meshes.seams import SplitMesh, split_at_seams
from unveil.photos.cielab import to_linear
from unveil.typing import Bools, Float32s, Floats, Int64s, UInt8s

# Displacements and changes of normals below these are left out of a morph target: nobody sees them, and most
# targets move a small part of the face only.
SMALLEST_SHIFT = 5e-6  # metres
SMALLEST_TURN = 5e-3  # of a unit normal
SEMANTICS = ("POSITION", "NORMAL", "TANGENT", "TEXCOORD_0", "COLOR_0", "JOINTS_0", "WEIGHTS_0")  # glTF's, in its order
INFLUENCES = 4  # joints per vertex that every viewer supports


def head_mesh(
    model: MorphableModel,
    coefficients: Coefficients,
    values: Mapping[str, Floats],
    *,
    tangents: bool,
) -> tuple[GltfBuffer, Json]:
    """The neutral head, a primitive for each part, with a morph target for each unit, weighted by the coefficients.

    Args:
        model: the model that the coefficients belong to.
        coefficients: of one head, [M].
        values: [V] numbers per vertex by name.
        tangents: whether a normal map is to lie on it.

    Returns:
        The arrays, to be added to, and the mesh.
    """
    fixed = _fixed_arrays(model)
    buffer = fixed.buffer.copy()
    neutral = np.asarray(model.neutral(coefficients))
    normals = vertex_normals(neutral, model.faces)
    arrays: dict[str, Floats] = {"POSITION": neutral, "NORMAL": unit_normals(normals)}
    if tangents:
        arrays["TANGENT"] = _tangents(neutral, unit_normals(normals), model)
    primitives = []
    for number, part in enumerate(fixed.parts):
        attributes = part.attributes | _attributes(buffer, part.split.vertex, arrays, values)
        primitives.append(part.primitive | {"attributes": _in_order(attributes), "material": number})
        if model.parts is not None:
            primitives[-1]["extras"] = {"part": model.parts.names[number]}
    return buffer, {
        "extras": {"targetNames": list(model.unit_names)},
        "primitives": primitives,
        "weights": np.asarray(coefficients["expression"], dtype=np.float64).tolist(),
        "name": "head",
    }


def _attributes(buffer: GltfBuffer, vertex: Int64s, arrays: Mapping[str, Floats], values: Mapping[str, Floats]) -> Json:
    """Attributes of the vertices [K] of a part: ``arrays`` [V, C] of glTF's own names, and ``values`` [V] of others."""
    made = {name: buffer.vectors(arrays[name][vertex]) for name in ("POSITION", "NORMAL")}
    if "TANGENT" in arrays:
        made["TANGENT"] = buffer.accessor(arrays["TANGENT"][vertex], "VEC4", ARRAY_BUFFER)
    for name, numbers in values.items():
        column = np.asarray(numbers, np.float32)[vertex, None]
        # glTF asks for the underscore, so that names of its own never mean something else.
        made[f"_{name.upper()}"] = buffer.accessor(column, "SCALAR", ARRAY_BUFFER)
    return made


def add_colours(buffer: GltfBuffer, mesh: Json, model: MorphableModel, colours: UInt8s) -> None:
    """Give `head_mesh`'s vertices colours, uint8 RGB [V, 3]."""
    ((primitive,), (fixed,)) = mesh["primitives"], _fixed_arrays(model).parts
    linear = to_linear(colours[fixed.split.vertex] / 255)  # as glTF has colours of vertices
    primitive["attributes"] = _in_order(
        primitive["attributes"] | {"COLOR_0": buffer.accessor(linear, "VEC3", ARRAY_BUFFER)}
    )


def skin(buffer: GltfBuffer, model: MorphableModel, coefficients: Coefficients) -> Json:
    """Where the joints are when nothing is turned; node j + 1 is joint j."""
    positions = np.asarray(model.head.joint_positions(model.shape(coefficients)))
    matrices = np.tile(np.eye(4, dtype=np.float32), (len(positions), 1, 1))
    matrices[:, 3, :3] = -positions  # column-major: the last row in memory is the translation
    joints = [j + 1 for j in range(len(positions))]
    return {"inverseBindMatrices": buffer.accessor(matrices.reshape(-1, 16), "MAT4"), "joints": joints}


def joint_nodes(model: MorphableModel, coefficients: Coefficients) -> list[Json]:
    """A node for each joint, placed relative to its parent; node j + 1 is joint j."""
    parents = model.head.joint_parents
    positions = np.asarray(model.head.joint_positions(model.shape(coefficients)), dtype=np.float64)
    rotations = np.asarray(model.joint_rotations(model.upright(coefficients)), dtype=np.float64)
    nodes = []
    for j, (name, parent) in enumerate(zip(model.head.joint_names, parents, strict=True)):
        offset = positions[j] - (positions[parent] if parent >= 0 else 0)
        node: Json = {"rotation": quaternions(rotations[j]).tolist()} if rotations[j].any() else {}
        node["translation"] = offset.tolist()
        if children := [k + 1 for k, p in enumerate(parents) if p == j]:
            node["children"] = children
        nodes.append(node | {"name": name})
    return nodes


def part_vertices(model: MorphableModel) -> dict[str, Int64s]:
    """The model's vertex [K] of each vertex of each part in a file, by the part's name; one without a name is ""."""
    names = ("",) if model.parts is None else model.parts.names
    return {name: part.split.vertex for name, part in zip(names, _fixed_arrays(model).parts, strict=True)}


def v_down(uv: Floats) -> Float32s:
    """Texture coordinates [K, 2] as glTF has them."""
    return (uv * [1, -1] + [0, 1]).astype(np.float32)


def unit_normals(normals: Float32s) -> Float32s:
    """Zero normals, of vertices in no triangle, become +z, as glTF wants unit length."""
    lengths = np.sqrt(squared_lengths(normals))[:, None]
    return np.where(lengths > 0.5, normals, np.array([0, 0, 1], dtype=np.float32)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class _FixedPart:
    """A part, with its split vertices [K] in their order, as all heads of a model share it."""

    split: SplitMesh
    attributes: Json  # texture coordinates, joints and weights
    primitive: Json  # triangles and morph targets


@dataclass(frozen=True, eq=False)
class _FixedArrays:
    """The data that all heads of a model share."""

    buffer: GltfBuffer  # holds what the parts refer to
    parts: list[_FixedPart]


@lru_cache(maxsize=2)
def _fixed_arrays(model: MorphableModel) -> _FixedArrays:
    """The arrays of each part of a model. Changes of normals are those of the template, whatever the person's shape."""
    head, buffer = model.head, GltfBuffer()
    normals = vertex_normals(head.template, model.faces)
    turns = np.stack([vertex_normals(head.template + shift, model.faces) - normals for shift in head.expression_basis])
    uv_faces = model.uv_faces if model.textured else model.faces
    everything = [np.arange(len(model.faces))]
    rows = everything if model.parts is None else [model.parts.faces_of(name) for name in model.parts.names]
    targets = _Targets.of(np.asarray(head.expression_basis), SMALLEST_SHIFT), _Targets.of(turns, SMALLEST_TURN)
    splits = [split_at_seams(model.faces[part], uv_faces[part]) for part in rows]
    return _FixedArrays(buffer, [_fixed_part(buffer, model, split, *targets) for split in splits])


class _Targets(NamedTuple):
    """What morph targets change, positions or normals."""

    changes: Float32s  # [E, V, 3]
    seen: Bools  # [E, V] which are large enough to be seen

    @classmethod
    def of(cls, changes: Float32s, smallest: float) -> _Targets:
        """Changes [E, V, 3], of which those shorter than ``smallest`` are not seen."""
        return cls(changes, np.sqrt(squared_lengths(changes)) >= smallest)

    def added(self, buffer: GltfBuffer, vertex: Int64s) -> list[int]:
        """Add the changes [E, K, 3] of the split vertices [K] to a buffer, one array for each of the E targets."""
        return buffer.sparse([sparse_vectors(*one, vertex) for one in zip(*self, strict=True)], len(vertex))


def _fixed_part(
    buffer: GltfBuffer, model: MorphableModel, split: SplitMesh, shifts: _Targets, turns: _Targets
) -> _FixedPart:
    """Add the data of one part that all heads share to the buffer; shifts and turns are of all vertices."""
    joints, weights = _strongest(np.asarray(model.head.skin_weights)[split.vertex])
    attributes = {
        "JOINTS_0": buffer.accessor(joints, "VEC4", ARRAY_BUFFER),
        "WEIGHTS_0": buffer.accessor(weights, "VEC4", ARRAY_BUFFER),
    }
    if model.textured:
        attributes["TEXCOORD_0"] = buffer.accessor(v_down(model.uv[split.uv]), "VEC2", ARRAY_BUFFER)
    pairs = zip(shifts.added(buffer, split.vertex), turns.added(buffer, split.vertex), strict=True)
    targets = [{"POSITION": shift, "NORMAL": turn} for shift, turn in pairs]
    primitive = {"indices": buffer.indices(split.faces), "mode": TRIANGLES, "targets": targets}
    return _FixedPart(split, attributes, primitive)


def _in_order(attributes: Json) -> Json:
    return {name: attributes[name] for name in (*SEMANTICS, *attributes) if name in attributes}


def _strongest(skin_weights: Floats) -> tuple[UInt8s, Float32s]:
    """The four strongest joints of each vertex [K, 4] and their weights, which sum to one; [K, J] in."""
    padded = np.pad(skin_weights, ((0, 0), (0, max(0, INFLUENCES - skin_weights.shape[1]))))
    joints = np.argsort(-padded, axis=1, kind="stable")[:, :INFLUENCES]
    weights = np.take_along_axis(padded, joints, axis=1)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.where(weights > 0, joints, 0).astype(np.uint8), weights


def _tangents(vertices: Float32s, normals: Float32s, model: MorphableModel) -> Float32s:
    """Tangents [V, 4] along rising u, at right angles to the normals; w = 1, since v rises to their left."""
    along = vertex_tangents(vertices, model.faces, model.uv, model.uv_faces)
    along = along - normals * np.sum(along * normals, axis=1, keepdims=True)
    length = np.linalg.norm(along, axis=1, keepdims=True)
    # Where u does not rise, any direction will do. The axis that the normal has least of is far from parallel to it.
    other = np.cross(normals, np.eye(3)[np.argmin(np.abs(normals), axis=1)])
    along = np.where(length > 1e-3, along, other)
    unit = along / np.linalg.norm(along, axis=1, keepdims=True)
    return np.column_stack([unit, np.ones(len(unit))]).astype(np.float32)
