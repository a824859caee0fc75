"""Arrays from npz and npy files of strangers: plain numbers and texts, of sizes checked before memory is taken."""

from __future__ import annotations

import math
import os
import warnings
import zipfile
from collections.abc import Collection, Sequence
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from unveil.storage.file_kind import FileKind
from unveil.storage.zip_file import open_member, open_zip

CHUNK = 2**20  # bytes read at a time
KINDS = "biufcSU"  # of dtypes: numbers and texts
MOST_NAMED = 6  # in a message
# Bytes of all that is compressed in a file, and how many times the file's size they may be where that is more: numbers
# that were measured or learned are hardly compressible. What unveil writes is not compressed.
MOST_UNFOLDED, MOST_TIMES = 2**29, 8
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class Arrays(dict[str, NDArray[Any]]):
    """Those arrays of a file that were asked for, by name; one that is not there is an error that says which are."""

    def __init__(self, there: Sequence[str]) -> None:
        super().__init__()
        self.there = there  # names of all

    def __missing__(self, name: str) -> NDArray[Any]:
        raise LookupError(f"it has no array {name!r}; it has {', '.join(self.there[:MOST_NAMED]) or 'none'}")

    def require_format(self, *known: int) -> int:
        """The number in the array ``format``; ValueError where it is none of those that the reader knows."""
        number = int(self["format"])
        if number not in known:
            raise ValueError(f"it has format {number}, this unveil reads {' and '.join(map(str, known))}")
        return number


class _Header(NamedTuple):
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype[Any]
    size: int  # bytes


def read_arrays(path: str | os.PathLike[str], kind: FileKind, names: Collection[str] | None = None) -> Arrays:
    """The arrays of an npz file by name; nothing in it is unpickled.

    Args:
        path: the file.
        kind: what it should be; its arrays may have ``kind.largest`` bytes together.
        names: of the arrays to read, where it has them; None: all.

    Raises:
        UnveilError: the file is missing, damaged, no npz, too large, or holds something else than arrays of numbers and
            texts.
    """
    with kind.opened(path, "a zip file") as stream, open_zip(path) as archive:
        members = archive.namelist()
        arrays = Arrays([name.removesuffix(".npy") for name in members])
        if len(set(arrays.there)) < len(members):
            raise ValueError("it holds two arrays of one name")
        left, unfolded = kind.largest, max(MOST_UNFOLDED, MOST_TIMES * os.fstat(stream.fileno()).st_size)
        for name, member in zip(arrays.there, members, strict=True):
            if names is not None and name not in names:
                continue
            stored = archive.getinfo(member).compress_type == zipfile.ZIP_STORED
            most = min(left, archive.getinfo(member).file_size) if stored else min(left, unfolded)
            with open_member(archive, member) as part:
                arrays[name] = _read(part, most, ascii(name))
            left -= arrays[name].nbytes
            unfolded -= 0 if stored else arrays[name].nbytes
        return arrays


def read_array(path: str | os.PathLike[str], kind: FileKind) -> NDArray[Any]:
    """The array of an npy file; UnveilError as `read_arrays`."""
    with kind.opened(path, "an npy file") as stream:
        return _read(stream, os.fstat(stream.fileno()).st_size, "it")


def map_array(path: str | os.PathLike[str], kind: FileKind) -> NDArray[Any]:
    """The array of an npy file, read where it is used; UnveilError as `read_arrays`."""
    with kind.opened(path, "an npy file") as stream:
        there = os.fstat(stream.fileno()).st_size
        header = _header(stream, there, "it")
        if stream.tell() + header.size < there:
            raise ValueError("it goes on after its end")
        if not header.size:
            return np.empty(header.shape, header.dtype)
        return np.memmap(stream, header.dtype, "r", stream.tell(), header.shape, header.order)


def whole_numbers(array: NDArray[Any], kind: type[np.integer[Any]] = np.int64) -> NDArray[Any]:
    """Numbers of a file as whole ones of a type; ValueError where they are none, or do not fit it."""
    with np.errstate(invalid="ignore"):
        whole = array.astype(kind)
    if not np.array_equal(whole, array):
        raise ValueError(f"it has numbers that are not whole, or do not fit {np.dtype(kind).name}")
    return whole


def _read(stream: BinaryIO, most: int, name: str) -> NDArray[Any]:
    """The array in a stream that has, or may have, so many bytes."""
    shape, order, dtype, size = _header(stream, most, name)
    if not size:
        return np.empty(shape, dtype)
    array = np.empty(size, np.uint8)
    done = 0
    while done < size:
        part = stream.read(min(CHUNK, size - done))
        if not part:
            raise ValueError(f"{name} is cut short")
        array[done : done + len(part)] = np.frombuffer(part, np.uint8)
        done += len(part)
    if stream.read(1):  # at the end a zip file compares its sum
        raise ValueError(f"{name} goes on after its end")
    return array.view(dtype).reshape(shape, order=order)


def _header(stream: BinaryIO, most: int, name: str) -> _Header:
    version = npy.read_magic(stream)
    if version not in HEADERS:
        raise ValueError(f"{name} has a header of version {version}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote
        shape, fortran, dtype = HEADERS[version](stream)
    if dtype.hasobject or dtype.kind not in KINDS:
        raise ValueError(f"{name} holds {'Python objects' if dtype.hasobject else dtype} and no numbers or text")
    if any(side < 0 for side in shape):
        raise ValueError(f"{name} has a shape of negative numbers")
    size = math.prod(shape) * dtype.itemsize
    if math.prod(shape) * max(1, dtype.itemsize) > most - stream.tell():
        raise ValueError(f"{name} has {size} bytes, more than the file holds or may hold")
    return _Header(shape, "F" if fortran else "C", dtype, size)
