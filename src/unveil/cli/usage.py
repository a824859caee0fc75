"""Calls that no command understands: one line instead of Typer's box."""

from __future__ import annotations

import re

import typer

WORDS = (  # what Typer and pydantic say, and what we say
    (r"\.$", ""),
    (r"^Invalid value for '(.+?)'(?: / '.+?')?: (?:Value error, |Input )?", r"\1 "),
    (r"a valid integer, .*", "a whole number"),
    (r"a valid number, .*", "a number"),
    ("greater than or equal to", "at least"),
    ("less than or equal to", "at most"),
    (r" \(Possible options: (.+)\)$", r". Did you mean \1?"),
    (r"^Got unexpected extra arguments?(?:\(s\))? \((.+)\)$", r"Unexpected arguments: \1"),
)


def wrong_call(error: typer.TyperException) -> str:
    """The complaint about a call, with the help to read; empty where that help was shown instead."""
    said = " ".join(error.format_message().split())
    for theirs, ours in WORDS:
        said = re.sub(theirs, ours, said)
    if context := said and getattr(error, "ctx", None):
        said += f" (see `{context.command_path} --help`)"
    return said if said[1:2].isupper() else said[:1].lower() + said[1:]  # it may begin with the NAME of an argument
