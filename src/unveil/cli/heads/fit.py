"""`unveil fit`: a head from 68 landmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
) -> None:
    """Fit a head to the landmarks of a face, without a learner."""
    from unveil.fitting.landmark_files import read_landmarks
    from unveil.reconstruct.from_landmarks import fit_landmarks, landmark_distance
    from unveil.storage.files import printable

    points = read_landmarks(landmarks)
    head = fit_landmarks(landmarks, photo)
    files = head.save(out)
    distance = landmark_distance(head, points)
    say(f"{printable(out)}: {count(len(files), 'file')}, landmarks {distance:.2f} pixels from those given")
