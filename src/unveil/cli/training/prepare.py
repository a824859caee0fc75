"""`unveil prepare`: photographs to a folder of crops to train on."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unveil.cli.options import LARGEST_SEED, FolderOut, words
from unveil.cli.printing import complain, count, say, with_progress
from unveil.errors import UnveilError

if TYPE_CHECKING:
    from unveil.training.crops.photo import Photo

PAPER_COUNT = 45_000  # photographs the paper trains on, a quarter of about 181,000


class Preset(StrEnum):
    """Settings by name."""

    PAPER = "paper"


def prepare(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE", help="CelebA's folder, or folders or tars of pictures."),
    ],
    out: FolderOut,
    *,
    preset: Annotated[
        Preset | None,
        typer.Option(
            metavar="NAME",
            help=f"Preset of the settings: paper, which keeps {PAPER_COUNT:,} photographs, chosen at random.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=10**9, help="Keep this many photographs, chosen at random.")
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=LARGEST_SEED, help="Random seed: another number chooses other photographs."
        ),
    ] = 0,
    crop_size: Annotated[
        int,
        typer.Option(
            metavar="N", min=32, max=1024, help="Side of the crops in pixels; a learner of 224 pixels trains on 280."
        ),
    ] = 192,
    smallest_face: Annotated[
        float, typer.Option(metavar="N", min=16, max=4096, help="Smallest face to keep: its side in pixels.")
    ] = 40,
    without: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Leave out faces with these CelebA attributes, such as Eyeglasses."),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='Who is in each photograph: lines "name person", or an npy in the order of the photographs.',
        ),
    ] = None,
    person_folders: Annotated[
        bool, typer.Option("--person-folders", help="All pictures in a folder show the same person.")
    ] = False,
    shares: Annotated[
        str,
        typer.Option(
            metavar="LIST", help="Percentages of people for training, validation and test, if the source has no split."
        ),
    ] = "90,5,5",
    processes: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Photographs prepared at once; one per core if left out.")
    ] = None,
) -> None:
    """Cut the faces out of photographs and split them by person; a stopped run continues."""
    from unveil.processes import core_count
    from unveil.training.crops import prepare as preparation
    from unveil.training.crops.people import with_people
    from unveil.training.crops.prepared import PreparedFolder, read_manifest
    from unveil.training.crops.sources import find_photos

    settings = preparation.PrepareSettings(
        crop_size=crop_size,
        smallest_face=smallest_face,
        without=tuple(sorted(words(without or ""))),
        only_known_people=people is not None or person_folders,
        shares=_shares(shares),
        limit=limit or (PAPER_COUNT if preset else None),
        seed=seed,
    )
    photos: list[Photo] = []
    for source in sources:
        photos += find_photos(source, person_folders=person_folders, people_known=people is not None, note=complain)
    if people is not None:
        photos = with_people(photos, people)
    start = time.perf_counter()
    running = preparation.prepare(photos, out, settings, processes or core_count())
    fresh = sum(with_progress(running, None if settings.limit else len(photos), doing="preparing"))
    seconds = time.perf_counter() - start
    manifest = read_manifest(out)
    PreparedFolder.open(out)
    _summarise(manifest, out)
    if fresh:
        say(f"{fresh / seconds:.1f} photographs/s")
    if settings.limit and manifest["count"] < settings.limit:
        complain(
            f"{settings.limit} photographs were asked for; of the {len(photos)} given, {manifest['count']} can be used"
        )


def _summarise(manifest: dict[str, Any], out: Path) -> None:
    from unveil.storage.files import printable

    splits = ", ".join(f"{number} {name}" for name, number in manifest["splits"].items())
    say(f"{printable(out)}: {count(manifest['count'], 'face')}: {splits}")
    if manifest["dropped"]:
        reasons = ", ".join(f"{number} {reason}" for reason, number in manifest["dropped"].items())
        say(f"dropped {sum(manifest['dropped'].values())}: {reasons} (dropped.csv says which)")


def _shares(text: str) -> tuple[float, float, float]:
    try:
        train, validation, test = (float(word) for word in words(text))
    except ValueError:
        train = validation = test = -1.0
    if not (train > 0 and validation >= 0 and test >= 0 and train + validation + test < float("inf")):
        raise UnveilError(f"--shares {text} is not three numbers from 0 on, as in 90,5,5, of which the first is not 0")
    return train, validation, test
