"""Skin by DECA, and the files needed for it: fixed displacement, masks, dense mesh, albedo."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from unveil.assets.store import find, locate
from unveil.assets.unpickle import read_pickled_npy
from unveil.errors import UnveilError
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.skin.albedo import SIZE
from unveil.heads.skin.dense import DenseMesh, dense_mesh
from unveil.heads.skin.detail import DetailSurface
from unveil.models.deca import albedo_file, files
from unveil.models.encoder import Encoder
from unveil.models.skin import SkinModel
from unveil.photos.io import read_image
from unveil.storage.arrays import read_array
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.typing import Float32s, Floats

DISPLACEMENT = FileKind(f"displacement map of {SIZE} x {SIZE}", "take it from DECA's data folder", 2**24)
DENSE_MESH = FileKind("dense mesh of this head", "remove it, and one is made", 2**28)


@runtime_checkable
class DecaEncoder(Encoder, Protocol):
    """DECA's own networks, which also decode the details of the skin."""

    def displacement(self, coefficients: Coefficients) -> Floats:
        """Maps [N, 256, 256] in metres along the normals, without what is fixed, of coefficients [N, M]."""


def open_skin(
    encoder: Encoder, model: MorphableModel, head_files: tuple[Path, ...], assets: Path | None = None
) -> SkinModel:
    """Wrinkles where the encoder is one of DECA's own, and colours where an albedo space is there.

    Raises:
        UnveilError: a file that the details need is missing, or a file is damaged.
    """
    albedo = next((path for path in (find(file, assets) for file in files.ALBEDO_SPACES) if path), None)
    albedo_space = albedo_file.load(albedo) if albedo else None
    used = (*head_files, *([albedo] if albedo else []))
    if not isinstance(encoder, DecaEncoder):
        return SkinModel(albedo_space=albedo_space, files=used)
    fixed, eyes, face = (locate(file, assets) for file in files.DETAILS)
    dense = find(files.DENSE_MESH, assets)
    used += (fixed, eyes, face, *([dense] if dense else []))
    surface = load(model, fixed, eyes, face, dense)
    return SkinModel(surface, encoder.displacement, albedo_space, used)


def load(
    model: MorphableModel,
    fixed_displacement: Path,
    detail_mask: Path,
    face_mask: Path,
    texture_data: Path | None = None,
) -> DetailSurface:
    """DECA's detail surface on FLAME.

    Args:
        model: what `unveil.models.deca.head.load` gave.
        fixed_displacement: fixed_displacement_256.npy.
        detail_mask: uv_face_eye_mask.png.
        face_mask: uv_face_mask.png.
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
    fixed = read_fixed_displacement(fixed_displacement)
    return DetailSurface(model, fixed, read_mask(detail_mask), read_mask(face_mask), mesh)


def read_fixed_displacement(path: Path) -> Float32s:
    """The displacement [256, 256] in metres that fixed_displacement_256.npy adds to everybody's; errors as `load`."""
    fixed = read_array(path, DISPLACEMENT)
    with DISPLACEMENT.checking(path):
        if fixed.shape != (SIZE, SIZE) or fixed.dtype.kind != "f":
            raise ValueError(f"it holds {fixed.dtype} {fixed.shape}")
        return fixed.astype(np.float32)


def read_mask(path: Path) -> Float32s:
    """A mask at 256 texels a side, 0 to 1; every second texel of 512, as DECA takes them. Errors as `load`."""
    picture = read_image(path)
    height, width = picture.shape[:2]
    if height != width:
        raise UnveilError(
            f"{printable(path)} is {width} x {height} pixels and not square; take it from DECA's data folder"
        )
    nearest = np.arange(SIZE) * height // SIZE
    return np.asarray(picture[nearest][:, nearest, 0] / 255, dtype=np.float32)


def read_dense_mesh(path: Path, vertex_count: int) -> DenseMesh:
    """DECA's own dense mesh, texture_data_256.npy.

    Raises:
        UnveilError: the file is missing, damaged, or made for a mesh of more than ``vertex_count`` vertices.
    """
    data = read_pickled_npy(path)
    with DENSE_MESH.checking(path):
        size = int(data["img_size"])
        valid = np.asarray(data["valid_pixel_ids"], dtype=np.int64)
        row, column = (np.asarray(data[name], dtype=np.float64)[valid] for name in ("y_coords", "x_coords"))
        mesh = DenseMesh(
            size=size,
            texels=row.astype(np.int64) * size + column.astype(np.int64),
            triangles=np.asarray(data["valid_pixel_3d_faces"], dtype=np.int64),
            barycentric=np.asarray(data["valid_pixel_b_coords"], dtype=np.float32),
            faces=np.asarray(data["f"], dtype=np.int64),
        )
        if not (mesh.triangles.shape == mesh.barycentric.shape == (len(valid), 3) and mesh.faces.shape[1:] == (3,)):
            raise ValueError("its arrays do not fit each other")
        for index, end in ((mesh.triangles, vertex_count), (mesh.faces, len(valid)), (mesh.texels, size * size)):
            if index.min() < 0 or index.max() >= end:
                raise ValueError(f"it names number {index.max()} of {end}")
    return mesh
