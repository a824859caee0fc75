"""`unveil rerender`: photographs with known heads, out of photographs with fitted ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from unveil.cli.options import OutOption
from unveil.cli.output import count, with_progress


def rerender(
    prepared: Annotated[Path, typer.Argument(metavar="PREPARED", help="Folder that `unveil prepare` has written.")],
    codes: Annotated[Path, typer.Argument(metavar="CODES", help="Heads fitted to its photographs, of openhead.")],
    out: OutOption,
    *,
    samples: Annotated[int, typer.Option("--count", min=1, help="Pictures to make.")] = 25_000,
    size: Annotated[int, typer.Option(min=32, max=1024, help="Pixels per side; 140 has 112 in the middle.")] = 160,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn by lot.")] = 0,
    ict: Annotated[
        Path | None, typer.Option(help="ict_facekit_light.npz: half of the heads come from ICT-FaceKit's modes.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that work at once.")] = 1,
) -> None:
    """Give photographs other heads, whose form is known exactly, for train; goes on after a stop."""
    from unveil.storage.files import printable
    from unveil.training.data import TrainingData
    from unveil.training.rerender.folder import CODES, RerenderSettings, make_folder

    data = TrainingData.load(prepared, codes)
    settings = RerenderSettings(samples, size, seed, "" if ict is None else str(ict))
    start, made = time.perf_counter(), 0
    for done in with_progress(make_folder(data, out, settings, processes), len(settings), doing="re-rendering"):
        made += done
    typer.echo(f"{printable(out)}: {count(made, 'picture')} in {time.perf_counter() - start:.0f} s")
    typer.echo(f"train on it with `unveil train {printable(out)} {printable(out / CODES)}`")
