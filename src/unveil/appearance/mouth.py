"""The inside of the mouth in a texture: teeth are seen near the lips, but the surface lies deep behind them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.geometry.diffuse import Neighbours
from unveil.heads.model import MorphableModel
from unveil.typing import Float32s, Int64s

INNER_LIPS = slice(60, 68)  # iBUG-68
NEAR_LIPS = 0.01  # metres from the landmarks of the inner lips
TEETH_DEPTH, TEETH_RADIUS = 0.006, 0.03  # metres, of the dental arch behind the lips, and its curvature
RIM, DARKENS = 0.003, 0.012  # metres behind the inner lips from which on, and over which, the mouth gets dark
FACES_CAMERA = 2.0  # a cosine above one: seen from the front however the triangle is turned


def mouth_inside(model: MorphableModel, openness: Float32s, edges: Neighbours) -> Int64s:
    """The vertices inside the mouth: cavities, with ``openness`` [V] below 1, that are connected with the lips."""
    template = np.asarray(model.head.template)
    lips = model.landmarks68(template)[INNER_LIPS]
    nearest = np.linalg.norm(template[:, None] - lips, axis=2).min(axis=1)
    cavity = openness < 1
    queue = np.flatnonzero(cavity & (nearest < NEAR_LIPS)).tolist()
    inside = set(queue)
    while queue:
        v = queue.pop()
        reached = [n for n in edges.index[edges.start[v] : edges.start[v + 1]].tolist() if cavity[n]]
        queue += [n for n in reached if n not in inside]
        inside.update(reached)
    return np.array(sorted(inside), dtype=np.int64)


def darkness(model: MorphableModel, inside: Int64s) -> Float32s:
    """How dark [K] the inside of the mouth is by its depth behind the lips: 0 at their rim, 1 deep inside."""
    template = np.asarray(model.head.template)
    lips = model.landmarks68(template)[INNER_LIPS, 2].mean()
    return np.asarray(np.clip((lips - template[inside, 2] - RIM) / DARKENS, 0, 1), np.float32)


def onto_teeth(points: Float32s, model: MorphableModel, inside: Int64s) -> Float32s:
    """Where a photograph shows what somebody who faces the head sees at the vertices ``inside`` its mouth.

    The surface there ends deep in the throat, and where a camera looks at it past the lips depends much on the
    camera's place; teeth stay where they are. So those vertices move along the head's forward direction onto an arch
    close behind the lips.

    Args:
        points: [V, 4] vertices in pixels (x, y, depth), and the cosine between normal and camera.
        model: gives the template.
        inside: their rows.
    """
    template = np.asarray(model.head.template, dtype=np.float64)
    finite = np.isfinite(points).all(axis=1)
    centred = template[finite] - template[finite].mean(axis=0)
    # Least squares: the rows are the head's axes, in pixels per metre.
    axes = np.linalg.solve(centred.T @ centred, centred.T @ points[finite, :3].astype(np.float64))
    if np.linalg.matrix_rank(axes) < 3:
        return points
    lips = model.landmarks68(points[:, :3])[INNER_LIPS].mean(axis=0)
    across, _, forward = ((points[inside, :3] - lips) @ np.linalg.inv(axes)).T
    arch = -TEETH_DEPTH - across**2 / (2 * TEETH_RADIUS)
    moved: NDArray[Any] = points.copy()
    moved[inside, :3] += np.maximum(0, arch - forward)[:, None] * axes[2]
    moved[inside, 3] = FACES_CAMERA
    return np.asarray(moved, dtype=np.float32)
