"""`unveil fit`: a head from 68 landmarks."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from unveil.cli.options import ForceOption
from unveil.cli.printing import count, say


def fit(
    landmarks: Annotated[
        Path, typer.Argument(metavar="LANDMARKS", help="The 68 landmarks of one face, as .pts, .npy, .npz or .json.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER|FILE",
            help="Folder to write all files to, or one file, named .glb, .obj, .ply or .npz.",
        ),
    ],
    *,
    photo: Annotated[
        Path | None, typer.Option(metavar="PHOTO", help="The photograph, for the texture and the overlay.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Fit a head to the landmarks of a face, without a learner."""
    from unveil.fitting.landmark_files import read_landmarks
    from unveil.reconstruct.from_landmarks import fit_landmarks, landmark_distance
    from unveil.storage.files import printable
    from unveil.storage.names import path_of
    from unveil.storage.outputs import result_file, results_in

    points = read_landmarks(landmarks)
    head = fit_landmarks(landmarks, photo)
    given = [path for path in (landmarks, photo) if path is not None]
    with ExitStack() as writing:
        if out.suffix and not out.is_dir():
            path = writing.enter_context(result_file(out, "fit", inputs=given, force=force))
        else:
            outputs = writing.enter_context(results_in(out, "fit", inputs=given, force=force))
            path = writing.enter_context(outputs.part(path_of(photo or landmarks)))
        files = head.save(path)
    distance = landmark_distance(head, points)
    say(f"{printable(out)}: {count(len(files), 'file')}, landmarks {distance:.2f} pixels from those given")
