"""openhead's space of skin: what skin looks like at each texel, learned from photographs by ``tools/skin_space``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.heads.skin.space import CELLS, SkinFolds, SkinSpace, SkinVariation
from unveil.models.openhead.networks import Completion
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind

FORMAT = 1
SKIN = FileKind("space of skin", "reinstall unveil or rebuild it", 2**28)


@lru_cache(maxsize=2)
def load(path: Path, completion: Path | None = None) -> SkinSpace:
    """Read a space of skin; UnveilError, naming the file, where it is none. It is shared: do not write into it.

    Args:
        path: the file.
        completion: that of the network which corrects its components where something is hidden.
    """
    data = read_arrays(path, SKIN)
    with SKIN.checking(path):
        data.require_format(FORMAT)
        size = len(data["mean"])
        maps = {name: data[name].astype(np.float32) / 255 for name in ("certainty", "deviation")}
        if data["mean"].shape != (size, size, 3) or any(values.shape != (size, size) for values in maps.values()):
            raise ValueError("its maps are not of one size")
        variation = _variation(data, None if completion is None else Completion(completion))
        return SkinSpace(data["mean"].astype(np.float32), **maps, variation=variation, folds=_folds(data))


def _variation(data: Mapping[str, NDArray[Any]], network: Completion | None) -> SkinVariation | None:
    """The variation between people; None in files without it."""
    if "variation_mean" not in data:
        return None
    names = ("mean", "components", "variance")
    mean, components, variance = (data[f"variation_{name}"].astype(np.float32) for name in names)
    vertices = data["variation_vertices"].astype(np.int64)
    places = (len(vertices), 3)
    if any(values.shape[-2:] != places for values in (mean, components, variance)) or components.ndim != 3:
        raise ValueError("its components do not fit its vertices")
    return SkinVariation(vertices, mean, components, variance, network)


def _folds(data: Mapping[str, NDArray[Any]]) -> SkinFolds | None:
    """The relief of expressions; None in files without it."""
    if "folds_cells" not in data:
        return None
    cells, raised = data["folds_cells"].astype(np.int64), data["folds_raised"]
    inside = cells.ndim == 1 and ((cells >= 0) & (cells < CELLS**2)).all()
    if not inside or raised.ndim != 2 or raised.shape[1] != len(cells):
        raise ValueError("its folds do not fit their places")
    return SkinFolds(cells, raised.astype(np.float32) * np.float32(data["folds_step"]))
