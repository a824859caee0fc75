"""Smoothing over time, without delay, of what was measured in single frames.

The one-euro filter (Casiez, Roussel and Vogel, "1€ filter: a simple speed-based low-pass filter for noisy input in
interactive systems", 2012) smooths a value the less, the faster it moves. Live, it runs forwards, with a little delay.
In a clip the later frames are known as well, so it runs forwards and backwards, and the mean of both is taken, in which
the two delays cancel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unveil.typing import Float64s, Floats

# Chosen on the clips of `benchmarks/video.py`, so that a jaw that opens three times a second keeps nine tenths of its
# range. Values are in units of the deviations that the learner states.
STILL_CUTOFF = 0.5  # Hz, for a value that stands still
SPEED_FACTOR = 0.7  # Hz more for each deviation per second of speed
SPEED_CUTOFF = 5.0  # Hz, for the speed itself


@dataclass
class OneEuro:
    """The filter, for D values at once and one time after the other."""

    _value: Float64s | None = None  # [D]
    _speed: Float64s | float = 0.0  # [D] per second
    _measured: Float64s | float = 0.0  # [D] the last that was given
    _seconds: float = 0.0

    def __call__(self, measured: Floats, seconds: float) -> Float64s:
        """The smoothed values [D] at a time, given those ``measured`` then."""
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
    """Values [T, D], in units of their deviations, smoothed over times [T] in both directions."""
    forwards, backwards = OneEuro(), OneEuro()
    both = np.empty(np.shape(measured))
    for k in range(len(both)):
        both[k] = forwards(measured[k], float(seconds[k])) / 2
    for k in reversed(range(len(both))):
        both[k] += backwards(measured[k], float(seconds[k])) / 2
    return both


def _share(cutoff: Float64s | float, step: float) -> Any:
    """The share of a new value that a first-order low-pass filter with this cut-off, in Hz, takes."""
    ratio = 2 * np.pi * cutoff * step
    return ratio / (ratio + 1)
