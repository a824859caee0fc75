"""Laying a predicted mesh onto a scan: by landmarks, then by the squared distances of the scan's points to the mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.errors import UnveilError
from unveil.evaluation.mesh_distance import MeshTree
from unveil.geometry.compiled import compiled
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.typing import Float64s, Floats

MOST_STEPS = 200
# A step counts as the last when it takes less than this from the mean squared distance, in parts of it and of the
# scan's mean squared radius.
SMALLEST_GAIN, SMALLEST_ERROR = 1e-10, 1e-18
FIRST_DAMPING, LARGEST_DAMPING = 1e-6, 1e6


@dataclass(frozen=True, eq=False)
class Similarity:
    """The map ``scale * rotation @ x + translation``."""

    scale: float
    rotation: Float64s  # [3, 3] orthogonal, with a reflection where its determinant is -1
    translation: Float64s  # [3]

    def __call__(self, points: Floats) -> Float64s:
        """Points [..., 3] mapped."""
        return np.asarray(self.scale * _turned(points, self.rotation) + self.translation)

    def undo(self, points: Floats) -> Float64s:
        """Points [..., 3] mapped back."""
        return np.asarray(_turned(points - self.translation, self.rotation.T) / self.scale)


def _turned(points: Floats, rotation: Float64s) -> Float64s:
    """``rotation @ x`` of each point, on one core: images are worked on side by side."""
    return np.asarray(np.einsum("ij,...j->...i", rotation, points))


@dataclass(frozen=True, eq=False)
class Fit:
    """A mesh on a scan."""

    similarity: Similarity  # from the mesh to the scan
    distances: Float64s  # [N] of the scan's points to the mesh, in the scan's unit


def procrustes(source: Floats, target: Floats, scale: float | None = None) -> Similarity:
    """The similarity of least squared distances from points [L, 3] to their partners [L, 3]; it may reflect.

    Kabsch's solution with the scale of Schönemann and Carroll (1970), unless a scale is given.

    Raises:
        UnveilError: the points of one side all lie in one place.
    """
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    if not ((a**2).sum() > 0 and (b**2).sum() > 0):
        raise UnveilError("landmarks that all lie in one place cannot be aligned; write each where it belongs")
    u, stretches, vt = np.linalg.svd(b.T @ a)
    rotation = u @ vt
    factor = float(stretches.sum() / (a**2).sum()) if scale is None else scale
    return Similarity(factor, rotation, target.mean(axis=0) - factor * rotation @ source.mean(axis=0))


def fit_to_scan(scan: Float64s, mesh: MeshTree, start: Similarity, *, fixed_scale: bool = False) -> Fit:
    """The similarity of least squared distances of a scan's points [N, 3] to a mesh, from a start nearby.

    Levenberg and Marquardt's method on the distances themselves. A distance changes as if the nearest point were fixed
    to the mesh, so its derivative is that of the distance to this point. The points are taken to the mesh rather than
    the mesh to them, so the mesh is sorted once.
    """
    centre = scan.mean(axis=0)
    smallest = SMALLEST_ERROR * float(((scan - centre) ** 2).sum())
    similarity, nearest = start, mesh.nearest(start.undo(scan))
    error = start.scale**2 * float((nearest.distances**2).sum())
    damping = FIRST_DAMPING
    for _ in range(MOST_STEPS):
        normal, gradient = _normal_equations(scan, similarity(nearest.points), centre)
        if fixed_scale:
            normal[6], normal[:, 6], gradient[6] = 0, 0, 0
        while damping < LARGEST_DAMPING:
            step = _solved(normal, gradient, damping)
            trial = _moved(similarity, step, centre)
            there = mesh.nearest(trial.undo(scan), nearest.triangles)
            trial_error = trial.scale**2 * float((there.distances**2).sum())
            if trial_error < error:
                break
            damping = max(damping, FIRST_DAMPING) * 10
        else:
            break  # nothing near is better
        gain = error - trial_error
        similarity, nearest, error, damping = trial, there, trial_error, damping / 10
        if gain <= SMALLEST_GAIN * error + smallest:
            break
    return Fit(similarity, nearest.distances * similarity.scale)


@compiled
def _normal_equations(scan: Float64s, on_mesh: Float64s, centre: Float64s) -> tuple[Float64s, Float64s]:
    """Gauss and Newton's matrix [7, 7] and gradient [7] of half the sum of squared distances between points [N, 3].

    The seven turn, move and grow the mesh about ``centre``. A point that lies on the mesh has no direction to it, and
    adds nothing.
    """
    normal, gradient, row = np.zeros((7, 7)), np.zeros(7), np.empty(7)
    for n in range(len(scan)):
        away, arm = scan[n] - on_mesh[n], on_mesh[n] - centre
        distance = np.sqrt((away * away).sum())
        if distance == 0:
            continue
        x, y, z = away / distance
        row[0], row[1], row[2] = arm[2] * y - arm[1] * z, arm[0] * z - arm[2] * x, arm[1] * x - arm[0] * y
        row[3], row[4], row[5] = -x, -y, -z
        row[6] = -(x * arm[0] + y * arm[1] + z * arm[2])
        for i in range(7):
            gradient[i] += row[i] * distance
            for j in range(7):
                normal[i, j] += row[i] * row[j]
    return normal, gradient


def _solved(normal: Float64s, gradient: Float64s, damping: float) -> Float64s:
    """The step [7] that a damped, linearised problem takes."""
    diagonal = np.diag(normal)
    scaled = normal + np.diag(damping * diagonal + np.where(diagonal > 0, 0, 1))
    return np.asarray(-np.linalg.lstsq(scaled, gradient, rcond=None)[0])


def _moved(similarity: Similarity, step: Float64s, centre: Float64s) -> Similarity:
    """A similarity followed by a turn (axis-angle), a move and a growth (logarithm) about ``centre``."""
    turn, growth = axis_angle_to_matrix(step[:3]), float(np.exp(step[6]))
    translation = growth * turn @ (similarity.translation - centre) + centre + step[3:6]
    return Similarity(similarity.scale * growth, turn @ similarity.rotation, translation)
