"""Whether predicted landmarks are a face's, such that scores mean something; else one line says what to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.evaluation.alignment import procrustes
from unveil.evaluation.now.files import NowDataset, find_prediction, read_landmarks
from unveil.evaluation.now.photos import NowImage
from unveil.evaluation.now.protocol import require_millimetres
from unveil.typing import Float64s

# Of the median image, in root mean square distances of the scan's landmarks from their middle. Of 300 heads that are
# drawn at random from the open head model, each laid onto another, it is 0.055 (0.12 in the worst), 0.11 where they are
# twice as far from the mean. With landmarks that are each one too far in iBUG's 68 it is 0.22, in other orders of the
# seven 0.33 or more, but for the mirrored one, which is a face's too.
LARGEST_RESIDUAL = 0.2
ORDER = (
    "outer and inner corner of the right eye, inner and outer of the left, nose bottom, right and left corner of the "
    "mouth, where right is the subject's"
)


def check_landmarks(dataset: NowDataset, predictions: Path) -> str:
    """A warning about the landmarks of the predictions, before any is scored; "" where all is well.

    A few that are poor do not count, nor does what is missing or cannot be used, which scoring names.

    Raises:
        UnveilError: they lie as no face's do in the median image.
    """
    found = [one for image in dataset.images if (one := _laid(dataset, predictions, image)) is not None]
    if not found:
        return ""
    residual, reflected = np.median(found, axis=0)
    if residual > LARGEST_RESIDUAL:
        raise UnveilError(
            f"the predicted landmarks do not lie as the scans' do (median residual {100 * residual:.0f} % of their "
            f"spread, of faces below {100 * LARGEST_RESIDUAL:.0f} %), so there is no score: check their order, which "
            f"is {ORDER}, and that their three axes have one unit"
        )
    if reflected > 0.5:
        return (
            "most predictions fit the scans only when mirrored, and were scored so: check that no axis of them is "
            "mirrored and that their landmarks go from the subject's right to their left"
        )
    return ""


def _laid(dataset: NowDataset, predictions: Path, image: NowImage) -> tuple[float, bool] | None:
    """The residual of an image's landmarks on its scan's and whether they were mirrored; None where there are none."""
    pair = find_prediction(predictions, image)
    if pair is None:
        return None
    try:
        points, true = (read_landmarks(path) for path in (pair.landmarks, dataset.scan(image.subject).landmarks))
        require_millimetres(true)
        points, true = _bounded(points), _bounded(true)
        similarity = procrustes(points, true)
    except UnveilError:
        return None
    residual = _spread(similarity(points) - true) / _spread(true - true.mean(axis=0))
    return residual, bool(np.linalg.det(similarity.rotation) < 0)


def _bounded(points: Float64s) -> Float64s:
    """Points within one of the origin, whose squares overflow nowhere."""
    return np.asarray(points / max(np.abs(points).max(), np.finfo(float).tiny))


def _spread(offsets: Float64s) -> float:
    """Root mean square length of vectors [L, 3]."""
    return float(np.sqrt((offsets**2).sum(axis=1).mean()))
