"""Quad strips of MakeHuman's helper geometry, teeth and lashes, as grids of vertices."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def grid_of(quads: np.ndarray, root: np.ndarray) -> np.ndarray:
    """The vertices of a strip as a grid [C, R]: columns along the side ``root`` [C], rows away from it.

    Args:
        quads: [Q, 4] of one strip, in which every vertex of a row has one neighbour in the next.
        root: [C] vertices of one side in the order in which they follow each other.
    """
    joined = _neighbours(quads)
    columns = [list[int]() for _ in root]
    row, seen = root.tolist(), set[int]()
    while row:
        seen |= set(row)
        for column, vertex in zip(columns, row, strict=True):
            column.append(vertex)
        following = [joined[vertex] - seen for vertex in row]
        if not all(following):
            break
        row = [min(ahead) for ahead in following]
    return np.array(columns)


def sides_of(quads: np.ndarray) -> list[np.ndarray]:
    """The four sides of a strip, each as its vertices in order from corner to corner."""
    joined = _neighbours(quads)
    corners = [vertex for vertex, count in zip(*np.unique(quads, return_counts=True), strict=True) if count == 1]
    rim = _rim(quads)
    loop = [int(corners[0])]
    while ahead := [n for n in sorted(joined[loop[-1]]) if frozenset((loop[-1], n)) in rim and n not in loop]:
        loop.append(ahead[0])
    loop.append(loop[0])
    cuts = [k for k, vertex in enumerate(loop) if vertex in corners]
    return [np.array(loop[a : b + 1]) for a, b in pairwise(cuts)]


def _neighbours(quads: np.ndarray) -> dict[int, set[int]]:
    joined: dict[int, set[int]] = {}
    for quad in quads.tolist():
        for a, b in zip(quad, quad[1:] + quad[:1], strict=True):
            joined.setdefault(a, set()).add(b)
            joined.setdefault(b, set()).add(a)
    return joined


def _rim(quads: np.ndarray) -> set[frozenset[int]]:
    """The edges that one quad has only."""
    edges = [frozenset(pair) for quad in quads.tolist() for pair in zip(quad, quad[1:] + quad[:1], strict=True)]
    counts: dict[frozenset[int], int] = {}
    for edge in edges:
        counts[edge] = counts.get(edge, 0) + 1
    return {edge for edge, count in counts.items() if count == 1}
