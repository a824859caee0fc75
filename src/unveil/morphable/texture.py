"""Albedo from texture coefficients, in the UV layout of FLAME, and how the light of DECA falls on it."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.geometry.lighting import irradiance
from unveil.geometry.rotation import Array

SIZE = 256  # texels a side
COMPONENTS = 50  # that DECA uses

# DECA's coefficients were trained with the constants of the clamped cosine, except that band 0 lacks its factor pi.
LIGHT_BANDS = (1.0, 2 * math.pi / 3, math.pi / 4)


@dataclass(frozen=True)
class _Format:
    """One of the two published files."""

    mean: str  # names of the arrays
    components: str
    count: int
    white: float  # the value of full reflectance


FORMATS = (_Format("MU", "PC", 199, 1.0), _Format("mean", "tex_dir", 200, 255.0))


@dataclass(frozen=True, eq=False)
class AlbedoSpace:
    """Mean and components of the colour of skin, RGB with 1 for full reflectance.

    At texels, first row at v = 1, or at vertices: [V, 3] in place of [256, 256, 3].
    """

    mean: Array  # [256, 256, 3]
    basis: Array  # [K, 256, 256, 3]

    def albedo(self, texture: Array) -> Array:
        """Albedo [..., 256, 256, 3] for coefficients [..., K]; a little outside 0 to 1 for unlikely ones."""
        flat = self.basis.reshape(self.basis.shape[0], -1)
        return self.mean + (texture @ flat).reshape(*texture.shape[:-1], *self.mean.shape)


def load(path: Path) -> AlbedoSpace:
    """Read FLAME_albedo_from_BFM.npz or FLAME_texture.npz; float32.

    Raises:
        UnveilError: the file is missing, damaged, or neither of the two.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            form = next((f for f in FORMATS if {f.mean, f.components} <= set(file.files)), None)
            if form is None:
                raise ValueError(f"it holds {', '.join(file.files[:6]) or 'nothing'}")
            mean, components = file[form.mean], file[form.components]
        side = math.isqrt(mean.size // 3)
        pictures = components.reshape(side, side, 3, form.count)[..., :COMPONENTS]
        return AlbedoSpace(
            mean=_resized(mean.reshape(side, side, 3), form.white),
            basis=np.ascontiguousarray(np.moveaxis(_resized(pictures, form.white), -1, 0)),
        )
    except OSError as error:
        raise UnveilError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except (ValueError, KeyError, AttributeError, zipfile.BadZipFile, EOFError) as error:
        raise UnveilError(
            f"{path} is no albedo model ({error}); use FLAME_albedo_from_BFM.npz or FLAME_texture.npz"
        ) from error


def shade(albedo: Array, normals: Array, light: Array) -> Array:
    """Colours [..., N, 3] of surfaces of this albedo [..., N, 3] and unit normals [..., N, 3] of the posed head.

    ``light`` [..., 27] is DECA's group of that name: nine harmonics by RGB.
    """
    return albedo * irradiance(normals, light.reshape(*light.shape[:-1], 9, 3), LIGHT_BANDS)


def _resized(picture: NDArray[np.floating], white: float) -> NDArray[np.float32]:
    """A BGR picture [S, S, 3, ...] as RGB [256, 256, 3, ...]; every second texel of 512, as DECA takes them."""
    nearest = np.arange(SIZE) * picture.shape[0] // SIZE
    rgb = picture[nearest][:, nearest][:, :, ::-1]
    return np.asarray(rgb / white, dtype=np.float32)
