"""Bases and weights in the units in which openhead's file stores them."""

from __future__ import annotations

import numpy as np


def quantised(name: str, basis: np.ndarray) -> dict[str, np.ndarray]:
    """A basis [K, V, 3] as int16 and the metres of one step per component."""
    step = np.maximum(np.abs(basis).max(axis=(1, 2)) / 32767, 1e-12)
    rounded = np.round(basis / step[:, None, None]).astype(np.int16)
    return {f"{name}_basis": rounded, f"{name}_step": step.astype(np.float32)}


def in_255ths(weights: np.ndarray) -> np.ndarray:
    """Weights [V, J] as uint8 whose rows sum to 255."""
    weights = weights / weights.sum(axis=1, keepdims=True)
    steps = np.floor(weights * 255).astype(int)
    np.add.at(steps, (np.arange(len(steps)), weights.argmax(axis=1)), 255 - steps.sum(axis=1))
    return steps.astype(np.uint8)
