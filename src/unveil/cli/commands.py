"""The table of all commands, in the panels that the help shows, and the old names of those that were renamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeAlias

import typer

from unveil.cli.heads import compare, fit, motion, reconstruct, serve, view
from unveil.cli.installation import assets, doctor
from unveil.cli.measuring import landmarks, now
from unveil.cli.plain_help import PlainCommand, PlainGroup
from unveil.cli.printing import complain
from unveil.cli.training import codes, export, learner, occlude, prepare, rerender, segment

Command: TypeAlias = Callable[..., None]
Commands: TypeAlias = Mapping[str, "Command | Commands"]

PANELS: Mapping[str, Commands] = {
    "Heads": {
        "reconstruct": reconstruct.reconstruct,
        "transfer": motion.transfer,
        "animate": motion.animate,
        "view": view.view,
        "serve": serve.serve,
        "compare": compare.compare,
        "fit": fit.fit,
        "demo": reconstruct.demo,
    },
    "Training": {
        "prepare": prepare.prepare,
        "encode": codes.encode,
        "decode": codes.decode,
        "occlude": occlude.occlude,
        "rerender": rerender.rerender,
        "segment": segment.segment,
        "train": learner.train,
        "validate": learner.validate,
        "export": export.export,
    },
    "Measuring": {
        "predict": {"now": now.predict_now, "landmarks": landmarks.predict_landmarks},
        "evaluate": {
            "now": now.evaluate_now,
            "landmarks": landmarks.evaluate_landmarks,
            "occlusion": landmarks.evaluate_occlusion,
            "report": landmarks.report,
        },
    },
    "Installation": {
        "assets": {
            "list": assets.list_assets,
            "check": assets.check_assets,
            "get": assets.get_assets,
            "convert": assets.convert_assets,
        },
        "doctor": doctor.doctor,
    },
}
GROUPS = {  # help of the commands that have commands of their own
    "predict": "Write predictions for a benchmark, to be scored by `unveil evaluate`.",
    "evaluate": "Score predictions, whoever made them.",
    "assets": "Files of research models: what they are, where to get them, and whether yours are right.",
}
RENAMED: Mapping[str, tuple[str, Command]] = {  # old names, which work for one release
    "export-onnx": ("export", export.export),
    "predict-now": ("predict now", now.predict_now),
    "predict-landmarks": ("predict landmarks", landmarks.predict_landmarks),
}


class InPanels(PlainGroup):
    """Commands in the order of the table; Typer by itself puts those with commands last."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        order = [name for commands in PANELS.values() for name in commands]
        rest = [name for name in self.commands if name not in order]
        self.commands = {name: self.commands[name] for name in (*order, *rest) if name in self.commands}

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of the table."""
        return list(self.commands)


def add_panels(app: typer.Typer) -> None:
    """Add every command of the table."""
    for panel, commands in PANELS.items():
        _add(app, commands, panel)


def add_renamed(app: typer.Typer) -> None:
    """Add the old names: hidden from the help, and each says its new name on stderr."""
    for old, (new, command) in RENAMED.items():
        app.command(old, cls=PlainCommand, hidden=True)(_renamed(old, new, command))


def _add(app: typer.Typer, commands: Commands, panel: str | None) -> None:
    for name, command in commands.items():
        if callable(command):
            app.command(name, cls=PlainCommand, rich_help_panel=panel)(command)
            continue
        group = typer.Typer(cls=PlainGroup, help=GROUPS[name], no_args_is_help=True)
        _add(group, command, None)
        app.add_typer(group, name=name, rich_help_panel=panel)


def _renamed(old: str, new: str, command: Command) -> Command:
    @wraps(command)
    def run(**arguments: Any) -> None:
        complain(f"`unveil {old}` is now `unveil {new}`; the old name goes with the next release")
        command(**arguments)

    return run
