"""`unveil segment`: what each pixel of prepared crops shows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from unveil.cli.options import FolderOut
from unveil.cli.printing import count, say, with_progress


def segment(
    prepared: Annotated[
        Path, typer.Argument(metavar="PREPARED", help="Folder that `unveil prepare` or `unveil rerender` wrote.")
    ],
    codes: Annotated[Path, typer.Argument(metavar="CODES", help="The heads in its crops.")],
    out: FolderOut,
    *,
    processes: Annotated[int, typer.Option(metavar="N", min=1, help="Shards done at once.")] = 1,
) -> None:
    """Label the pixels of crops (skin, hair, eyes, cloth, ...), for training; a stopped run continues."""
    from unveil.storage.files import printable
    from unveil.training.classes.folder import write_class_maps
    from unveil.training.data import TrainingData

    data = TrainingData.load(prepared, codes)
    start, made = time.perf_counter(), 0
    shards = len(data.folder.shards)
    for done in with_progress(write_class_maps(data, out, processes), shards, doing="labelling"):
        made += done
    say(f"{printable(out)}: {count(made, 'class map')} in {time.perf_counter() - start:.0f} s")
    say(f"train on them with `unveil train --classes {printable(out)} --class-weight 1`")
