"""openhead, the open head model: MakeHuman's mesh and sliders with statistics learned from ICT-FaceKit's heads.

The npz file is made by ``tools/openhead``. Bases are stored as int16 with one scale per component; numbers are
metres. `jawOpen` and the eight `eyeLook*` units are linear morphs like every other unit: they are the one way
openhead itself opens the jaw and turns the eyes. The joints `jaw`, `left_eye` and `right_eye` are there for
animators and for code shared with FLAME, and openhead's learner leaves them at rest.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from unveil.heads.head import Head
from unveil.heads.landmarks import SlidingContour, SurfacePoints
from unveil.heads.layout import CoefficientLayout, Group, widened
from unveil.heads.model import LIGHT_UNIT, MorphableModel
from unveil.heads.parts import MeshParts
from unveil.storage.arrays import Arrays, read_arrays
from unveil.storage.file_kind import FileKind

FORMATS = (1, 2)  # that are read; the second has parts: teeth, gums, tongue and lashes
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
        data.require_format(*FORMATS)
        return read_model(data)


def read_model(data: Arrays) -> MorphableModel:
    """The model of a file's arrays; those of format 1 have no parts."""
    faces = data["faces"].astype(np.int64)
    joints = [str(name) for name in data["joint_names"]]
    head = Head(
        template=data["template"],
        faces=faces,
        shape_basis=_basis(data, "shape"),
        expression_basis=_basis(data, "expression"),
        joint_names=tuple(joints),
        joint_parents=tuple(int(p) for p in data["joint_parents"]),
        joint_template=data["joint_template"],
        joint_shape_basis=data["joint_shape_basis"],
        skin_weights=data["skin_weights"].astype(np.float32) / 255.0,
    )
    model = MorphableModel(
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
    if int(data["format"]) == 1:
        return model
    whole = _whole(model, data)
    return replace(model, head=_within(head, whole.head), whole=whole)


def _within(head: Head, whole: Head) -> Head:
    """The head, whose bases are parts of those of the whole one: as numbers in memory they are large."""
    vertices, units = len(head.template), len(head.expression_basis)
    return replace(
        head,
        shape_basis=whole.shape_basis[:, :vertices],
        expression_basis=whole.expression_basis[:units, :vertices],
    )


def _whole(model: MorphableModel, data: Arrays) -> MorphableModel:
    """The head with its parts: more vertices after its own, and units that move those."""
    head = model.head
    units = np.concatenate([head.expression_basis, _basis(data, "more_expression")])
    names = tuple(str(name) for name in data["more_units"])
    uncapped = len(model.faces) - int(data["caps"])  # the last triangles shut the mouth of a head without teeth
    whole = Head(
        template=np.concatenate([head.template, data["parts_template"]]),
        faces=np.concatenate([model.faces[:uncapped], data["parts_faces"].astype(np.int64)]),
        shape_basis=np.concatenate([head.shape_basis, _basis(data, "parts_shape")], axis=1),
        expression_basis=np.concatenate([units, _basis(data, "parts_expression")], axis=1),
        joint_names=head.joint_names,
        joint_parents=head.joint_parents,
        joint_template=head.joint_template,
        joint_shape_basis=head.joint_shape_basis,
        skin_weights=np.concatenate([head.skin_weights, data["parts_skin_weights"].astype(np.float32) / 255.0]),
    )
    parts = MeshParts(
        names=tuple(str(name) for name in data["part_names"]),
        of_faces=data["face_parts"],
        roughness=tuple(round(float(value), 3) for value in data["part_roughness"]),
        anchors=data["parts_anchors"].astype(np.int64),
        colours=data["parts_colours"],
    )
    return replace(
        model,
        layout=widened(model.layout, len(names)),
        head=whole,
        expression_names=model.expression_names + names,
        uv=np.concatenate([model.uv, data["parts_uv"]]),
        uv_faces=np.concatenate([model.uv_faces[:uncapped], data["parts_uv_faces"].astype(np.int64)]),
        mirror_vertices=np.concatenate([model.mirror_vertices, data["parts_mirror_vertices"].astype(np.int64)]),
        parts=parts,
    )


def _basis(data: Arrays, name: str) -> np.ndarray:
    """A basis [K, V, 3] in metres from int16 steps and the length of one step per component."""
    basis: np.ndarray = data[f"{name}_basis"].astype(np.float32) * data[f"{name}_step"][:, None, None]
    return basis
