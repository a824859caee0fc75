"""openhead's space of skin: what skin looks like at each texel, learned from photographs by ``tools/skin_space``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.heads.albedo import SkinSpace, SkinVariation
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind

FORMAT = 1
SKIN = FileKind("space of skin", "reinstall unveil or rebuild it", 2**28)


@lru_cache(maxsize=2)
def load(path: Path) -> SkinSpace:
    """Read a space of skin; UnveilError, naming the file, where it is none. It is shared: do not write into it."""
    data = read_arrays(path, SKIN)
    with SKIN.checking(path):
        if int(data["format"]) != FORMAT:
            raise UnveilError(f"{path} has format {int(data['format'])}, this unveil reads {FORMAT}; reinstall")
        size = len(data["mean"])
        maps = {name: data[name].astype(np.float32) / 255 for name in ("certainty", "deviation")}
        if data["mean"].shape != (size, size, 3) or any(values.shape != (size, size) for values in maps.values()):
            raise ValueError("its maps are not of one size")
        return SkinSpace(mean=data["mean"].astype(np.float32), variation=_variation(data), **maps)


def _variation(data: Mapping[str, NDArray[Any]]) -> SkinVariation | None:
    """How people differ; None in files that do not say it."""
    if "variation_vertices" not in data:
        return None
    names = ("traits", "told", "components", "variance")
    arrays = {name: data[f"variation_{name}"].astype(np.float32) for name in names}
    vertices = data["variation_vertices"].astype(np.int64)
    count = len(vertices)
    shapes = {"traits": (2, 6), "told": (7, count, 3), "variance": (count, 3)}
    if any(arrays[name].shape != shape for name, shape in shapes.items()) or arrays["components"].shape[1:] != (
        count,
        3,
    ):
        raise ValueError("its components do not fit its vertices")
    return SkinVariation(vertices=vertices, **arrays)
