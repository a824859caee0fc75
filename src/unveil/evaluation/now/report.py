"""The files of an evaluation on the NoW benchmark: a summary, the benchmark's own file, a table and a plot."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from unveil.evaluation.legend import label
from unveil.evaluation.now.photos import CHALLENGES
from unveil.evaluation.now.run import Scored
from unveil.markdown import header, row
from unveil.storage.files import atomic_path, json_text, write_text
from unveil.typing import Float64s

ALL = "all"
PLOT_TO = 8.0  # mm
Summary = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class OfficialScore:
    """A line of somebody's table, mm."""

    method: str
    median: float
    mean: float
    std: float
    source: str


# Of the benchmark's page, for its test images, whose scans are not public.
LEADERBOARD = tuple(
    OfficialScore(*row, "test images, https://now.is.tue.mpg.de")
    for row in (
        ("FOCUS", 1.04, 1.30, 1.10),
        ("DECA", 1.09, 1.38, 1.18),
        ("RingNet", 1.21, 1.53, 1.31),
        ("3DDFA_V2", 1.23, 1.57, 1.39),
        ("MGCNet", 1.31, 1.87, 2.63),
    )
)


def summarise(scored: Sequence[Scored]) -> Summary:
    """An object for all images and one for each challenge, with the statistics of all their distances together, mm.

    Each has ``median``, ``mean``, ``std`` (of the population; None where nothing is scored), ``points``, ``images``
    (scored), ``missing`` and ``missing_images``.
    """
    parts = {ALL: scored} | {name: [one for one in scored if one.image.challenge == name] for name in CHALLENGES}
    return {name: _statistics(part) for name, part in parts.items()}


def _statistics(scored: Sequence[Scored]) -> dict[str, Any]:
    pooled = _pooled(scored)
    missing = [str(one.image) for one in scored if one.missing]
    numbers = (np.median(pooled), pooled.mean(), pooled.std()) if len(pooled) else (None, None, None)
    return {
        **{name: None if n is None else float(n) for name, n in zip(("median", "mean", "std"), numbers, strict=True)},
        "points": len(pooled),
        "images": sum(one.distances is not None for one in scored),
        "missing": len(missing),
        "missing_images": missing,
    }


def _pooled(scored: Iterable[Scored]) -> Float64s:
    parts = [one.distances for one in scored if one.distances is not None]
    return np.concatenate([np.zeros(0, np.float32), *parts]).astype(np.float64)


def file_names(method: str) -> list[str]:
    """The files of a report, the plot last."""
    return ["summary.json", f"{method}_computed_distances.npy", f"{method}.md", f"{method}_cumulative.png"]


def write_report(out: Path, method: str, scored: Sequence[Scored], published: Sequence[OfficialScore]) -> list[Path]:
    """Write all files into ``out`` and give back their paths; the plot is left out where matplotlib is not installed.

    Raises:
        UnveilError: a file cannot be written; none is left half-written.
    """
    summary = summarise(scored)
    *paths, plot = (out / name for name in file_names(method))
    write_text(paths[0], json_text(summary) + "\n")
    with atomic_path(paths[1]) as temporary, temporary.open("wb") as stream:
        write_official(stream, scored)
    write_text(paths[2], markdown(method, summary, published))
    return [*paths, plot] if write_plot(plot, {method: _pooled(scored)}) else paths


def write_official(stream: IO[bytes], scored: Sequence[Scored]) -> None:
    """Write the .npy that the benchmark's own scripts write and plot from.

    It is a pickled dictionary of ``computed_distances`` (an array for each scored image), ``num_missing_files`` and
    ``input_files`` (the image of each array). NumPy 2 pickles arrays by names that NumPy 1 lacks, and the benchmark's
    environment may have that, so they are named by functions that every version has.
    """
    done = [one for one in scored if one.distances is not None]
    content = {
        "computed_distances": [one.distances for one in done],
        "num_missing_files": sum(one.missing for one in scored),
        "input_files": [str(one.image) for one in done],
    }
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(stream, header)
    whole = np.empty((), object)
    whole[()] = content
    _PortablePickler(stream, protocol=2).dump(whole)


class _PortablePickler(pickle.Pickler):
    def reducer_override(self, obj: object) -> Any:
        if not isinstance(obj, np.ndarray):
            return NotImplemented
        if obj.dtype == object:
            return np.array, (obj.item(),)
        return np.frombuffer, (obj.tobytes(), obj.dtype.str)


def markdown(method: str, summary: Summary, published: Sequence[OfficialScore]) -> str:
    """A table of our numbers and, apart from it, one of published ones with their sources."""
    lines = [
        f"# {method} on NoW",
        "",
        "Distances of the scans' vertices to the predicted meshes, mm.",
        "",
        *header(["images", "median", "mean", "std", "points", "scored", "missing"]),
    ]
    for name, one in summary.items():
        numbers = ["" if one[key] is None else f"{one[key]:.3f}" for key in ("median", "mean", "std")]
        lines.append(row([name, *numbers, one["points"], one["images"], one["missing"]]))
    if published:
        lines += ["", "Published by others, not computed here:", ""]
        lines += header(["method", "median", "mean", "std", "source"])
    for p in published:
        lines.append(row([p.method, *(f"{number:.2f}" for number in (p.median, p.mean, p.std)), p.source]))
    return "\n".join(lines) + "\n"


def write_plot(path: Path, errors: Mapping[str, Float64s]) -> bool:
    """Draw the share of points below each error from 0 to 8 mm, a curve per method; False without matplotlib.

    ``errors`` [N] of each method are in mm.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    limits = np.linspace(0, PLOT_TO, 801)
    for name, pooled in errors.items():
        share = np.searchsorted(np.sort(pooled), limits, side="right") / max(1, len(pooled))
        axes.plot(limits, 100 * share, label=label(name), linewidth=1.5)
    axes.set(xlim=(0, PLOT_TO), ylim=(0, 100), xlabel="distance of the scan to the mesh, mm", ylabel="points, %")
    axes.set_title("NoW: cumulative error", fontsize="medium")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150)
    return True
