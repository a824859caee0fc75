"""Are the files of a research model all there, whole, and the right ones? One line per file."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unveil.assets.model_file import ModelFile
from unveil.assets.store import find, find_mistaken, missing
from unveil.errors import UnveilError
from unveil.models.registry import RESEARCH, research_family
from unveil.storage.files import printable


@dataclass(frozen=True)
class FileCheck:
    """The findings about one file."""

    model: str
    name: str
    status: str  # ok, missing, wrong
    required: bool
    path: str  # empty where it is missing
    detail: str

    def to_json(self) -> dict[str, Any]:
        """As it stands in the answer of ``unveil assets check --json``."""
        return asdict(self)


def families_present(assets: Path | None) -> list[str]:
    """The model families of which a file is there; all where there is none."""
    present = [name for name, family in RESEARCH.items() if any(find(file, assets) for file in family.files)]
    return present or list(RESEARCH)


def check_files(model: str, assets: Path | None = None) -> list[FileCheck]:
    """Open every file of a model family; UnveilError where there is no such family or folder."""
    return [check_file(file, assets) for file in research_family(model).files]


def check_file(file: ModelFile, assets: Path | None = None) -> FileCheck:
    """Open one file of a model family by what reads it."""
    family, path = research_family(file.family), find(file, assets)
    others = [other for other in family.files if other.name in file.or_else]
    needed = file.required and not any(find(other, assets) for other in others)
    if path is None:
        mistaken = find_mistaken(file, assets)
        status, where = ("missing", "") if mistaken is None else ("wrong", printable(mistaken))
        return FileCheck(file.family, file.name, status, needed, where, missing(file, assets))
    try:
        unknown = family.inspections(assets)[file.name](path)
    except UnveilError as error:
        return FileCheck(file.family, file.name, "wrong", needed, printable(path), _complaint(path, file, error))
    notes = "; ".join(note for note in (file.what, unknown, _difference(path, file)) if note)
    return FileCheck(file.family, file.name, "ok", needed, printable(path), notes)


def _difference(path: Path, file: ModelFile) -> str:
    """The remark on a usable file that is not, byte for byte, the published one."""
    if not file.sha256:
        return ""
    with path.open("rb") as stream:
        same = hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    return "" if same else f"usable, but not the published file, whose sha256 begins with {file.sha256[:12]}"


def _complaint(path: Path, file: ModelFile, error: UnveilError) -> str:
    """The line that names a file, what is wrong with it, and how to get a right one."""
    text, name = str(error), printable(path)
    text = text if text.startswith(name) else f"{name} {text}"
    return text if file.how_to_get in text else f"{text}: {file.how_to_get}"
