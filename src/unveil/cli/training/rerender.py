"""`unveil rerender`: photographs with known heads, out of photographs with fitted ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from unveil.cli.options import LARGEST_SEED, FolderOut
from unveil.cli.printing import count, say, with_progress


def rerender(
    prepared: Annotated[Path, typer.Argument(metavar="PREPARED", help="Folder that `unveil prepare` wrote.")],
    codes: Annotated[Path, typer.Argument(metavar="CODES", help="Heads of openhead fitted to those photographs.")],
    out: FolderOut,
    *,
    samples: Annotated[
        int, typer.Option("--count", metavar="N", min=1, max=10**9, help="Number of pictures to make.")
    ] = 25_000,
    size: Annotated[
        int,
        typer.Option(
            metavar="N", min=32, max=1024, help="Side of the pictures in pixels; a learner of 112 pixels trains on 140."
        ),
    ] = 160,
    seed: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=LARGEST_SEED, help="Random seed: another number makes other pictures."),
    ] = 0,
    ict: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="ict_facekit_light.npz; with it, half of the heads come from ICT-FaceKit's shape modes.",
        ),
    ] = None,
    processes: Annotated[int, typer.Option(metavar="N", min=1, help="Pictures made at once.")] = 1,
) -> None:
    """Draw new heads of known shape into photographs, to train on; a stopped run continues."""
    from unveil.storage.files import printable
    from unveil.training.data import TrainingData
    from unveil.training.rerender.folder import CODES, RerenderSettings, make_folder

    data = TrainingData.load(prepared, codes)
    settings = RerenderSettings(samples, size, seed, "" if ict is None else str(ict))
    start, made = time.perf_counter(), 0
    for done in with_progress(make_folder(data, out, settings, processes), settings.shards, doing="re-rendering"):
        made += done
    say(f"{printable(out)}: {count(made, 'picture')} in {time.perf_counter() - start:.0f} s")
    say(f"train on it with `unveil train {printable(out)} {printable(out / CODES)}`")
