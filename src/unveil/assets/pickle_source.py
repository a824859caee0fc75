"""The bytes of a pickle and the memory that it may ask for, both bounded."""

from __future__ import annotations

import struct
from typing import Any

MOST_MEMORY = 768 * 2**20  # bytes: five times what the largest published pickle, FLAME's 100 MB, needs
LONGEST_LINE = 2**12  # bytes of a name or number written as text


class PickleError(ValueError):
    """A pickle is damaged, or asks for what no data file needs."""


class ForbiddenNameError(PickleError):
    """A pickle names a class or function that data files do not need."""


class Budget:
    """How much more memory a file may ask for."""

    def __init__(self, size: int = MOST_MEMORY) -> None:
        self.left = size

    def require(self, size: int) -> None:
        """Raise PickleError unless this many bytes are left."""
        if not 0 <= size <= self.left:
            raise PickleError("it asks for more memory than any model file needs")

    def take(self, size: int) -> None:
        """Note that this many more bytes are in use; PickleError where that is too many."""
        self.require(size)
        self.left -= size


class PickleSource:
    """Bytes that are read from the front; a size is compared with what is left before anything is read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def take(self, count: int) -> bytes:
        """The next bytes; PickleError where they are not there."""
        if not 0 <= count <= len(self.data) - self.place:
            raise PickleError("it is cut short")
        self.place += count
        return self.data[self.place - count : self.place]

    def number(self, code: str) -> Any:
        """The next number, of a type of `struct`."""
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def line(self, longest: int = LONGEST_LINE) -> bytes:
        """The bytes before the next line feed, which is skipped."""
        end = self.data.find(b"\n", self.place, self.place + longest)
        if end < 0:
            raise PickleError("it is cut short")
        return self.take(end + 1 - self.place)[:-1]
