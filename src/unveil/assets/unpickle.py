"""Read the pickles that FLAME and DECA are published as, without running anything that a pickle may name.

The pickle's opcodes are those of `pickle_opcodes`, and what it calls are the functions of `stand_ins`; a name that has
none is an error. So neither chumpy nor SciPy nor torch is imported, and a file made to do harm can only hold numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from unveil.assets.pickle_opcodes import load_pickle
from unveil.assets.pickle_source import Budget, ForbiddenNameError, PickleError, PickleSource
from unveil.assets.stand_ins import StandIns
from unveil.errors import UnveilError
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable

Content = TypeVar("Content")

# The largest published pickle, FLAME's, has about 100 MB.
PICKLE = FileKind("usable pickle", "download it from its publisher again", 256 * 2**20)
A_PICKLE, AN_NPY = "a pickle", "an npy file"


def read_pickle(path: Path) -> dict[str, Any]:
    """The arrays, numbers and texts of the dictionary in a pickle, by name; sparse matrices are dense.

    Values of another kind, such as lists of lists, are left out: no model's file needs them.

    Raises:
        UnveilError: the file cannot be read, is no pickle of a dictionary, or names a class that data has no need of.
    """
    return _read(path, A_PICKLE, lambda data: _flat(_load(PickleSource(data))))


def read_pickled_array(path: Path) -> NDArray[Any]:
    """The array in a pickle of nothing else; UnveilError as `read_pickle`."""

    def load(data: bytes) -> NDArray[Any]:
        array = _load(PickleSource(data))
        if not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise PickleError("it holds no array of numbers")
        return array

    return _read(path, A_PICKLE, load)


def read_pickled_npy(path: Path) -> dict[str, Any]:
    """The dictionary in an .npy file of one pickled object, as `read_pickle` returns it."""
    return _read(path, AN_NPY, lambda data: _flat(_object_of_npy(data)))


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


def _read(path: Path, form: str, load: Callable[[bytes], Content]) -> Content:
    with PICKLE.opened(path, form) as stream:
        try:
            return load(stream.read(PICKLE.largest))
        except ForbiddenNameError as error:
            raise UnveilError(
                f"{printable(path)} names {error}, which no model file needs, and is not read; {PICKLE.advice}"
            ) from error
