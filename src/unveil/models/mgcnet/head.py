"""The Basel Face Model (Paysan et al. 2009) as MGCNet (Shang et al. 2020) uses it, with the colour of the skin.

The npz file is made by ``unveil assets convert mgcnet``. It has metres, colours as RGB from 0 to 1, and bases [K, V, 3]
for coefficients in standard deviations.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from unveil.heads.layout import CoefficientLayout, Group
from unveil.heads.model import MorphableModel
from unveil.heads.rigid_face import FaceArrays, rigid_face
from unveil.heads.skin.albedo import AlbedoSpace
from unveil.models.mgcnet.placement import Pinhole
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind

LAYOUT = CoefficientLayout(
    "mgcnet",
    (
        Group("identity", 80, "standard deviations"),
        Group("texture", 80, "standard deviations"),
        Group("expression", 64, "standard deviations"),
        Group("pose", 6, "from the main pose: radians about z, y and x, then millimetres"),
        Group("light", 27, "spherical harmonics, as MGCNet has them"),
    ),
)
FORMAT = 1  # raised when the meaning of the file changes
FACE_MODEL = FileKind("face model of MGCNet", "run `unveil assets convert mgcnet` again", 2**30)


@lru_cache(maxsize=1)
def load(path: Path) -> MorphableModel:
    """The result of `read_face`, shared between callers; do not write into its arrays."""
    return read_face(path)


def read_face(path: Path) -> MorphableModel:
    """MGCNet's face model, layout `LAYOUT`, float32; UnveilError, naming the file, where it is none."""
    arrays = read_arrays(path, FACE_MODEL)
    with FACE_MODEL.checking(path):
        arrays.require_format(FORMAT)
        face = FaceArrays(*(arrays[name] for name in FaceArrays._fields))
        colours = AlbedoSpace(arrays["colour_mean"], arrays["colour_basis"])
        return replace(rigid_face("mgcnet", LAYOUT, face, Pinhole()), shape_group="identity", colours=colours)
