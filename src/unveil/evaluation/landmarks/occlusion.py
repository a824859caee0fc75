"""The effect of occlusion on a method: its predictions for occluded pictures beside the clear ones.

A method's predictions are a folder as `unveil predict landmarks` writes it: ``clear.npz``, and a file for each kind of
occluder and severity, ``<kind>-<percent>.npz`` or ``<kind>.npz``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unveil import markdown
from unveil.errors import UnveilError
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.evaluation.landmarks.scores import common_shift, matched, mean_where, point_offsets
from unveil.evaluation.predictions import CLEAR, TRUTH
from unveil.storage.files import printable
from unveil.storage.names import files_named
from unveil.typing import Float64s, Int64s

LARGEST_MM = 1000.0  # a point of a head farther from another head's: not millimetres


@dataclass(frozen=True)
class Robustness:
    """One kind of occluder at one severity; errors are NME by the root of the box's area, in percent.

    Only images count in which the face was found both clear and occluded; ``missing`` are the others.
    """

    kind: str
    wanted: int | None  # percent of the face that was to be hidden; None where the occluder has a size of its own
    share: float | None  # percent that was hidden, mean
    images: int
    missing: int
    clear: float  # error on the same images, clear
    occluded: float
    visible: float | None  # of the landmarks that nothing occludes
    hidden: float | None  # of those that something occludes
    clear_unshifted: float  # both errors without the shift that the clear images have in common
    occluded_unshifted: float
    shape_mm: float | None  # how far points of the neutral head move, mean
    vertices_mm: float | None  # the same with expression
    seen_mm: float | None  # of these, points that nothing occludes in the picture
    unseen_mm: float | None  # points that something occludes

    @property
    def ratio(self) -> float:
        """Error of the occluded faces over that of the clear ones; 1 where occlusion costs nothing."""
        return self.occluded / self.clear

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the ratio."""
        return asdict(self) | {"ratio": self.ratio}


@dataclass(frozen=True)
class Published:
    """Published results of others: errors of clear and occluded faces in percent."""

    method: str
    data: str
    clear: float
    occluded: float


# With occluders of their authors, so the growth can be set beside ours, not the errors.
PUBLISHED = (
    Published("Deng et al. 2019", "AFLW2000-3D", 3.10, 4.71),
    Published("CFR-GAN (Ju et al. 2022)", "AFLW2000-3D", 3.00, 3.14),
)


def load_folder(folder: Path) -> dict[str, LandmarkFile]:
    """The prediction files of a folder by their names; UnveilError where the clear one, or any occluded, is missing."""
    if not folder.exists():
        raise UnveilError(f"{printable(folder)} does not exist; give a folder that `unveil predict landmarks` wrote")
    files = {path.stem: LandmarkFile.load(path) for path in files_named(folder, ".npz") if path.stem != TRUTH}
    if CLEAR not in files or len(files) < 2:
        raise UnveilError(
            f"{printable(folder)} has no {CLEAR}.npz with files of occluded faces beside it; give a folder that "
            "`unveil predict landmarks` wrote"
        )
    return files


def compare(files: Mapping[str, LandmarkFile], truth: LandmarkFile) -> list[Robustness]:
    """A row for each file but the clear one, and one, ``all``, for the mean of them.

    Raises:
        UnveilError: files are of other images, or heads are not in millimetres or of another number of points.
    """
    clear = files[CLEAR]
    rows = [_compare(name, clear, occluded, truth) for name, occluded in files.items() if name != CLEAR]
    return [_mean(rows), *rows]


def _compare(name: str, clear: LandmarkFile, occluded: LandmarkFile, truth: LandmarkFile) -> Robustness:
    try:
        in_truth, in_occluded = matched(occluded, truth)
        in_clear = clear.rows(tuple(truth.names[k] for k in in_truth))
    except UnveilError as error:
        raise UnveilError(f"{name}: {error}") from error
    both = (in_clear >= 0) & clear.found[in_clear]
    if not both.any():
        raise UnveilError(
            f"{name}: no image has a prediction both clear and occluded: do the files use the same names?"
        )
    in_truth, in_occluded, in_clear = in_truth[both], in_occluded[both], in_clear[both]
    true = truth.landmarks2d[in_truth]
    offsets = point_offsets(occluded.landmarks2d[in_occluded], true)
    errors = np.linalg.norm(offsets, axis=-1)
    clear_offsets = point_offsets(clear.landmarks2d[in_clear], true)
    shift = common_shift(clear_offsets)
    hidden = None if occluded.hidden68 is None else occluded.hidden68[in_occluded]
    clear_error = float(np.linalg.norm(clear_offsets, axis=-1).mean())
    if not clear_error > 0:
        raise UnveilError(f"{CLEAR} has the very landmarks of the truth; give what a method predicts")
    kind, _, percent = name.rpartition("-")
    sized = percent.isdigit()
    return Robustness(
        kind=kind if sized else name,
        wanted=int(percent) if sized else None,
        share=None if occluded.hidden_share is None else 100 * float(occluded.hidden_share[in_occluded].mean()),
        images=len(in_truth),
        missing=len(truth.names) - len(in_truth),
        clear=clear_error,
        occluded=float(errors.mean()),
        visible=mean_where(errors, None if hidden is None else ~hidden),
        hidden=mean_where(errors, hidden),
        clear_unshifted=float(np.linalg.norm(clear_offsets - shift, axis=-1).mean()),
        occluded_unshifted=float(np.linalg.norm(offsets - shift, axis=-1).mean()),
        **_movement(name, clear, occluded, in_clear, in_occluded),
    )


def _movement(
    name: str, clear: LandmarkFile, occluded: LandmarkFile, in_clear: Int64s, in_occluded: Int64s
) -> dict[str, float | None]:
    """How far the points of heads move when the face is occluded, mm."""
    rows = in_clear, in_occluded
    shape = _distances(name, clear.neutral_mm, occluded.neutral_mm, rows)
    vertices = _distances(name, clear.vertices_mm, occluded.vertices_mm, rows)
    hidden = None if occluded.hidden_points is None else occluded.hidden_points[in_occluded]
    return {
        "shape_mm": None if shape is None else float(shape.mean()),
        "vertices_mm": None if vertices is None else float(vertices.mean()),
        "seen_mm": None if vertices is None or hidden is None else mean_where(vertices, ~hidden),
        "unseen_mm": None if vertices is None else mean_where(vertices, hidden),
    }


def _distances(
    name: str, clear: Float64s | None, occluded: Float64s | None, rows: tuple[Int64s, Int64s]
) -> Float64s | None:
    """Distances [M, K] between the points of heads in these rows of the files, where both have them."""
    if clear is None or occluded is None:
        return None
    if clear.shape[1:] != occluded.shape[1:]:
        raise UnveilError(
            f"{name} has heads of {occluded.shape[1]} points, but {CLEAR} of {clear.shape[1]}; give the same points"
        )
    moved = np.linalg.norm(occluded[rows[1]] - clear[rows[0]], axis=2)
    if np.isnan(moved).any():
        raise UnveilError(f"{name} has heads with NaN points where a face was found; predict them again")
    if moved.max() > LARGEST_MM:
        raise UnveilError(
            f"points of the heads in {name} are {moved.max():.3g} mm from those of {CLEAR}; give them in millimetres"
        )
    return np.asarray(moved)


def _mean(rows: Sequence[Robustness]) -> Robustness:
    """The mean over rows, each counting the same."""
    numbers = {}
    keys = ("share", "clear", "occluded", "visible", "hidden", "clear_unshifted", "occluded_unshifted")
    for key in (*keys, "shape_mm", "vertices_mm", "seen_mm", "unseen_mm"):
        known = [value for row in rows if (value := getattr(row, key)) is not None]
        numbers[key] = float(np.mean(known)) if known else None
    return Robustness(
        kind="all",
        wanted=None,
        images=sum(row.images for row in rows),
        missing=sum(row.missing for row in rows),
        **numbers,  # type: ignore[arg-type]  # clear and occluded are known in every row
    )


def table(rows: Sequence[Robustness]) -> str:
    """The rows as a Markdown table, the ratio first."""
    header = ["occluder", "wanted", "hidden", "ratio", "clear", "occluded", "visible points", "hidden points"]
    header += ["clear, unshifted", "occluded, unshifted"]
    header += ["shape, mm", "vertices, mm", "seen", "unseen", "images", "missing"]
    lines = markdown.header(header)
    for row in rows:
        percents = ["" if row.wanted is None else f"{row.wanted} %", "" if row.share is None else f"{row.share:.0f} %"]
        numbers = [row.clear, row.occluded, row.visible, row.hidden, row.clear_unshifted, row.occluded_unshifted]
        numbers += [row.shape_mm, row.vertices_mm, row.seen_mm, row.unseen_mm]
        cells = [row.kind, *percents, f"**{row.ratio:.2f}**", *("" if v is None else f"{v:.2f}" for v in numbers)]
        lines.append(markdown.row([*cells, row.images, row.missing]))
    return "\n".join(lines)


def published_table() -> str:
    """Published results of others, as a Markdown table."""
    lines = markdown.header(["method", "on", "ratio", "clear", "occluded"])
    for one in PUBLISHED:
        numbers = (one.occluded / one.clear, one.clear, one.occluded)
        lines.append(markdown.row([one.method, one.data, *(f"{number:.2f}" for number in numbers)]))
    return "\n".join(lines)
