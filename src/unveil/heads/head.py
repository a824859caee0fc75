"""A head that is linear in shape and expression and is posed by linear blend skinning, as FLAME is and openhead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np

from unveil.geometry.arrays import array_namespace
from unveil.geometry.rotation import Array, axis_angle_to_matrix
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Int64s, UInt8s

HAIR = "hair"  # the name of the part
JOINT = "neck"  # which turns the head, and hair with it
ROUGHNESS = 0.75


@dataclass(frozen=True, eq=False)
class Head:
    """Vertices = skinning(template + shape basis + expression basis (+ pose correctives), joint rotations).

    Skinning as in FLAME (Li et al. 2017, equations 1 to 4). Lengths are metres, and all arrays belong to one
    namespace (NumPy, or torch after `map_arrays`), so that the same code reconstructs and trains.
    """

    template: Array  # [V, 3]
    faces: Array  # [F, 3] vertex indices, counter-clockwise seen from outside
    shape_basis: Array  # [S, V, 3] displacement of one standard deviation
    expression_basis: Array  # [E, V, 3] displacement of one unit; both may be of the first vertices, others stay
    joint_names: tuple[str, ...]  # J names, parents first
    joint_parents: tuple[int, ...]  # J indices, -1 for the root
    joint_template: Array  # [J, 3] joint positions of the template
    joint_shape_basis: Array  # [S, J, 3] how they follow the shape
    skin_weights: Array  # [V, J] rows sum to one
    pose_basis: Array | None = None  # [9 * (J - 1), V, 3] correctives of (R - I) of the joints after the root
    joint_expression_basis: Array | None = None  # [E, J, 3] how the joints follow the expression, as DECA's do

    def __repr__(self) -> str:
        sizes = (
            f"shape {len(self.shape_basis)}, expression {len(self.expression_basis)}, {len(self.joint_names)} joints"
        )
        return f"Head({len(self.template)} vertices, {len(self.faces)} triangles, {sizes})"

    def joint_positions(self, shape: Array, expression: Array | None = None) -> Array:
        """Joint positions [..., J, 3] of heads of shape [..., S] and, unless they are neutral, expression [..., E]."""
        joints = self.joint_template + _combine(shape, self.joint_shape_basis)
        if expression is None or self.joint_expression_basis is None:
            return joints
        return joints + _combine(expression, self.joint_expression_basis)

    def neutral(self, shape: Array) -> Array:
        """Vertices [..., V, 3] of the shape [..., S] without expression and pose."""
        return self._added(self.template, _combine(shape, self.shape_basis))

    def unposed(self, shape: Array, expression: Array) -> Array:
        """Vertices [..., V, 3] of shape [..., S] and expression [..., E] before any joint turns."""
        return self._added(self.neutral(shape), _combine(expression, self.expression_basis))

    def _added(self, vertices: Array, shift: Array) -> Array:
        """Vertices [..., V, 3], the first of them shifted by [..., K, 3]."""
        count = shift.shape[-2]
        if count == vertices.shape[-2]:
            return vertices + shift
        xp = array_namespace(vertices, shift)
        first = vertices[..., :count, :] + shift
        rest = xp.broadcast_to(vertices[..., count:, :], (*first.shape[:-2], vertices.shape[-2] - count, 3))
        return xp.concat([first, rest], axis=-2)

    def vertices(self, shape: Array, expression: Array, joint_rotations: Array) -> Array:
        """Posed vertices [..., V, 3] for shape [..., S], expression [..., E] and joint axis-angles [..., J, 3]."""
        xp = array_namespace(shape, expression, joint_rotations)
        rotations = axis_angle_to_matrix(joint_rotations)  # [..., J, 3, 3]
        rest = self.unposed(shape, expression)
        if self.pose_basis is not None:
            identity = xp.eye(3, dtype=rotations.dtype, device=rotations.device)
            feature = rotations[..., 1:, :, :] - identity
            feature = xp.reshape(feature, (*feature.shape[:-3], -1))
            rest = rest + _combine(feature, self.pose_basis)
        turn, shift = self._skin_transforms(rotations, self.joint_positions(shape, expression))
        blended_turn = xp.tensordot(turn, self.skin_weights, axes=([-3], [1]))  # [..., 3, 3, V]
        blended_shift = xp.tensordot(shift, self.skin_weights, axes=([-2], [1]))  # [..., 3, V]
        coordinates = xp.matrix_transpose(rest)  # [..., 3, V]
        posed = xp.sum(blended_turn * coordinates[..., None, :, :], axis=-2) + blended_shift
        return xp.matrix_transpose(posed)

    def _skin_transforms(self, rotations: Array, joints: Array) -> tuple[Array, Array]:
        """Per joint, the rigid motion x -> R x + t that its vertices undergo: [..., J, 3, 3] and [..., J, 3]."""
        xp = array_namespace(rotations, joints)
        turns: list[Array] = []
        shifts: list[Array] = []
        for j, parent in enumerate(self.joint_parents):
            turn, position = rotations[..., j, :, :], joints[..., j, :]
            shift = position - _rotate(turn, position)
            if parent >= 0:
                shift = _rotate(turns[parent], shift) + shifts[parent]
                turn = turns[parent] @ turn
            turns.append(turn)
            shifts.append(shift)
        return xp.stack(turns, axis=-3), xp.stack(shifts, axis=-2)

    def take(self, vertices: np.ndarray) -> Head:
        """The head of only these vertices [K] (indices), without faces: cheap to evaluate for landmarks."""
        xp = array_namespace(self.template)
        index = xp.asarray(vertices, device=self.template.device)
        return self.map_vertices(lambda array: xp.take(array, index, axis=-2))

    def map_vertices(self, function: Callable[[Array], Array]) -> Head:
        """The head of K other vertices, without faces: ``function`` makes arrays [..., K, C] of those [..., V, C]."""
        names = ("template", "shape_basis", "expression_basis", "skin_weights", "pose_basis")
        arrays = {name: array for name in names if (array := getattr(self, name)) is not None}
        return replace(self, faces=self.faces[:0], **{name: function(array) for name, array in arrays.items()})

    def map_arrays(self, function: Callable[[Array], Array]) -> Head:
        """The same head with ``function`` applied to every array, e.g. ``torch.from_numpy``."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {name: v for name, v in values.items() if v is not None and not isinstance(v, tuple)}
        return replace(self, **{name: function(array) for name, array in arrays.items()})


@dataclass(frozen=True, eq=False)
class MeshParts:
    """Which part each of the F triangles of a whole head is of; each part has a material of its own in files.

    The whole head has the V vertices of the head that it completes, in their order, and after them P of its own.
    """

    names: tuple[str, ...]  # such as "skin", "upper_teeth"
    of_faces: UInt8s  # [F] rows of ``names``
    anchors: Int64s  # [P] which of the first V vertices each of the others belongs to
    roughness: tuple[float, ...]  # of the materials: 0 mirrors, 1 is dull
    colours: UInt8s  # [P, 3] RGB of the latter in white light, as no photograph shows them
    pictures: Mapping[str, UInt8s] = field(default_factory=dict)  # [h, w, 3] of parts that the texture does not show
    __repr__ = short_repr

    @property
    def materials(self) -> list[tuple[str, float]]:
        """Name and roughness of each part."""
        return list(zip(self.names, self.roughness, strict=True))

    def faces_of(self, name: str) -> Int64s:
        """Rows of the triangles of a part."""
        return np.flatnonzero(self.of_faces == self.names.index(name))

    def extended(self, values: Floats) -> Floats:
        """Numbers [V] of the vertices for all V + P of them: each of the others has that of its anchor."""
        return np.concatenate([values, values[self.anchors]])


@dataclass(frozen=True, eq=False)
class HairEnds:
    """The loose ends of hair around its cap, between which the skin shows."""

    vertices: Float32s  # [N, 3] as those of the cap
    faces: Int64s  # [F, 3]
    uv: Float32s  # [T, 2]
    uv_faces: Int64s  # [F, 3]
    picture: UInt8s  # [h, w, 4] RGB and opacity
    hidden: Float32s  # [N]
    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class HairCap:
    """The hair of one person. It does not move with the face: no expression unit moves a scalp by a millimetre."""

    vertices: Float32s  # [N, 3] metres, around the person's neutral head in model space
    faces: Int64s  # [F, 3] counter-clockwise seen from outside
    uv: Float32s  # [T, 2] v up, in the picture
    uv_faces: Int64s  # [F, 3]
    picture: UInt8s  # [h, w, 3] RGB, first row at v = 1
    hidden: Float32s  # [N] 1 where the photograph does not show the hair, 0 where it does
    anchors: Int64s  # [N] a vertex of the head near to each
    ends: HairEnds | None = None  # that files which know of opacity have besides
    __repr__ = short_repr


def with_hair(head: Head, parts: MeshParts, hair: HairCap) -> tuple[Head, MeshParts]:
    """A whole head and its parts with the hair of one person as one more part.

    The shape of coefficients does not change hair: they have to be those of that person.
    """
    count, joints = len(hair.vertices), np.zeros((len(hair.vertices), len(head.joint_names)), np.float32)
    joints[:, head.joint_names.index(JOINT)] = 1
    more = replace(
        head,
        template=np.concatenate([head.template, hair.vertices]),
        faces=np.concatenate([head.faces, hair.faces + len(head.template)]),
        skin_weights=np.concatenate([head.skin_weights, joints]),
    )
    return more, replace(
        parts,
        names=(*parts.names, HAIR),
        of_faces=np.concatenate([parts.of_faces, np.full(len(hair.faces), len(parts.names), np.uint8)]),
        anchors=np.concatenate([parts.anchors, hair.anchors]),
        roughness=(*parts.roughness, ROUGHNESS),
        colours=np.concatenate([parts.colours, np.zeros((count, 3), np.uint8)]),
        pictures={HAIR: hair.picture},
    )


def _combine(weights: Array, basis: Array) -> Array:
    """Sum over k of weights [..., K] times basis [K, N, 3]: [..., N, 3]."""
    xp = array_namespace(weights, basis)
    flat = xp.reshape(basis, (basis.shape[0], -1))
    return xp.reshape(weights @ flat, (*weights.shape[:-1], *basis.shape[1:]))


def _rotate(rotation: Array, vector: Array) -> Array:
    """Matrices [..., 3, 3] times vectors [..., 3]."""
    return (rotation @ vector[..., None])[..., 0]
