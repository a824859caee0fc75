"""Read the pickles that FLAME and DECA are published as, without running anything that a pickle may name.

Every class a pickle names is replaced by one of this page; a name that has none is an error. So neither chumpy nor
SciPy nor torch is imported, and a file made to do harm can only hold numbers.
"""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError

Content = TypeVar("Content")

PYTHON2_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}
# What legacy torch files begin with: a magic number, the version of the format, and a note on the machine.
TORCH_PREAMBLE = 3
TORCH_TYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "<?",
}


class ForbiddenClassError(pickle.UnpicklingError):
    """A pickle names a class or function that data files have no need of."""


class _State:
    """An object of a class that is not here, reduced to its attributes."""

    attributes: Mapping[str, Any] = MappingProxyType({})

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("an object's state is no dictionary")
        self.attributes = state


class _Chumpy(_State):
    """An array of chumpy, whose values are under ``x``."""


class _Sparse(_State):
    """A compressed matrix of SciPy; by columns, or by rows in the subclass."""

    by_rows = False

    def dense(self) -> NDArray[np.float64]:
        a = self.attributes
        rows, columns = (int(n) for n in a["_shape"])
        matrix = np.zeros((rows, columns))
        counts = np.diff(a["indptr"])
        outer = np.repeat(np.arange(len(counts)), counts)
        place = (outer, a["indices"]) if self.by_rows else (a["indices"], outer)
        np.add.at(matrix, place, a["data"])  # an entry may be in parts
        return matrix


class _SparseRows(_Sparse):
    by_rows = True


class _TorchStorage:
    """The numbers of a tensor before they have a shape."""

    def __init__(self, dtype: str) -> None:
        self.values = np.zeros(0, dtype)


def _new_object(cls: Any, *_: object) -> _State:
    """Stands for ``copyreg._reconstructor``, which older protocols call to make an empty object."""
    if not (isinstance(cls, type) and issubclass(cls, _State)):
        raise ForbiddenClassError("copyreg._reconstructor")
    return cls()


class _DType:
    """Stands for ``numpy.dtype``, whose own state could describe memory that is not there; plain types only."""

    def __init__(self, code: str, *_: object) -> None:
        self.plain = np.dtype(str(code))
        if self.plain.kind not in "biufSUO":
            raise ForbiddenClassError(f"numpy.dtype {code}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, byte_order, *fields = state
        if byte_order == ">":
            self.plain = self.plain.newbyteorder(">")
        if any(fields[:3]):
            raise ForbiddenClassError("numpy.dtype with fields")


class _Array(np.ndarray[Any, Any]):
    """Stands for ``numpy.ndarray``; its state names the type by a `_DType`."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        version, shape, dtype, by_columns, values = state
        super().__setstate__((version, shape, dtype.plain, by_columns, values))


class _ArrayClass:
    """What ``numpy.ndarray`` names: calling it could read any memory, so it is only good for `_new_array`."""


def _new_array(cls: Any, *_: object) -> _Array:
    """Stands for ``numpy.core.multiarray._reconstruct``: an empty array that its state then fills."""
    if cls is not _ArrayClass:
        raise ForbiddenClassError("numpy.core.multiarray._reconstruct")
    return np.ndarray.__new__(_Array, (0,), "b")


def _scalar(dtype: _DType, raw: bytes) -> Any:
    """Stands for ``numpy.core.multiarray.scalar``."""
    return np.frombuffer(raw, dtype.plain, 1)[0]


def _from_buffer(raw: bytes, dtype: _DType, shape: tuple[int, ...], order: str) -> NDArray[Any]:
    """Stands for ``numpy.core.numeric._frombuffer``, by which protocol 5 writes arrays."""
    return np.frombuffer(raw, dtype.plain).reshape(shape, order="F" if order == "F" else "C")


def _encoded(text: str, encoding: str) -> bytes:
    """Stands for ``_codecs.encode``, by which protocol 2 writes bytes."""
    if encoding != "latin1":
        raise ForbiddenClassError(f"_codecs.encode to {encoding}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """Stands for ``bytes``, which protocol 2 calls for the values of an empty array."""
    return b""


def _tensor(storage: _TorchStorage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object) -> Any:
    """A torch tensor as a NumPy array; UnpicklingError where it would reach beyond its storage."""
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    count = len(storage.values)
    if min((offset, *stride)) < 0 or min(size, default=1) < 1 or last >= count or math.prod(size) > count:
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    values = storage.values[offset:]
    return np.lib.stride_tricks.as_strided(values, size, [s * values.itemsize for s in stride]).copy()


class _TorchUnpickler(pickle.Unpickler):
    """Reads the parts of a tensor's storage as ``torch.save`` wrote them before it wrote zip files."""

    def __init__(self, file: BinaryIO, storages: dict[str, _TorchStorage]) -> None:
        super().__init__(file, encoding="latin1")
        self.storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if module in {"torch", "torch.storage"} and name in TORCH_TYPES:
            return TORCH_TYPES[name]
        raise ForbiddenClassError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> _TorchStorage:
        _, dtype, key, *_ = pid
        if dtype not in TORCH_TYPES.values():
            raise ForbiddenClassError(f"torch storage {dtype}")
        return self.storages.setdefault(str(key), _TorchStorage(dtype))


def _storage_from_bytes(raw: bytes) -> _TorchStorage:
    """Stands for ``torch.storage._load_from_bytes``."""
    file, storages = BytesIO(raw), dict[str, _TorchStorage]()
    parts = [_TorchUnpickler(file, storages).load() for _ in range(TORCH_PREAMBLE + 2)]
    storage, keys = parts[TORCH_PREAMBLE:]
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        part = storages[str(key)]
        part.values = np.frombuffer(file.read(count * part.values.itemsize), part.values.dtype)
    if not isinstance(storage, _TorchStorage):
        raise pickle.UnpicklingError("a tensor's bytes hold no storage")
    return storage


STAND_INS: dict[str, Any] = {
    "_codecs.encode": _encoded,
    "builtins.bytes": _no_bytes,
    "builtins.frozenset": frozenset,
    "builtins.object": object,
    "builtins.set": set,
    "collections.OrderedDict": OrderedDict,
    "copyreg._reconstructor": _new_object,
    "numpy.dtype": _DType,
    "numpy.ndarray": _ArrayClass,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch.storage._load_from_bytes": _storage_from_bytes,
} | {
    f"numpy.{core}.{name}": stand_in
    for core in ("core", "_core")
    for name, stand_in in (
        ("multiarray._reconstruct", _new_array),
        ("multiarray.scalar", _scalar),
        ("numeric._frombuffer", _from_buffer),
    )
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        module = PYTHON2_MODULES.get(module, module)
        if f"{module}.{name}" in STAND_INS:
            return STAND_INS[f"{module}.{name}"]
        if module == "chumpy" or module.startswith("chumpy."):
            return _Chumpy
        if module.startswith("scipy.sparse") and name in {"csc_matrix", "csc_array"}:
            return _Sparse
        if module.startswith("scipy.sparse") and name in {"csr_matrix", "csr_array"}:
            return _SparseRows
        raise ForbiddenClassError(f"{module}.{name}")


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a pickle, its values as NumPy arrays; sparse matrices become dense.

    Raises:
        UnveilError: the file cannot be read, is no pickle of a dictionary, or names a class that data has no need of.
    """
    return _dictionary(path, lambda file: _Unpickler(file, encoding="latin1").load())


def read_pickled_array(path: Path) -> NDArray[Any]:
    """The array in a pickle of nothing else; UnveilError as `read_pickle`."""

    def load(file: BinaryIO) -> NDArray[Any]:
        array = _Unpickler(file, encoding="latin1").load()
        if not isinstance(array, np.ndarray):
            raise pickle.UnpicklingError("it holds no array")
        return np.asarray(array)

    return _read(path, load)


def read_pickled_npy(path: Path) -> dict[str, Any]:
    """The dictionary in an .npy file of one pickled object, as `read_pickle` returns it."""
    return _dictionary(path, _object_of_npy)


def _object_of_npy(file: BinaryIO) -> object:
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, _, dtype = read_header(file)
    if dtype != np.dtype(object) or shape != ():
        raise ValueError(f"it holds an array {shape} of {dtype} instead of a dictionary")
    array = _Unpickler(file, encoding="latin1").load()
    return array[()] if isinstance(array, np.ndarray) and array.shape == () else array


def _dictionary(path: Path, load: Callable[[BinaryIO], object]) -> dict[str, Any]:
    def checked(file: BinaryIO) -> dict[str, Any]:
        values = load(file)
        if not isinstance(values, Mapping):
            raise pickle.UnpicklingError("it holds no dictionary")
        return {str(name): _plain(value) for name, value in values.items()}

    return _read(path, checked)


def _read(path: Path, load: Callable[[BinaryIO], Content]) -> Content:
    try:
        with path.open("rb") as file:
            return load(file)
    except ForbiddenClassError as error:
        raise UnveilError(
            f"{path} names {error}, which no model file needs, and is not read; download it from its publisher again"
        ) from error
    except OSError as error:
        raise UnveilError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except Exception as error:  # a damaged pickle fails in whatever its bytes happen to ask for
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnveilError(f"{path} cannot be read ({reason[:120]}); download it from its publisher again") from error


def _plain(value: object) -> Any:
    """The array that a stand-in stands for; anything else as it is."""
    if isinstance(value, _Chumpy) and "x" in value.attributes:
        return _plain(value.attributes["x"])
    if isinstance(value, _Sparse):
        return value.dense()
    return np.asarray(value) if isinstance(value, _Array) else value
