"""The Basel Face Model (Paysan et al. 2009) as 3DDFA_V2 (Guo et al. 2020) publishes it: a face without ears and neck.

Its files hold micrometres, x, y and z of each vertex in turn, in the axes of `MorphableModel`. The face is rigid but
for its expression, so it has a single joint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from unveil.assets.unpickle import read_pickle, read_pickled_array
from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout, Group, LayoutError
from unveil.heads.model import MorphableModel
from unveil.heads.rigid_face import METRES, FaceArrays, outward, rigid_face, vertex_columns
from unveil.models.tddfa.placement import AffineMatrix
from unveil.storage.arrays import whole_numbers
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.text import read_text
from unveil.typing import Float64s, Int64s

LAYOUT = CoefficientLayout(
    "tddfa",
    (
        Group("pose", 12, "matrix [3, 4] from micrometres to pixels of a crop of 120, y up, counted from one"),
        Group("shape", 40, "micrometres along components of unit length"),
        Group("expression", 10, "multiples of the components"),
    ),
)
LANDMARK_FILES = ("u_base", "w_shp_base", "w_exp_base")
FACE_MODEL = FileKind("face model of 3DDFA_V2", "get it from its repository again", 2**28)
LANDMARK_ROWS = FileKind("file of 3DDFA's landmarks", "write its rows again", 2**24)
STATISTICS = FileKind("file of 3DDFA_V2's statistics", "run `unveil assets get`", 2**24)
COMPONENTS = {"w_shp": "shape", "w_exp": "expression"}  # arrays of the file and their groups


@dataclass(frozen=True)
class BfmFiles:
    """Paths of the files that give the face model."""

    model: Path  # bfm_noneck_v3.pkl or bfm_noneck_v3_slim.pkl
    triangles: Path | None = None  # tri.pkl; None: those in the model's file, which only the slim one has right


@lru_cache(maxsize=1)
def load(files: BfmFiles) -> MorphableModel:
    """3DDFA_V2's face model with 40 shape and 10 expression components, layout `LAYOUT`, float32.

    The model is shared between callers; do not write into its arrays.

    Raises:
        UnveilError: a file is missing, damaged, or not what its name says.
    """
    return read_face(files.model, None if files.triangles is None else read_triangles(files.triangles))


def read_face(path: Path, triangles: Int64s | None = None) -> MorphableModel:
    """The face model of a file with triangles [3, F]; without them those in the file. Errors as `load`."""
    data = read_pickle(path)
    with FACE_MODEL.checking(path):
        return from_arrays(data, data["tri"] if triangles is None else triangles)


def read_triangles(path: Path) -> Int64s:
    """The triangles [3, F] of tri.pkl; errors as `load`."""
    triangles = read_pickled_array(path)
    if triangles.ndim != 2 or len(triangles) != 3 or triangles.dtype.kind not in "iu":
        raise UnveilError(
            f"{printable(path)} holds {triangles.dtype} {triangles.shape} and not triangles; run `unveil assets get`"
        )
    return triangles.astype(np.int64)


def load_landmarks(folder: Path) -> MorphableModel:
    """The 68 landmarks alone, a model without triangles, from the rows of the face model that 3DDFA has as text.

    Args:
        folder: has ``u_base.txt`` [204], ``w_shp_base.txt`` [204, 40] and ``w_exp_base.txt`` [204, 10].

    Raises:
        UnveilError: a file is missing, damaged, or of another shape.
    """
    mean, shape, expression = (_numbers(folder / f"{name}.txt") for name in LANDMARK_FILES)
    with LANDMARK_ROWS.checking(folder):
        arrays = {"u": mean.reshape(-1, 1), "w_shp": shape, "w_exp": expression, "keypoints": np.arange(3 * 68)}
        return from_arrays(arrays, np.zeros((3, 0), np.int64))


def _numbers(path: Path) -> Float64s:
    """The numbers of a text file, a row of them in each line."""
    lines = read_text(path, LANDMARK_ROWS).splitlines()
    with LANDMARK_ROWS.checking(path):
        return np.array([line.split() for line in lines], np.float64)


def read_statistics(path: Path) -> CoefficientLayout:
    """`LAYOUT` with the mean and standard deviation in ``param_mean_std_62d_120x120.pkl``.

    Raises:
        UnveilError: the file is missing, damaged, or not what its name says.
    """
    data = read_pickle(path)
    with STATISTICS.checking(path):
        mean, std = (np.asarray(data[name], np.float64).ravel() for name in ("mean", "std"))
        if not np.isfinite([mean, std]).all():
            raise ValueError("it has numbers that are not finite")
        try:
            return LAYOUT.with_statistics(mean, std)
        except LayoutError as error:
            raise ValueError(str(error)) from error


def from_arrays(data: Mapping[str, Any], triangles: Any) -> MorphableModel:
    """The model of published arrays.

    Args:
        data: ``u`` [3V, 1] the mean face, ``w_shp`` [3V, 40 or more], ``w_exp`` [3V, 10 or more], and ``keypoints``
            [204], the rows of the 68 landmarks.
        triangles: [3, F] vertex indices from zero, turning either way.

    Raises:
        KeyError: an array is not there.
        ValueError: an array has another shape, or names a vertex that is not there.
    """
    template = vertex_columns(data["u"], 1)[0] * METRES  # [V, 3]
    shape, expression = (vertex_columns(data[name], _size(group)) for name, group in COMPONENTS.items())
    if not shape.shape[1] == expression.shape[1] == len(template):
        raise ValueError(f"u has {len(template)} vertices, w_shp {shape.shape[1]} and w_exp {expression.shape[1]}")
    face = FaceArrays(
        template, shape * METRES, expression * METRES, outward(triangles, template), _landmarks(data, len(template))
    )
    return rigid_face("3ddfa", LAYOUT, face, AffineMatrix())


def _size(group: str) -> int:
    place = LAYOUT.slice_of(group)
    return int(place.stop - place.start)


def _landmarks(data: Mapping[str, Any], count: int) -> Int64s:
    """The 68 landmarks as vertices [68]; each is three rows in a row."""
    rows = whole_numbers(np.asarray(data["keypoints"])).ravel()
    vertices = rows[::3] // 3
    if rows.shape != (204,) or (rows.reshape(68, 3) != vertices[:, None] * 3 + np.arange(3)).any():
        raise ValueError("keypoints do not name x, y and z of 68 vertices")
    if vertices.min() < 0 or vertices.max() >= count:
        raise ValueError(f"keypoints name vertex {vertices.max()} of {count}")
    return vertices
