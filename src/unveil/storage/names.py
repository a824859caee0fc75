"""Names for files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from unveil.storage.files import printable

LONGEST = 200  # bytes; file systems take 255, and results add a number, a kind and a suffix
DIGITS = 16  # of a hash, which tells shortened names apart


def printable_stem(photo: Path) -> str:
    """The name of a photograph without its suffix, for names of results."""
    return shortened(printable_part(photo.stem))


def shortened(name: str) -> str:
    """A name of at most `LONGEST` bytes: a longer one ends in ``~`` and a hash of all of it instead of its end."""
    data = name.encode()
    if len(data) <= LONGEST:
        return name
    whole_letters = data[: LONGEST - 1 - DIGITS].decode(errors="ignore")
    return f"{whole_letters}~{hashlib.sha256(data).hexdigest()[:DIGITS]}"


def printable_part(name: str) -> str:
    """Part of a name as text; a byte that is not UTF-8, an x and two digits, is marked by %."""
    return printable(name).replace("\\", "%")
