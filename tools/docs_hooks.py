"""MkDocs hooks: the page of commands is written, and no page may load from elsewhere.

`python tools/docs_hooks.py` prints the page of commands.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import typer

from unveil.cli import app

MARK = "<!-- commands -->"  # in docs/cli.md: where the commands go
LOADS = re.compile(r"""<(?:script|img|iframe|link\b[^>]*\brel="stylesheet")[^>]*\b(?:src|href)="(?:https?:)?//[^>]*>""")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called for every page before it is rendered."""
    return markdown.replace(MARK, reference()) if MARK in markdown else markdown


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Called for every page when it is whole. A reader without a network must see all of it."""
    if found := LOADS.search(output):
        raise ValueError(f"{page.file.src_uri} loads from another site: {found[0]}")
    return output


def reference() -> str:
    """All commands in Markdown, panel by panel as `unveil --help` shows them, each with its arguments and options."""
    panels: dict[str, list[tuple[str, Any]]] = {}
    for panel, name, command in commands(typer.main.get_command(app), "unveil"):
        panels.setdefault(panel, []).append((name, command))
    parts = []
    for panel, entries in panels.items():
        parts.append(f"## {panel}")
        parts += [section(name, command) for name, command in entries]
    return "\n\n".join(parts)


def commands(group: Any, prefix: str, panel: str = "") -> Iterator[tuple[str, str, Any]]:
    """(panel, full name, command) of every command that is not hidden, those of groups included."""
    for name, command in group.commands.items():
        if command.hidden:
            continue
        title = panel or (getattr(command, "rich_help_panel", None) or "Commands")
        title = title if isinstance(title, str) else "Commands"
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}", title)
        else:
            yield title, f"{prefix} {name}", command


def section(name: str, command: Any) -> str:
    """One command: what it does, how it is called, and a table of what it takes."""
    with command.make_context(name, [], resilient_parsing=True) as context:
        usage = " ".join([name, *command.collect_usage_pieces(context)]).translate({ord("{"): None, ord("}"): None})
    rows = [row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    table = ["| argument or option | default | meaning |", "|---|---|---|", *rows] if rows else []
    text = " ".join((command.help or "").split())
    return "\n".join([f"### {name}", "", prose(text), "", "```text", usage, "```", "", *table])


def row(parameter: Any) -> str:
    """One line of the table."""
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    else:
        names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    needed = "required" if parameter.required else shown(parameter)
    return f"| {names} | {needed} | {prose(meaning(parameter))} |"


def meaning(parameter: Any) -> str:
    """The help of a parameter, and the environment variable that it may come from."""
    text = " ".join((getattr(parameter, "help", None) or "").split())
    variable = getattr(parameter, "envvar", None)
    return f"{text} Environment variable: `{variable}`." if variable and variable not in text else text


def shown(parameter: Any) -> str:
    """The default as a user would type it, nothing where there is none."""
    hint = getattr(parameter, "show_default", None)
    if isinstance(hint, str):
        return hint
    value = parameter.default
    value = getattr(value, "value", value)
    if value is None or value is False or value in ((), [], "") or callable(value):
        return ""
    return "on" if value is True else f"`{value}`"


def prose(text: str) -> str:
    """Plain text of a help in a Markdown table: no tags, no cells of its own; code in backticks stays as it is."""
    pieces = text.replace("|", "\\|").split("`")
    return "`".join(piece if k % 2 else html.escape(piece, quote=False) for k, piece in enumerate(pieces))


if __name__ == "__main__":
    print(reference())
