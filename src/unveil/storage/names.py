"""Names for files."""

from __future__ import annotations

from pathlib import Path

from unveil.storage.files import printable


def printable_stem(photo: Path) -> str:
    """The name of a photograph without its suffix, for names of results."""
    return printable_part(photo.stem)


def printable_part(name: str) -> str:
    """Part of a name as text; a byte that is not UTF-8, an x and two digits, is marked by %."""
    return printable(name).replace("\\", "%")
