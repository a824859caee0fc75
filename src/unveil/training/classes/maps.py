"""A folder of class maps: what the pixels of a prepared folder's crops show.

classes.json       the crops that they are of, and who labelled the heads in them
classes-00000.npy  uint8 [n, W, W] of `models.classes`, and so on, in the order of the shards of crops
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unveil.errors import UnveilError
from unveil.models.classes import CLASSES, UNKNOWN
from unveil.storage.arrays import map_array
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.text import read_json
from unveil.training.crops.prepared import PreparedFolder
from unveil.typing import UInt8s

NOTE = "classes.json"
AGAIN = "run `unveil segment` again"
MAPS_FILE = FileKind("whole file of class maps", f"remove it and {AGAIN}", 2**40)
NOTE_FILE = FileKind("usable note of class maps", AGAIN, 2**24)


@dataclass(frozen=True, eq=False)
class ClassMaps:
    """The class maps of the crops of a prepared folder; get them from `open`."""

    path: Path
    folder: PreparedFolder
    shards: tuple[UInt8s, ...]  # each [n, W, W], on disk

    @classmethod
    def open(cls, path: Path, folder: PreparedFolder) -> ClassMaps:
        """Open the class maps of a prepared folder.

        Raises:
            UnveilError: they are not finished, of other crops, or a file is missing, damaged or cut short.
        """
        note = read_json(path / NOTE, NOTE_FILE)
        with NOTE_FILE.checking(path / NOTE):
            crops = dict(note).get("crops")
        if crops != folder.fingerprint:
            raise UnveilError(f"{printable(path)} has the class maps of other crops: {AGAIN}, with -o a new folder")
        files = [path / maps_name(number) for number in range(len(folder.shards))]
        shards = tuple(map_array(file, MAPS_FILE) for file in files)
        for file, maps, wanted in zip(files, shards, folder.shards, strict=True):
            if maps.dtype != np.uint8 or maps.shape != wanted.shape[:3]:
                raise UnveilError(f"{printable(file)} does not hold uint8 {wanted.shape[:3]}: remove it and {AGAIN}")
        return cls(path, folder, shards)

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens the maps for itself instead of being sent them."""
        return ClassMaps.open, (self.path, self.folder)

    def of(self, index: int) -> UInt8s:
        """The classes [W, W] of the pixels of a sample's wide crop; it may be written to."""
        found = self.shards[self.folder.shard[index]][self.folder.row[index]]
        return np.where(found < len(CLASSES), found, np.uint8(UNKNOWN))


def maps_name(number: int) -> str:
    """The file with the classes of a shard's pixels."""
    return f"classes-{number:05d}.npy"
