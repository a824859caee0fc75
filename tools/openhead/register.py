"""Registers MakeHuman's mean adult to ICT-FaceKit's mean head: the same mesh, on the other head's surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from tools.openhead.ict import IctHeads
from tools.openhead.surface import Closest, closest_points
from tools.openhead.trim import NECK_UP, Selection, adjacency
from unveil.geometry.mesh import vertex_normals

# Base-mesh vertices at iBUG landmarks that are corners of the face and so found without doubt on both heads.
SEEDS = {36: 6770, 39: 66, 42: 6852, 45: 6802, 27: 132, 33: 317, 48: 3705, 54: 10404, 51: 466, 57: 492, 8: 5296}
REACH = 0.012  # metres; farther surface is not what a vertex belongs to
STIFFNESS = (30.0, 10.0, 3.0, 1.0, 1.0, 0.4, 0.4)  # of the surface, one per iteration
MEMBRANE = 0.02  # share of the stiffness that resists stretching rather than bending


@dataclass(frozen=True)
class Registration:
    """Where every vertex of the head lies on ICT's mean head, in ICT's frame (metres)."""

    vertices: np.ndarray  # [V, 3] free-form registered mean head
    scale: float  # from MakeHuman's metres to ICT's
    turn: np.ndarray  # [3, 3] from MakeHuman's axes to ICT's
    closest: Closest  # on ICT's mean head, per vertex
    trusted: np.ndarray  # [V] bool: the closest point is the same part of the head


def register(adult: np.ndarray, selection: Selection, ict: IctHeads) -> Registration:
    """Similarity by the seeds, then a stiff membrane pulled to the closest surface and softened step by step."""
    ids = {
        number: int(np.flatnonzero(selection.ids == vertex)[0])
        for number, vertex in SEEDS.items()
        if vertex in selection.ids
    }
    seeds = np.array(list(ids.values()))
    goals = ict.mean[ict.landmarks68[list(ids)]]
    scale, turn, shift = _symmetric(*similarity(adult[seeds], goals))
    start = scale * adult @ turn.T + shift
    skin = np.ones(len(start), bool)
    skin[np.concatenate(selection.eyeballs)] = False
    surface = _stiffness(selection.faces, len(start))
    current = start.copy()
    for step, stiffness in enumerate(STIFFNESS):
        found = closest_points(current, ict.mean, ict.faces)
        weight = np.where(skin & _trusted(current, selection, ict, found), 1.0, 0.0)
        anchor, anchor_weight = found.point.copy(), weight
        if step < 3:  # corners first; later the surface knows better
            anchor_weight = weight.copy()
            anchor[seeds], anchor_weight[seeds] = goals, 20.0
        system = sparse.diags(anchor_weight) + stiffness * surface
        change = spsolve(system.tocsc(), anchor_weight[:, None] * (anchor - start))
        change = (change + change[selection.mirror] * [-1, 1, 1]) / 2
        current = start + change
    for ball, lid, socket in zip(selection.eyeballs, selection.lids, selection.sockets, strict=True):
        grow, _, _ = similarity(start[lid], current[lid])
        current[ball] = current[lid].mean(axis=0) + grow * (start[ball] - start[lid].mean(axis=0))
        current[socket] = _onto_ball(current[socket], current[ball])
    current = _clean_neck(current, selection.neck_edge, turn @ NECK_UP)
    found = closest_points(current, ict.mean, ict.faces)
    return Registration(current, scale, turn, found, skin & _trusted(current, selection, ict, found, reach=0.004))


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, rotation [3, 3] and shift [3] that take points to points in least squares (Umeyama 1991)."""
    mean_s, mean_t = source.mean(axis=0), target.mean(axis=0)
    u, d, vt = np.linalg.svd((target - mean_t).T @ (source - mean_s))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    turn = (u * sign) @ vt
    scale = float((d * sign).sum() / ((source - mean_s) ** 2).sum())
    return scale, turn, mean_t - scale * turn @ mean_s


def _symmetric(scale: float, turn: np.ndarray, shift: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The part of a similarity that keeps the head upright and on the middle plane: it may only nod."""
    nod = np.arctan2(turn[2, 1], turn[1, 1])
    cos, sin = np.cos(nod), np.sin(nod)
    return scale, np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]), shift * [0, 1, 1]


def _trusted(
    vertices: np.ndarray, selection: Selection, ict: IctHeads, found: Closest, reach: float = REACH
) -> np.ndarray:
    """Vertices [V] near a surface that faces the same way; not pockets, which ICT models otherwise."""
    normals = vertex_normals(vertices, selection.faces)
    ict_normals = vertex_normals(ict.mean, ict.faces)
    surface = (ict_normals[ict.faces[found.face]] * found.barycentric[..., None]).sum(axis=1)
    agree = (normals * surface).sum(axis=1) > 0.6 * np.linalg.norm(surface, axis=1)
    edge = np.zeros(len(vertices), bool)
    edge[selection.neck_edge] = True
    return (found.distance < reach) & agree & ~selection.pockets & ~edge


def _stiffness(faces: np.ndarray, count: int) -> sparse.csr_matrix:
    """Quadratic form of the displacement: a plate that resists bending, and a little of a membrane.

    Without the membrane the slope at the nostrils would be carried on into the pockets behind them, which nothing
    holds.
    """
    edges = adjacency(faces, count)
    degree = np.asarray(edges.sum(axis=1)).ravel()
    plate = sparse.eye(count) - sparse.diags(1 / np.maximum(degree, 1)) @ edges
    return (plate.T @ plate + MEMBRANE * (sparse.diags(degree) - edges) + 1e-6 * sparse.eye(count)).tocsr()


def _onto_ball(points: np.ndarray, ball: np.ndarray) -> np.ndarray:
    """Points [P, 3] moved onto the sphere of an eyeball: the inside of a lid lies on it and never under thin skin."""
    centre = (ball.max(axis=0) + ball.min(axis=0)) / 2
    radius = np.ptp(ball[:, :2], axis=0).mean() / 2
    arm = points - centre
    return centre + arm * (radius / np.linalg.norm(arm, axis=1, keepdims=True))


def _clean_neck(vertices: np.ndarray, edge: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Move the vertices of the cut onto one plane square to the neck's axis."""
    vertices = vertices.copy()
    height = vertices[edge] @ up
    vertices[edge] += (np.median(height) - height)[:, None] * up
    return vertices
