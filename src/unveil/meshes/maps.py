"""Maps in texture coordinates as pictures: displacements in 16 bits, normals in 8."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unveil.typing import Floats, Image

MICROMETRE = 1e-6  # metres per step of a displacement picture
ZERO = 32768  # the grey level of no displacement


def encode_displacement(displacement: Floats) -> NDArray[np.uint16]:
    """Grey levels uint16 [S, S] of a displacement [S, S] in metres: 32768 + micrometres, up to 32.8 mm either way.

    In a 3D program: middle level 0.5, strength 0.065536 metres.
    """
    levels = np.clip(np.rint(displacement / MICROMETRE) + ZERO, 0, 65535)
    return np.asarray(levels, np.uint16)


def encode_normals(normals: Floats) -> Image:
    """RGB uint8 [S, S, 3] of unit normals [S, S, 3]: -1 to 1 becomes 0 to 255, as glTF's normal textures have it."""
    return np.asarray(np.clip(np.rint((normals + 1) * 127.5), 0, 255), np.uint8)
