"""`unveil train`: its settings are the fields of `TrainConfig`, one option each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from unveil.cli.options import AssetsOption
from unveil.distill.config import PRESETS, TrainConfig, preset

OccludersOption = Annotated[
    Path | None, typer.Option("--occluders", help="Folder with pictures of occluders; without it they are drawn.")
]
PresetOption = Annotated[str, typer.Option("--preset", help=f"Where settings start: {' or '.join(PRESETS)}.")]
CodesArgument = Annotated[Path, typer.Argument(metavar="CODES", help="The teacher's codes, by `unveil encode`.")]
PreparedArgument = Annotated[Path, typer.Argument(metavar="PREPARED", help="Folder that `unveil prepare` has written.")]


def train(
    prepared: PreparedArgument,
    codes: CodesArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; one that was stopped is continued.")],
    *,
    preset_name: Annotated[
        str, typer.Option("--preset", help=f"Where settings start: {' or '.join(PRESETS)}.")
    ] = "unveil",
    config: Annotated[Path | None, typer.Option(help="JSON file with settings, over the preset's.")] = None,
    occluders: OccludersOption = None,
    assets: AssetsOption = None,
    **settings: Any,
) -> None:
    """Train a learner to give the teacher's coefficients for occluded crops; stopped, it goes on where it was."""
    from unveil.distill.data import TrainingData
    from unveil.distill.train import train as run_training
    from unveil.imaging.cutouts import load_pool

    given = {name: value for name, value in settings.items() if value is not None}
    chosen = preset(preset_name) | (_from_file(config) if config else {}) | given
    position = run_training(
        TrainConfig(**chosen), TrainingData.load(prepared, codes, assets), load_pool(occluders), out
    )
    typer.echo(f"{out}: {position.step} steps in {position.seconds / 60:.1f} minutes")


def _from_file(path: Path) -> dict[str, Any]:
    """The settings that a file names, checked."""
    import json

    TrainConfig.load(path)
    named: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return named


def _options() -> list[inspect.Parameter]:
    """An option for every setting; left out, it is the preset's."""
    return [
        inspect.Parameter(
            entry.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                entry.type | None,  # type: ignore[operator]
                typer.Option(
                    help=f"{entry.metadata['help']} Preset unveil: {entry.default}.", rich_help_panel="Settings"
                ),
            ],
        )
        for entry in fields(TrainConfig)
    ]


def _with_settings(command: Callable[..., None]) -> inspect.Signature:
    """The command's signature with an option per setting in place of its ``**settings``."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[:-1]
    return inspect.Signature([*own, *_options()])


train.__signature__ = _with_settings(train)  # type: ignore[attr-defined]  # what Typer reads
