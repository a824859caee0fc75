"""Read the pickles that FLAME and DECA are published as, without running anything that a pickle may name.

The pickle's opcodes are those of `pickle_opcodes`, and what it calls are the functions of `stand_ins`; a name that has
none is an error. So neither chumpy nor SciPy nor torch is imported, and a file made to do harm can only hold numbers.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from unveil.assets.pickle_opcodes import load_pickle
from unveil.assets.pickle_source import Budget, ForbiddenNameError, PickleError, PickleSource
from unveil.assets.stand_ins import StandIns
from unveil.errors import UnveilError, reason_of

Content = TypeVar("Content")

LARGEST_FILE = 256 * 2**20  # bytes; the largest published pickle, FLAME's, has about 100 MB


def read_pickle(path: Path) -> dict[str, Any]:
    """The arrays, numbers and texts of the dictionary in a pickle, by name; sparse matrices are dense.

    Values of another kind, such as lists of lists, are left out: no model's file needs them.

    Raises:
        UnveilError: the file cannot be read, is no pickle of a dictionary, or names a class that data has no need of.
    """
    return _read(path, lambda data: _flat(_load(PickleSource(data))))


def read_pickled_array(path: Path) -> NDArray[Any]:
    """The array in a pickle of nothing else; UnveilError as `read_pickle`."""

    def load(data: bytes) -> NDArray[Any]:
        array = _load(PickleSource(data))
        if not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise PickleError("it holds no array of numbers")
        return array

    return _read(path, load)


def read_pickled_npy(path: Path) -> dict[str, Any]:
    """The dictionary in an .npy file of one pickled object, as `read_pickle` returns it."""
    return _read(path, lambda data: _flat(_object_of_npy(data)))


def _object_of_npy(data: bytes) -> object:
    file = BytesIO(data)
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, _, dtype = read_header(file)
    if dtype != np.dtype(object) or shape != ():
        raise ValueError(f"it holds an array {shape} of {dtype} instead of a dictionary")
    source = PickleSource(data)
    source.take(file.tell())
    array = _load(source)
    return array[()] if isinstance(array, np.ndarray) and array.shape == () else array


def _load(source: PickleSource) -> object:
    budget = Budget()
    return load_pickle(source, budget, StandIns(budget))


def _flat(content: object) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise PickleError("it holds no dictionary")
    return {name: value for name, value in content.items() if isinstance(name, str) and _is_flat(value)}


def _is_flat(value: object) -> bool:
    """Whether a value is an array or scalar; what is nested could take forever to be looked through."""
    if isinstance(value, np.ndarray):
        return not value.dtype.hasobject
    return value is None or isinstance(value, bool | int | float | str | bytes | np.generic)


def _read(path: Path, load: Callable[[bytes], Content]) -> Content:
    try:
        return load(_content(path))
    except UnveilError:
        raise
    except ForbiddenNameError as error:
        raise UnveilError(
            f"{path} names {error}, which no model file needs, and is not read; download it from its publisher again"
        ) from error
    except OSError as error:
        raise UnveilError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except Exception as error:  # a damaged pickle fails in whatever its bytes happen to ask for
        reason = reason_of(error)
        raise UnveilError(f"{path} cannot be read ({reason[:120]}); download it from its publisher again") from error


def _content(path: Path) -> bytes:
    """All bytes of a file of moderate size."""
    status = path.stat()  # before it is opened: a pipe would wait for a writer
    if not stat.S_ISREG(status.st_mode):
        raise UnveilError(f"cannot read {path}: it is no regular file; check the path")
    if status.st_size > LARGEST_FILE:
        raise UnveilError(
            f"{path} has {status.st_size / 2**20:.0f} MB, more than any model's pickle; check that it is the right file"
        )
    with path.open("rb") as file:
        return file.read(LARGEST_FILE)
