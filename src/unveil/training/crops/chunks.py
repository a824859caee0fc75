"""Photographs to shards of wide crops, a chunk at a time, by one process or several; what is done is done.

A chunk leaves its shard and then, atomically, its record: JSON with an entry for each of its photographs in their
order, {"name", "reason", "detail"} for one that was dropped, {"name", "matrix", "hash"} for one that was kept. A chunk
that has a record is never done again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unveil.errors import line_of
from unveil.processes import each_in_processes, no_longer_wanted
from unveil.storage.file_kind import FileKind
from unveil.storage.files import json_text, write_text
from unveil.storage.text import read_json
from unveil.training.crops.cutter import Cutter, Dropped
from unveil.training.crops.photo import HolderError, Photo
from unveil.training.crops.prepared import shard_name, write_shard
from unveil.typing import Image

RECORDS = "records"  # folder of the records, within the folder being prepared
RECORD = FileKind("usable record of a chunk", "remove it and run the command again", 2**26)

PhotoEntry = Mapping[str, Any]


@dataclass(frozen=True)
class Chunks:
    """The chunks of a list of photographs, and where and how they are cut."""

    folder: Path
    photos: Sequence[Photo]
    size: int  # photographs in a chunk
    crop_size: int  # W
    smallest_face: float  # image pixels

    def __len__(self) -> int:
        return math.ceil(len(self.photos) / self.size)

    def photos_of(self, number: int) -> Sequence[Photo]:
        """The photographs of a chunk."""
        return self.photos[number * self.size : (number + 1) * self.size]

    def done(self, number: int) -> bool:
        """Whether a chunk has its record, and so its shard."""
        return record_path(self.folder, number).exists()

    def entries(self, number: int) -> list[PhotoEntry]:
        """The record of a chunk that is done; UnveilError where it is damaged."""
        path = record_path(self.folder, number)
        entries: list[PhotoEntry] = read_json(path, RECORD)
        with RECORD.checking(path):
            if [entry["name"] for entry in entries] != [photo.name for photo in self.photos_of(number)]:
                raise ValueError("it is about other photographs")
        return entries

    def remove_from(self, number: int) -> None:
        """Remove what there is of the chunks from this one on."""
        for later in range(number, len(self)):
            record_path(self.folder, later).unlink(missing_ok=True)
            (self.folder / shard_name(later)).unlink(missing_ok=True)


def record_path(folder: Path, number: int) -> Path:
    """The file that says what became of the photographs of a chunk."""
    return folder / RECORDS / f"{number:05d}.json"


def cut_chunks(chunks: Chunks, processes: int) -> Iterator[int]:
    """Cut the chunks that are not done and yield the number of every chunk in order; may be left off at any time.

    Raises:
        UnveilError: the folder cannot be written, or a process was killed.
    """
    missing = {number: chunks.photos_of(number) for number in range(len(chunks)) if not chunks.done(number)}
    if not missing:
        yield from range(len(chunks))
        return
    work = partial(cut_chunk, Cutter(chunks.crop_size, chunks.smallest_face), chunks.folder)
    with closing(each_in_processes(work, list(missing.items()), processes)) as cut:
        for number in range(len(chunks)):
            if number in missing:
                next(cut)
            yield number


def cut_chunk(cutter: Cutter, folder: Path, chunk: tuple[int, Sequence[Photo]]) -> None:
    """Write the shard and the record of a chunk, its number and photographs; nothing once the consumer has gone."""
    number, photos = chunk
    crops: list[Image] = []
    entries: list[PhotoEntry] = []
    for photo in photos:
        if no_longer_wanted():
            return
        try:
            cut = cutter.cut(photo)
        except Dropped as dropped:
            entries.append({"name": photo.name, "reason": dropped.reason, "detail": dropped.detail})
            continue
        except HolderError:
            raise
        except Exception as error:  # one photograph is not to end the work on the others
            entries.append({"name": photo.name, "reason": "unexpected error", "detail": line_of(error)})
            continue
        crops.append(cut.crop)
        entries.append({"name": photo.name, "matrix": cut.matrix.tolist(), "hash": cut.hash.tobytes().hex()})
    with cutter.clock.stage("write"):
        side = cutter.crop_size
        write_shard(folder, number, np.stack(crops) if crops else np.empty((0, side, side, 3), np.uint8))
        write_text(record_path(folder, number), json_text(entries, indent=None))
