"""The half-written leftovers of runs that were killed: hidden files and folders, which the next run removes."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unveil.storage.files import HIDDEN
from unveil.storage.folder_log import LOG
from unveil.storage.locks import lock

TEMPORARY = re.compile(rf"{re.escape(HIDDEN)}[0-9a-f]{{16}}(\.\w+)?")
PART_LOCK = ".lock"  # in a hidden folder, as long as its process lives


@contextmanager
def hidden_folder(parent: Path, mode: int = 0o777) -> Iterator[Path]:
    """A new hidden folder that is known to be this process's, and is removed when the block ends.

    Args:
        parent: where it is made.
        mode: who may use it, as `Path.mkdir` takes it.
    """
    folder = parent / f"{HIDDEN}{secrets.token_hex(8)}"
    try:
        folder.mkdir(mode)
        with (folder / PART_LOCK).open("xb") as living:
            with suppress(OSError):  # on a file system without locks nobody takes it for left, either
                lock(living.fileno())
            yield folder
    finally:
        remove(folder)


def sweep_folders(folder: Path) -> None:
    """Remove the hidden folders that killed runs have left in a folder."""
    for path in _temporary(folder):
        if path.is_dir() and _is_left(path):
            remove(path)


def sweep_files(folder: Path) -> None:
    """Remove the hidden files that killed runs have left in a folder, and in those inside that no other run has."""
    for inner, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if not (Path(inner) / name / LOG).exists()]
        for path in _temporary(Path(inner)):
            if path.is_file():
                path.unlink(missing_ok=True)


def is_own(path: Path) -> bool:
    """Whether unveil keeps or leaves something by this name in a folder, beside results."""
    return path.name == LOG or bool(TEMPORARY.fullmatch(path.name))


def _temporary(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if TEMPORARY.fullmatch(path.name) and not path.is_symlink()]
    except OSError:  # a folder may be closed to reading and open to writing
        return []


def _is_left(part: Path) -> bool:
    """Whether the process that a hidden folder was of is no longer there."""
    try:
        with (part / PART_LOCK).open("r+b") as stream:
            return lock(stream.fileno())
    except OSError:  # none can be had; better left than taken away from somebody
        return False


def remove(folder: Path) -> None:
    """Remove a folder and what is in it, also when the user stops the program in the middle of this."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
