"""Sources of photographs to a prepared folder (`unveil.distill.prepared`), which a teacher encodes and training reads.

Photographs are taken in a fixed order, in chunks (`unveil.distill.chunks`). When all are cut, or as many as were asked
for are kept, the folder is finished: what repeats an earlier photograph is dropped, people are split, and the samples
and the manifest are written. Until then ``settings.json`` says what the folder is being made with, so that a run that
was stopped can only be continued with the same settings.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.distill.chunks import RECORDS, Chunks, cut_chunks
from unveil.distill.cutter import LEARNER
from unveil.distill.duplicates import Gallery
from unveil.distill.photo import Photo, check_unique, fingerprint
from unveil.distill.prepared import MANIFEST, TRAIN, Samples, finish
from unveil.errors import UnveilError
from unveil.imaging.io import atomic_path, printable
from unveil.reconstruct.pipeline import learner_path

SETTINGS, DROPPED = "settings.json", "dropped.csv"
Dropping = tuple[str, str, str]  # name of the photograph, reason, detail


@dataclass(frozen=True)
class Settings:
    """What decides which crops a folder gets; their order and the number of processes do not."""

    crop_size: int = 192  # W: the canonical crop in its middle is 154 pixels wide; with 280 it is 224
    smallest_face: float = 40.0  # side of the detector's box in image pixels
    without: tuple[str, ...] = ()  # attributes of faces to leave out
    only_known_people: bool = False  # leave out photographs of nobody knows whom
    shares: tuple[float, float, float] = (90.0, 5.0, 5.0)  # of training, validation, test, where no split is given
    limit: int | None = None  # keep so many, drawn at random; all if None
    seed: int = 0  # of the draw
    chunk: int = 512  # photographs in a chunk


def prepare(photos: Sequence[Photo], folder: Path, settings: Settings, processes: int = 1) -> Iterator[bool]:
    """Prepare a folder, going on where an earlier run was stopped; it is finished when the iterator is.

    Yields for each photograph whether this run has looked at it, rather than an earlier one. Two runs must not prepare
    one folder at once.

    Raises:
        UnveilError: the folder was begun with other settings or photographs, or cannot be written; two photographs have
            one name; no photograph has an attribute that is to be left out.
    """
    check_unique(photos)
    wanted, refused = _sort_out(photos, settings)
    about = begin(folder, photos, settings)
    if not (folder / MANIFEST).exists():
        size = min(settings.chunk, settings.limit or settings.chunk)
        chunks = Chunks(folder, wanted, size, settings.crop_size, settings.smallest_face)
        fresh = [not chunks.done(number) for number in range(len(chunks))]
        selection = _Selection(refused)
        for number in cut_chunks(chunks, processes):
            selection.take(number, chunks, settings.limit)
            yield from (fresh[number] for _ in chunks.photos_of(number))
            if len(selection.kept) == settings.limit:
                break
        chunks.remove_from(len(selection.counts))
        _finish(folder, selection, settings, about)
    shutil.rmtree(folder / RECORDS, ignore_errors=True)


def begin(folder: Path, photos: Sequence[Photo], settings: Settings) -> dict[str, Any]:
    """Claim a new folder for these photographs and settings, or check that it was begun with them.

    What a run that was killed has left half-written is removed. Returns what the folder now says it is made of; the
    errors are those of `prepare`.
    """
    about = _settings_record(photos, settings)
    path = folder / SETTINGS
    try:
        for leftover in folder.rglob(".unveil-*"):
            leftover.unlink()
        begun = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        if begun is None and folder.exists() and any(folder.iterdir()):
            raise UnveilError(f"{printable(folder)} holds other files; name a new folder")
    except (OSError, ValueError) as error:
        raise UnveilError(f"cannot go on in {printable(folder)} ({error}); name another folder") from error
    if begun is None:
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        return about
    odd = [f"{name} {begun.get(name)}, not {value}" for name, value in about.items() if begun.get(name) != value]
    if odd:
        raise UnveilError(
            f"{printable(folder)} was begun with {'; '.join(odd)}; give the same photographs and options, or another "
            "folder"
        )
    return about


def assign_splits(photos: Sequence[Photo], shares: Sequence[float]) -> NDArray[np.int8]:
    """The split [N] of every photograph, the same for all of one person.

    A person goes where the official split has the photographs, to test before validation before training should it be
    of several minds. Otherwise the person's name decides, or where the person is unknown the photograph's, by a hash.

    Args:
        photos: N photographs.
        shares: of training, validation and test; their sum does not matter.
    """
    groups = [f"person {photo.person}" if photo.person else f"photo {photo.name}" for photo in photos]
    splits: dict[str, int] = {}
    for group, photo in zip(groups, photos, strict=True):
        if photo.split is not None:
            splits[group] = max(photo.split, splits.get(group, TRAIN))
    bounds = np.cumsum(shares) / np.sum(shares)
    for group in set(groups) - splits.keys():
        position = int.from_bytes(hashlib.sha256(group.encode()).digest()[:6], "big") / 2**48  # in [0, 1)
        splits[group] = int(np.searchsorted(bounds, position, side="right"))
    return np.array([splits[group] for group in groups], np.int8)


@dataclass(frozen=True)
class _Kept:
    photo: Photo
    shard: int
    row: int
    matrix: list[list[float]]  # [2, 3]


class _Selection:
    """What is kept of the chunks, taken in their order, and what is dropped."""

    def __init__(self, dropped: list[Dropping]) -> None:
        self.kept: list[_Kept] = []
        self.dropped = dropped
        self.counts: list[int] = []  # crops in each shard
        self._gallery = Gallery()

    def take(self, number: int, chunks: Chunks, limit: int | None) -> None:
        """Take the next chunk, up to so many photographs in all."""
        row = 0
        for photo, entry in zip(chunks.photos_of(number), chunks.entries(number), strict=True):
            if "reason" in entry:
                self._drop(photo, entry["reason"], entry["detail"], limit)
                continue
            hashed = np.frombuffer(bytes.fromhex(entry["hash"]), np.uint64)
            twin = self._gallery.find(hashed)
            if twin is not None:
                self._drop(photo, "duplicate", f"of {self.kept[twin].photo.name}", limit)
            elif limit is None or len(self.kept) < limit:
                self._gallery.add(hashed)
                self.kept.append(_Kept(photo, number, row, entry["matrix"]))
            row += 1
        self.counts.append(row)

    def _drop(self, photo: Photo, reason: str, detail: str, limit: int | None) -> None:
        if limit is None or len(self.kept) < limit:
            self.dropped.append((photo.name, reason, detail))


def _sort_out(photos: Sequence[Photo], settings: Settings) -> tuple[list[Photo], list[Dropping]]:
    """The photographs to look at, in the order in which they are looked at, and those that are not wanted."""
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


def _settings_record(photos: Sequence[Photo], settings: Settings) -> dict[str, Any]:
    """The settings and what else decides the outcome, as JSON has them."""
    with learner_path(LEARNER).open("rb") as file:
        learner = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    about = asdict(settings) | {"photographs": len(photos), "list": fingerprint(photos), "learner": learner}
    record: dict[str, Any] = json.loads(json.dumps(about))
    return record


def _finish(folder: Path, selection: _Selection, settings: Settings, about: dict[str, Any]) -> None:
    kept = selection.kept
    if not kept:
        reasons = Counter(reason for _, reason, _ in selection.dropped)
        counted = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        raise UnveilError(f"no photograph can be used ({counted}); give photographs of faces")
    samples = Samples(
        names=np.array([k.photo.name for k in kept]),
        person=np.array([k.photo.person for k in kept]),
        split=assign_splits([k.photo for k in kept], settings.shares),
        shard=np.array([k.shard for k in kept], np.int32),
        row=np.array([k.row for k in kept], np.int32),
        matrix=np.array([k.matrix for k in kept]),
    )
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("name", "reason", "detail"), *selection.dropped])
    with atomic_path(folder / DROPPED) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
    dropped = dict(Counter(reason for _, reason, _ in selection.dropped).most_common())
    more = {"dropped": dropped, "settings": about}
    finish(folder, samples, selection.counts, settings.crop_size, more)
