"""A head model with its coefficients, landmarks and texture coordinates: one class for every family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from unveil.geometry import camera
from unveil.geometry.arrays import array_namespace
from unveil.geometry.lighting import turned_about_z
from unveil.geometry.rotation import Array, axis_angle_to_matrix
from unveil.heads.head import Head
from unveil.heads.landmarks import SlidingContour, SurfacePoints
from unveil.heads.layout import CoefficientLayout, Coefficients, require_coefficients, widened
from unveil.heads.parts import HairCap, MeshParts, with_hair
from unveil.heads.placement import SCALED_ORTHOGRAPHIC, Placement
from unveil.heads.skin.albedo import AlbedoSpace
from unveil.heads.skin.space import SkinSpace
from unveil.heads.surroundings import SurroundingsNetworks

LIGHT_UNIT = "spherical harmonics, 9 by RGB"  # of a group "light" in the order of `geometry.lighting`


@dataclass(frozen=True, eq=False)
class MorphableModel:
    """A head model: coefficients of shape, expression and placement to geometry.

    Model space is in metres, +x to the subject's left, +y up, +z out of the face.

    Methods that take coefficients raise a `LayoutError` for those of another model, and a `TypeError` for plain
    numbers.
    """

    name: str
    layout: CoefficientLayout
    head: Head
    expression_names: tuple[str, ...]  # E names, empty where the basis is statistical
    landmarks68: SurfacePoints
    contour: SlidingContour
    uv: np.ndarray  # [T, 2] texture coordinates, v up; empty where a model has none
    uv_faces: np.ndarray  # [F, 3] rows of uv for the corners of each face
    mirror_vertices: np.ndarray  # [V] index of the vertex on the other side
    inner51: SurfacePoints | None = None  # where annotations have landmarks 17 to 67; None: as in landmarks68
    placement: Placement = SCALED_ORTHOGRAPHIC  # how pose and camera place it
    shape_group: str = "shape"  # the name of the group of shape coefficients
    credit: str = ""  # who made it, for the copyright note of files
    colours: AlbedoSpace | None = None  # colours [V, 3] of the vertices' skin, where the model has them
    skin: SkinSpace | None = None  # what its texture looks like, where that was learned from photographs
    surroundings: SurroundingsNetworks | None = None  # find the hair around it in photographs
    whole: MorphableModel | None = None  # the same head with teeth, tongue and lashes, for files and pictures
    parts: MeshParts | None = None  # of a whole head
    hair: HairCap | None = None  # of one person, worn by the whole head

    def __repr__(self) -> str:
        vertices, triangles = len(self.head.template), len(self.head.faces)
        return f"MorphableModel({self.name!r}, {vertices} vertices, {triangles} triangles, {self.layout!r})"

    @property
    def unit_names(self) -> tuple[str, ...]:
        """A name for each of the E expression coefficients, a number where the basis is statistical."""
        count = self.head.expression_basis.shape[0]
        return self.expression_names or tuple(f"expression{k:02d}" for k in range(count))

    @property
    def textured(self) -> bool:
        """Whether there are texture coordinates."""
        return len(self.uv) > 0

    def vertex_uv(self) -> np.ndarray:
        """Texture coordinates [V, 2] of the vertices, v up; on a seam, those of one of its sides."""
        uv = np.zeros((len(self.head.template), 2))
        uv[self.faces] = self.uv[self.uv_faces]
        return uv

    def zero(self, count: int | None = None) -> Coefficients:
        """Coefficients that give the template, seen by a camera that fits it into the crop; [M] or [count, M]."""
        values = np.zeros(self.layout.size if count is None else (count, self.layout.size), np.float32)
        for name, numbers in self.placement.facing_camera.items():
            values[..., self.layout.slice_of(name)] = numbers
        return Coefficients(self.layout, values)

    def with_layout(self, layout: CoefficientLayout) -> MorphableModel:
        """The same head for coefficients of another layout, which has all groups of the head's own."""
        whole = self.whole and replace(self.whole, layout=widened(layout, self._more_units))
        return replace(self, layout=layout, whole=whole)

    def complete(self, coefficients: Coefficients) -> tuple[MorphableModel, Coefficients]:
        """The head with all its parts, and coefficients [..., M] that give it the same shape, expression and place.

        The whole head may have more expression units; these are at rest. Coefficients of the whole head itself stay as
        they are.
        """
        require_coefficients(coefficients)
        if self.whole is None:
            return self, coefficients
        whole = self._with_hair or self.whole
        if coefficients.layout == whole.layout:
            return whole, coefficients
        self.layout.require_of(coefficients)
        xp = array_namespace(coefficients.values)
        groups = coefficients.layout.split(coefficients.values)
        more = xp.zeros_like(groups["expression"][..., : self._more_units])
        groups["expression"] = xp.concat([groups["expression"], more], axis=-1)
        return whole, Coefficients(whole.layout, whole.layout.join(groups))

    def extended(self, values: np.ndarray) -> np.ndarray:
        """Values [V] of this head's vertices, extended to the whole head: its parts take those of their anchors.

        Values that the whole head's vertices have already stay as they are.

        Raises:
            ValueError: there are as many values as neither head has vertices.
        """
        whole = self._with_hair or self.whole or self
        known = len(self.head.template), len(whole.head.template)
        if len(values) not in known:
            raise ValueError(f"expected values of {known[0]} or {known[1]} vertices, got {len(values)}")
        return values if whole.parts is None or len(values) == known[1] else whole.parts.extended(values)

    @cached_property
    def _with_hair(self) -> MorphableModel | None:
        """The whole head with one person's hair, which has no mirrored vertices."""
        if self.hair is None or self.whole is None or self.whole.parts is None:
            return None
        head, parts = with_hair(self.whole.head, self.whole.parts, self.hair)
        uv = np.concatenate([self.whole.uv, self.hair.uv])
        uv_faces = np.concatenate([self.whole.uv_faces, self.hair.uv_faces + len(self.whole.uv)])
        none = self.whole.mirror_vertices[:0]
        return replace(self.whole, head=head, parts=parts, uv=uv, uv_faces=uv_faces, mirror_vertices=none)

    @property
    def _more_units(self) -> int:
        """How many more expression units the whole head has."""
        return 0 if self.whole is None else len(self.whole.unit_names) - len(self.unit_names)

    def shape(self, coefficients: Coefficients) -> Array:
        """The coefficients [..., S] of the shape."""
        require_coefficients(coefficients)
        return coefficients[self.shape_group]

    def joint_rotations(self, coefficients: Coefficients) -> Array:
        """Axis-angles [..., J, 3] of all joints; those that the placement does not turn are at rest."""
        require_coefficients(coefficients)
        turns = self.placement.joint_turns(coefficients)
        xp = array_namespace(turns["root"])
        zero = xp.zeros_like(turns["root"])
        return xp.stack([turns.get(name, zero) for name in self.head.joint_names], axis=-2)

    def rotation(self, coefficients: Coefficients) -> Array:
        """Rotation matrices [..., 3, 3] that turn the head from facing the camera."""
        require_coefficients(coefficients)
        return axis_angle_to_matrix(self.placement.joint_turns(coefficients)["root"])

    def upright(self, coefficients: Coefficients) -> Coefficients:
        """The same head facing the camera; its jaw stays as it is."""
        require_coefficients(coefficients)
        root = self.placement.joint_turns(coefficients)["root"]
        return self.placement.with_joint_turns(coefficients, {"root": array_namespace(root).zeros_like(root)})

    def vertices(self, coefficients: Coefficients) -> Array:
        """Posed vertices [..., V, 3] in model space."""
        c = coefficients
        self.layout.require_of(c)
        return self.head.vertices(self.shape(c), c["expression"], self.joint_rotations(c))

    def neutral(self, coefficients: Coefficients) -> Array:
        """Vertices [..., V, 3] of the person without expression and pose."""
        self.layout.require_of(coefficients)
        return self.head.neutral(self.shape(coefficients))

    def contour68(self, vertices: Array, coefficients: Coefficients) -> Array:
        """The 68 landmarks [..., 68, 3] as photographs are annotated: the jaw line is the visible outline."""
        xp = array_namespace(vertices)
        jaw = self.contour(vertices, self.rotation(coefficients))
        inner = self.landmarks68(vertices)[..., 17:, :] if self.inner51 is None else self.inner51(vertices)
        return xp.concat([jaw, inner], axis=-2)

    def project(self, points: Array, coefficients: Coefficients) -> Array:
        """Points [..., N, 3] of model space in the crop's [-1, 1] frame, y down and z away from the viewer."""
        require_coefficients(coefficients)
        return self.placement.project(points, coefficients)

    def moved(self, coefficients: Coefficients, similarity: Array, old_size: int, new_size: int) -> Coefficients:
        """The same head after its crop has gone through a similarity: head pose, camera and light move along.

        Args:
            coefficients: [..., M] of any layout with the groups of the head's own.
            similarity: [..., 2, 3] pixels of the old crop to pixels of the new: a scale times a rotation, and a shift.
            old_size: side of the crop that the coefficients belong to, pixels.
            new_size: side of the new crop, pixels.

        Returns:
            Coefficients [..., M] of the same layout and type; their vertices project to the moved pixels, as exactly as
            the placement's `moved` says. A light whose unit is not `LIGHT_UNIT` stays as it is.
        """
        require_coefficients(coefficients)
        c = coefficients
        xp = array_namespace(c.values)
        similarity = xp.astype(similarity, c.values.dtype)
        joints = self.head.joint_positions(self.shape(c), c["expression"])
        root = joints[..., self.head.joint_names.index("root"), :]
        moved = self.placement.moved(c, similarity, old_size, new_size, root)
        if ("light", LIGHT_UNIT) not in {(group.name, group.unit) for group in c.layout.groups}:
            return moved
        light = xp.reshape(c["light"], (*c["light"].shape[:-1], 9, -1))
        light = turned_about_z(light, -camera.clockwise_angle(similarity))
        return moved.replace(light=xp.reshape(light, c["light"].shape))

    def landmark_model(self) -> MorphableModel:
        """The same model with only the vertices of its landmarks, which it gives at a fraction of the cost.

        It is made once and kept.
        """
        return self._landmarks_alone

    @cached_property
    def _landmarks_alone(self) -> MorphableModel:
        tables = [t for t in (self.landmarks68, self.contour, self.inner51) if t is not None]
        used = np.unique(np.concatenate([t.triangles.ravel() for t in tables]))
        new = np.full(self.head.template.shape[0], -1)
        new[used] = np.arange(len(used))
        return replace(
            self,
            head=self.head.take(used),
            landmarks68=replace(self.landmarks68, triangles=new[self.landmarks68.triangles]),
            contour=replace(self.contour, triangles=new[self.contour.triangles]),
            inner51=self.inner51 and replace(self.inner51, triangles=new[self.inner51.triangles]),
            whole=None,
            skin=None,
            uv=self.uv[:0],
            uv_faces=self.uv_faces[:0],
            mirror_vertices=self.mirror_vertices[:0],
        )

    def map_arrays(self, function: Callable[[Array], Array]) -> MorphableModel:
        """The same model, without parts and skin, with ``function``, e.g. ``torch.from_numpy``, on its arrays."""
        points, contour, inner = self.landmarks68, self.contour, self.inner51
        return replace(
            self,
            whole=None,
            skin=None,
            head=self.head.map_arrays(function),
            landmarks68=SurfacePoints(function(points.triangles), function(points.barycentric)),
            contour=SlidingContour(contour.first_degree, function(contour.triangles), function(contour.barycentric)),
            inner51=inner and SurfacePoints(function(inner.triangles), function(inner.barycentric)),
        )

    @cached_property
    def faces(self) -> np.ndarray:
        """Triangles [F, 3] as vertex indices."""
        return np.asarray(self.head.faces)
