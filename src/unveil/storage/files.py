"""Files that are whole or not there, their names in messages, and who reads these."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from unveil.errors import UnveilError, reason_of

HIDDEN = ".unveil-"  # begins the names of files and folders that are not whole yet


@contextlib.contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder, and those above it, if need be. What was made and holds nothing when the block ends goes again.

    Raises:
        OSError: it cannot be made.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for path in new:
            with contextlib.suppress(OSError):
                path.rmdir()


@contextlib.contextmanager
def atomic_path(final: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside ``final`` to write to; renamed to it when the block ends, removed when it fails.

    The folder is made if need be. The temporary name keeps the suffix, by which many writers choose the format. It is
    random, and the file is made here, where nothing was, so that no link that somebody laid leads elsewhere.
    Do nothing but write in the block: every OSError in it is reported as a failure to write ``final``.

    Raises:
        UnveilError: the disk is full, the place may not be written to, or the like.
    """
    final = Path(final)
    temporary = final.with_name(f"{HIDDEN}{secrets.token_hex(8)}{final.suffix}")
    try:
        with made_folder(final.parent):
            try:
                temporary.touch(exist_ok=False)
                yield temporary
                temporary.replace(final)
            finally:
                with contextlib.suppress(OSError):
                    temporary.unlink()
    except OSError as error:
        raise _write_error(final, error) from error


def write_bytes(final: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Write a file whole or not at all; UnveilError where that is impossible."""
    with atomic_path(final) as temporary:
        temporary.write_bytes(data)


def write_text(final: str | os.PathLike[str], text: str) -> None:
    """The same with text, as `valid_text`, in UTF-8 and with the line ends that it has."""
    write_bytes(final, valid_text(text).encode())


def valid_text(text: str) -> str:
    """A text that UTF-8 can hold: a byte of a name that is no UTF-8 is written out, as `printable` shows it."""
    return re.sub("[\ud800-\udfff]", lambda found: _escaped(found[0]), text)


def json_text(value: Any, indent: int | None = 1) -> str:
    """JSON in ASCII, with every text in it as `valid_text`; ValueError for numbers that are not finite.

    All JSON that holds names is written by this. Who looks for a name in it looks for the valid text, too.
    """
    return json.dumps(_valid(value), indent=indent, allow_nan=False)


def _valid(value: Any) -> Any:
    match value:
        case str():
            return valid_text(value)
        case dict():
            return {_valid(name): _valid(each) for name, each in value.items()}
        case list() | tuple():
            return [_valid(each) for each in value]
        case _:
            return value


def resolved(path: str | os.PathLike[str]) -> Path:
    """The path without links and dots, as far as it leads anywhere: a loop of links is no error here."""
    return Path(os.path.realpath(path))


def leads_nowhere(path: Path) -> bool:
    """Whether a path is a link to nothing, or one of a loop of links."""
    return path.is_symlink() and not path.exists()


def printable(path: str | os.PathLike[str]) -> str:
    """A file's name, or any other text, for messages: one line, and valid text even if the name on disk is not."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in os.fspath(path))


def on_terminal(stream: TextIO | None) -> bool:
    """Whether a person sees what is written to a stream; one that is closed is None."""
    return stream is not None and stream.isatty()


def without_hidden(path: Path) -> Path:
    """The path as users know it, without the hidden folders in which results begin."""
    return Path(*(part for part in path.parts if not part.startswith(HIDDEN)))


def _escaped(letter: str) -> str:
    """A letter that is not to be printed, or a byte of a name that is no UTF-8, hidden in U+DC80 to DCFF."""
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def _write_error(path: Path, error: OSError) -> UnveilError:
    advice = "check the path"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        advice = "free some space or choose another disk"
    elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        advice = "choose a folder that you may write to"
    return UnveilError(f"cannot write {printable(without_hidden(path))}: {reason_of(error)}; {advice}")
