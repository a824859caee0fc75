"""The 68 iBUG landmarks on the head and the jaw line that slides with yaw."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.openhead.surface import closest_points

YAWS = np.arange(-75, 76)  # whole degrees
SEEN_FROM_THE_FRONT = slice(17, 31)  # brows and bridge of the nose: a shift in the picture slides them over the surface
FLAT = np.array([1.0, 1.0, 0.1])  # a head so flat that what is closest is what lies behind a place in the picture
ARC = np.radians(np.linspace(0, 75, 76))  # how far the jaw line may slide towards the front of the face


def as_annotated(points: np.ndarray) -> np.ndarray:
    """The 68 landmarks [68, 3] of ICT-FaceKit moved to where annotators of photographs click them.

    The shifts, in millimetres to the subject's left and up, are the mean differences over a few thousand annotated
    photographs, made symmetric; ``docs/reproduce.md`` says how they were measured. They are largest on the jaw line,
    which annotators space by eye, and at the inner ends of the brows, where ICT-FaceKit marks the bone.
    """
    table = np.loadtxt(Path(__file__).with_name("annotation_offsets.csv"), delimiter=",", skiprows=1)
    moved = points.copy()
    moved[table[:, 0].astype(int), :2] += table[:, 1:] / 1000
    return moved


def embed(
    points: np.ndarray, vertices: np.ndarray, faces: np.ndarray, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Face index [L] and barycentric coordinates [L, 3] of the allowed faces' points closest to points [L, 3]."""
    found = closest_points(points, vertices, faces[allowed])
    return np.flatnonzero(allowed)[found.face], found.barycentric


def embed_annotated(
    points: np.ndarray, vertices: np.ndarray, faces: np.ndarray, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As `embed`, of the landmarks [68, 3] of `as_annotated`."""
    moved = as_annotated(points)
    triangles, barycentric = embed(moved, vertices, faces, allowed)
    front = SEEN_FROM_THE_FRONT
    triangles[front], barycentric[front] = embed(moved[front] * FLAT, vertices * FLAT, faces, allowed)
    return triangles, barycentric


def sliding_contour(
    jaw: np.ndarray, vertices: np.ndarray, faces: np.ndarray, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Table [R, 17] of face indices and [R, 17, 3] of barycentric coordinates of the visible jaw line per yaw.

    Each landmark of the frontal jaw line [17, 3] may move along an arc over the cheek towards the front of the face.
    At a given yaw it stands where the arc reaches farthest out, in the direction in which the frontal outline
    faces at that landmark. On the side turned to the viewer that is the landmark itself.
    """
    centre = np.array([0.0, jaw[4:13, 1].mean() + 0.01, jaw[[0, 16], 2].mean()])
    outward = _outline_normals(jaw)
    arcs = [_arc(point - centre, centre, vertices, faces, allowed) for point in jaw]
    table_faces = np.zeros((len(YAWS), 17), int)
    table_bary = np.zeros((len(YAWS), 17, 3))
    for row, yaw in enumerate(np.radians(YAWS)):
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        for k, (arc_faces, arc_bary, arc_points) in enumerate(arcs):
            reach = (arc_points @ turn.T)[:, :2] @ outward[k]
            best = int(reach.argmax())
            table_faces[row, k], table_bary[row, k] = arc_faces[best], arc_bary[best]
    return table_faces, table_bary


def _outline_normals(jaw: np.ndarray) -> np.ndarray:
    """Unit normals [17, 2] of the frontal outline, pointing away from the face."""
    tangent = np.gradient(jaw[:, :2], axis=0)
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    normal *= np.sign((normal * (jaw[:, :2] - jaw[:, :2].mean(axis=0))).sum(axis=1))[:, None]
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _arc(
    direction: np.ndarray, centre: np.ndarray, vertices: np.ndarray, faces: np.ndarray, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Surface points hit from the centre by the direction, turned step by step towards the front (+z)."""
    start = direction / np.linalg.norm(direction)
    front = np.array([0.0, 0.0, 1.0]) - start[2] * start
    front /= np.linalg.norm(front)
    most = np.arccos(np.clip(start[2], -1, 1))
    turn = ARC[most - np.radians(12) > ARC]
    rays = np.cos(turn)[:, None] * start + np.sin(turn)[:, None] * front
    ids = np.flatnonzero(allowed)
    distance, face, bary = _shoot(centre, rays, vertices[faces[ids]])
    return ids[face], bary, centre + distance[:, None] * rays


def _shoot(origin: np.ndarray, rays: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The farthest hit of each ray [R, 3] (Moeller and Trumbore 1997): distance [R], triangle [R], barycentric."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    edge1, edge2 = b - a, c - a
    p = np.cross(rays[:, None], edge2)  # [R, F, 3]
    determinant = (edge1 * p).sum(-1)
    determinant = np.where(np.abs(determinant) < 1e-18, np.inf, determinant)
    s = origin - a
    second = (s * p).sum(-1) / determinant
    q = np.cross(s, edge1)
    third = (rays[:, None] * q).sum(-1) / determinant
    distance = (edge2 * q).sum(-1) / determinant
    hit = (second >= -1e-9) & (third >= -1e-9) & (second + third <= 1 + 1e-9) & (distance > 0)
    distance = np.where(hit, distance, -np.inf)
    best = distance.argmax(axis=1)
    row = np.arange(len(rays))
    u, v = second[row, best], third[row, best]
    return distance[row, best], best, np.stack([1 - u - v, u, v], axis=1)
