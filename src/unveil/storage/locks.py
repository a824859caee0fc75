"""Locks that a process holds for as long as it lives: after one that was killed there is nothing to clean up."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt
    import os

    BEYOND = 2**30  # bytes; others cannot read what is locked, so it is a byte beyond all content

    def lock(file: int) -> bool:
        """Lock an open file for this process; False where another one has it."""
        os.lseek(file, BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def lock(file: int) -> bool:
        """Lock an open file or folder for this process; False where another one has it.

        Raises:
            OSError: the file system has no locks.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
