"""Photographs to a prepared folder (`training.crops.prepared`), which a teacher encodes and training reads.

Photographs are taken in a fixed order, in chunks (`training.crops.chunks`). When all are cut, or as many as were asked
for are kept, the folder is finished: what repeats an earlier photograph is dropped, people are split, and the samples
and the manifest are written. Until then ``settings.json`` says what the folder is being made with, so that a run that
was stopped can only be continued with the same settings.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from unveil.errors import UnveilError
from unveil.models.openhead.family import learner_path
from unveil.storage.files import write_text
from unveil.storage.made_with import note_settings
from unveil.storage.outputs import alone_in
from unveil.training.crops.chunks import RECORDS, Chunks, cut_chunks
from unveil.training.crops.photo import Photo, check_unique, fingerprint
from unveil.training.crops.prepared import MANIFEST, finish
from unveil.training.crops.selection import Dropping, Selection

SETTINGS, DROPPED = "settings.json", "dropped.csv"


@dataclass(frozen=True)
class PrepareSettings:
    """The settings that decide which crops a folder gets; order and number of processes do not."""

    crop_size: int = 192  # W: the canonical crop in its middle is 154 pixels wide; with 280 it is 224
    smallest_face: float = 40.0  # side of the detector's box in image pixels
    without: tuple[str, ...] = ()  # attributes of faces to leave out
    only_known_people: bool = False  # leave out photographs of nobody knows whom
    shares: tuple[float, float, float] = (90.0, 5.0, 5.0)  # of training, validation, test, where no split is given
    limit: int | None = None  # keep so many, drawn at random; all if None
    seed: int = 0  # of the random choice
    chunk: int = 512  # photographs in a chunk


def prepare(photos: Sequence[Photo], folder: Path, settings: PrepareSettings, processes: int = 1) -> Iterator[bool]:
    """Prepare a folder, going on where an earlier run was stopped; it is finished when the iterator is.

    Yields for each photograph whether this run has looked at it, rather than an earlier one.

    Raises:
        UnveilError: the folder was begun with other settings or photographs, is in use, or cannot be written; two
            photographs have one name; no photograph has an attribute that is to be left out.
    """
    check_unique(photos)
    sorted_out = _sort_out(photos, settings)
    with alone_in(folder, "prepare", first=SETTINGS):
        yield from _prepare(photos, sorted_out, folder, settings, processes)


def _prepare(
    photos: Sequence[Photo],
    sorted_out: tuple[list[Photo], list[Dropping]],
    folder: Path,
    settings: PrepareSettings,
    processes: int,
) -> Iterator[bool]:
    wanted, refused = sorted_out
    about = begin(folder, photos, settings)
    if not (folder / MANIFEST).exists():
        size = min(settings.chunk, settings.limit or settings.chunk)
        chunks = Chunks(folder, wanted, size, settings.crop_size, settings.smallest_face)
        fresh = [not chunks.done(number) for number in range(len(chunks))]
        selection = Selection(refused, settings.limit)
        for number in cut_chunks(chunks, processes):
            selection.take(number, chunks)
            yield from (fresh[number] for _ in chunks.photos_of(number))
            if selection.full:
                break
        chunks.remove_from(len(selection.counts))
        _finish(folder, selection, settings, about)
    shutil.rmtree(folder / RECORDS, ignore_errors=True)


def begin(folder: Path, photos: Sequence[Photo], settings: PrepareSettings) -> dict[str, Any]:
    """Note in a new folder which photographs and settings it is for, or check that it was begun with them.

    Returns what the folder now says it is made of; the errors are those of `prepare`.
    """
    about, note = _made_of(photos, settings), folder / SETTINGS
    advice = "give the same photographs and options, or name another folder"
    note_settings(note, about, what="was begun with other settings", advice=advice)
    return about


def _sort_out(photos: Sequence[Photo], settings: PrepareSettings) -> tuple[list[Photo], list[Dropping]]:
    """The photographs to look at, in that order, and those that are left out."""
    unwanted = set(settings.without)
    known = {name for photo in photos for name in photo.attributes or ()}
    if odd := sorted(unwanted - known):
        there = f"they have {', '.join(sorted(known))}" if known else "their source notes no attributes"
        raise UnveilError(f"no photograph has the attribute {odd[0]}; {there}")
    wanted, dropped = [], []
    for photo in photos:
        if found := sorted(unwanted & (photo.attributes or frozenset())):
            dropped.append((photo.name, "attribute", ", ".join(found)))
        elif settings.only_known_people and not photo.person:
            dropped.append((photo.name, "unknown person", ""))
        else:
            wanted.append(photo)
    if not wanted:
        raise UnveilError(f"none of the {len(photos)} photographs is wanted; leave out fewer")
    if settings.limit is not None:
        shuffled = np.random.default_rng(settings.seed).permutation(len(wanted))
        wanted = [wanted[index] for index in shuffled]
    return wanted, dropped


def _made_of(photos: Sequence[Photo], settings: PrepareSettings) -> dict[str, Any]:
    """The settings and everything else that decides the outcome."""
    with learner_path().open("rb") as file:
        learner = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    return asdict(settings) | {"photographs": len(photos), "list": fingerprint(photos), "learner": learner}


def _finish(folder: Path, selection: Selection, settings: PrepareSettings, about: dict[str, Any]) -> None:
    dropped = Counter(reason for _, reason, _ in selection.dropped)
    if not selection.kept:
        counted = ", ".join(f"{count} {reason}" for reason, count in dropped.most_common())
        raise UnveilError(f"no photograph can be used ({counted}); give photographs of faces")
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("name", "reason", "detail"), *selection.dropped])
    write_text(folder / DROPPED, text.getvalue())
    more = {"dropped": dict(dropped.most_common()), "settings": about}
    finish(folder, selection.samples(settings.shares), selection.counts, settings.crop_size, more)
