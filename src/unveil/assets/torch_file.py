"""What a torch checkpoint holds, read without torch and without running anything in it."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from unveil.errors import UnveilError

ZIP_START = b"PK\x03\x04"  # the format since torch 1.6; the one before is a row of pickles
LEGACY_HEADERS = 3  # pickles before the object: magic number, version, system
LENGTH_BYTES = 8  # before the numbers of each storage
BYTES_PER_NUMBER = {"Double": 8, "Long": 8, "Float": 4, "Int": 4, "Half": 2, "BFloat16": 2, "Short": 2}


def checkpoint_keys(path: Path) -> list[str]:
    """The keys of the dictionary in a checkpoint.

    Raises:
        UnveilError: the file is cut short, is no checkpoint, or holds something else than a dictionary. The message
            goes on after the file's name.
    """
    start = b""
    try:
        with path.open("rb") as stream:
            start = stream.read(len(ZIP_START))
            stream.seek(0)
            content = _from_zip(stream) if start == ZIP_START else _from_legacy(stream)
    except UnveilError:
        raise
    except Exception as error:  # what a damaged pickle leads to is not to be foreseen
        reason = " ".join(str(error).split()) or type(error).__name__
        cut = start == ZIP_START or isinstance(error, EOFError) or "truncated" in reason
        what = "is cut short" if cut else "is no torch checkpoint"
        raise UnveilError(f"{what} ({reason[:100]})") from error
    if not isinstance(content, dict):
        raise UnveilError("is a checkpoint without a dictionary")
    return [str(key) for key in content]


class _Inert:
    """Stands for every class and function that a checkpoint names; nothing of it is imported or called."""

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class _Dictionary(dict[Any, Any]):
    """An ordered dictionary; unlike a plain one it can be given attributes, as state dicts are."""


class _Reader(pickle.Unpickler):
    """Reads the structure of a pickle: dictionaries, lists, text and numbers; all else becomes `_Inert`."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.storages: dict[str, int] = {}  # bytes by key

    def find_class(self, module: str, name: str) -> Any:
        return _Dictionary if (module, name) == ("collections", "OrderedDict") else type(name, (_Inert,), {})

    def persistent_load(self, pid: Any) -> Any:
        _, kind, key, _, count, *_ = pid
        self.storages[key] = count * BYTES_PER_NUMBER.get(kind.__name__.removesuffix("Storage"), 1)


def _from_zip(stream: BinaryIO) -> Any:
    with zipfile.ZipFile(stream) as archive:  # its list of contents is at the end, where a cut file has none
        name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(name) as member:
            return _Reader(member).load()


def _from_legacy(stream: BinaryIO) -> Any:
    for _ in range(LEGACY_HEADERS):
        _Reader(stream).load()
    reader = _Reader(stream)
    content = reader.load()
    _Reader(stream).load()  # the order of the storages
    expected = stream.tell() + sum(LENGTH_BYTES + size for size in reader.storages.values())
    there = stream.seek(0, 2)
    if there < expected:
        raise UnveilError(f"is cut short: {there} of {expected} bytes")
    return content
