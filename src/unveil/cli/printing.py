"""Printing that all commands share: complaints, counts, progress."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, TypeVar

from unveil.errors import DEBUG_VARIABLE, UnveilError, reason_of
from unveil.storage.files import json_text, on_terminal, printable

Item = TypeVar("Item")
NO_PLOT = "no plot, because matplotlib is not installed; pip install 'unveil[plot]' for it"


def say(*lines: str) -> None:
    """Print lines to stdout; a line break inside one, or what else would forge or garble lines, is escaped.

    Raises:
        UnveilError: the place that stdout leads to is full or gone. A reader that has gone, as ``head`` does, is none.
    """
    try:
        _write(sys.stdout, lines)
    except OSError as error:
        raise UnveilError(f"cannot print: {reason_of(error)}; make room, or print to another place") from error


def say_json(value: Any) -> None:
    """Print one JSON document to stdout."""
    say(*json_text(value).splitlines())


def complain(message: str, cause: BaseException | None = None) -> None:
    """Print a line to stderr, and where the user asks for explanations what led to its cause."""
    with suppress(OSError):  # there is no other place to say so
        _write(sys.stderr, [f"unveil: {message}"])
        if cause is not None and os.environ.get(DEBUG_VARIABLE):
            traceback.print_exception(cause)


def escape_what_streams_cannot_encode() -> None:
    """Let stdout and stderr take any text: letters that their encoding lacks are escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _write(stream: TextIO | None, lines: Iterable[str]) -> None:
    if stream is None:  # closed before the program started
        return
    try:
        stream.write("".join(f"{printable(line)}\n" for line in lines))
        stream.flush()
    except BrokenPipeError:  # nobody reads any more; the work goes on, and Python may write what it still holds
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def count(number: int, noun: str) -> str:
    """A number with its noun, as in "2 faces"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def with_progress(items: Iterator[Item], total: int | None, *, doing: str, quiet: bool = False) -> Iterator[Item]:
    """Pass items on under a progress bar on stderr, where a person is looking at it."""
    if quiet or not on_terminal(sys.stderr):
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=on_terminal(sys.stdout)) as progress:
        task = progress.add_task("", total=total)
        for item in items:
            progress.advance(task)
            yield item


@contextmanager
def download_progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A function that shows bytes there and bytes in all on stderr, where a person is looking at it."""
    if not on_terminal(sys.stderr):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn(name), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)
