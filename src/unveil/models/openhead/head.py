"""openhead, the open head model: MakeHuman's mesh and sliders with statistics learned from ICT-FaceKit's heads.

The npz file is made by ``tools/openhead``. Bases are stored as int16 with one scale per component; numbers are
metres. `jawOpen` and the eight `eyeLook*` units are linear morphs like every other unit: they are the one way
openhead itself opens the jaw and turns the eyes. The joints `jaw`, `left_eye` and `right_eye` are there for
animators and for code shared with FLAME, and openhead's learner leaves them at rest.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.heads.head import Head
from unveil.heads.landmarks import SlidingContour, SurfacePoints
from unveil.heads.layout import CoefficientLayout, Group
from unveil.heads.model import LIGHT_UNIT, MorphableModel
from unveil.storage.arrays import Arrays, read_arrays
from unveil.storage.file_kind import FileKind

FORMAT = 1  # raised when the meaning of the file changes
OPENHEAD = FileKind("openhead model", "reinstall unveil or rebuild it", 2**30)

SHAPE = Group("shape", 100, "standard deviations")
TEXTURE = Group("texture", 70, "standard deviations")
EXPRESSION = Group("expression", 51, "ARKit unit, 0 to 1")
POSE = Group("pose", 6, "radians, axis-angle of head and jaw")
CAMERA = Group("camera", 3, "scale in 1/metre, shift in metres")
LIGHT = Group("light", 27, LIGHT_UNIT)
GEOMETRY_LAYOUT = CoefficientLayout("openhead-geometry", (SHAPE, EXPRESSION, POSE, CAMERA))
LAYOUT = CoefficientLayout("openhead", (SHAPE, TEXTURE, EXPRESSION, POSE, CAMERA, LIGHT))


@lru_cache(maxsize=2)
def load(path: Path) -> MorphableModel:
    """Read openhead from its npz file; UnveilError, naming the file, where it is none.

    The model is shared between callers; do not write into its arrays.
    """
    data = read_arrays(path, OPENHEAD)
    with OPENHEAD.checking(path):
        if int(data["format"]) != FORMAT:
            raise UnveilError(
                f"{path} has openhead format {int(data['format'])}, this unveil reads {FORMAT}; reinstall"
            )
        return _model(data)


def _model(data: Arrays) -> MorphableModel:
    faces = data["faces"].astype(np.int64)
    shape_basis = _basis(data, "shape")
    joints = [str(name) for name in data["joint_names"]]
    head = Head(
        template=data["template"],
        faces=faces,
        shape_basis=shape_basis,
        expression_basis=_basis(data, "expression"),
        joint_names=tuple(joints),
        joint_parents=tuple(int(p) for p in data["joint_parents"]),
        joint_template=data["joint_template"],
        joint_shape_basis=data["joint_shape_basis"],
        skin_weights=data["skin_weights"].astype(np.float32) / 255.0,
    )
    return MorphableModel(
        name="openhead",
        layout=GEOMETRY_LAYOUT,
        head=head,
        expression_names=tuple(str(name) for name in data["expression_names"]),
        landmarks68=SurfacePoints(faces[data["landmarks68_faces"]], data["landmarks68_barycentric"]),
        contour=SlidingContour(
            int(data["contour_first_degree"]),
            faces[data["contour_faces"]],
            data["contour_barycentric"],
        ),
        uv=data["uv"],
        uv_faces=data["uv_faces"].astype(np.int64),
        mirror_vertices=data["mirror_vertices"].astype(np.int64),
        credit="openhead (MakeHuman, CC0; statistics of ICT-FaceKit, MIT)",
    )


def _basis(data: Arrays, name: str) -> np.ndarray:
    """A basis [K, V, 3] in metres from int16 steps and the length of one step per component."""
    basis: np.ndarray = data[f"{name}_basis"].astype(np.float32) * data[f"{name}_step"][:, None, None]
    return basis
