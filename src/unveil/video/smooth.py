"""Smoothing over time, without delay, of what was measured in single frames.

The one-euro filter (Casiez, Roussel and Vogel, "1€ filter: a simple speed-based low-pass filter for noisy input in
interactive systems", 2012) lets through the faster a value moves the more. Live, it is run forwards, and is late by a
little. Of a clip the later frames are known as well: it is run forwards and backwards and the mean of both is taken,
in which what the one is late the other is early.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unveil.typing import Float64s, Floats

# Chosen on the clips of `benchmarks/video.py`, so that a jaw that opens three times a second keeps nine tenths of its
# way. Values are measured in deviations, as the learner states them.
STILL_CUTOFF = 0.5  # Hz, of what stands still
SPEED_FACTOR = 0.7  # Hz more for each deviation per second
SPEED_CUTOFF = 5.0  # Hz, of the speed itself


@dataclass
class OneEuro:
    """The filter for D values at once, given one time after the other."""

    _value: Float64s | None = None  # [D]
    _speed: Float64s | float = 0.0  # [D] per second
    _measured: Float64s | float = 0.0  # [D] the last that was given
    _seconds: float = 0.0

    def __call__(self, measured: Floats, seconds: float) -> Float64s:
        """The smooth values [D] at a time, of what was measured then."""
        now = np.asarray(measured, np.float64)
        value = now
        if self._value is not None:
            step = max(abs(seconds - self._seconds), 1e-6)
            self._speed = self._speed + _share(SPEED_CUTOFF, step) * ((now - self._measured) / step - self._speed)
            cutoff = np.asarray(STILL_CUTOFF + SPEED_FACTOR * np.abs(self._speed))
            value = self._value + _share(cutoff, step) * (now - self._value)
        self._value, self._measured, self._seconds = value, now, seconds
        return value


def smoothed(measured: Floats, seconds: Floats) -> Float64s:
    """Values [T, D], in deviations, made smooth over times [T] in both directions."""
    forwards, backwards = OneEuro(), OneEuro()
    both = np.empty(np.shape(measured))
    for k in range(len(both)):
        both[k] = forwards(measured[k], float(seconds[k])) / 2
    for k in reversed(range(len(both))):
        both[k] += backwards(measured[k], float(seconds[k])) / 2
    return both


def _share(cutoff: Float64s | float, step: float) -> Any:
    """How much of a new value a low-pass filter of first order takes that cuts off at so many Hz."""
    ratio = 2 * np.pi * cutoff * step
    return ratio / (ratio + 1)
