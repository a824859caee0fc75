"""Landmark accuracy from prediction files: nobody's model is run here, so anybody's predictions can be scored.

`evaluation.landmarks.landmark_file` says what a prediction file is; the truth is a file of the same form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unveil import markdown
from unveil.errors import UnveilError
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.evaluation.landmarks.sense import OUTER_EYE_CORNERS, require_predictions, require_truth
from unveil.evaluation.legend import label
from unveil.heads.landmarks import IBUG68_PARTS
from unveil.storage.files import atomic_path
from unveil.typing import Bools, Float64s, Int64s

FAILURE = 10.0  # percent: images with a larger error are failures, and where the cumulative curve ends


@dataclass(frozen=True)
class Score:
    """Normalised mean errors in percent over the images with a prediction, and how many have none.

    Those without one count as failures, and as missing from the cumulative curve.
    """

    count: int
    missing: int
    mean: float  # by the root of the area of the annotated landmarks' box
    median: float
    p90: float  # 90th percentile
    interocular: float  # mean error by the distance of the outer eye corners
    unshifted: float  # as the mean, without the shift that all images have in common
    visible: float | None  # mean error of landmarks that nothing occludes; None where that is not known
    hidden: float | None  # mean error of landmarks that something occludes; None where none is, or that is not known
    failures: float  # percent of all images
    auc: float  # area under the cumulative curve from 0 to `FAILURE`, of 1
    parts: Mapping[str, float]  # mean over the landmarks of each part of the face


def point_offsets(predicted: ArrayLike, truth: ArrayLike) -> Float64s:
    """Predicted minus true landmarks [N, 68, 2] over the root of the area of the true ones' bounding box, percent."""
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    extent = truth.max(axis=-2) - truth.min(axis=-2)  # [N, 2]
    size = np.sqrt(extent.prod(axis=-1))
    return np.asarray(100 * (predicted - truth) / size[..., None, None])


def point_errors(predicted: ArrayLike, truth: ArrayLike) -> Float64s:
    """Lengths [N, 68] of `point_offsets`.

    This is the NME of AFLW2000-3D as 3DDFA (Zhu et al. 2016) defines it, before the mean.
    """
    return np.asarray(np.linalg.norm(point_offsets(predicted, truth), axis=-1))


def common_shift(offsets: Float64s) -> Float64s:
    """The shift [2] that the landmarks of all images [N, 68, 2] have in common: the median of the images' means.

    It comes from how a data set was annotated or scaled, or from another convention of pixels, not from any face.
    """
    return np.asarray(np.median(offsets.mean(axis=-2), axis=0))


def interocular_errors(predicted: ArrayLike, truth: ArrayLike) -> Float64s:
    """Distances [N, 68] over that of the true outer eye corners, in percent: the NME of 300W (Sagonas et al. 2013)."""
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    right, left = (truth[..., corner, :] for corner in OUTER_EYE_CORNERS)
    size = np.linalg.norm(left - right, axis=-1)
    return np.asarray(100 * np.linalg.norm(predicted - truth, axis=-1) / size[..., None])


def matched(predicted: LandmarkFile, truth: LandmarkFile) -> tuple[Int64s, Int64s]:
    """Rows of the truth and of the prediction [M] of the images in which the method found a face.

    Raises:
        UnveilError: not one image of the truth has a prediction, or scores of them would mean nothing.
    """
    require_truth(truth)
    rows = predicted.rows(truth.names)
    if not (rows >= 0).any():
        raise UnveilError("no image of the truth has a prediction: do both files use the same names?")
    found = np.array([row >= 0 and bool(predicted.found[row]) for row in rows])
    if not found.any():
        raise UnveilError(f"no face is found in any of the {(rows >= 0).sum()} images: all their landmarks are NaN")
    require_predictions(predicted.landmarks2d[rows[found]], truth.landmarks2d[found])
    return np.flatnonzero(found), rows[found]


def score(predicted: LandmarkFile, truth: LandmarkFile) -> Score:
    """Score predictions for the images of ``truth``; those of other images are ignored.

    Raises:
        UnveilError: as `matched`.
    """
    at, rows = matched(predicted, truth)
    points, true = predicted.landmarks2d[rows], truth.landmarks2d[at]
    offsets = point_offsets(points, true)
    errors = np.linalg.norm(offsets, axis=-1)
    images = errors.mean(axis=1)
    total = len(truth.names)
    missing = total - len(at)
    hidden = None if predicted.hidden68 is None else predicted.hidden68[rows]
    return Score(
        count=len(at),
        missing=missing,
        mean=float(images.mean()),
        median=float(np.median(images)),
        p90=float(np.percentile(images, 90)),
        interocular=float(interocular_errors(points, true).mean()),
        unshifted=float(np.linalg.norm(offsets - common_shift(offsets), axis=-1).mean()),
        visible=mean_where(errors, None if hidden is None else ~hidden),
        hidden=mean_where(errors, hidden),
        failures=100 * float((images > FAILURE).sum() + missing) / total,
        auc=float(np.maximum(0, 1 - images / FAILURE).sum() / total),
        parts={name: float(errors[:, first:end].mean()) for name, (first, end) in IBUG68_PARTS.items()},
    )


def mean_where(errors: Float64s, where: Bools | None) -> float | None:
    """The mean of the errors [...] where a mask [...] is set; None where it is not known, or set nowhere."""
    return None if where is None or not where.any() else float(errors[where].mean())


def table(scores: Mapping[str, Score]) -> str:
    """Scores by name as a Markdown table, NME in percent."""
    header = ["predictions", "images", "missing", "NME box", "median", "90 % below", "NME eyes"]
    header += ["unshifted", "visible", "hidden", f"above {FAILURE:.0f} %", "AUC"]
    lines = markdown.header(header)
    for name, s in scores.items():
        numbers = [s.mean, s.median, s.p90, s.interocular, s.unshifted, s.visible, s.hidden]
        cells = [name, s.count, s.missing, *("" if v is None else f"{v:.2f}" for v in numbers)]
        lines.append(markdown.row([*cells, f"{s.failures:.1f} %", f"{s.auc:.3f}"]))
    return "\n".join(lines)


def doubts(scores: Mapping[str, Score]) -> Iterator[str]:
    """A line on the scores that are as if the landmarks were of other faces, if any are."""
    failed = [name for name, one in scores.items() if one.failures == 100]
    if failed:
        others = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        yield (
            f"every image of {failed[0]}{others} is a failure, with an error above {FAILURE:.0f} %: check that it is "
            "of the faces that the truth is of"
        )


def as_json(scores: Mapping[str, Score]) -> dict[str, Any]:
    """Scores by name as plain values."""
    return {name: asdict(one) for name, one in scores.items()}


def write_curves(path: Path, pairs: Mapping[str, tuple[LandmarkFile, LandmarkFile]]) -> bool:
    """Draw the share of images below each error, a curve for each prediction with its truth; False without matplotlib.

    Images without a prediction are below no error.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, (file, truth) in pairs.items():
        at, rows = matched(file, truth)
        images = np.sort(point_errors(file.landmarks2d[rows], truth.landmarks2d[at]).mean(axis=1))
        share = 100 * np.arange(1, len(images) + 1) / len(truth.names)
        axes.step([0, *images, FAILURE * 10], [0, *share, share[-1]], where="post", label=label(name), linewidth=1.5)
    axes.set(xlim=(0, FAILURE), ylim=(0, 100), xlabel="NME by the root of the box's area, %", ylabel="images, %")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150)
    return True
