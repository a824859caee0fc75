"""The JSON of a photograph, where unveil wrote it and it is whole; any other is as good as none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unveil.errors import UnveilError
from unveil.storage.file_kind import FileKind
from unveil.storage.text import read_json

RECORD_FORMAT = 1  # raised when the JSON or the files change their meaning
KIND = FileKind("record of a photograph", "reconstruct the photograph again", 256 * 2**20)
NUMBER = (int, float)
FORM = {  # what is read of a record, with the types; a list has one or more of its one element
    "record_format": int,
    "photo": str,
    "source": {"name": str, "bytes": int, "modified_ns": int},
    "options": {"formats": [str]},
    "timings_ms": dict,
    "faces": [
        {"index": int, "pose_degrees": {"pitch": NUMBER, "yaw": NUMBER, "roll": NUMBER}, "files": dict},
    ],
}


def read_record(path: Path) -> dict[str, Any] | None:
    """The record at a path, or None where there is none of ours."""
    try:
        record = read_json(path, KIND)
    except UnveilError:
        return None
    is_ours = _fits(record, FORM) and record["record_format"] == RECORD_FORMAT
    names = files_of(record) if is_ours else ()
    return record if is_ours and all(isinstance(name, str) for name in names) else None


def files_of(record: dict[str, Any]) -> Iterator[str]:
    """Names of the files that a record lists."""
    for face in record["faces"]:
        yield from face["files"].values()


def is_file(path: Path) -> bool:
    """Whether a file is there; a damaged record may have a name that no file can have."""
    try:
        return path.is_file()
    except OSError:
        return False


def _fits(value: Any, form: Any) -> bool:
    match form:
        case dict():
            return isinstance(value, dict) and all(n in value and _fits(value[n], inner) for n, inner in form.items())
        case [inner]:
            return isinstance(value, list) and all(_fits(each, inner) for each in value)
        case _:
            return isinstance(value, form)
