"""Variation of the shapes that openhead's learner predicts, learned from videos by ``tools/same_person.py``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from unveil.models.variation import ShapeVariation
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.npz import write_npz

FORMAT = 1
KIND = FileKind("variation of shapes", "reinstall unveil or rebuild it", 2**24)


@lru_cache(maxsize=2)
def load(path: Path) -> ShapeVariation:
    """Read what `save` has written; UnveilError, naming the file, where it is none. It is shared."""
    data = read_arrays(path, KIND)
    with KIND.checking(path):
        data.require_format(FORMAT)
        mean, directions, between = (data[name].astype(np.float64) for name in ("mean", "directions", "between"))
        if mean.ndim != 1 or between.ndim != 1 or directions.shape != (len(mean), len(between)) or (between < 0).any():
            raise ValueError("its directions do not fit")
        return ShapeVariation(mean, directions, between, float(data["limit"]))


def save(path: Path, variation: ShapeVariation) -> None:
    """Write it in half precision, which changes no decision."""
    arrays = {name: getattr(variation, name).astype(np.float16) for name in ("mean", "directions", "between")}
    write_npz(path, {"format": np.array(FORMAT), **arrays, "limit": np.array(variation.limit)})
