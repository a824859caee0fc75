"""Tables in Markdown, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def header(names: Sequence[str]) -> list[str]:
    """The two lines that begin a table."""
    return [row(names), "|---" * len(names) + "|"]


def row(cells: Iterable[object]) -> str:
    """A line of a table; the caller formats numbers."""
    return "| " + " | ".join(map(str, cells)) + " |"
