"""unveil: from one photograph, in which something may hide part of the face, to an animatable 3D head.

    from unveil import Reconstructor

    for face in Reconstructor().reconstruct("photo.jpg"):
        print(face.pose_degrees, face.vertices.shape, face.hidden_share)
        face.save(f"{face.name}.glb")

The rooms of the package, in an order in which each knows only those above it:

    geometry      rotations, camera, mesh, rasteriser: pure functions of arrays
    heads         coefficients with names, and the head models that they drive
    storage       files that are whole or not there, and whose they are
    assets        the files that the package carries and those that users bring
    photos        reading, crops, face detection
    meshes        GLB, OBJ, PLY, maps
    models        crop -> coefficients: one protocol, one registry, a folder per family
    fitting       landmarks -> coefficients
    occluders     what hides faces
    appearance    photograph and head -> texture
    drawing       pictures of meshes
    faces         a reconstructed face: what is known of it, its pictures, its files
    reconstruct   photograph -> faces; writes nothing
    video         clips -> people over time
    codes         coefficients of many crops in files
    training      photographs -> a learner
    output        many photographs, moving heads, comparisons
    web           heads in the browser
    evaluation    predictions and their scores
    cli           the command ``unveil``

``errors`` holds `UnveilError`, the one exception for a user's mistake. Conventions (frames, units, order) are in
``docs/conventions.md``.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unveil.errors import UnveilError
    from unveil.faces.reconstruction import Reconstruction
    from unveil.heads.layout import CoefficientLayout, Coefficients
    from unveil.heads.model import MorphableModel
    from unveil.meshes.glb import write_glb
    from unveil.models.encoder import Encoder, Prediction
    from unveil.photos.crop import Crop
    from unveil.photos.detect import FaceDetector
    from unveil.photos.detection import Detection
    from unveil.photos.io import read_image
    from unveil.reconstruct.from_landmarks import fit_landmarks
    from unveil.reconstruct.pipeline import Reconstructor
    from unveil.web.notebook import show

# From release 1.29 on, onnxruntime reports to its maker as soon as it is imported. A tool for faces does not: this line
# runs before any module of the package, in worker processes too. Who wants the reports sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

__all__ = [
    "CoefficientLayout",
    "Coefficients",
    "Crop",
    "Detection",
    "Encoder",
    "FaceDetector",
    "MorphableModel",
    "Prediction",
    "Reconstruction",
    "Reconstructor",
    "UnveilError",
    "fit_landmarks",
    "load_openhead",
    "read_image",
    "show",
    "write_glb",
]

# Looked up on first use, so that `import unveil` costs nothing.
_HOMES = {
    "CoefficientLayout": "unveil.heads.layout",
    "Coefficients": "unveil.heads.layout",
    "Crop": "unveil.photos.crop",
    "Detection": "unveil.photos.detection",
    "Encoder": "unveil.models.encoder",
    "FaceDetector": "unveil.photos.detect",
    "MorphableModel": "unveil.heads.model",
    "Prediction": "unveil.models.encoder",
    "Reconstruction": "unveil.faces.reconstruction",
    "Reconstructor": "unveil.reconstruct.pipeline",
    "UnveilError": "unveil.errors",
    "fit_landmarks": "unveil.reconstruct.from_landmarks",
    "read_image": "unveil.photos.io",
    "show": "unveil.web.notebook",
    "write_glb": "unveil.meshes.glb",
}


def load_openhead() -> MorphableModel:
    """The open head model that the package carries. It is shared: do not write into its arrays."""
    from unveil.models.openhead.family import packaged_head

    return packaged_head()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'unveil' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
