"""How well a number separates two kinds."""

from __future__ import annotations

import numpy as np

from unveil.typing import Floats


def area_under_curve(more: Floats, less: Floats) -> float:
    """Probability that one of ``more`` [N] is larger than one of ``less`` [K]; ties count one half."""
    ordered = np.sort(less)
    below, up_to = (np.searchsorted(ordered, more, side) for side in ("left", "right"))
    return float((below + up_to).mean() / (2 * len(less)))
