"""Names for files."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from unveil.storage.files import printable

LONGEST = 200  # bytes; file systems take 255, and results add a number, a kind and a suffix
DIGITS = 16  # of a hash, which tells shortened names apart
PART_NAMES = "[0-9]*-[0-9]*.npz"  # of the parts of a long work, as a pattern
NUMBER = 9  # digits of a number in them


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


def files_named(folder: Path, *suffixes: str) -> list[Path]:
    """The files of a folder, if it is there, with one of these suffixes in small letters or capitals, in order.

    Hidden ones are passed over.
    """
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in paths if path.suffix.lower() in suffixes and not path.name.startswith(".")]


def beside(path: Path, suffix: str) -> Path | None:
    """The file of the same stem with another suffix, in small letters or capitals; None where it is not there."""
    names = (path.with_suffix(written) for written in (suffix, suffix.upper(), suffix.title()))
    return next((name for name in names if name.is_file()), None)


def printable_part(name: str) -> str:
    """Part of a name as text; a byte that is not UTF-8, an x and two digits, is marked by %."""
    return printable(name).replace("\\", "%")


def part_name(start: int, stop: int) -> str:
    """The name of a part of a long work, which covers the items from ``start`` up to but not including ``stop``."""
    return f"{start:0{NUMBER}d}-{stop:0{NUMBER}d}.npz"


def part_from(folder: Path, start: int) -> Path | None:
    """The part in a folder that begins with an item; None where there is none."""
    return next(folder.glob(f"{start:0{NUMBER}d}-{'[0-9]' * NUMBER}.npz"), None)


def path_of(photo: Path) -> tuple[str]:
    """A photograph as the log of a folder knows it: its absolute path."""
    return (printable(photo.absolute()),)


def distinct_names(photos: Iterable[Path], is_anothers: Callable[[Path, str], bool]) -> dict[Path, str]:
    """A name for the results of each photograph: its stem, or with its suffix where another photograph has the stem.

    Args:
        photos: the photographs, each once.
        is_anothers: whether there are results of something else under a name.
    """
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for photo in photos:
        names[photo] = next(n for n in _names(photo) if n.casefold() not in taken and not is_anothers(photo, n))
        taken.add(names[photo].casefold())
    return names


def _names(photo: Path) -> Iterator[str]:
    """Names for results, in order of preference."""
    stem, suffix = printable_stem(photo), printable_part(photo.suffix.lstrip("."))
    yield stem
    yield shortened(f"{stem}_{suffix}")
    yield from (shortened(f"{stem}_{suffix}_{number}") for number in itertools.count(2))
