"""What every command prints: complaints, counts, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer

Item = TypeVar("Item")


def complain(message: str) -> None:
    """Print a line to stderr."""
    typer.echo(f"unveil: {message}", err=True)


def count(number: int, noun: str) -> str:
    """A number with its noun, as in "2 faces"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def with_progress(items: Iterator[Item], total: int | None, *, doing: str, quiet: bool = False) -> Iterator[Item]:
    """Pass items on under a progress bar on stderr, where a person is looking at it."""
    if quiet or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as progress:
        task = progress.add_task("", total=total)
        for item in items:
            progress.advance(task)
            yield item


@contextmanager
def download_progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A function that shows bytes there and bytes in all on stderr, where a person is looking at it."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn(name), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)
