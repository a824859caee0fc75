"""Smooth completion of values on a grid whose columns go around, such as one around a head.

It solves what `unveil.geometry.diffuse` solves on any mesh, in a fraction of the time. The nodes are coloured like a
chessboard; those of one colour are all moved at once, because no two of them are side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unveil.geometry.compiled import compiled
from unveil.typing import Float32s, Floats

# Over 54 x 96 nodes, a third of which are known, 150 sweeps end within two thousandths of the range of the solution.
SWEEPS = 150
OVER_RELAXATION = 1.93


def diffuse_grid(values: Floats, weights: Floats) -> Float32s:
    """Values [R, C] that follow ``values`` [R, C] where ``weights`` [R, C] are large and are smooth elsewhere.

    They minimise what `diffuse` does, with edges between nodes side by side. The last column, of an even number, is
    beside the first. Without any weight all are zero.
    """
    weight = np.asarray(weights, np.float32)
    pulled = weight * values
    solution = np.where(weight > 0, values, pulled.sum() / max(float(weight.sum()), 1e-12))
    edges = np.full((len(weight), 1), 4, np.float32)
    edges[0] = edges[-1] = 3
    around = np.pad(solution, ((1, 1), (2, 2)), mode="wrap")
    around[0] = around[-1] = 0  # which are no nodes
    boards = [_chessboard(board) for board in (around, pulled, OVER_RELAXATION / (weight + edges))]
    _relax(*boards)
    return _joined(boards[0])[1:-1, 2:-2]


def _chessboard(values: Floats) -> Float32s:
    """Values [R, C] of the fields coloured as the first is, and of the others: [2, R, C / 2]."""
    board = np.empty((2, len(values), values.shape[1] // 2), np.float32)
    for row in range(2):
        board[row, row::2], board[1 - row, row::2] = values[row::2, ::2], values[row::2, 1::2]
    return board


def _joined(board: Float32s) -> Float32s:
    """The values [R, C] of the fields of both colours."""
    values = np.empty((board.shape[1], 2 * board.shape[2]), np.float32)
    for row in range(2):
        values[row::2, ::2], values[row::2, 1::2] = board[row, row::2], board[1 - row, row::2]
    return values


@compiled
def _relax(solution: Any, pulled: Any, shares: Any) -> None:
    """Sweeps of successive over-relaxation over chessboards, of which that of the solution has a margin of one."""
    rows, columns = pulled.shape[1:]
    for _ in range(SWEEPS):
        for colour in range(2):
            ours, others = solution[colour], solution[1 - colour]
            pull, share = pulled[1 - colour], shares[1 - colour]  # whose first field has the other colour
            for row in range(rows):
                i = row + 1
                # Two loops, which differ in who is beside a node: of one, the compiler makes no vectors.
                if (i + colour) % 2 == 0:
                    for column in range(columns):
                        j = column + 1
                        wanted = others[i - 1, j] + others[i + 1, j] + others[i, j - 1] + others[i, j]
                        excess = np.float32(OVER_RELAXATION) * ours[i, j]
                        ours[i, j] += share[row, column] * (pull[row, column] + wanted) - excess
                else:
                    for column in range(columns):
                        j = column + 1
                        wanted = others[i - 1, j] + others[i + 1, j] + others[i, j] + others[i, j + 1]
                        excess = np.float32(OVER_RELAXATION) * ours[i, j]
                        ours[i, j] += share[row, column] * (pull[row, column] + wanted) - excess
                ours[i, 0], ours[i, columns + 1] = ours[i, columns], ours[i, 1]
