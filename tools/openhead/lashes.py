"""Single lashes on the strips of MakeHuman's helper geometry, which carry a picture of lashes there.

A lash is a narrow blade of three triangles between the root and the tip of the strip. All that moves the strip moves
its lashes: their vertices are means of the strip's.
"""

from __future__ import annotations

import numpy as np

SEED = 5
ROOT_ROW = 1  # of the strip, behind which it lies inside the lid
STATIONS = (0.0, 0.55, 1.0)  # of the way from root to tip
HALF_WIDTHS = (0.5, 0.32)  # of a lash at its root and at the second station
SHORTEST, LEAN = 0.7, 0.35  # share of the strip's width; steps of lashes that a tip stands aside


def blades(grid: np.ndarray, count: int, thickness: float) -> tuple[np.ndarray, np.ndarray]:
    """The blades of one strip.

    Args:
        grid: [C, R] vertices of the strip, rows from the root to the tip.
        count: of lashes.
        thickness: of a lash at its root in columns of the grid.

    Returns:
        Weights [5 * count, C * R] of the grid's vertices, and triangles [3 * count, 3].
    """
    rng = np.random.default_rng(SEED)
    places = np.linspace(0.25, len(grid) - 1.25, count) + rng.uniform(-0.3, 0.3, count) * len(grid) / count
    lengths = rng.uniform(SHORTEST, 1, count)
    middle = (len(grid) - 1) / 2
    leans = LEAN * (places - middle) / middle + rng.uniform(-0.15, 0.15, count)
    weights, triangles = [], []
    for k, (place, length, lean) in enumerate(zip(places, lengths, leans, strict=True)):
        for station, half in zip(STATIONS, (*HALF_WIDTHS, None), strict=True):
            row = ROOT_ROW + station * length * (grid.shape[1] - 1 - ROOT_ROW)
            column = place + lean * station**2
            sides = (0.0,) if half is None else (-half * thickness, half * thickness)
            weights += [_between(grid.shape, column + side, row) for side in sides]
        triangles += [(5 * k + a, 5 * k + b, 5 * k + c) for a, b, c in ((0, 1, 2), (2, 1, 3), (2, 3, 4))]
    return np.array(weights), np.array(triangles)


def _between(shape: tuple[int, ...], column: float, row: float) -> np.ndarray:
    """Bilinear weights of the grid's vertices at a place between them."""
    weights = np.zeros(shape)
    c, r = np.clip(column, 0, shape[0] - 1), np.clip(row, 0, shape[1] - 1)
    c0, r0 = min(int(c), shape[0] - 2), min(int(r), shape[1] - 2)
    for dc, wc in ((0, 1 - (c - c0)), (1, c - c0)):
        for dr, wr in ((0, 1 - (r - r0)), (1, r - r0)):
            weights[c0 + dc, r0 + dr] = wc * wr
    return weights.ravel()
