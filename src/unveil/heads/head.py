"""A head that is linear in shape and expression and posed by linear blend skinning, like FLAME and openhead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from unveil.geometry.arrays import array_namespace
from unveil.geometry.rotation import Array, axis_angle_to_matrix


@dataclass(frozen=True, eq=False)
class Head:
    """Vertices = skinning(template + shape basis + expression basis (+ pose correctives), joint rotations).

    Skinning as in FLAME (Li et al. 2017, equations 1 to 4). Lengths are metres, and all arrays belong to one
    namespace (NumPy, or torch after `map_arrays`), so that the same code reconstructs and trains.
    """

    template: Array  # [V, 3]
    faces: Array  # [F, 3] vertex indices, counter-clockwise seen from outside
    shape_basis: Array  # [S, V, 3] displacement of one standard deviation
    expression_basis: Array  # [E, V, 3] displacement of one unit; both bases may be of the first vertices only
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


def _combine(weights: Array, basis: Array) -> Array:
    """Sum over k of weights [..., K] times basis [K, N, 3]: [..., N, 3]."""
    xp = array_namespace(weights, basis)
    flat = xp.reshape(basis, (basis.shape[0], -1))
    return xp.reshape(weights @ flat, (*weights.shape[:-1], *basis.shape[1:]))


def _rotate(rotation: Array, vector: Array) -> Array:
    """Matrices [..., 3, 3] times vectors [..., 3]."""
    return (rotation @ vector[..., None])[..., 0]
