"""ICT-FaceKit Light (MIT licence): a light-stage face model, from which openhead learns how adult heads vary.

The input is one npz that holds the published OBJ files of the model as arrays: ``neutral`` [N, 3] in centimetres,
``identity`` [100, N, 3] (each identity mesh minus the neutral one: one standard deviation), ``faces`` [F, 3]
triangles and ``landmarks68`` [68] vertex indices in iBUG order.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHA256 = "d99bfd0ea377aab9562ee64a41ac7fb810e82c1e521481917395ac0079fe7464"
METRES = 0.01
FACE_END = 9409  # vertices of the face come first, then head and neck
SKIN_END = 11248  # then mouth, eye sockets and eyeballs, which are not matched


@dataclass(frozen=True)
class IctHeads:
    """The mean head and its modes, in metres; +x to the subject's left, +y up, +z out of the face."""

    mean: np.ndarray  # [N, 3]
    modes: np.ndarray  # [100, N, 3]
    faces: np.ndarray  # [F, 3] of the skin only
    landmarks68: np.ndarray  # [68] vertex indices


def read(path: Path) -> IctHeads:
    """Read the npz; stops where it is another file than the one openhead was built from."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{path} is not the expected pack of ICT-FaceKit Light (sha256 {digest})")
    with np.load(path, allow_pickle=False) as file:
        faces = file["faces"]
        return IctHeads(
            mean=file["neutral"].astype(np.float64) * METRES,
            modes=file["identity"].astype(np.float64) * METRES,
            faces=faces[(faces < SKIN_END).all(axis=1)],
            landmarks68=file["landmarks68"],
        )
