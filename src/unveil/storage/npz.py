"""npz files: written whole or not at all, and read with one line about a file that is none."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import ArrayLike

from unveil.errors import UnveilError, reason_of
from unveil.storage.files import atomic_path, printable

# What NumPy and its users raise where an npz is missing, cut short, something else, or holds other arrays.
DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, zipfile.BadZipFile)


def write_npz(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays by name; UnveilError, with nothing half-written, where that is impossible."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]  # of the names, none is one of savez's own


@contextmanager
def open_npz(path: Path, *, otherwise: str, advice: str) -> Iterator[NpzFile]:
    """An npz file for a block to read its arrays from; nothing in it is unpickled.

    Args:
        path: the file.
        otherwise: what a message says of a file that the block cannot use, such as "is no codes file".
        advice: what to do then.

    Raises:
        UnveilError: the file is missing, or the block runs into what a file leads to that is no such npz.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            yield file
    except DAMAGE as error:
        raise UnveilError(f"{printable(path)} {otherwise} ({reason_of(error)}); {advice}") from error
