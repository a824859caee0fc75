"""openhead's space of skin: what skin looks like at each texel, learned from photographs by ``tools/skin_space``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.heads.albedo import SkinSpace
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
        return SkinSpace(mean=data["mean"].astype(np.float32), **maps)
