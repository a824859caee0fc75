"""Helps without the types that Typer would add: a flag takes no value, and an argument's name says what it is.

And no empty arguments, which Typer would take for the folder that one is in.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

from unveil.errors import UnveilError


class PlainCommand(TyperCommand):
    """A command whose help says ``--json`` instead of ``--json <bool>``."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Arguments and options, ``--help`` included."""
        return _plain(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments that are left; UnveilError where one is empty, and Typer's errors where others are wrong."""
        empty = any(not arg or (arg.startswith("--") and arg.endswith("=")) for arg in args)
        left: list[str] = super().parse_args(ctx, args)
        if empty:
            raise UnveilError("an argument is empty, perhaps a variable that is not set; give it a value")
        return left


class PlainGroup(TyperGroup):
    """The same for a command that has commands."""

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
