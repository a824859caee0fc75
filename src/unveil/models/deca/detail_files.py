"""The files of DECA's details: the fixed displacement, masks, and the dense mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.assets.unpickle import read_pickled_npy
from unveil.errors import UnveilError
from unveil.heads.dense import DenseMesh, dense_mesh
from unveil.heads.detail import SIZE, DetailSurface
from unveil.heads.model import MorphableModel


def load(
    model: MorphableModel,
    fixed_displacement: Path,
    detail_mask: NDArray[np.uint8],
    face_mask: NDArray[np.uint8],
    texture_data: Path | None = None,
) -> DetailSurface:
    """DECA's detail surface on FLAME.

    Args:
        model: what `unveil.models.deca.head.load` gave.
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


def read_dense_mesh(path: Path, vertex_count: int) -> DenseMesh:
    """DECA's own dense mesh, texture_data_256.npy.

    Raises:
        UnveilError: the file is missing, damaged, or made for a mesh of more than ``vertex_count`` vertices.
    """
    data = read_pickled_npy(path)
    try:
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
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise UnveilError(f"{path} is no dense mesh of this head ({error}); remove it, and one is made") from error
    return mesh
