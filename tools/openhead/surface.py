"""Closest points on a triangle mesh, for registering one head to another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

CANDIDATES = 24  # triangles tried per point, nearest centroids first: plenty on evenly meshed heads


@dataclass(frozen=True)
class Closest:
    """For every query point, where on the mesh it is closest."""

    face: np.ndarray  # [N]
    barycentric: np.ndarray  # [N, 3]
    point: np.ndarray  # [N, 3]
    distance: np.ndarray  # [N]


def closest_points(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> Closest:
    """Closest points on the mesh to points [N, 3], searched among the triangles with the nearest centroids."""
    corners = vertices[faces]  # [F, 3, 3]
    _, candidate = cKDTree(corners.mean(axis=1)).query(points, k=min(CANDIDATES, len(faces)))  # [N, K]
    bary = _project(points[:, None], corners[candidate])  # [N, K, 3]
    found = (corners[candidate] * bary[..., None]).sum(axis=2)
    distance = np.linalg.norm(found - points[:, None], axis=-1)
    best = distance.argmin(axis=1)
    row = np.arange(len(points))
    return Closest(candidate[row, best], bary[row, best], found[row, best], distance[row, best])


def _project(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Barycentric coordinates [..., 3] of the points of triangles [..., 3, 3] closest to points [..., 3]."""
    a, b, c = (triangles[..., i, :] for i in range(3))
    inside = _plane_barycentric(points, a, b, c)
    best, best_distance = inside, np.where((inside >= 0).all(axis=-1), 0.0, np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        p, q = triangles[..., i, :], triangles[..., j, :]
        along = ((points - p) * (q - p)).sum(-1) / np.maximum(((q - p) ** 2).sum(-1), 1e-18)
        along = np.clip(along, 0, 1)
        edge = np.zeros_like(inside)
        edge[..., i], edge[..., j] = 1 - along, along
        distance = ((points - p - along[..., None] * (q - p)) ** 2).sum(-1)
        closer = distance < best_distance
        best = np.where(closer[..., None], edge, best)
        best_distance = np.where(closer, distance, best_distance)
    return best


def _plane_barycentric(p: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Barycentric coordinates of the foot of the perpendicular from p on the plane of (a, b, c)."""
    u, v, w = b - a, c - a, p - a
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    wu, wv = (w * u).sum(-1), (w * v).sum(-1)
    determinant = np.maximum(uu * vv - uv * uv, 1e-24)
    second, third = (vv * wu - uv * wv) / determinant, (uu * wv - uv * wu) / determinant
    return np.stack([1 - second - third, second, third], axis=-1)
