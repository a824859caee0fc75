"""Inspection of a model's file before it is used, by the code that reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Inspection:
    """Two ways to find out whether a file is the right one; both raise UnveilError where it is not.

    Attributes:
        read: what reads the file when it is used; ImportError where it needs a package that is not there.
        without: finds out what it can without that package.
    """

    read: Callable[[Path], object]
    without: Callable[[Path], object] | None = None

    def __call__(self, path: Path) -> str:
        """Inspect a file and give back what could not be found out, empty if nothing.

        Raises:
            UnveilError: the file is not what it should be.
        """
        try:
            self.read(path)
        except ImportError as error:
            if self.without is None:
                raise
            self.without(path)
            return f"what is in it was not checked, which needs {error.name or 'another package'}"
        return ""
