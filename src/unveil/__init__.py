"""unveil: from one photograph, in which something may hide part of the face, to an animatable 3D head.

    from unveil import Reconstructor, read_image

    for face in Reconstructor().reconstruct(read_image("photo.jpg")):
        print(face.pose_degrees, face.vertices.shape, face.hidden_share)

The rooms of the package; each knows only the ones below it:

    cli                     the command ``unveil``
    distill, evaluation     training a learner on a teacher's coefficients; scoring predictions
    teachers, reconstruct   clear crop -> coefficients for training; photograph -> heads, without torch
    export                  OBJ, PLY, GLB
    networks, imaging       torch modules; photographs, detection, crops, occluders
    morphable               coefficient layouts and head models
    geometry                rotations, camera, mesh, rasteriser: pure functions of arrays

``assets`` says what the package carries and where it lies; only reconstruct and the rooms above it ask. ``errors``
holds `UnveilError`, the one exception for a user's mistake. Conventions (frames, units, order) are in
``docs/conventions.md``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unveil.errors import UnveilError
    from unveil.imaging.crop import Crop
    from unveil.imaging.detect import FaceDetector
    from unveil.imaging.io import read_image
    from unveil.morphable.layout import CoefficientLayout, Coefficients
    from unveil.morphable.model import MorphableModel
    from unveil.reconstruct.pipeline import Reconstructor
    from unveil.reconstruct.result import Reconstruction

__version__ = "0.1.0"

__all__ = [
    "CoefficientLayout",
    "Coefficients",
    "Crop",
    "FaceDetector",
    "MorphableModel",
    "Reconstruction",
    "Reconstructor",
    "UnveilError",
    "load_openhead",
    "read_image",
]

# Looked up on first use, so that `import unveil` costs nothing.
_HOMES = {
    "CoefficientLayout": "unveil.morphable.layout",
    "Coefficients": "unveil.morphable.layout",
    "Crop": "unveil.imaging.crop",
    "FaceDetector": "unveil.imaging.detect",
    "MorphableModel": "unveil.morphable.model",
    "Reconstruction": "unveil.reconstruct.result",
    "Reconstructor": "unveil.reconstruct.pipeline",
    "UnveilError": "unveil.errors",
    "read_image": "unveil.imaging.io",
}


def load_openhead() -> MorphableModel:
    """The open head model that the package carries. It is shared: do not write into its arrays."""
    from unveil.assets.store import packaged
    from unveil.morphable import openhead

    return openhead.load(packaged("openhead.npz"))


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'unveil' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
