"""The two published files of FLAME's albedo: FLAME_albedo_from_BFM.npz and FLAME_texture.npz."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unveil.heads.skin.albedo import SIZE, AlbedoSpace
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.typing import Float32s, Floats

COMPONENTS = 50  # that DECA uses
ALBEDO_MODEL = FileKind("albedo model", "use FLAME_albedo_from_BFM.npz or FLAME_texture.npz", 2**32)


@dataclass(frozen=True)
class _Format:
    """One of the two published files."""

    mean: str  # names of the arrays
    components: str
    count: int
    white: float  # the value of full reflectance


FORMATS = (_Format("MU", "PC", 199, 1.0), _Format("mean", "tex_dir", 200, 255.0))


def load(path: Path, forms: tuple[_Format, ...] = FORMATS) -> AlbedoSpace:
    """Read FLAME_albedo_from_BFM.npz or FLAME_texture.npz, or only one of them; float32.

    Raises:
        UnveilError: the file is missing, damaged, or neither of the two.
    """
    arrays = read_arrays(path, ALBEDO_MODEL, {name for form in forms for name in (form.mean, form.components)})
    with ALBEDO_MODEL.checking(path):
        form = next((form for form in forms if {form.mean, form.components} <= arrays.keys()), None)
        if form is None:
            raise ValueError(f"it has no arrays {' or '.join(f'{form.mean} and {form.components}' for form in forms)}")
        mean, components = arrays[form.mean], arrays[form.components]
        side = math.isqrt(mean.size // 3)
        pictures = components.reshape(side, side, 3, form.count)[..., :COMPONENTS]
        return AlbedoSpace(
            mean=_resized(mean.reshape(side, side, 3), form.white),
            basis=np.ascontiguousarray(np.moveaxis(_resized(pictures, form.white), -1, 0)),
        )


def _resized(picture: Floats, white: float) -> Float32s:
    """A BGR picture [S, S, 3, ...] as RGB [256, 256, 3, ...]; every second texel of 512, as DECA takes them."""
    nearest = np.arange(SIZE) * picture.shape[0] // SIZE
    rgb = picture[nearest][:, nearest][:, :, ::-1]
    return np.asarray(rgb / white, dtype=np.float32)
