"""FLAME (Li et al. 2017) as DECA (Feng et al. 2021) uses it, from the files their publishers hand out.

Of FLAME's 400 shape components DECA takes the first 100 of identity and the first 50 of expression. Joints are
regressed from the vertices with the expression in them, so they move with both. Only root and jaw turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unveil.assets.unpickle import read_pickle, read_pickled_npy
from unveil.errors import UnveilError
from unveil.heads.head import Head
from unveil.heads.landmarks import SlidingContour, SurfacePoints
from unveil.heads.layout import CoefficientLayout, Group
from unveil.heads.model import LIGHT_UNIT, MorphableModel
from unveil.meshes.mesh import TexturedMesh
from unveil.models.deca.template import read_template
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.typing import Float32s, Float64s, Floats, Int64s

LAYOUT = CoefficientLayout(
    "deca",
    (
        Group("shape", 100, "standard deviations"),
        Group("texture", 50, "standard deviations"),
        Group("expression", 50, "standard deviations"),
        Group("pose", 6, "radians, axis-angle of head and jaw"),
        Group("camera", 3, "scale in 1/metre, shift in metres"),
        Group("light", 27, LIGHT_UNIT),
    ),
)
DETAIL_LAYOUT = CoefficientLayout("deca-detail", (*LAYOUT.groups, Group("detail", 128, "code of the detail decoder")))

IDENTITY_COMPONENTS = 300  # of the 400 in the file, before those of the expression
JOINT_NAMES = ("root", "neck", "jaw", "left_eye", "right_eye")
EMBEDDING = FileKind("landmark embedding of this model", "take it from DECA's data folder", 2**26)
# The published contour has its rows for 0 to 39 degrees first, then those for -1 to -39.
LARGEST_YAW = 39
CONTOUR_ROWS = np.array([d if d >= 0 else LARGEST_YAW - d for d in range(-LARGEST_YAW, LARGEST_YAW + 1)])


@dataclass(frozen=True)
class FlameFiles:
    """Paths of the three files that give FLAME's geometry."""

    model: Path  # generic_model.pkl of FLAME 2020
    landmarks: Path  # landmark_embedding.npy
    template: Path  # head_template.obj


@lru_cache(maxsize=1)
def load(files: FlameFiles) -> MorphableModel:
    """FLAME with DECA's 100 shape and 50 expression components, layout `LAYOUT`, float32.

    The model is shared between callers; do not write into its arrays.

    Raises:
        UnveilError: a file is missing, damaged, or not what its name says.
    """
    data = read_model(files.model)
    template = read_template(files.template)
    vertices = _floats(data["v_template"])
    faces = np.asarray(data["f"], dtype=np.int64)
    if template.faces.shape != faces.shape or template.faces.max() >= len(vertices):
        raise UnveilError(
            f"{files.template} has {len(template.faces)} triangles and {files.model} {len(faces)}: "
            "they belong to different models; take both from DECA's data folder and FLAME 2020"
        )
    landmarks = read_landmarks(files.landmarks, faces)
    return MorphableModel(
        name="flame",
        layout=LAYOUT,
        head=_head(data, template),
        expression_names=(),
        landmarks68=landmarks.full,
        contour=landmarks.contour,
        uv=template.uv.astype(np.float32),
        uv_faces=template.uv_faces,
        mirror_vertices=nearest_mirrored(vertices),
        inner51=landmarks.static,
    )


def read_model(path: Path) -> dict[str, Any]:
    """The arrays of generic_model.pkl by their names, V vertices; errors as `load`."""
    data = read_pickle(path)
    _check(data, path)
    return data


class Landmarks(NamedTuple):
    """The tables of landmark_embedding.npy."""

    full: SurfacePoints  # [68]
    static: SurfacePoints  # [51]
    contour: SlidingContour


def read_landmarks(path: Path, faces: Int64s) -> Landmarks:
    """The landmarks on a head with triangles ``faces`` [F, 3]; errors as `load`."""
    embedding = read_pickled_npy(path)
    return Landmarks(
        _points(embedding, "full", (68,), faces, path),
        _points(embedding, "static", (51,), faces, path),
        _contour(embedding, faces, path),
    )


def nearest_mirrored(vertices: Floats) -> Int64s:
    """For each of the vertices [V, 3] the one nearest to its mirror image across x = 0: [V]."""
    mirrored = vertices * [-1, 1, 1]
    squares = np.sum(vertices**2, axis=1)
    parts = [np.argmin(squares - 2 * part @ vertices.T, axis=1) for part in np.array_split(mirrored, 16)]
    return np.concatenate(parts)


def _head(data: dict[str, Any], template: TexturedMesh) -> Head:
    groups = {group.name: group.size for group in LAYOUT.groups}
    first = IDENTITY_COMPONENTS
    bases = np.moveaxis(_floats(data["shapedirs"]), -1, 0)  # [400, V, 3]
    shape, expression = bases[: groups["shape"]], bases[first : first + groups["expression"]]
    regressor = _floats(data["J_regressor"])  # [5, V]
    return Head(
        template=_float32(data["v_template"]),
        faces=template.faces,
        shape_basis=_float32(shape),
        expression_basis=_float32(expression),
        joint_names=JOINT_NAMES,
        joint_parents=(-1, *(int(parent) for parent in data["kintree_table"][0][1:])),
        joint_template=_float32(regressor @ data["v_template"]),
        joint_shape_basis=_float32(regressor @ shape),
        skin_weights=_float32(data["weights"]),
        pose_basis=_float32(np.moveaxis(data["posedirs"], -1, 0)),
        joint_expression_basis=_float32(regressor @ expression),
    )


def _check(data: dict[str, Any], path: Path) -> None:
    """UnveilError where the pickle lacks an array or has it in another shape."""
    shapes = {name: np.shape(value) for name, value in data.items() if isinstance(value, np.ndarray)}
    v, f = ((*shapes.get(name, ()), 0)[0] for name in ("v_template", "f"))
    expected: dict[str, tuple[int, ...]] = {
        "v_template": (v, 3),
        "shapedirs": (v, 3, 400),
        "posedirs": (v, 3, 36),
        "J_regressor": (5, v),
        "kintree_table": (2, 5),
        "weights": (v, 5),
        "f": (f, 3),
    }
    for name, shape in expected.items():
        if shapes.get(name) != shape:
            found = f"has {name} of shape {shapes[name]}" if name in shapes else f"has no array {name}"
            raise UnveilError(
                f"{printable(path)} {found}, expected {shape}: it is no FLAME 2020 model; see `unveil assets list`"
            )
    if v == 0 or data["f"].max(initial=0) >= v:
        raise UnveilError(f"{printable(path)} has triangles that name no vertex; download FLAME 2020 again")


def _contour(embedding: dict[str, Any], faces: Int64s, path: Path) -> SlidingContour:
    points = _points(embedding, "dynamic", (len(CONTOUR_ROWS), 17), faces, path)
    return SlidingContour(-LARGEST_YAW, points.triangles[CONTOUR_ROWS], points.barycentric[CONTOUR_ROWS])


def _points(embedding: dict[str, Any], name: str, shape: tuple[int, ...], faces: Int64s, path: Path) -> SurfacePoints:
    """The landmark table ``name`` of the file: triangles and barycentrics [*shape, 3]."""
    with EMBEDDING.checking(path):
        index = np.asarray(embedding[f"{name}_lmk_faces_idx"], dtype=np.int64).reshape(shape)
        barycentric = np.asarray(embedding[f"{name}_lmk_bary_coords"], dtype=np.float32).reshape(*shape, 3)
        return SurfacePoints(faces[index], barycentric)


def _floats(values: Any) -> Float64s:
    return np.asarray(values, dtype=np.float64)


def _float32(values: Any) -> Float32s:
    return np.ascontiguousarray(values, dtype=np.float32)  # in the order in which products run through it
