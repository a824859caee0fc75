"""Which of the cut photographs are kept, and for which split: training, validation or test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unveil.training.crops.chunks import Chunks
from unveil.training.crops.duplicates import Gallery
from unveil.training.crops.photo import Photo
from unveil.training.crops.prepared import TRAIN, Samples

Dropping = tuple[str, str, str]  # name of the photograph, reason, detail


@dataclass(frozen=True)
class Kept:
    """A photograph whose crop is used."""

    photo: Photo
    shard: int
    row: int
    matrix: list[list[float]]  # [2, 3] pixels of the photograph to those of the crop


class Selection:
    """Takes chunks in their order until it is full; a photograph that repeats an earlier one is dropped.

    Attributes:
        kept: in the order of the chunks.
        dropped: with those that were dropped before.
        counts: crops in the shard of each chunk that was taken.
    """

    def __init__(self, dropped: list[Dropping], limit: int | None) -> None:
        self.kept: list[Kept] = []
        self.dropped = dropped
        self.counts: list[int] = []
        self._limit = limit
        self._gallery = Gallery()

    @property
    def full(self) -> bool:
        """Whether as many are kept as were asked for."""
        return len(self.kept) == self._limit

    def take(self, number: int, chunks: Chunks) -> None:
        """Take the next chunk."""
        row = 0
        for photo, entry in zip(chunks.photos_of(number), chunks.entries(number), strict=True):
            if "reason" in entry:
                if not self.full:
                    self.dropped.append((photo.name, entry["reason"], entry["detail"]))
                continue
            if not self.full:
                self._keep(Kept(photo, number, row, entry["matrix"]), entry["hash"])
            row += 1
        self.counts.append(row)

    def samples(self, shares: Sequence[float]) -> Samples:
        """The records of the kept photographs, split by `assign_splits`."""
        return Samples(
            names=np.array([k.photo.name for k in self.kept]),
            person=np.array([k.photo.person for k in self.kept]),
            split=assign_splits([k.photo for k in self.kept], shares),
            shard=np.array([k.shard for k in self.kept], np.int32),
            row=np.array([k.row for k in self.kept], np.int32),
            matrix=np.array([k.matrix for k in self.kept]),
        )

    def _keep(self, new: Kept, hexadecimal: str) -> None:
        hashed = np.frombuffer(bytes.fromhex(hexadecimal), np.uint64)
        twin = self._gallery.find(hashed)
        if twin is not None:
            self.dropped.append((new.photo.name, "duplicate", f"of {self.kept[twin].photo.name}"))
            return
        self._gallery.add(hashed)
        self.kept.append(new)


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
