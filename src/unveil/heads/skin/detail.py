"""Wrinkles: a UV map of displacements along the normals, as in DECA, and the dense mesh and normals it gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unveil.geometry.mesh import vertex_normals
from unveil.geometry.uv import vertex_tangents
from unveil.heads.model import MorphableModel
from unveil.heads.skin.dense import DenseMesh, unit
from unveil.heads.skin.finer import FinerMesh
from unveil.heads.skin.space import SkinFolds
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Ints

MOST = 1.5e-3  # metres by which expressions and wrinkles together raise or lower skin, at most
LITTLE = 2e-4  # metres: folds no deeper than this hardly show whether a person has them


@dataclass(frozen=True, eq=False)
class MovingRelief:
    """The wrinkles of one person: those at rest, and the folds that come and go with the expression."""

    rest: Float32s  # [256, 256] metres along the normals
    gain: Float32s  # [256, 256] how much of everybody's folds the person has, 0 to 1
    folds: SkinFolds  # everybody's
    __repr__ = short_repr

    @classmethod
    def of(cls, found: Float32s, expression: Floats, share: Float32s, folds: SkinFolds) -> MovingRelief:
        """The two parts of the relief that was found in a photograph.

        Where the relief agrees with the folds that the expression gives everybody, it is this person's fold, and not
        there at rest. Where it does not, the person hardly has that fold.

        Args:
            found: [256, 256] the relief, metres along the normals.
            expression: [E] of the photograph.
            share: [256, 256] the largest gain, 0 to 1.
            folds: everybody's.
        """
        relief = folds.relief(expression)
        made, sign = np.abs(relief), np.sign(relief)
        explained = np.clip(sign * found, 0, made)
        gain = (explained + LITTLE) / (made + LITTLE)
        rest = np.asarray(found - sign * explained, np.float32)
        return cls(rest, np.asarray(share * gain, np.float32), folds)

    def at(self, expression: Floats) -> Float32s:
        """The displacement [256, 256] in metres with expression units [E]."""
        return np.clip(self.rest + self.gain * self.folds.relief(expression), -MOST, MOST)


@dataclass(frozen=True, eq=False)
class Detail:
    """The skin of a head at the resolution of wrinkles: maps in its texture coordinates, and a dense mesh.

    Maps of normals and the dense mesh are made when they are asked for: most files need none of them.
    """

    surface: DetailSurface
    posed: Floats  # [V, 3] the coarse mesh: model space, with expression and pose
    decoded: Floats  # [256, 256] metres, what a decoder or a photograph gives
    name: str = "detail"
    credit: str = ""
    # Where it is known how the displacement changes with the expression: that, and the normal map [256, 256, 3] of what
    # is too fine for the head model's vertices.
    moving: MovingRelief | None = None
    fine_normal_map: Floats | None = None
    __repr__ = short_repr

    @cached_property
    def displacement(self) -> Float32s:
        """[256, 256] metres along the normals of the coarse mesh."""
        return np.asarray(self.surface.displacement(self.decoded), np.float32)

    @cached_property
    def normals(self) -> Float32s:
        """[256, 256, 3] unit normals in model space, zero where no texel is."""
        return self.surface.mesh.as_map(self._normals, 0)

    @cached_property
    def normal_map(self) -> Float32s:
        """[256, 256, 3] the same relative to the coarse mesh: along u, along v, outwards."""
        return self.surface.relative(self.posed, self._normals)

    @cached_property
    def vertices(self) -> Floats:
        """[N, 3] of the dense mesh: model space, with expression and pose."""
        return self.surface.vertices(self.posed, self.decoded)

    @property
    def faces(self) -> Ints:
        """[G, 3] triangles, indices of vertices."""
        return self.surface.dense.faces

    @property
    def uv(self) -> Floats:
        """[T, 2] texture coordinates, v up."""
        return self.surface.dense.uv

    @property
    def uv_faces(self) -> Ints:
        """[G, 3] rows of ``uv`` for the corners of each triangle."""
        return self.surface.dense.uv_faces

    @cached_property
    def _normals(self) -> Float32s:
        """Those of the texels [N, 3]."""
        return np.asarray(self.surface.normals(self.posed, self.decoded), np.float32)


@dataclass(frozen=True, eq=False)
class DetailSurface:
    """The data that every person's displacement map shares."""

    model: MorphableModel
    fixed: Float32s  # [256, 256] metres, part of everybody's displacement
    detail_mask: Float32s  # [256, 256] 1 where the decoder's details shape the normals
    face_mask: Float32s  # [256, 256] 1 in the face
    mesh: DenseMesh  # of the maps' texels
    parts: int | None = None  # the dense mesh is the model's with edges in so many parts; None: it is ``mesh``
    smooth: bool = False  # whether normals leave out the facets of the coarse mesh; DECA's show them
    __repr__ = short_repr

    @cached_property
    def dense(self) -> DenseMesh | FinerMesh:
        """The dense mesh of everybody's details."""
        if self.parts is None:
            return self.mesh
        return FinerMesh.of(self.model.faces, self.model.uv, self.model.uv_faces, self.parts)

    def displacement(self, decoded: Floats) -> Floats:
        """Displacement maps [..., 256, 256] in metres, from what a decoder or a photograph gives [..., 256, 256]."""
        return decoded + self.fixed

    def vertices(self, vertices: Floats, decoded: Floats) -> Floats:
        """Vertices [..., N, 3] of the dense mesh on the posed ``vertices`` [..., V, 3]; triangles ``dense.faces``."""
        return self.dense.displaced(vertices, self.model.faces, self.displacement(decoded))

    def normals(self, vertices: Floats, decoded: Floats) -> Floats:
        """Unit normals [N, 3] of one posed head at the texels, in model space; details where ``detail_mask`` admits."""
        coarse = self.mesh.normals(vertices, self.model.faces)
        weight = self.mesh.at_texels(self.detail_mask)[:, None]
        dense = self.mesh.displaced(vertices, self.model.faces, decoded * self.detail_mask + self.fixed)
        detailed = vertex_normals(dense, self.mesh.faces)
        if self.smooth:
            detailed = coarse + detailed - vertex_normals(self.mesh.interpolate(vertices), self.mesh.faces)
        detailed = np.where(np.any(detailed != 0, axis=1, keepdims=True), detailed, coarse)  # texels in no triangle
        return unit(weight * detailed + (1 - weight) * coarse)

    def relative(self, vertices: Floats, normals: Floats) -> Float32s:
        """Normals [N, 3] at the texels as glTF has them: [256, 256, 3] relative to the coarse ``vertices`` [V, 3].

        Red is along rising u, green along rising v (up in the picture), blue away from the surface; (0, 0, 1) outside
        the islands.
        """
        coarse = self.mesh.normals(vertices, self.model.faces)
        model = self.model
        along_u = self.mesh.interpolate(vertex_tangents(vertices, model.faces, model.uv, model.uv_faces))
        along_u = unit(along_u - coarse * np.sum(along_u * coarse, axis=1, keepdims=True))
        along_v = np.cross(coarse, along_u)
        frame = np.stack([along_u, along_v, coarse], axis=1)  # [N, 3, 3]
        return self.mesh.as_map(np.einsum("nij,nj->ni", frame, normals).astype(np.float32), (0, 0, 1))
