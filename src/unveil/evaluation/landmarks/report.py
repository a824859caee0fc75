"""Which prediction files are scored against which annotation, and what is written of the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unveil.errors import UnveilError
from unveil.evaluation.landmarks import occlusion
from unveil.evaluation.landmarks import scores as landmarks
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.evaluation.predictions import CLEAR, TRUTH
from unveil.storage.files import json_text, printable, resolved, write_text
from unveil.storage.names import files_named

FORMAT = 1
TRUTH_FILE = f"{TRUTH}.npz"


@dataclass(frozen=True, eq=False)
class Entry:
    """A prediction file and the annotation it is scored against."""

    name: str
    file: LandmarkFile
    truth: LandmarkFile


def entries(predictions: Sequence[Path], truth: LandmarkFile | None = None) -> list[Entry]:
    """The prediction files at these paths, each an npz or a folder of them.

    Those of a folder are called ``<folder>/<file>``, and go by its ``truth.npz`` where no truth is given.

    Raises:
        UnveilError: a path has no predictions, or there is no truth for them.
    """
    found = []
    for path in predictions:
        if not path.exists():
            raise UnveilError(f"{printable(path)} does not exist; give what `unveil predict landmarks` wrote")
        files = [file for file in files_named(path, ".npz") if file.name != TRUTH_FILE] if path.is_dir() else [path]
        if not files:
            raise UnveilError(
                f"{printable(path)} has no npz of predictions; give what `unveil predict landmarks` wrote"
            )
        known = truth or truth_of(path if path.is_dir() else path.parent)
        names = [f"{resolved(path).name}/{file.stem}" if path.is_dir() else file.stem for file in files]
        found += [Entry(name, LandmarkFile.load(file), known) for name, file in zip(names, files, strict=True)]
    if len({one.name for one in found}) < len(found):
        raise UnveilError("two prediction files have the same name; rename one, so that scores can be told apart")
    return found


def truth_of(folder: Path) -> LandmarkFile:
    """The annotation beside predictions; UnveilError where there is none."""
    path = folder / TRUTH_FILE
    if not path.is_file():
        raise UnveilError(
            f"no {TRUTH_FILE} in {printable(folder)}; say with --truth what the predictions are scored against"
        )
    return LandmarkFile.load(path)


def score_all(found: Sequence[Entry]) -> dict[str, landmarks.Score]:
    """The score of each prediction file; UnveilError names the one that cannot be scored."""
    scores = {}
    for one in found:
        try:
            scores[one.name] = landmarks.score(one.file, one.truth)
        except UnveilError as error:
            raise UnveilError(f"{one.name}: {error}") from error
    return scores


def write_landmarks(out: Path, title: str, found: Sequence[Entry], scores: Mapping[str, landmarks.Score]) -> list[Path]:
    """Write ``landmarks.json``, ``.md`` and, where matplotlib is there, ``.png``, and give back what was written.

    The plot has the clear faces of folders, and files that were named themselves.
    """
    paths = _write(out, "landmarks", title, {"scores": landmarks.as_json(scores)}, landmarks.table(scores))
    drawn = [one for one in found if "/" not in one.name or one.name.endswith(f"/{CLEAR}")]
    plot = out / "landmarks.png"
    pairs = {one.name.removesuffix(f"/{CLEAR}"): (one.file, one.truth) for one in drawn}
    return [*paths, plot] if pairs and landmarks.write_curves(plot, pairs) else paths


def write_occlusion(out: Path, title: str, methods: Mapping[str, Sequence[occlusion.Robustness]]) -> list[Path]:
    """Write ``occlusion.json`` and ``.md``, and give back what was written."""
    content = {"methods": {name: [row.to_json() for row in rows] for name, rows in methods.items()}}
    tables = [f"## {name}\n\n{occlusion.table(rows)}" for name, rows in methods.items()]
    anchors = f"Reported by others, with occluders of theirs, not computed here:\n\n{occlusion.published_table()}"
    return _write(out, "occlusion", title, content, "\n\n".join([*tables, anchors]))


def _write(out: Path, name: str, title: str, content: dict[str, Any], tables: str) -> list[Path]:
    paths = [out / f"{name}.json", out / f"{name}.md"]
    text = json_text({"format": FORMAT, "kind": name, "title": title} | content)
    for path, written in zip(paths, (text + "\n", f"# {title}\n\n{tables}\n"), strict=True):
        write_text(path, written)
    return paths
