"""What a file should be, how large it may be, and the one line that says that it is something else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from unveil.errors import UnveilError, reason_of
from unveil.storage.files import printable
from unveil.storage.forms import other_form


@dataclass(frozen=True)
class FileKind:
    """A reader's expectations of a file."""

    what: str  # such as "codes file", for "<path> is no codes file (<reason>); <advice>"
    advice: str  # what to do where it is none
    largest: int  # bytes that the file, or what it unfolds to, may have

    def refused(self, path: str | os.PathLike[str], reason: object) -> UnveilError:
        """The error for a file that is not what it should be."""
        return UnveilError(f"{printable(path)} is no {self.what} ({reason}); {self.advice}")

    @contextmanager
    def checking(self, path: str | os.PathLike[str]) -> Iterator[None]:
        """Whatever the content of a file leads to in the block becomes one line about the file.

        Raises:
            UnveilError: the block raises anything.
        """
        try:
            yield
        except UnveilError:
            raise
        except Exception as error:  # what a damaged file, or one made to do harm, leads to is not to be foreseen
            raise _of_system(path, error) or self.refused(path, reason_of(error)) from error

    @contextmanager
    def opened(self, path: str | os.PathLike[str], *forms: str) -> Iterator[BufferedReader]:
        """A file to read from in a block: a regular file of at most ``largest`` bytes.

        Args:
            path: the file.
            forms: those of `forms.FORMS` that it may have; a file of another form is called by that one's name.

        Raises:
            UnveilError: the file is missing or something else, or the block raises anything.
        """
        try:
            status = Path(path).stat()  # before it is opened: a pipe would wait, and a device may have no end
            if not stat.S_ISREG(status.st_mode):
                raise ValueError("it is a folder" if stat.S_ISDIR(status.st_mode) else "it is no regular file")
            if status.st_size > self.largest:
                raise ValueError(f"it has more than {self.largest / 2**20:g} MB")
            with Path(path).open("rb") as stream:
                yield stream
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UnveilError(f"{printable(path)} does not exist; {self.advice}") from error
        except PermissionError as error:
            raise UnveilError(f"{printable(path)} may not be read; change its permissions") from error
        except UnveilError:
            raise
        except Exception as error:  # as in `checking`
            reason = other_form(path, *forms) or reason_of(error)
            raise _of_system(path, error) or self.refused(path, reason) from error


def _of_system(path: str | os.PathLike[str], error: Exception) -> UnveilError | None:
    """The error for a file that the system does not give; None where the error is not the system's."""
    if not isinstance(error, OSError) or not error.strerror:  # decoders raise some without
        return None
    return UnveilError(f"{printable(path)} cannot be read: {reason_of(error)}; check the path and its disk")
