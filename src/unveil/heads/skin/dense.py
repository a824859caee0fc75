"""A dense mesh with one vertex per texel of a UV map: where its vertices lie on a coarse mesh, and its triangles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.geometry.mesh import vertex_normals
from unveil.geometry.uv import texel_map
from unveil.reprs import short_repr
from unveil.typing import Bools, Float32s, Floats, Int64s

DISTANCE = 2  # triangles: neighbouring texels that lie farther apart on the mesh are not joined


@dataclass(frozen=True, eq=False)
class DenseMesh:
    """N texels of a map with ``size`` texels a side, row 0 at v = 1, as points on the triangles of a mesh."""

    size: int
    texels: Int64s  # [N] row * size + column
    triangles: Int64s  # [N, 3] vertices of the coarse mesh
    barycentric: Float32s  # [N, 3]
    faces: Int64s  # [G, 3] indices below N, counter-clockwise seen from outside
    __repr__ = short_repr

    @property
    def uv(self) -> Float32s:
        """Texture coordinates [N, 2] of the vertices, v up: the centres of the texels."""
        row, column = np.divmod(self.texels, self.size)
        return np.stack([(column + 0.5) / self.size, 1 - (row + 0.5) / self.size], axis=1).astype(np.float32)

    @property
    def uv_faces(self) -> Int64s:
        """[G, 3] rows of `uv` for the corners of each triangle: every vertex has one."""
        return self.faces

    def at(self, rows: Int64s) -> DenseMesh:
        """Some of the texels [K], without triangles."""
        return replace(
            self,
            texels=self.texels[rows],
            triangles=self.triangles[rows],
            barycentric=self.barycentric[rows],
            faces=np.empty((0, 3), np.int64),
        )

    def interpolate(self, values: Floats) -> Floats:
        """Values [..., N, C] interpolated between those of the coarse vertices [..., V, C]."""
        return np.asarray(np.einsum("nk,...nkc->...nc", self.barycentric, values[..., self.triangles, :]))

    def at_texels(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The values of a map [..., size, size] at the vertices: [..., N]."""
        return picture.reshape(*picture.shape[:-2], -1)[..., self.texels]

    def as_map(self, values: NDArray[Any], outside: Any) -> NDArray[Any]:
        """A map [size, size, C] with values [N, C] at the texels and ``outside`` [C] everywhere else."""
        picture = np.empty((self.size * self.size, values.shape[1]), values.dtype)
        picture[:] = outside
        picture[self.texels] = values
        return picture.reshape(self.size, self.size, -1)

    def displaced(self, vertices: Floats, faces: Int64s, displacement: Floats) -> Floats:
        """Vertices [..., N, 3] of the mesh of coarse ``vertices`` [..., V, 3], moved along its interpolated normals.

        Args:
            vertices: the posed coarse mesh, metres.
            faces: [F, 3] of the coarse mesh.
            displacement: [..., size, size] metres.
        """
        return self.interpolate(vertices) + self.at_texels(displacement)[..., None] * self.normals(vertices, faces)

    def normals(self, vertices: Floats, faces: Int64s) -> Floats:
        """Interpolated unit normals [..., N, 3] of the coarse mesh with ``vertices`` [..., V, 3]."""
        return unit(self.interpolate(vertex_normals(vertices, faces)))


def unit(vectors: Floats) -> Floats:
    """Vectors [..., 3] scaled to length one; zero vectors stay zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def dense_mesh(uv: Floats, uv_faces: Int64s, faces: Int64s, size: int) -> DenseMesh:
    """A dense mesh from the texture coordinates alone: one vertex per texel inside the islands.

    Neighbouring texels are joined where their triangles are at most `DISTANCE` apart over shared texture coordinates;
    elsewhere, as between the lips, the surface is cut although the texels touch.

    Args:
        uv: [T, 2] v up.
        uv_faces: [F, 3] rows of ``uv``.
        faces: [F, 3] vertices of the coarse mesh.
        size: texels a side.
    """
    texels = texel_map(uv, uv_faces, size)
    number = np.full(size * size, -1)
    number[texels.texels] = np.arange(len(texels.texels))
    grid = number.reshape(size, size)
    top_left, bottom_left, bottom_right, top_right = grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]
    halves = [(top_left, bottom_left, bottom_right), (top_left, bottom_right, top_right)]
    corners = np.concatenate([np.stack(half, axis=-1).reshape(-1, 3) for half in halves])
    corners = corners[(corners >= 0).all(axis=1)]
    source = texels.triangle[corners].astype(np.int64)  # [G, 3] triangles of the coarse mesh
    joined = np.all([_near(uv_faces, source[:, [i, j]]) for i, j in ((0, 1), (1, 2), (2, 0))], axis=0)
    corners, source = corners[joined], source[joined]
    mirrored = _signed_area(uv[uv_faces])[source[:, 0]] < 0
    corners[mirrored] = corners[mirrored][:, ::-1]
    return DenseMesh(size, texels.texels.astype(np.int64), faces[texels.triangle], texels.barycentric, corners)


def _near(uv_faces: Int64s, pairs: Int64s) -> Bools:
    """Whether the triangles of each pair [P, 2] are at most `DISTANCE` steps over shared corners apart: [P]."""
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    a, b = uv_faces[unique[:, 0]], uv_faces[unique[:, 1]]
    near = (a[:, :, None] == b[:, None, :]).any(axis=(1, 2))  # the few that share no corner are looked at one by one
    around: dict[int, set[int]] = {}
    corners_of = uv_faces.tolist()
    for face, corners in enumerate(corners_of):
        for corner in corners:
            around.setdefault(corner, set()).add(face)
    for k in np.flatnonzero(~near):
        seen = {int(unique[k, 0])}
        for _ in range(DISTANCE):
            seen = {other for face in seen for corner in corners_of[face] for other in around[corner]}
        near[k] = int(unique[k, 1]) in seen
    return np.asarray(near[inverse.ravel()])


def _signed_area(corners: Floats) -> Floats:
    """Twice the areas [F] of triangles [F, 3, 2], positive where counter-clockwise."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area: Floats = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return area
