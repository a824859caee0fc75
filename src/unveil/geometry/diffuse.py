"""Smooth completion of values that are known on a part of a mesh only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unveil.geometry.compiled import compiled
from unveil.typing import Float32s, Int32s, Ints

# On a head of 4,000 vertices known in the face only, 60 sweeps end within 1.2 of the solution for values of 0..255;
# over-relaxation of 1.85 leaves 4.3, 1.97 leaves 13.
SWEEPS = 60
OVER_RELAXATION = 1.93
AT_ONCE = 3  # channels that one loop over the mesh solves for: a third of the time that a loop for each takes


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The edges of a mesh: the neighbours of vertex v are ``index[start[v]:start[v + 1]]``."""

    start: Int32s  # [V + 1]
    index: Int32s  # [E]


def neighbours(faces: Ints, vertex_count: int) -> Neighbours:
    """The vertices that share an edge with each vertex of ``faces`` [F, 3]."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    both_ways = np.concatenate([edges, edges[:, ::-1]])
    vertex, other = np.divmod(np.unique(both_ways[:, 0] * vertex_count + both_ways[:, 1]), vertex_count)
    start = np.searchsorted(vertex, np.arange(vertex_count + 1))
    return Neighbours(start.astype(np.int32), other.astype(np.int32))


def diffuse(values: ArrayLike, weights: ArrayLike, mesh: Neighbours, default: ArrayLike) -> Float32s:
    """Values [V, C] that follow ``values`` [V, C] where ``weights`` [V] are large and are smooth elsewhere.

    They minimise the sum over vertices of weight * (x - value)^2 plus the sum over edges of (x_i - x_j)^2, found by
    successive over-relaxation. Parts of the mesh that hold no weight at all are ``default`` [C].
    """
    given, weight = np.asarray(values, dtype=np.float32), np.asarray(weights, dtype=np.float32)
    count, channels = given.shape
    solution = np.empty((count, channels), np.float32)
    for first in range(0, channels, AT_ONCE):
        part = np.s_[:, first : first + AT_ONCE]
        width = given[part].shape[1]
        known, found = (np.zeros((count, AT_ONCE), np.float32) for _ in range(2))
        known[:, :width], found[:, :width] = given[part], np.broadcast_to(default, given.shape)[part]
        ring, queue = np.full(count, -1, np.int32), np.empty(count, np.int32)
        _advance(found, known, weight, (mesh.start, mesh.index), (ring, queue))
        _relax(found, known, weight, mesh.start, mesh.index)
        solution[part] = found[:, :width]
    return solution


@compiled
def _advance(solution: Any, values: Any, weights: Any, mesh: Any, reached: Any) -> None:
    """A first guess: from the known vertices outwards, ring by ring, the mean of the neighbours reached before.

    ``reached`` has the ring of each vertex, which is -1, and room for those whose neighbours are to be reached next.
    """
    start, index = mesh
    ring, queue = reached
    count, channels = values.shape
    head = tail = 0
    for v in range(count):
        if weights[v] > 0:
            ring[v] = 0
            queue[tail] = v
            tail += 1
            for c in range(channels):
                solution[v, c] = values[v, c]
    while head < tail:
        v = queue[head]
        head += 1
        if ring[v] > 0:
            known = 0
            for c in range(channels):
                solution[v, c] = 0
            for k in range(start[v], start[v + 1]):
                if 0 <= ring[index[k]] < ring[v]:
                    known += 1
                    for c in range(channels):
                        solution[v, c] += solution[index[k], c]
            for c in range(channels):
                solution[v, c] /= known
        for k in range(start[v], start[v + 1]):
            if ring[index[k]] < 0:
                ring[index[k]] = ring[v] + 1
                queue[tail] = index[k]
                tail += 1


@compiled
def _relax(solution: Any, values: Any, weights: Any, start: Any, index: Any) -> None:
    """Sweeps over `AT_ONCE` channels.

    Every second vertex is moved, then those between: vertices that follow each other are mostly neighbours, and each
    would wait for the one before it.
    """
    count, step = np.uint32(len(values)), np.uint32(2)  # unsigned, as in `rasterize`
    for _ in range(SWEEPS):
        for first in range(2):
            for v in range(np.uint32(first), count, step):
                weight = weights[v]
                begin, end = np.uint32(start[v]), np.uint32(start[v + np.uint32(1)])
                total = weight + np.float32(end - begin)
                if total == 0:
                    continue
                a, b, c = weight * values[v, 0], weight * values[v, 1], weight * values[v, 2]
                for k in range(begin, end):
                    other = np.uint32(index[k])
                    a += solution[other, 0]
                    b += solution[other, 1]
                    c += solution[other, 2]
                # Of what is missing, which is exactly nothing where all agree.
                share = np.float32(OVER_RELAXATION) / total
                solution[v, 0] += share * (a - total * solution[v, 0])
                solution[v, 1] += share * (b - total * solution[v, 1])
                solution[v, 2] += share * (c - total * solution[v, 2])
