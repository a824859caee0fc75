"""A made-up DECA `data/` folder: files of the published formats and names, with a small head and random numbers.

The head is `made_up`'s egg, away from the origin, so V is about a sixth of FLAME's 5023 and the albedo pictures are
small; all other shapes are the published ones. Nothing in it comes from FLAME or DECA.
"""

from __future__ import annotations

import io
import pickle
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, ClassVar

import cv2
import made_up
import numpy as np
from extras import needs
from numpy.typing import NDArray
from scipy import sparse

from unveil.geometry.rasterize import rasterize
from unveil.models.deca.files import GEOMETRY
from unveil.models.deca.head import FlameFiles
from unveil.typing import Float64s, Int64s

OFFSET = np.array([0.003, -0.015, 0.02])  # metres; FLAME's root joint is not the origin either
PARENTS = (-1, 0, 1, 1, 1)
ALBEDO_SIDE = 16
DETAIL_SIZE = 256


def write_data_folder(folder: Path, *, chumpy: bool = False, checkpoint: bool = True) -> Path:
    """Write every file of a DECA data folder and return it; without the checkpoint (110 MB) it takes no time.

    Args:
        folder: made if need be.
        chumpy: write generic_model.pkl as FLAME 2020 has it, by Python 2 with chumpy arrays; else by Python 3.
        checkpoint: write deca_model.tar too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_flame_pickle(folder / "generic_model.pkl", chumpy=chumpy)
    write_landmark_embedding(folder / "landmark_embedding.npy")
    write_template(folder / "head_template.obj")
    write_albedos(folder)
    write_detail_files(folder)
    if checkpoint:
        from made_up_deca_weights import write_checkpoint  # needs torch

        write_checkpoint(folder / "deca_model.tar")
    return folder


@lru_cache(maxsize=1)
def files_in(folder: Path) -> FlameFiles:
    """The files of the geometry in DECA's ``data`` folder."""
    return FlameFiles(*(folder / file.name for file in GEOMETRY))


def flame_arrays() -> dict[str, Any]:
    """What generic_model.pkl holds, as plain arrays and a sparse matrix; shared, do not write into them."""
    egg = made_up.model().head
    rng = np.random.default_rng(3)
    vertices = np.asarray(egg.template, dtype=np.float64) + OFFSET
    count = len(vertices)
    strength = np.concatenate([np.linspace(1, 0.02, 300), np.linspace(1, 0.05, 100)])
    joints = np.asarray(egg.joint_template, dtype=np.float64) + OFFSET
    return {
        "v_template": vertices,
        "shapedirs": _waves(vertices, 400, rng) * strength,
        "posedirs": _waves(vertices, 36, rng),
        "J_regressor": sparse.csc_matrix(_joint_regressor(vertices, joints)),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], dtype=np.uint32),
        "weights": _blurred(np.asarray(egg.skin_weights, dtype=np.float64), rng, count),
        "f": np.asarray(egg.faces, dtype=np.uint32),
        "J": joints,
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }


def write_flame_pickle(path: Path, *, chumpy: bool = False) -> None:
    """generic_model.pkl: a dict of arrays, of chumpy arrays where ``chumpy``."""
    values = dict(flame_arrays())
    if not chumpy:
        path.write_bytes(pickle.dumps(values, protocol=2))
        return
    with _chumpy_modules() as array:
        for name in ("v_template", "shapedirs", "posedirs", "weights", "J"):
            values[name] = array(values[name])
        buffer = io.BytesIO()
        _Python2Pickler(buffer, protocol=2).dump(values)
    path.write_bytes(buffer.getvalue())


@lru_cache(maxsize=1)
def landmark_arrays() -> dict[str, NDArray[Any]]:
    """What landmark_embedding.npy holds, as plain arrays; contour rows in the published order: 0..39, -1..-39."""
    egg = made_up.model()
    rng = np.random.default_rng(5)
    row = {tuple(face): k for k, face in enumerate(np.asarray(egg.faces))}

    def numbers(triangles: NDArray[Any]) -> Int64s:
        flat = [row[tuple(triangle)] for triangle in triangles.reshape(-1, 3)]
        return np.array(flat).reshape(triangles.shape[:-1])

    degrees = np.concatenate([np.arange(40), -np.arange(1, 40)])
    rows = np.clip(degrees - egg.contour.first_degree, 0, len(egg.contour.triangles) - 1)
    full = numbers(egg.landmarks68.triangles)
    # Barycentrics differ from row to row and from set to set, so that a mistaken row or set shows.
    return {
        "static_lmk_faces_idx": full[17:].astype(np.uint32),
        "static_lmk_bary_coords": rng.dirichlet([2, 2, 2], 51),
        "dynamic_lmk_faces_idx": numbers(egg.contour.triangles)[rows],
        "dynamic_lmk_bary_coords": rng.dirichlet([2, 2, 2], (79, 17)),
        "full_lmk_faces_idx": full[None].astype(np.uint32),
        "full_lmk_bary_coords": np.asarray(egg.landmarks68.barycentric, dtype=np.float64)[None],
    }


def write_landmark_embedding(path: Path) -> None:
    """landmark_embedding.npy: a pickled dict whose dynamic entries are torch tensors."""
    values: dict[str, Any] = dict(landmark_arrays())
    for name in ("dynamic_lmk_faces_idx", "dynamic_lmk_bary_coords"):
        values[name] = needs("torch").from_numpy(values[name])
    np.save(path, np.array(values, dtype=object), allow_pickle=True)


def write_template(path: Path) -> None:
    """head_template.obj: vertices, texture coordinates and faces of both."""
    egg = made_up.model()
    lines = ["# made up", "mtllib head_template.mtl"]
    lines += ["v {:.6f} {:.6f} {:.6f}".format(*v) for v in flame_arrays()["v_template"]]
    lines += ["vt {:.6f} {:.6f}".format(*t) for t in egg.uv]
    lines += ["usemtl skin", "s 1"]
    for face, uv_face in zip(np.asarray(egg.faces) + 1, egg.uv_faces + 1, strict=True):
        lines.append("f " + " ".join(f"{v}/{t}" for v, t in zip(face, uv_face, strict=True)))
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def write_albedos(folder: Path) -> None:
    """FLAME_albedo_from_BFM.npz (0 to 1) and FLAME_texture.npz (0 to 255): a mean and components, BGR."""
    rng = np.random.default_rng(11)
    shape = (ALBEDO_SIDE, ALBEDO_SIDE, 3)
    mean = rng.uniform(0.3, 0.8, shape)
    size = mean.size
    np.savez(
        folder / "FLAME_albedo_from_BFM.npz",
        MU=mean.reshape(1, size).astype(np.float32),
        PC=rng.normal(0, 0.01, (size, 199)).astype(np.float32),
    )
    np.savez(
        folder / "FLAME_texture.npz",
        mean=(255 * mean).astype(np.float32),
        tex_dir=rng.normal(0, 2.5, (*shape, 200)).astype(np.float32),
    )


def write_detail_files(folder: Path) -> None:
    """fixed_displacement_256.npy, the two masks (512 pixels a side) and texture_data_256.npy."""
    y, x = np.mgrid[:DETAIL_SIZE, :DETAIL_SIZE] / DETAIL_SIZE
    np.save(folder / "fixed_displacement_256.npy", 2e-4 * np.sin(17 * x) * np.cos(23 * y))
    row, column = np.mgrid[:512, :512] / 512
    egg_island = ((column - 0.5) / 0.3) ** 2 + ((row - 0.4) / 0.3) ** 2 < 1
    eyes = (abs(abs(column - 0.5) - 0.1) < 0.05) & (abs(row - 0.33) < 0.03)
    for name, mask in (("uv_face_eye_mask.png", egg_island & ~eyes), ("uv_face_mask.png", egg_island)):
        cv2.imwrite(str(folder / name), np.repeat(mask[..., None], 3, axis=2).astype(np.uint8) * 255)
    np.save(folder / "texture_data_256.npy", np.array(dense_template(), dtype=object), allow_pickle=True)


@lru_cache(maxsize=1)
def dense_template() -> dict[str, Any]:
    """What texture_data_256.npy holds: which point of the mesh each texel of the detail map is, and their triangles."""
    egg, size = made_up.model(), DETAIL_SIZE
    uv = egg.uv.astype(np.float64)
    flat = np.stack([uv[:, 0] * size - 0.5, (1 - uv[:, 1]) * size - 0.5, np.zeros(len(uv))], axis=1)
    raster = rasterize(flat, egg.uv_faces, size, size)
    row, column = (a.ravel() for a in np.mgrid[:size, :size])
    valid = np.flatnonzero(raster.covered)
    number = np.full(size * size, -1)
    number[valid] = np.arange(len(valid))
    grid = number.reshape(size, size)
    corners = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=-1).reshape(-1, 4)
    corners = corners[(corners >= 0).all(axis=1)]
    return {
        "img_size": size,
        "f": np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]]),
        "x_coords": column.astype(np.float64),
        "y_coords": row.astype(np.float64),
        "valid_pixel_ids": valid,
        "valid_pixel_3d_faces": np.asarray(egg.faces)[raster.triangle.ravel()[valid]],
        "valid_pixel_b_coords": raster.barycentric.reshape(-1, 3)[valid].astype(np.float64),
    }


def _waves(vertices: Float64s, count: int, rng: np.random.Generator) -> Float64s:
    """Smooth displacements [V, 3, count] of about a millimetre."""
    phase = vertices @ rng.normal(0, 20, (3, count)) + rng.uniform(0, 2 * np.pi, count)
    return np.asarray(np.sin(phase)[:, None, :] * rng.normal(0, 1e-3, (3, count)))


def _joint_regressor(vertices: Float64s, joints: Float64s) -> Float64s:
    """Weights [5, V] of the 40 vertices nearest to each joint; rows sum to one."""
    distance = np.linalg.norm(joints[:, None] - vertices, axis=2)
    weights = np.exp(-distance / 0.02)
    weights[distance > np.sort(distance, axis=1)[:, 40:41]] = 0
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _blurred(weights: Float64s, rng: np.random.Generator, count: int) -> Float64s:
    """Skinning weights in which every joint has a part of every vertex, so that a mistaken joint shows."""
    mixed = 0.9 * weights + 0.1 * rng.dirichlet(np.ones(5), count)
    return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))


@contextmanager
def _chumpy_modules() -> Iterator[type]:
    """The class chumpy.ch.Ch for as long as something is pickled, without chumpy."""

    def init(self: Any, x: NDArray[Any]) -> None:
        self.__dict__.update(x=x, _dirty_vars=set(), _itr=None, _make_dense=False)

    package, module = ModuleType("chumpy"), ModuleType("chumpy.ch")
    module.Ch = type("Ch", (), {"__module__": "chumpy.ch", "__init__": init})  # type: ignore[attr-defined]
    before = {name: sys.modules.get(name) for name in ("chumpy", "chumpy.ch")}
    sys.modules.update({"chumpy": package, "chumpy.ch": module})
    try:
        yield module.Ch
    finally:
        for name, old in before.items():
            if old is None:
                del sys.modules[name]
            else:
                sys.modules[name] = old


class _Python2Pickler(pickle._Pickler):  # type: ignore[name-defined]
    """Writes text and bytes as Python 2 strings and NumPy's and SciPy's names as of then."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_string(self, value: str | bytes) -> None:
        raw = value.encode("latin1") if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)
        self.memoize(value)

    dispatch[bytes] = dispatch[str] = save_string

    def save_global(self, obj: Any, name: str | None = None) -> None:
        module = getattr(obj, "__module__", "")
        if module.startswith(("numpy._core", "scipy.sparse._")):
            old = module.replace("numpy._core", "numpy.core").replace("sparse._", "sparse.")
            self.write(pickle.GLOBAL + f"{old}\n{obj.__name__}\n".encode())
            self.memoize(obj)
            return
        super().save_global(obj, name)

    dispatch[type] = dispatch[FunctionType] = save_global
