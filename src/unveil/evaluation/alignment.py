"""Laying a predicted mesh onto a scan: by landmarks, then by the squared distances of the scan's points to the mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.evaluation.mesh_distance import Floats, Surface
from unveil.geometry.rotation import axis_angle_to_matrix

MOST_STEPS = 200
# A step counts as the last when it takes less than this from the mean squared distance, in parts of it and of the
# scan's mean squared radius.
SMALLEST_GAIN, SMALLEST_ERROR = 1e-10, 1e-18
FIRST_DAMPING, LARGEST_DAMPING = 1e-6, 1e6


@dataclass(frozen=True, eq=False)
class Similarity:
    """The map ``scale * rotation @ x + translation``."""

    scale: float
    rotation: Floats  # [3, 3] orthogonal, with a reflection where its determinant is -1
    translation: Floats  # [3]

    def __call__(self, points: NDArray[np.floating]) -> Floats:
        """Points [..., 3] mapped."""
        return np.asarray(self.scale * (points @ self.rotation.T) + self.translation)

    def undo(self, points: NDArray[np.floating]) -> Floats:
        """Points [..., 3] mapped back."""
        return np.asarray((points - self.translation) @ self.rotation / self.scale)


@dataclass(frozen=True, eq=False)
class Fit:
    """A mesh on a scan."""

    similarity: Similarity  # from the mesh to the scan
    distances: Floats  # [N] of the scan's points to the mesh, in the scan's unit


def procrustes(source: NDArray[np.floating], target: NDArray[np.floating], scale: float | None = None) -> Similarity:
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


def fit_to_scan(scan: Floats, mesh: Surface, start: Similarity, *, fixed_scale: bool = False) -> Fit:
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
        distances = nearest.distances * similarity.scale
        jacobian = _derivatives(scan, similarity(nearest.points), distances, centre)
        if fixed_scale:
            jacobian[:, 6] = 0
        normal, gradient = jacobian.T @ jacobian, jacobian.T @ distances
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


def _derivatives(scan: Floats, on_mesh: Floats, distances: Floats, centre: Floats) -> Floats:
    """Derivatives [N, 7] of the distances [N] by turning, moving and growing the mesh about ``centre``.

    A point on the mesh has no direction to it, and a distance that grows whichever way it goes; it has no say.
    """
    away = scan - on_mesh
    known = distances > 1e-12 * distances.max()
    directions = np.divide(away, distances[:, None], out=np.zeros_like(away), where=known[:, None])
    arms = on_mesh - centre
    growth = (directions * arms).sum(axis=1, keepdims=True)
    return -np.concatenate([np.cross(arms, directions), directions, growth], axis=1)


def _solved(normal: Floats, gradient: Floats, damping: float) -> Floats:
    """The step [7] that a damped, linearised problem takes."""
    diagonal = np.diag(normal)
    scaled = normal + np.diag(damping * diagonal + np.where(diagonal > 0, 0, 1))
    return np.asarray(-np.linalg.lstsq(scaled, gradient, rcond=None)[0])


def _moved(similarity: Similarity, step: Floats, centre: Floats) -> Similarity:
    """A similarity followed by a turn (axis-angle), a move and a growth (logarithm) about ``centre``."""
    turn, growth = axis_angle_to_matrix(step[:3]), float(np.exp(step[6]))
    translation = growth * turn @ (similarity.translation - centre) + centre + step[3:6]
    return Similarity(similarity.scale * growth, turn @ similarity.rotation, translation)
