"""Names for the types of arrays; shapes, units and frames stand where an array is used."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]  # of either precision
Float32s: TypeAlias = NDArray[np.float32]
Float64s: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.integer[Any]]  # of any width
Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
Int8s: TypeAlias = NDArray[np.int8]
UInt8s: TypeAlias = NDArray[np.uint8]
Bools: TypeAlias = NDArray[np.bool_]
Image: TypeAlias = NDArray[np.uint8]  # [H, W, 3] RGB
Images: TypeAlias = NDArray[np.uint8]  # [N, H, W, 3] RGB, all of one size
