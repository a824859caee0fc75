"""Helps without the types that Typer would add: a flag takes no value, and an argument's name says what it is."""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup


class PlainCommand(TyperCommand):
    """A command whose help says ``--json`` instead of ``--json <bool>``."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Arguments and options, ``--help`` included."""
        return _plain(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """The same of a command that has commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Options, ``--help`` included."""
        return _plain(super().get_params(ctx))


def _plain(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if isinstance(parameter, TyperArgument):
            parameter.display_type_rich = _no_type  # type: ignore[method-assign]
        elif parameter.is_flag:
            parameter.metavar = ""
    return parameters


def _no_type(ctx: Any) -> str:
    return ""
