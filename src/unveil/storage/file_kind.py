"""What a file should be, how large it may be, and the one line that says that it is something else."""

from __future__ import annotations

import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from unveil.errors import UnveilError, reason_of
from unveil.storage.files import printable
from unveil.storage.forms import other_form

# What reading a file that is missing, cut short, made to do harm or something else leads to, in our own code and in
# that of the libraries we read with. RuntimeError is also what too deep a recursion and an encrypted zip raise.
FAULTS = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    EOFError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
)


@dataclass(frozen=True)
class FileKind:
    """What a reader expects of a file."""

    what: str  # such as "codes file", for "<path> is no codes file (<reason>); <advice>"
    advice: str  # what to do where it is none
    largest: int  # bytes that the file, or what it unfolds to, may have

    def refused(self, path: str | os.PathLike[str], reason: object) -> UnveilError:
        """The error for a file that is not what it should be."""
        return UnveilError(f"{printable(path)} is no {self.what} ({reason}); {self.advice}")

    @contextmanager
    def checking(self, path: str | os.PathLike[str]) -> Iterator[None]:
        """Whatever of `FAULTS` the content of a file leads to in the block becomes one line about the file."""
        try:
            yield
        except FAULTS as error:
            raise self.refused(path, reason_of(error)) from error

    @contextmanager
    def opened(self, path: str | os.PathLike[str], form: str = "") -> Iterator[BinaryIO]:
        """A file to read from in a block: a regular file of at most ``largest`` bytes.

        Args:
            path: the file.
            form: its own form, of `forms.FORMS`, where it has one: a file of another is called by that one's name.

        Raises:
            UnveilError: the file is missing or something else, or the block raises anything of `FAULTS`.
        """
        try:
            status = Path(path).stat()  # before it is opened: a pipe would wait, and a device may have no end
            if not stat.S_ISREG(status.st_mode):
                raise ValueError("it is a folder" if stat.S_ISDIR(status.st_mode) else "it is no regular file")
            if status.st_size > self.largest:
                raise ValueError(f"it has {status.st_size} bytes and may have {self.largest}")
            with Path(path).open("rb") as stream:
                yield stream
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UnveilError(f"{printable(path)} does not exist; check the path, or {self.advice}") from error
        except PermissionError as error:
            raise UnveilError(f"{printable(path)} may not be read; change its permissions") from error
        except FAULTS as error:
            raise self.refused(path, other_form(path, form) or reason_of(error)) from error
