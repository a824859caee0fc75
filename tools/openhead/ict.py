"""ICT-FaceKit Light (MIT licence): a light-stage face model, from which openhead learns how adult heads vary.

The input is one npz that holds the published OBJ files of the model as arrays; ``tools.openhead.pack_ict`` makes it:
``neutral`` [N, 3] in centimetres, ``identity`` [100, N, 3] (each identity mesh minus the neutral one: one standard
deviation), ``faces`` [F, 3] triangles and ``landmarks68`` [68] vertex indices in iBUG order.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unveil.storage.arrays import read_arrays
from unveil.training.rerender.priors import ICT_PACK

# Of the pack that openhead was released from. The indices must be these; positions may differ in their last digit.
INDICES_SHA256 = "f9cc2194fe8872a108fc4e1893a0b25fbde25218cc51eac69734a9bce3af8497"
POSITIONS_SHA256 = "3deb496c19ca841fd5539d39e6e3ff0e731ed8acc0de8a4195d4ada4ffa1cf35"
METRES = 0.01
MODES = 100
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
    """Read the npz; stop where the mesh is another, print a note where positions differ from the released pack's.

    The arrays are compared, not the file: how an npz is compressed depends on who wrote it.
    """
    arrays = read_arrays(path, ICT_PACK)
    with ICT_PACK.checking(path):
        neutral, modes, faces, landmarks68 = (arrays[name] for name in ("neutral", "identity", "faces", "landmarks68"))
    if _digest("<i4", faces, landmarks68) != INDICES_SHA256 or modes.shape != (MODES, *neutral.shape):
        raise SystemExit(f"{path} is not ICT-FaceKit Light in the version openhead is made from: other faces or sizes")
    if _digest("<f4", neutral, modes) != POSITIONS_SHA256:
        print(f"{path}: positions differ from those of the released openhead, so openhead.npz will too")
    return IctHeads(
        mean=neutral.astype(np.float64) * METRES,
        modes=modes.astype(np.float64) * METRES,
        faces=faces[(faces < SKIN_END).all(axis=1)],
        landmarks68=landmarks68,
    )


def _digest(kind: str, *arrays: np.ndarray) -> str:
    """SHA-256 of the arrays' values one after the other, as numbers of one kind."""
    return hashlib.sha256(b"".join(array.astype(kind).tobytes() for array in arrays)).hexdigest()
