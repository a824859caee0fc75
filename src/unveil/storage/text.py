"""Text, lists and JSON that users bring."""

from __future__ import annotations

import json
import math
import os
from typing import Any, NoReturn

from unveil.storage.file_kind import FileKind

MOST_DIGITS = 20  # of a whole number; more than any count or size has


def read_bytes(path: str | os.PathLike[str], kind: FileKind, *forms: str) -> bytes:
    """All bytes of a file; UnveilError as `FileKind.opened`."""
    with kind.opened(path, *forms) as stream:
        return stream.read(kind.largest)


def read_text(path: str | os.PathLike[str], kind: FileKind, *forms: str) -> str:
    """The text of a file in UTF-8, without a byte-order mark; UnveilError for another encoding."""
    with kind.opened(path, *forms) as stream:
        return stream.read(kind.largest).decode("utf-8-sig")


def read_json(path: str | os.PathLike[str], kind: FileKind) -> Any:
    """The value in a JSON file.

    Raises:
        UnveilError: the file is missing, too large or no JSON, names something twice in one object, or has numbers that
            are not finite, which JSON does not know.
    """
    with kind.opened(path, "JSON") as stream:
        return parse_json(stream.read(kind.largest).decode("utf-8-sig"))


def parse_json(text: str) -> Any:
    """The value of a JSON text; ValueError where `read_json` has an UnveilError."""
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_finite, parse_int=_whole
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            raise ValueError(f"it names {ascii(name)[:60]} twice")
        content[name] = value
    return content


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _whole(text: str) -> int:
    return int(text) if len(text) <= MOST_DIGITS else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"it has {text[:MOST_DIGITS]}, which is no usable number")
