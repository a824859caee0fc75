"""``.unveil.jsonl``, which unveil keeps in a folder that it writes to: who writes there, and what was written.

Every line is a JSON object, appended and never changed. A run that needs the folder for itself adds {"by", "pid",
"host", "since"}, and holds a lock on the file as long as it lives. Files that came together add {"by", "of", "files"}:
the command, the photographs that they are of, and the SHA-256 of each by name. This line comes before the files do, so
that a run that is killed between them leaves none that nobody wrote.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unveil.errors import UnveilError
from unveil.storage.files import json_text, printable, valid_text
from unveil.storage.locks import lock

LOG = ".unveil.jsonl"
LARGEST = 2**27  # bytes; a log of 100,000 photographs has 76 MB
MOMENT = 0.1  # seconds in which a run that has just got the lock has said who it is


@dataclass(slots=True)
class Made:
    """The record of a file that unveil wrote."""

    by: str  # the command that wrote it last
    of: tuple[str, ...]  # paths of the photographs that it is of; empty where its name does not come from one
    digests: tuple[str, ...]  # SHA-256 of every content that unveil gave it


class FolderLog:
    """The log of a folder.

    Attributes:
        made: what is known of files, by their names as `valid_text`.

    Raises:
        OSError: the log cannot be read.
        UnveilError: something else has its name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.made: dict[str, Made] = {}
        if not os.path.lexists(folder / LOG):
            return
        with _opened(folder / LOG) as file:
            for line in _lines(file):
                match line:
                    case {"by": str(by), "of": list(of), "files": dict(files)}:
                        self._take_in(by, tuple(map(str, of)), files)

    @contextmanager
    def held(self, by: str) -> Iterator[None]:
        """Have the folder for this process until the block ends.

        Raises:
            OSError: the folder cannot be written.
            UnveilError: another process has it; the message says who.
        """
        with _locked(self._folder / LOG) as (file, free):
            if not free:
                raise UnveilError(
                    f"{printable(self._folder)} is in use by {_holder(file)}; wait until that has ended, or name "
                    "another output"
                )
            now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
            self._append({"by": by, "pid": os.getpid(), "host": platform.node(), "since": now})
            try:
                yield
            finally:
                if sys.platform != "win32":
                    self._remove_if_empty()
        if sys.platform == "win32":  # which keeps what is open
            self._remove_if_empty()

    def note(self, by: str, of: tuple[str, ...], files: Mapping[str, str]) -> None:
        """Say that these files, SHA-256 by name, are about to be there."""
        valid = {valid_text(name): digest for name, digest in files.items()}
        self._append({"by": by, "of": of, "files": valid})
        self._take_in(by, of, valid)

    def of(self, name: str) -> Made | None:
        """The record of a file."""
        return self.made.get(valid_text(name))

    def _remove_if_empty(self) -> None:
        """Remove a log that has no files, so that finished folders without results are not marked."""
        if not FolderLog(self._folder).made:  # also of a single file that another run wrote meanwhile
            with suppress(OSError):
                (self._folder / LOG).unlink()

    def _take_in(self, by: str, of: tuple[str, ...], files: Mapping[str, str]) -> None:
        for name, digest in files.items():
            made = self.made.setdefault(name, Made(by, of, ()))
            made.by, made.of = by, of
            if digest not in made.digests:
                made.digests = (*made.digests, digest)

    def _append(self, line: Mapping[str, Any]) -> None:
        with _opened(self._folder / LOG) as file:
            size = os.lseek(file, 0, os.SEEK_END)
            os.lseek(file, max(size - 1, 0), os.SEEK_SET)
            start = "" if os.read(file, 1) in {b"", b"\n"} else "\n"  # a power failure may have cut the last line
            text = f"{start}{json_text(line, indent=None)}\n"
            os.write(file, text.encode())  # in one call, so that no other line comes between


def _holder(file: int) -> str:
    """Who has the lock."""
    time.sleep(MOMENT)
    for line in reversed(list(_lines(file))):
        match line:
            case {"by": by, "pid": pid, "host": host, "since": since}:
                return printable(f"`unveil {by}` (process {pid} on {host}, since {since})")
    return "another process"


def _lines(file: int) -> Iterator[Any]:
    """The values in the lines of an open log, without lines that were cut short."""
    with os.fdopen(os.dup(file), encoding="utf-8", errors="replace") as stream:
        stream.seek(0)
        for line in stream:
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                continue


@contextmanager
def _locked(path: Path) -> Iterator[tuple[int, bool]]:
    """The file, locked until the block ends, and whether that was possible."""
    with _opened(path) as file:
        try:
            free = lock(file)
        except OSError:  # a file system without locks
            free = True
        if os.path.lexists(path) and os.path.samestat(os.fstat(file), os.lstat(path)):
            yield file, free
            return
    with _locked(path) as locked:  # another process has removed it meanwhile, at its end
        yield locked


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The file, made if need be, to read and to append to; never what a link leads to."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_NOINHERIT"):  # of Linux and of Windows
        flags |= getattr(os, name, 0)
    file = os.open(path, flags, 0o666)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            raise UnveilError(f"{printable(path)} is no log of unveil; remove it, or name another folder")
        yield file
    finally:
        os.close(file)
