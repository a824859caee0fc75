"""How heads vary: ICT-FaceKit's modes, projected onto what MakeHuman's sliders can do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from tools.openhead.ict import FACE_END, IctHeads
from tools.openhead.register import Registration
from tools.openhead.trim import Selection, adjacency

CENTRAL_FACE = 0.065  # metres around the nose tip
WEIGHT_CENTRAL, WEIGHT_FACE, WEIGHT_REST = 2.0, 1.0, 0.12
LANDMARK_SHARE = 0.3  # of the total weight
RIDGE = 0.03  # square millimetres a squared unit of slider costs


@dataclass(frozen=True)
class Fitter:
    """Least-squares fit of sliders to displacements of the registered surface and its landmarks, with a ridge."""

    directions: np.ndarray  # [D, V, 3] metres
    weights: np.ndarray  # [V], summing to 1 - LANDMARK_SHARE
    landmark_faces: np.ndarray  # [68, 3] vertex indices
    landmark_barycentric: np.ndarray  # [68, 3]

    def fit(self, surface: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Slider values [K, D] for displacements of the vertices [K, V, 3] and of the landmarks [K, 68, 3]."""
        design, goal = self._rows(self.directions), self._weigh(surface, landmarks)
        normal = design @ design.T + RIDGE * np.eye(len(design))
        return np.linalg.solve(normal, design @ goal.T).T

    def _rows(self, displacement: np.ndarray) -> np.ndarray:
        corners = displacement[:, self.landmark_faces]  # [K, 68, 3, 3]
        return self._weigh(displacement, (corners * self.landmark_barycentric[..., None]).sum(axis=2))

    def _weigh(self, surface: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Rows [K, (V + 68) * 3] in weighted millimetres."""
        parts = [
            surface * np.sqrt(self.weights)[:, None],
            landmarks * np.sqrt(LANDMARK_SHARE / landmarks.shape[1]),
        ]
        return 1000 * np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def vertex_weights(registration: Registration, ict: IctHeads) -> np.ndarray:
    """Weights [V]: most in the middle of the face, little on ears and skull, none where nothing corresponds."""
    face = (ict.faces[registration.closest.face] < FACE_END).all(axis=1)
    nose = ict.mean[ict.landmarks68[30]]
    central = np.linalg.norm(registration.vertices - nose, axis=1) < CENTRAL_FACE
    weights = np.where(face, np.where(central, WEIGHT_CENTRAL, WEIGHT_FACE), WEIGHT_REST)
    weights = weights * registration.trusted
    return weights * (1 - LANDMARK_SHARE) / weights.sum()


def on_registration(modes: np.ndarray, registration: Registration, ict: IctHeads) -> np.ndarray:
    """ICT's displacement fields [K, N, 3] read at the points the vertices of the head correspond to: [K, V, 3]."""
    corners = modes[:, ict.faces[registration.closest.face]]  # [K, V, 3, 3]
    return (corners * registration.closest.barycentric[..., None]).sum(axis=2)


def set_unmatched(modes: np.ndarray, selection: Selection, trusted: np.ndarray) -> None:
    """Make what nothing was fitted to follow what was, in place in modes [K, V, 3].

    The pockets behind nostrils, lips and lids and the folds of the ears move as a membrane held by their rims.
    """
    count = modes.shape[1]
    edges = adjacency(selection.faces, count)
    membrane = (sparse.diags(np.asarray(edges.sum(axis=1)).ravel()) - edges).tocsr()
    free = np.setdiff1d(np.flatnonzero(~trusted), np.concatenate(selection.eyeballs))
    held = np.setdiff1d(np.arange(count), free)
    solve = splu((membrane[free][:, free] + 1e-9 * sparse.eye(len(free))).tocsc())
    for mode in modes:
        mode[free] = solve.solve(-membrane[free][:, held] @ mode[held])


def set_eyeballs(modes: np.ndarray, selection: Selection, template: np.ndarray) -> None:
    """Let eyeballs and sockets of modes [K, V, 3] shift and grow with the lids that touch them, in place."""
    for ball, lid, socket in zip(selection.eyeballs, selection.lids, selection.sockets, strict=True):
        inner = np.concatenate([ball, socket])
        centre = template[lid].mean(axis=0)
        arm = template[lid] - centre
        shift = modes[:, lid].mean(axis=1)  # [K, 3]
        grow = ((modes[:, lid] - shift[:, None]) * arm).sum(axis=(1, 2)) / (arm**2).sum()
        modes[:, inner] = shift[:, None] + grow[:, None, None] * (template[inner] - centre)


def remove_rigid(modes: np.ndarray, points: np.ndarray, weights: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """Displacements [K, P, 3] at ``points`` without the rigid motion that the weighted vertices of a mode make.

    ``fields`` [K, V, 3] is the mode on the vertices and ``weights`` [V] theirs; ``points`` [V + J, 3] are the
    vertices followed by further points that move along.
    """
    count = len(weights)
    basis = _rigid_fields(points)  # [6, P, 3]
    rows = basis[:, :count] * np.sqrt(weights)[:, None]
    goal = fields * np.sqrt(weights)[:, None]
    design = rows.reshape(6, -1)
    motion = np.linalg.solve(design @ design.T, design @ goal.reshape(len(goal), -1).T).T  # [K, 6]
    return modes - np.tensordot(motion, basis, axes=1)


def principal(modes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rotation [K, K] of the modes that sorts them by weighted variance, largest first, with fixed signs."""
    weighted = (modes * np.sqrt(weights)[:, None]).reshape(len(modes), -1)
    u, _, _ = np.linalg.svd(weighted @ weighted.T)
    sign = np.sign(u[np.abs(u).argmax(axis=0), np.arange(u.shape[1])])
    return (u * sign).T


def _rigid_fields(points: np.ndarray) -> np.ndarray:
    """The six infinitesimal rigid motions at points [P, 3]: [6, P, 3]."""
    shifts = np.broadcast_to(np.eye(3)[:, None], (3, len(points), 3))
    turns = np.stack([np.cross(axis, points) for axis in np.eye(3)])
    return np.concatenate([shifts, turns])
