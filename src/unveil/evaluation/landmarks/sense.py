"""Whether landmarks are such that scores of them mean something; else one line says what to look at."""

from __future__ import annotations

import numpy as np

from unveil.errors import UnveilError
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.fitting.landmark_files import LARGEST_PIXEL
from unveil.storage.files import printable
from unveil.typing import Bools, Float64s

OUTER_EYE_CORNERS, LOWER_LIP = (36, 45), 57
LARGEST_FRACTION, SMALLEST_FACE = 2.0, 10.0  # coordinates of landmarks that are no pixels, where faces are larger, px
FEWEST_NEAR = 0.02  # share of points that are not farther from where they belong than the face is large
FAR_OFF = 0.2  # of the face's size, in the median image: landmarks that may be something else; chosen, not measured
FEWEST_OWN = 0.9  # share of true points, each of which another predicted point is nearest to, in another order
MOST_IMAGES = 200  # that the order is looked for in


def require_truth(truth: LandmarkFile) -> None:
    """UnveilError unless every image of the truth has a face that errors can be measured by."""
    if not truth.names:
        raise UnveilError("the truth names no image; give the landmarks of some")
    points = truth.landmarks2d
    _require(truth, truth.found, "has no landmarks, or landmarks that are no numbers")
    _require(truth, np.ptp(points, axis=1).min(axis=1) > 0, "has all landmarks in one line or place")
    right, left = (points[:, corner] for corner in OUTER_EYE_CORNERS)
    _require(truth, (right != left).any(axis=1), "has both outer eye corners in one place")


def _require(truth: LandmarkFile, usable: Bools, what: str) -> None:
    if not usable.all():
        name = printable(truth.names[int(np.argmin(usable))])
        raise UnveilError(
            f"in the truth {name} {what} ({(~usable).sum()} of {len(usable)} images); mend it or leave it out"
        )


def require_predictions(points: Float64s, true: Float64s) -> None:
    """UnveilError unless predicted landmarks [M, 68, 2] may be of the faces with true ones [M, 68, 2]."""
    small = float(np.mean(np.abs(points) <= LARGEST_FRACTION))
    if small > 1 - FEWEST_NEAR and np.ptp(true, axis=1).min() > SMALLEST_FACE:
        raise UnveilError(
            "nearly all landmarks lie within a pixel or two, as fractions of a picture do: give them in pixels"
        )
    if np.abs(points).max() > LARGEST_PIXEL:
        raise UnveilError(f"a landmark lies {np.abs(points).max():.3g} pixels off: give landmarks in pixels")
    sizes = np.sqrt(np.ptp(true, axis=1).prod(axis=1))
    _require_x_first(points, true, sizes)
    near = float((np.linalg.norm(points - true, axis=2) < sizes[:, None]).mean())
    if near < FEWEST_NEAR:
        raise UnveilError(
            f"{100 * near:.1f} % of the landmarks lie near the face: check that they are (x, y) in pixels of the "
            "pictures that the names say"
        )
    _require_order(points, true, sizes)


def _require_x_first(points: Float64s, true: Float64s, sizes: Float64s) -> None:
    """UnveilError where swapping the axes brings landmarks that are far off to where they belong."""
    off, swapped = (
        float(np.median(np.linalg.norm(given - true, axis=2).mean(axis=1) / sizes))
        for given in (points, points[..., ::-1])
    )
    if swapped < FAR_OFF < off and swapped < off / 2:
        whose = "the truth" if np.median(_turns(true)) < 0 else "the prediction"
        raise UnveilError(f"x and y of the landmarks seem to be swapped in {whose}: give (x, y), x to the right")


def _turns(points: Float64s) -> Float64s:
    """Twice the signed area [N] of the triangle from the right eye over the left to the mouth.

    It is positive in every photograph that is not mirrored, however it is turned, and negative with swapped axes.
    """
    right, left, mouth = (points[:, k] for k in (*OUTER_EYE_CORNERS, LOWER_LIP))
    (x1, y1), (x2, y2) = (left - right).T, (mouth - right).T
    return np.asarray(x1 * y2 - x2 * y1)


def _require_order(points: Float64s, true: Float64s, sizes: Float64s) -> None:
    """UnveilError where nearly every true point has a predicted one near it, but one of another number."""
    some = np.linspace(0, len(points) - 1, min(len(points), MOST_IMAGES)).astype(int)
    away = np.stack(
        [
            (np.linalg.norm(points[some] - true[some, k, None], axis=2) / sizes[some, None]).mean(axis=0)
            for k in range(true.shape[1])
        ]
    )  # [68 true, 68 predicted] mean distances
    nearest = away.argmin(axis=1)
    others = nearest != np.arange(len(away))
    if (
        others.mean() > 0.5
        and len({*nearest.tolist()}) >= FEWEST_OWN * len(away)
        and away.min(axis=1).mean() < np.diag(away).mean() / 2
    ):
        k = int(others.argmax())
        raise UnveilError(
            f"the landmarks are in another order: number {nearest[k]} lies where number {k} belongs; give them in "
            "iBUG's order, from the subject's right to their left"
        )
