"""The namespace of functions that fits the arrays at hand."""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np


def array_namespace(*arrays: Any) -> Any:
    """The functions of the array API standard for arrays: NumPy's own for its arrays, or a wrapper of torch's.

    NumPy follows the standard since release 2.1; a wrapper of it takes 25 ms to import.
    """
    if all(isinstance(array, np.ndarray | np.generic) for array in arrays):
        return np
    return array_api_compat.array_namespace(*arrays)
