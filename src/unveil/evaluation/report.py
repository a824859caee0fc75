"""One page of everything that was scored, from the files of scores, so that no number is written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from unveil import markdown
from unveil.errors import UnveilError
from unveil.evaluation.landmarks.occlusion import PUBLISHED, published_table
from unveil.evaluation.predictions import CLEAR
from unveil.models.registry import FAMILIES
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable, write_text
from unveil.storage.text import read_json

SCORES = FileKind("file of scores", "score again", 2**26)
HEAD = """# Results

`unveil evaluate report` wrote the numbers on this page from files of scores, unless a section says otherwise.
[How to score](evaluation.md) says how they are made and what they mean.

Errors of landmarks are NME in percent of the root of the area of the annotated landmarks' box, unless said otherwise.
*Unshifted* is the same without the shift that all clear pictures have in common. The packaged learner was trained with
occluders of these kinds, on other people, so it knows them; `below-bridge` is the exception.
"""
OCCLUDED = "Error of the occluded faces, divided by that of the same faces clear; in brackets the error itself."


def write_page(scores: Path, out: Path) -> int:
    """Write a Markdown page of all scores below a folder and give back how many tables it has.

    Raises:
        UnveilError: there are no scores, or a file of them cannot be used.
    """
    sections = [section for path in sorted(scores.rglob("*.json")) if (section := _section(path, scores)) is not None]
    if not sections:
        raise UnveilError(f"no scores below {printable(scores)}; give the folder that `unveil evaluate` wrote to")
    write_text(out, "\n".join([HEAD, *sections, *_published(sections)]))
    return len(sections)


def _section(path: Path, root: Path) -> str | None:
    """The section of a file of scores, None for another JSON file; UnveilError for a damaged one."""
    content = read_json(path, SCORES)
    with SCORES.checking(path):
        if not isinstance(content, dict):
            return None
        if content.get("kind") == "landmarks":
            return _titled(content["title"], [*_landmark_rows(content["scores"])])
        if content.get("kind") == "occlusion":
            methods = {name: [*map(_renamed, rows)] for name, rows in content["methods"].items()}
            return _titled(content["title"], [*_occlusion_rows(methods)])
        if content.get("kind") == "scans":
            return _titled(content["title"], [*_scan_rows(content["methods"])])
        if path.name == "summary.json" and "all" in content:
            name = path.parent.relative_to(root).as_posix()
            return _titled(f"NoW: {name}", [*_now_rows(content)])
    return None


def _titled(title: str, lines: list[str]) -> str:
    return "\n".join([f"## {title}", "", *lines, ""])


def _published(sections: Sequence[str]) -> Iterator[str]:
    """Published results of others, after ours and apart from them, where a section is there to compare them with."""
    if any(OCCLUDED in section for section in sections):
        names = " and ".join(one.method for one in PUBLISHED)
        line = f"What {names} report, on other photographs with other occluders."
        yield _titled("Published elsewhere", [line, "We did not compute it.", "", published_table()])


def _landmark_rows(scores: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    ending = f"/{CLEAR}"
    clear = {name.removesuffix(ending): one for name, one in scores.items() if name.endswith(ending) or "/" not in name}
    header = ["method", "NME", "median", "90 % below", "NME by the eyes", "unshifted"]
    header += ["above 10 %", "AUC", "images", "missing"]
    yield from markdown.header(header)
    for name, one in clear.items():
        numbers = [f"{one[key]:.2f}" for key in ("mean", "median", "p90", "interocular", "unshifted")]
        yield markdown.row(
            [name, *numbers, f"{one['failures']:.1f} %", f"{one['auc']:.3f}", one["count"], one["missing"]]
        )
    yield from _absent(clear, len(header))


def _renamed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row with the names of today: files from before version 0.1.0 say "covered" for "occluded"."""
    return {key.replace("covered", "occluded"): value for key, value in row.items()}


def _occlusion_rows(methods: Mapping[str, list[Mapping[str, Any]]]) -> Iterator[str]:
    yield OCCLUDED
    yield ""
    header = ["occluder", "hidden", *methods]
    yield from markdown.header(header)
    by_condition: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for name, rows in methods.items():
        for row in rows:
            by_condition.setdefault((row["kind"], row["wanted"]), {})[name] = row
    for (kind, _), found in by_condition.items():
        first = next(iter(found.values()))
        share = "" if first["share"] is None else f"{first['share']:.0f} %"
        cells = [f"{one['ratio']:.2f} ({one['occluded']:.2f})" if (one := found.get(name)) else "" for name in methods]
        yield markdown.row([f"**{kind}**" if kind == "all" else kind, share, *cells])
    yield ""
    yield "Means over all kinds and severities, with equal weight; in brackets unshifted. In mm: how far points of the"
    yield "head move when the face is occluded."
    yield ""
    header = ["method", "ratio", "clear", "occluded", "visible", "hidden"]
    header += ["shape, mm", "vertices, mm", "visible, mm", "hidden, mm", "missing"]
    yield from markdown.header(header)
    for name, rows in methods.items():
        one = next(row for row in rows if row["kind"] == "all")
        errors = [f"{one[key]:.2f} ({one[f'{key}_unshifted']:.2f})" for key in ("clear", "occluded")]
        keys = ("visible", "hidden", "shape_mm", "vertices_mm", "seen_mm", "unseen_mm")
        numbers = ["" if one[key] is None else f"{one[key]:.2f}" for key in keys]
        yield markdown.row([name, f"{one['ratio']:.2f}", *errors, *numbers, one["missing"]])
    yield from _absent(methods, len(header))


def _scan_rows(methods: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    yield "Distances from the scans' points to the reconstructed meshes, aligned with scale, in mm: median / mean."
    yield ""
    header = ["method", "picture", "whole face", "visible", "hidden", "heads", "missing"]
    yield from markdown.header(header)
    for name, conditions in methods.items():
        for condition, one in conditions.items():
            cells = [
                "" if one[part] is None else f"{one[part]['median']:.2f} / {one[part]['mean']:.2f}"
                for part in ("all", "visible", "hidden")
            ]
            yield markdown.row([name, condition, *cells, one["heads"], one["missing"]])
    yield from _absent(methods, len(header))


def _now_rows(summary: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield from markdown.header(["images", "median, mm", "mean", "std", "scored", "missing"])
    for name, one in summary.items():
        numbers = ["" if one[key] is None else f"{one[key]:.3f}" for key in ("median", "mean", "std")]
        yield markdown.row([name, *numbers, one["images"], one["missing"]])


def _absent(methods: Mapping[str, Any], columns: int) -> Iterator[str]:
    """Rows for the families of which nothing was scored."""
    for family in FAMILIES:
        if not any(name.startswith(family) for name in methods):
            yield markdown.row([family, "files not available here", *[""] * (columns - 2)])
