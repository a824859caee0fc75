"""The content of a torch checkpoint, read without torch and without running anything in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unveil.assets.pickle_machine import Unbuilt
from unveil.assets.pickle_opcodes import load_pickle
from unveil.assets.pickle_source import Budget, PickleError, PickleSource
from unveil.assets.stand_ins import StandIns
from unveil.storage.file_kind import FileKind
from unveil.storage.zip_file import open_zip, read_member

ZIP_START = b"PK\x03\x04"  # the format since torch 1.6; the one before is a row of pickles
CHECKPOINT = FileKind("whole torch checkpoint", "get it again", 2**34)
FORMS = ("a zip file", "a pickle")
LEGACY_HEADERS = 3  # pickles before the object: magic number, version, system
LENGTH_BYTES = 8  # before the numbers of each storage
LARGEST_STRUCTURE = 32 * 2**20  # bytes of what is pickled beside the numbers; a large network's have less than one
# What torch would call, though it unpickles weights alone, with a size for an argument.
TAKES_MEMORY = re.compile(r"builtins\.bytearray|torch\.(.+\.)?\w*(Tensor|Storage|Parameter)")
BYTES_PER_NUMBER = {"Double": 8, "Long": 8, "Float": 4, "Int": 4, "Half": 2, "BFloat16": 2, "Short": 2}


def checkpoint_keys(path: Path) -> list[str]:
    """The keys of the dictionary in a checkpoint.

    Raises:
        UnveilError: as `checkpoint_structure`, or it holds something else than a dictionary.
    """
    content = checkpoint_structure(path)
    with CHECKPOINT.checking(path):
        return [str(key) for key in content.keys()]  # noqa: SIM118  # of what is no dictionary it is a fault


def checkpoint_structure(path: Path, kind: FileKind = CHECKPOINT) -> Any:
    """The content of a checkpoint without its numbers, which are all there.

    Raises:
        UnveilError: the file is cut short, is no checkpoint, or has fewer bytes than its numbers.
    """
    with kind.opened(path, *FORMS) as stream:
        start = stream.read(len(ZIP_START))
        return _from_zip(path) if start == ZIP_START else _from_legacy(path)


class _Structure:
    """Reads the structure of pickles: dictionaries, lists, text and numbers; all else becomes an `Unbuilt` or None."""

    def __init__(self, source: PickleSource) -> None:
        self.source, self.budget = source, Budget()
        self.ordered = StandIns(self.budget).ordered
        self.storages: dict[str, int] = {}  # bytes by key

    def load(self) -> Any:
        """The object in the next pickle of the source."""
        return load_pickle(self.source, self.budget, self._function, self._storage)

    def _function(self, name: str) -> Callable[..., Any]:
        if name == "collections.OrderedDict":
            return self.ordered
        return _refuse if TAKES_MEMORY.fullmatch(name) else lambda *_: Unbuilt(lambda state: None)

    def _storage(self, identity: Any) -> None:
        _, kind, key, _, count, *_ = identity
        number = kind.full.rpartition(".")[2].removesuffix("Storage")
        self.storages[str(key)[:20]] = int(count) * BYTES_PER_NUMBER.get(number, 1)


def _from_zip(path: Path) -> Any:
    with open_zip(path) as archive:  # its list of contents is at the end, where a cut file has none
        name = next((name for name in archive.namelist() if name.endswith("/data.pkl")), "")
        if not name:
            raise ValueError("it is a zip file of something else")
        structure = _Structure(PickleSource(read_member(archive, name, LARGEST_STRUCTURE)))
        unpacked = sum(member.file_size for member in archive.infolist())
    content = structure.load()
    # Torch does not compress, and unpacks what others did.
    if max(unpacked, sum(structure.storages.values())) > path.stat().st_size:
        raise ValueError("it has fewer bytes than its numbers")
    return content


def _refuse(*_: Any) -> None:
    raise PickleError("it asks for memory without having numbers for it")


def _from_legacy(path: Path) -> Any:
    with path.open("rb") as stream:
        source = PickleSource(stream.read(LARGEST_STRUCTURE))
    headers, body = _Structure(source), _Structure(source)
    for _ in range(LEGACY_HEADERS):
        headers.load()
    content = body.load()
    headers.load()  # the order of the storages
    expected = source.place + sum(LENGTH_BYTES + size for size in body.storages.values())
    there = path.stat().st_size
    if there < expected:
        raise ValueError(f"it is cut short: {there} of {expected} bytes")
    return content
