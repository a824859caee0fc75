"""Wrinkles as DECA has them: a UV map of displacements along the normals, and the mesh and normals that follow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.uv import vertex_tangents
from unveil.morphable.dense import DenseMesh, Floats, dense_mesh, read_dense_mesh, unit
from unveil.morphable.model import MorphableModel

SIZE = 256  # texels a side of every map here


@dataclass(frozen=True, eq=False)
class DetailSurface:
    """What is the same for every person's displacement map."""

    model: MorphableModel
    fixed: NDArray[np.float32]  # [256, 256] metres, part of everybody's displacement
    detail_mask: NDArray[np.float32]  # [256, 256] 1 where the decoder's details shape the normals
    face_mask: NDArray[np.float32]  # [256, 256] 1 in the face
    mesh: DenseMesh

    def displacement(self, decoded: Floats) -> Floats:
        """Displacement maps [..., 256, 256] in metres of what the detail decoder gives, of the same shape."""
        return decoded + self.fixed

    def vertices(self, vertices: Floats, decoded: Floats) -> Floats:
        """Vertices [..., N, 3] of the dense mesh on the posed ``vertices`` [..., V, 3]; triangles ``mesh.faces``."""
        return self.mesh.displaced(vertices, self.model.faces, self.displacement(decoded))

    def normals(self, vertices: Floats, decoded: Floats) -> Floats:
        """Unit normals [N, 3], in model space, of one dense mesh with details where ``detail_mask`` admits them."""
        coarse = self.mesh.normals(vertices, self.model.faces)
        weight = self.mesh.at_texels(self.detail_mask)[:, None]
        dense = self.mesh.displaced(vertices, self.model.faces, decoded * self.detail_mask + self.fixed)
        detailed = vertex_normals(dense, self.mesh.faces)
        detailed = np.where(np.any(detailed != 0, axis=1, keepdims=True), detailed, coarse)  # texels in no triangle
        return unit(weight * detailed + (1 - weight) * coarse)

    def normal_map(self, vertices: Floats, decoded: Floats) -> NDArray[np.float32]:
        """Normals in model space [256, 256, 3] of one posed head; zero outside the islands."""
        return self.mesh.as_map(self.normals(vertices, decoded).astype(np.float32), 0)

    def tangent_normal_map(self, vertices: Floats, decoded: Floats) -> NDArray[np.float32]:
        """Normals [256, 256, 3] relative to the coarse surface, as glTF has them; (0, 0, 1) outside the islands.

        Red is along rising u, green along rising v (up in the picture), blue away from the surface.
        """
        coarse = self.mesh.normals(vertices, self.model.faces)
        model = self.model
        along_u = self.mesh.interpolate(vertex_tangents(vertices, model.faces, model.uv, model.uv_faces))
        along_u = unit(along_u - coarse * np.sum(along_u * coarse, axis=1, keepdims=True))
        along_v = np.cross(coarse, along_u)
        normals = self.normals(vertices, decoded)
        frame = np.stack([along_u, along_v, coarse], axis=1)  # [N, 3, 3]
        return self.mesh.as_map(np.einsum("nij,nj->ni", frame, normals).astype(np.float32), (0, 0, 1))


def load(
    model: MorphableModel,
    fixed_displacement: Path,
    detail_mask: NDArray[np.uint8],
    face_mask: NDArray[np.uint8],
    texture_data: Path | None = None,
) -> DetailSurface:
    """DECA's detail surface on FLAME.

    Args:
        model: what `unveil.morphable.flame.load` gave.
        fixed_displacement: fixed_displacement_256.npy.
        detail_mask: the picture uv_face_eye_mask.png [H, W, 3].
        face_mask: the picture uv_face_mask.png [H, W, 3].
        texture_data: texture_data_256.npy; without it the dense mesh is made from the texture coordinates.

    Raises:
        UnveilError: a file is missing, damaged, or not what its name says.
    """
    if texture_data is None:
        mesh = dense_mesh(model.uv.astype(np.float64), model.uv_faces, model.faces, SIZE)
    else:
        mesh = read_dense_mesh(texture_data, len(model.head.template))
        if mesh.size != SIZE:
            raise UnveilError(f"{texture_data} is for maps of {mesh.size} texels, not {SIZE}; remove it")
    return DetailSurface(model, read_fixed_displacement(fixed_displacement), _mask(detail_mask), _mask(face_mask), mesh)


def read_fixed_displacement(path: Path) -> NDArray[np.float32]:
    """The displacement [256, 256] in metres that fixed_displacement_256.npy adds to everybody's; errors as `load`."""
    try:
        fixed: NDArray[Any] = np.load(path, allow_pickle=False)
        if fixed.shape != (SIZE, SIZE) or fixed.dtype.kind != "f":
            raise ValueError(f"it holds {fixed.dtype} {fixed.shape}")
        return fixed.astype(np.float32)
    except OSError as error:
        raise UnveilError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except (ValueError, EOFError) as error:
        raise UnveilError(
            f"{path} is no displacement map of {SIZE} x {SIZE} ({error}); take it from DECA's data folder"
        ) from error


def _mask(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The first channel at 256 texels a side, 0 to 1; every second texel of 512, as DECA takes them."""
    rows, columns = (np.arange(SIZE) * n // SIZE for n in picture.shape[:2])
    return np.asarray(picture[rows][:, columns, 0] / 255, dtype=np.float32)
