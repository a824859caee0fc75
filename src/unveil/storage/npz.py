"""npz files, written whole or not at all; `unveil.storage.arrays` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from unveil.storage.files import atomic_path


def write_npz(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays by name; UnveilError, with nothing half-written, where that is impossible."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]  # of the names, none is one of savez's own
