"""The inside of the mouth, which a head without teeth is closed in front of.

`trim` leaves out what nobody sees of a shut mouth. Here it comes back as a part of its own, from the inside of the
lips to the throat.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu

from tools.openhead.trim import Selection, adjacency, triangulate


def inner_quads(quads: np.ndarray, selection: Selection) -> np.ndarray:
    """The quads [Q, 4] of the body that `selection` left out and that its caps stand for."""
    kept = np.isin(quads, selection.ids).all(axis=1)
    left_out = quads[~kept]
    rim = selection.ids[np.unique(selection.caps)]
    count = int(quads.max()) + 1
    free = left_out[~np.isin(left_out, selection.ids).any(axis=1) | np.isin(left_out, rim).any(axis=1)]
    edges = adjacency(triangulate(free), count)
    _, island = csgraph.connected_components(edges, directed=False)
    return free[np.isin(island[free[:, 0]], island[rim])]


def membrane(quads: np.ndarray, own: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """Displacements [K, P, 3] of which those not ``own`` [P] are known, and the others a membrane held by them."""
    edges = adjacency(triangulate(quads), len(own))
    stiffness = (sparse.diags(np.asarray(edges.sum(axis=1)).ravel()) - edges).tocsr()
    solve = splu(stiffness[own][:, own].tocsc())
    moved = modes.copy()
    for mode in moved:
        mode[own] = solve.solve(-stiffness[own][:, ~own] @ mode[~own])
    return moved
