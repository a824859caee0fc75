"""A finer mesh on a head's surface: each triangle is divided into equal ones. Seams of the texture do not cut it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.geometry.mesh import vertex_normals
from unveil.heads.skin.dense import unit
from unveil.heads.skin.space import at_coordinates
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Int64s, Ints

ROUND = 0.75  # of the way from a flat triangle to the planes at its corners


@dataclass(frozen=True, eq=False)
class Division:
    """Triangles whose edges are divided into equal parts; points that triangles share stay shared."""

    faces: Int64s  # [F * parts^2, 3] indices below N
    corners: Int64s  # [N, 3] vertices of the triangle that each lies on; those of old vertices come first
    weights: Float32s  # [N, 3] of these, which add up to one
    __repr__ = short_repr

    @classmethod
    def of(cls, faces: Ints, count: int, parts: int) -> Division:
        """The division of triangles [F, 3] of ``count`` vertices, with each edge in so many ``parts``."""
        first, second = np.divmod(np.arange((parts + 1) ** 2), parts + 1)
        inside = first + second <= parts
        steps = np.stack([parts - first - second, first, second], axis=1)[inside]  # [L, 3] of each point of the lattice
        number = (np.cumsum(inside) - 1).reshape(parts + 1, parts + 1)
        small = [
            (number[i + flip, j + flip], number[i + 1, j], number[i, j + 1])[:: 1 - 2 * flip]
            for flip in (0, 1)
            for i in range(parts - flip)
            for j in range(parts - i - flip)
        ]
        # Vertices without weight become 0, so that both triangles at an edge give the points on it the same name.
        vertices = np.where(steps > 0, np.asarray(faces)[:, None], 0).reshape(-1, 3)
        weights = np.broadcast_to(steps, (len(faces), *steps.shape)).reshape(-1, 3)
        order = np.lexsort((vertices, -weights), axis=1)  # the same for whatever corner a triangle begins with
        vertices, weights = (np.take_along_axis(values, order, axis=1) for values in (vertices, weights))
        old = np.arange(count)[:, None] * [1, 0, 0]
        vertices, weights = np.concatenate([old, vertices]), np.concatenate([0 * old + [parts, 0, 0], weights])
        point = np.ravel_multi_index((parts - weights[:, 0], *vertices.T, weights[:, 1]), (parts, *(count,) * 3, parts))
        _, kept, index = np.unique(point, return_index=True, return_inverse=True)
        divided = index[count:].reshape(len(faces), -1)[:, np.asarray(small)].reshape(-1, 3)
        return cls(divided, vertices[kept], np.asarray(weights[kept] / parts, np.float32))

    def at(self, values: Floats) -> Floats:
        """Values [..., N, C] interpolated between those of the old vertices [..., V, C]."""
        parts = zip(self.corners.T, self.weights.T[:, :, None], strict=True)
        return np.asarray(sum(weight * np.take(values, corner, axis=-2) for corner, weight in parts))


@dataclass(frozen=True, eq=False)
class FinerMesh:
    """A head's mesh with its triangles divided, and texture coordinates on it.

    A mesh of the texels of a map (`heads.skin.dense`) has gaps along the seams of the texture; this one has none.
    """

    mesh: Division
    uv: Float32s  # [T, 2] v up
    uv_faces: Int64s  # [G, 3]
    vertex_uv: Float32s  # [N, 2] of each vertex; on a seam those of one side
    __repr__ = short_repr

    @property
    def faces(self) -> Int64s:
        """[G, 3] triangles, indices of vertices."""
        return self.mesh.faces

    @classmethod
    def of(cls, faces: Ints, uv: Floats, uv_faces: Ints, parts: int) -> FinerMesh:
        """The finer mesh of triangles [F, 3], with each edge in so many ``parts``.

        Args:
            faces: [F, 3] vertices.
            uv: [T, 2] texture coordinates, v up.
            uv_faces: [F, 3] rows of ``uv``.
            parts: of an edge.
        """
        mesh = Division.of(faces, int(faces.max(initial=-1)) + 1, parts)
        flat = Division.of(uv_faces, len(uv), parts)
        finer_uv = np.asarray(flat.at(np.asarray(uv)), np.float32)
        vertex_uv = np.zeros((len(mesh.corners), 2), np.float32)
        vertex_uv[mesh.faces] = finer_uv[flat.faces]
        return cls(mesh, finer_uv, flat.faces, vertex_uv)

    def displaced(self, vertices: Floats, faces: Ints, displacement: Floats) -> Floats:
        """Vertices [..., N, 3] on a round surface through ``vertices`` [..., V, 3], moved along its normals.

        Between the old vertices it is rounded by Phong tessellation (Boubekeur and Alexa, 2008).

        Args:
            vertices: the posed head, metres.
            faces: [F, 3] of the head.
            displacement: [..., S, S] metres, in its texture coordinates.
        """
        normals = np.asarray(vertex_normals(vertices, faces), np.float32)
        vertices = np.asarray(vertices, np.float32)
        flat = self.mesh.at(vertices)
        smooth, outwards = flat.copy(), np.zeros_like(flat)
        for corner, weight in zip(self.mesh.corners.T, self.mesh.weights.T[..., None], strict=True):
            normal = np.take(normals, corner, axis=-2)
            above = np.einsum("...c,...c", flat - np.take(vertices, corner, axis=-2), normal)
            smooth -= ROUND * weight * above[..., None] * normal
            outwards += weight * normal
        height = at_coordinates(np.asarray(displacement, np.float32), self.vertex_uv)
        return np.asarray(smooth + height[..., None] * unit(outwards))
