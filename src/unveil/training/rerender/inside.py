"""Painted parts of eyes and mouths that a photograph hides: an opened mouth shows teeth, a widened eye its white."""

from __future__ import annotations

import numpy as np

from unveil.typing import Floats

# RGB relative to the brightness of skin.
WHITE, IRIS = (0.86, 0.80, 0.78), (0.28, 0.20, 0.16)
TEETH, THROAT, TONGUE = (0.78, 0.72, 0.66), (0.22, 0.10, 0.09), (0.57, 0.27, 0.26)
TEETH_HEIGHT, TEETH_RIM = 0.16, 0.03  # of the mouth's width: height of the teeth, and of their soft edge
TEETH_SHARE = 0.8  # of the mouth's height, which teeth do not exceed
UPPER, LOWER, CORNERS = slice(1, 4), slice(5, 8), (0, 4)  # of the 8 inner lips
# How open the photograph's mouth is, relative to the wanted one: below the first nothing is taken from it, above the
# second everything.
OPEN_ENOUGH = (0.3, 0.5)


def eye_colours(iris: Floats) -> Floats:
    """Colours [..., 3] of an eyeball by the share [..., 1] of the iris."""
    return np.array(WHITE) * (1 - iris) + np.array(IRIS) * iris


def mouth_colours(lips: Floats, size: int) -> Floats:
    """Colours [size, size, 3] of an open mouth with inner lips [8, 2] in pixels: teeth on top, the dark, the tongue."""
    upper, down = lips[UPPER].mean(axis=0), lips[LOWER].mean(axis=0) - lips[UPPER].mean(axis=0)
    width, height = mouth_size(lips)
    y, x = np.mgrid[:size, :size].astype(np.float64)
    below = ((x - upper[0]) * down[0] + (y - upper[1]) * down[1]) / height
    across = np.abs((x - upper[0]) * down[1] - (y - upper[1]) * down[0]) / (height * width / 2)
    edge = min(TEETH_HEIGHT * width, TEETH_SHARE * height)
    teeth = np.clip((edge - below) / (TEETH_RIM * width) + 0.5, 0, 1) * np.clip(1.2 - across, 0, 1)
    tongue = np.clip(2 * below / height - 1, 0, 1) * np.clip(1.1 - across, 0, 1)
    dark = np.array(THROAT) * (1 - tongue[..., None]) + np.array(TONGUE) * tongue[..., None]
    return np.asarray(dark * (1 - teeth[..., None]) + np.array(TEETH) * teeth[..., None])


def mouth_size(lips: Floats) -> tuple[float, float]:
    """Width and height of the opening between inner lips [8, 2], in their unit; never zero."""
    width = np.linalg.norm(lips[CORNERS[1]] - lips[CORNERS[0]])
    height = np.linalg.norm(lips[LOWER].mean(axis=0) - lips[UPPER].mean(axis=0))
    return max(float(width), 1e-3), max(float(height), 1e-3)


def share_of_photograph(wanted: Floats, shown: Floats) -> float:
    """How much of a mouth with inner lips [8, 2] may come from a photograph whose inner lips lie elsewhere [8, 2]."""
    new, old = (height / width for width, height in map(mouth_size, (wanted, shown)))
    low, high = (share * new for share in OPEN_ENOUGH)
    return float(np.clip((old - low) / max(high - low, 1e-6), 0, 1))


def affine(source: Floats, target: Floats) -> Floats:
    """The affine map [3, 2] that takes points [N, 2], with a one appended, to others [N, 2] in least squares."""
    rows = np.column_stack([source, np.ones(len(source))])
    return np.asarray(np.linalg.solve(rows.T @ rows + 1e-3 * np.eye(3), rows.T @ target))
