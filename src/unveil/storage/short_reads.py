"""Files that are read a little at a time, for readers that believe the sizes in a header."""

from __future__ import annotations

import io
import os


class ShortReads(io.BufferedReader):
    """A file of which at most ``most`` bytes are read at once; reading all of it asks for that many.

    Raises:
        ValueError: by `read`, where more is asked for.
    """

    def __init__(self, path: str | os.PathLike[str], most: int) -> None:
        super().__init__(io.FileIO(path))
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, or as many as there are."""
        if size is None or size < 0:
            size = self._most
        if size > self._most:
            raise ValueError(f"it asks for {size} bytes at once")
        return super().read(size)
