"""`smooth_step` for compiled loops; arrays need no numba."""

from __future__ import annotations

from typing import Any

from unveil.geometry.compiled import compiled


@compiled
def step_between(x: Any, low: Any, high: Any) -> Any:
    """From 0 at ``low`` to 1 at ``high``, of one number."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)
