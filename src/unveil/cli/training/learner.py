"""`unveil train`, whose settings are the fields of `TrainConfig`, one option each, and `unveil validate`."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from unveil.cli.options import AssetsOption, ForceOption, JsonOption, OccludersOption, words
from unveil.cli.printing import say, say_json, with_progress
from unveil.storage.text import read_json
from unveil.training.config import CONFIGURATION, PRESETS, TrainConfig, preset

CodesArgument = Annotated[
    Path, typer.Argument(metavar="CODES", help="The teacher's codes, which `unveil encode` wrote.")
]
PreparedArgument = Annotated[Path, typer.Argument(metavar="PREPARED", help="Folder that `unveil prepare` wrote.")]


def train(
    prepared: PreparedArgument,
    codes: CodesArgument,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder to write to; a stopped run there continues.")
    ],
    *,
    preset_name: Annotated[
        str, typer.Option("--preset", metavar="NAME", help=f"Preset of the settings: {' or '.join(PRESETS)}.")
    ] = "unveil",
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON file with settings that override the preset's.")
    ] = None,
    assets: AssetsOption = None,
    **settings: Any,
) -> None:
    """Train a learner on crops and a teacher's codes; a stopped run continues."""
    from unveil.training.data import TrainingData
    from unveil.training.train import train as run_training

    given = {name: value for name, value in settings.items() if value is not None}
    chosen = preset(preset_name) | (_from_file(config) if config else {}) | given
    run_training(TrainConfig(**chosen), TrainingData.load(prepared, codes, assets), out, say)


def validate(
    learner: Annotated[
        str, typer.Argument(metavar="LEARNER", help="openhead, or the ONNX file that `unveil export` wrote.")
    ],
    prepared: PreparedArgument,
    codes: CodesArgument,
    *,
    teacher: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model that made the codes, to be measured as well.")
    ] = None,
    split: Annotated[
        str, typer.Option(metavar="NAME", help="validation or test: people that the learner was not trained on.")
    ] = "test",
    occluders: OccludersOption = None,
    kinds: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Kinds of occluders, separated by commas; all but hats if left out."),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most this many crops.")] = 500,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="Plot how well the stated uncertainty agrees with the errors (needs matplotlib)."
        ),
    ] = None,
    assets: AssetsOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how far landmarks move when something hides the face, for each kind of occluder."""
    from unveil.models.registry import open_encoder
    from unveil.occluders.pool import load_pool, measuring_pool
    from unveil.storage.outputs import result_file
    from unveil.training.data import TrainingData
    from unveil.training.release.reliability import Reliability
    from unveil.training.release.validate import chosen, table
    from unveil.training.release.validate import validate as run_validation

    with ExitStack() as writing:
        plotted = None
        if plot:
            importlib.import_module("matplotlib")  # now, rather than when all is done
            plotted = writing.enter_context(result_file(plot, "validate", inputs=[Path(learner)], force=force))
        encoder, data = open_encoder(learner, assets), TrainingData.load(prepared, codes, assets)
        asked = open_encoder(teacher, assets) if teacher else None
        pool = load_pool(occluders, words(kinds)) if kinds else measuring_pool(occluders)
        rows, reliability = [], Reliability(data.model)
        results = run_validation(data, chosen(data, split, limit), encoder, pool, asked)
        for row, found in with_progress(results, None, doing="validating", quiet=as_json):
            rows.append(row)
            reliability.take_in(found)
        if as_json:
            say_json([asdict(row) for row in rows])
        else:
            say(*table(rows).splitlines())
        if plotted:
            reliability.plot(plotted)


def _from_file(path: Path) -> dict[str, Any]:
    """The settings that a file names, checked."""
    TrainConfig.load(path)
    named: dict[str, Any] = read_json(path, CONFIGURATION)
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
                    metavar="TEXT" if entry.type is str else "N",
                    help=entry.metadata["help"] + _default(entry.default),
                    rich_help_panel="Settings",
                ),
            ],
        )
        for entry in fields(TrainConfig)
    ]


def _default(value: Any) -> str:
    shown = f"{value:g}" if isinstance(value, float) else value
    return "" if shown in {"", None} else f" Preset unveil: {shown}."


def _with_settings(command: Callable[..., None]) -> inspect.Signature:
    """The command's signature with an option per setting in place of its ``**settings``."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[:-1]
    return inspect.Signature([*own, *_options()])


train.__signature__ = _with_settings(train)  # type: ignore[attr-defined]  # what Typer reads
