"""The command line: reads arguments, calls the library, prints. What is slow to import is imported in the commands.

`commands` is the table of all commands. Each panel of the help is a folder: `heads`, `training`, `measuring`,
`installation`. `options` has what several commands take, `printing` what they print, `plain_help` how helps look.
"""

from __future__ import annotations

import copy
import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from unveil import __version__
from unveil.cli.commands import InPanels, add_panels, add_renamed
from unveil.cli.printing import complain, escape_what_streams_cannot_encode, say
from unveil.cli.usage import wrong_call
from unveil.errors import DEBUG_VARIABLE, MOST_LETTERS, UnveilError, reason_of, unexpected
from unveil.processes import mute_warnings

EXTRAS = {  # of pyproject.toml, by a package whose absence shows that the extra is missing
    "av": "video",
    "torch": "train",
    "lightning_fabric": "train",
    "onnx": "train",
    "tensorboard": "train",
    "matplotlib": "plot",
    "fastapi": "web",
    "uvicorn": "web",
}

app = typer.Typer(
    help="From one photograph, in which something may hide part of the face, to an animatable 3D head.",
    epilog=f"Environment variables: UNVEIL_ASSETS, a folder with research models; {DEBUG_VARIABLE}=1 explains errors.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    cls=InPanels,
)
add_panels(app)
add_renamed(app)


class Stopped(SystemExit):
    """The user or the system asked the program to stop; nothing half-written is left."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and give back its exit status: 2 for the user's mistake, 1 for ours."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    escape_what_streams_cannot_encode()
    if arguments is None:  # tests, which give some, see warnings
        mute_warnings()
    try:
        return _run(arguments)
    except Stopped as stop:
        complain("stopped; run the same command again to continue")
        return _status(stop)
    except SystemExit as stop:
        return _status(stop)
    except UnveilError as error:
        return _fail(str(error), error, error.exit_status)
    except Exception as error:  # the last resort: no user is to see a traceback unasked
        if isinstance(error, ModuleNotFoundError) and (package := (error.name or "").partition(".")[0]) in EXTRAS:
            how = f"pip install 'unveil[{EXTRAS[package]}]'"
            needs = f"this needs {package}, which the base install does not have: {how}"
            return _fail(needs, error, UnveilError.exit_status)
        return _fail(unexpected(error), error, 1)


def _run(arguments: list[str] | None) -> int:
    try:
        status: int | None = _asked(arguments)(args=arguments, prog_name="unveil", standalone_mode=False)
    except typer.TyperException as error:
        raise UnveilError(wrong_call(error)) from error
    except OSError as error:
        if not error.filename:
            raise
        name = str(error.filename)  # too long, perhaps
        shown = name if len(name) <= MOST_LETTERS else f"{name[:MOST_LETTERS]}..."
        raise UnveilError(f"cannot use {shown}: {reason_of(error)}; check the path") from error
    return status or 0


def _asked(arguments: list[str] | None) -> typer.Typer:
    """The app with no command but the one that the first argument names: Typer takes 30 ms to make all of them."""
    (first, *_) = [*(sys.argv[1:] if arguments is None else arguments), ""]
    named = [command for command in app.registered_commands if command.name == first]
    if not named:
        return app
    asked = copy.copy(app)
    asked.registered_commands, asked.registered_groups = named, []
    return asked


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"unveil {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped(128 + number)


def _status(stop: SystemExit) -> int:
    return stop.code if isinstance(stop.code, int) else int(stop.code is not None)


def _fail(message: str, cause: Exception, status: int) -> int:
    if message:  # none where the help has been shown
        complain(message, cause)
    return status
