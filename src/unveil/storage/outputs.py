"""The one rule of what a command may write, and the one way in which its files come into a folder.

A file that is there already is replaced only where the same command wrote it, of the same photographs, and nobody has
changed it since; `unveil.storage.folder_log` knows. ``--force`` replaces other files too, but never an input. Files are
written into a hidden folder first, and come to their names together when all are whole.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from unveil.errors import UnveilError, reason_of
from unveil.storage.files import leads_nowhere, made_folder, printable, without_hidden
from unveil.storage.folder_log import FolderLog
from unveil.storage.leftovers import PART_LOCK, hidden_folder, is_own, sweep_files, sweep_folders

OTHERWISE = "name another output, or replace it with --force"


class OutputError(UnveilError):
    """The output folder cannot be written, so that nothing else would fare better."""


class Outputs:
    """A folder that a command writes results into; made by `results_in`.

    Attributes:
        folder: the folder.
    """

    def __init__(self, folder: Path, log: FolderLog, by: str, *, inputs: Iterable[Path] = (), force: bool) -> None:
        self.folder = folder
        self._log, self._by, self._force = log, by, force
        self._inputs = {_identity(path) for path in inputs} - {None}

    def is_anothers(self, name: str, of: tuple[str, ...]) -> bool:
        """Whether a file is there that this command did not write of these photographs, changed since or not."""
        made = self._log.of(name)
        there = os.path.lexists(self.folder / name)
        return there and (made is None or made.by != self._by or not _same(made.of, of))

    def require_free(self, names: Iterable[str], of: tuple[str, ...] = ()) -> None:
        """Raise an UnveilError where one of these files may not be written."""
        self._require({name: _content(self.folder / name) for name in names}, of)

    @contextmanager
    def part(self, of: tuple[str, ...] = (), *, last: str = "") -> Iterator[Path]:
        """A hidden folder to write files to, which come into this one together when the block ends without an error.

        Args:
            of: paths of the photographs that they are of, where their names come from those.
            last: name of the file that says that the others are whole. It is the first to go and the last to come.

        Raises:
            UnveilError: a file may not be written; none is.
            OutputError: the folder cannot be written.
        """
        with self.staging() as part:
            yield part
            self.publish(part, of, last=last)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A hidden folder for what is not whole yet, also of other processes, which goes when the block ends.

        Raises:
            OutputError: the folder cannot be written.
        """
        with ExitStack() as held:
            with output_errors(self.folder):
                folder = held.enter_context(hidden_folder(self.folder))
            yield folder

    def publish(self, part: Path, of: tuple[str, ...] = (), *, last: str = "") -> None:
        """Let the files of a folder inside come into this one together; arguments and errors are those of `part`."""
        with output_errors(self.folder):
            self._publish(part, of, last)

    def _publish(self, part: Path, of: tuple[str, ...], last: str) -> None:
        new = {path.name: _digest(path) for path in sorted(part.iterdir()) if path.name != PART_LOCK}
        there = {name: _content(self.folder / name) for name in new}
        self._require(there, of)
        self._log.note(self._by, of, new)
        other = {name for name in new if there[name] != new[name]}
        if last and any(there[name] is not None for name in other - {last}):
            (self.folder / last).unlink(missing_ok=True)
        with ExitStack() as undo:  # after a stop by the user, what was not there before is not there either
            for name in sorted(new if self._force else other, key=lambda name: (name == last, name)):
                final = self.folder / name
                if there[name] is None:
                    undo.callback(final.unlink, missing_ok=True)
                (part / name).replace(final)
            undo.pop_all()

    def _require(self, there: Mapping[str, str | None], of: tuple[str, ...]) -> None:
        for name, content in there.items():
            if content is not None and (why := self._why_not(name, content, of)):
                raise UnveilError(f"{printable(self.folder / name)} {why}")

    def _why_not(self, name: str, content: str, of: tuple[str, ...]) -> str:
        path, made = self.folder / name, self._log.of(name)
        if _identity(path) in self._inputs:
            return "is one of the inputs, and those are never replaced; name another output"
        if path.is_dir():
            return "is a folder; name another output"
        why = ""
        if leads_nowhere(path):
            why = "is a link that leads nowhere"
        elif made is None:
            why = "is there already, and unveil did not write it"
        elif content not in made.digests:
            why = "was changed since unveil wrote it"
        elif made.by != self._by:
            why = f"was written by `unveil {printable(made.by)}`"
        elif not _same(made.of, of):
            why = f"is of {printable(', '.join(made.of)) or 'something else'}"
        return f"{why}; {OTHERWISE}" if why and not self._force else ""


@contextmanager
def results_in(folder: Path, by: str, *, inputs: Iterable[Path] = (), force: bool = False) -> Iterator[Outputs]:
    """A folder for the results of a command, which has it to itself until the block ends.

    Args:
        folder: made if need be; it goes again if nothing comes into it.
        by: name of the command.
        inputs: files that it reads.
        force: replace also what the command did not write, or what was changed since.

    Raises:
        UnveilError: another process has the folder; the message says who.
        OutputError: the folder cannot be written.
    """
    with _held(folder, by) as log:
        sweep_folders(folder)
        yield Outputs(folder, log, by, inputs=inputs, force=force)


@contextmanager
def result_file(path: Path, by: str, *, inputs: Iterable[Path] = (), force: bool = False) -> Iterator[Path]:
    """A path to write the one result of a command to, which becomes the file ``path`` when the block ends.

    Other commands may write to the same folder meanwhile. What writers put beside it comes with it, such as the
    material of an OBJ. Arguments and errors are those of `results_in`; that the file may not be written is said at
    once.
    """
    with result_files(path.parent, [path.name], by, inputs=inputs, force=force) as part:
        yield part / path.name


@contextmanager
def result_files(
    folder: Path, names: Iterable[str], by: str, *, inputs: Iterable[Path] = (), force: bool = False
) -> Iterator[Path]:
    """The same with several files: a folder to write them to, from which they come into ``folder`` together."""
    with ExitStack() as stack:
        with output_errors(folder):
            stack.enter_context(made_folder(folder))
            outputs = Outputs(folder, FolderLog(folder), by, inputs=inputs, force=force)
        outputs.require_free(names)
        sweep_folders(folder)
        yield stack.enter_context(outputs.part())


@contextmanager
def alone_in(folder: Path, by: str, *, first: str = "") -> Iterator[None]:
    """Have a folder for this process until the block ends, where a command keeps what it goes on with.

    Args:
        folder: made if need be.
        by: name of the command.
        first: the file that the command begins a folder with; what is in a folder without it is somebody else's.

    Raises:
        UnveilError: another process has it, and the message says who; or it holds other files.
        OutputError: the folder cannot be written.
    """
    with output_errors(folder):
        if first and folder.is_dir() and not (folder / first).exists() and not all(map(is_own, folder.iterdir())):
            raise UnveilError(f"{printable(folder)} holds other files; name a new folder")
    with _held(folder, by):
        sweep_files(folder)
        yield


@contextmanager
def _held(folder: Path, by: str) -> Iterator[FolderLog]:
    with ExitStack() as stack:
        with output_errors(folder):
            stack.enter_context(made_folder(folder))
            log = FolderLog(folder)
            stack.enter_context(log.held(by))
        yield log


@contextmanager
def output_errors(folder: Path) -> Iterator[None]:
    """Turn an error of the file system, also where a writer has put it into words, into an `OutputError`."""
    try:
        yield
    except (OSError, UnveilError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        why = reason_of(cause)
        if leads_nowhere(folder):
            why = "it is a link that leads nowhere"
        hint = "free some space" if cause.errno in {errno.ENOSPC, errno.EDQUOT} else "choose another folder with -o"
        where = printable(without_hidden(folder))
        raise OutputError(f"cannot write into {where}: {why}; {hint} and run again") from error


def _same(made_of: tuple[str, ...], of: tuple[str, ...]) -> bool:
    """Whether these are the same photographs; one that was moved stays the same."""

    def is_same(made: str, now: str) -> bool:
        return made == now or (Path(made).name == Path(now).name and not Path(made).is_file())

    return len(made_of) == len(of) and all(map(is_same, made_of, of))


def _identity(path: Path) -> tuple[int, int] | None:
    """An identity that a file shares with its links and other spellings of its name; None where it is not there."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _content(path: Path) -> str | None:
    """SHA-256 of what lies at a path, "" where that is no file or cannot be read, None where nothing does."""
    if not os.path.lexists(path):
        return None
    try:
        return "" if path.is_symlink() or not path.is_file() else _digest(path)
    except OSError:
        return ""


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
