"""A gradual change between two values instead of a sudden one."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from unveil.typing import Floats

Real = TypeVar("Real", bound="np.floating[Any]")


def smooth_step(x: NDArray[Real], low: float | Floats, high: float | Floats) -> NDArray[Real]:
    """Of x [...], values from 0 at ``low`` to 1 at ``high``, level at both and beyond: the cubic 3 t^2 - 2 t^3."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
