"""Stand-ins for classes and functions of other libraries that pickles of published models name.

Each takes the arguments of the original and checks all of them: a pickle may call anything with anything. They give
NumPy arrays, which own their memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.assets.pickle_machine import Name, Unbuilt, dictionary, keys
from unveil.assets.pickle_opcodes import load_pickle
from unveil.assets.pickle_source import Budget, ForbiddenNameError, PickleError, PickleSource
from unveil.storage.arrays import whole_numbers
from unveil.typing import Float64s

MOST_DIMENSIONS = 32
MEMBER = 128  # bytes that a member of a set or dictionary takes
DTYPE = re.compile(r"[<>|=]?([biuf]\d{1,2}|[SU][1-9]\d{0,5}|O8?)")  # no fields, no dates
LARGEST_LETTER = 0x10FFFF  # of Unicode
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


@dataclass(frozen=True)
class Storage:
    """The numbers [N] of a tensor before they have a shape."""

    values: NDArray[Any]


class StandIns:
    """The functions of a file; calling the object with a full name gives the one of that name."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.functions: dict[str, Callable[..., Any]] = {
            "_codecs.encode": self.encoded,
            "builtins.bytes": lambda: b"",  # which protocol 2 calls for the values of an empty array
            "builtins.frozenset": lambda members=(): frozenset(self.members(members)),
            "builtins.object": _not_called,
            "builtins.set": lambda members=(): set(self.members(members)),
            "collections.OrderedDict": self.ordered,
            "copyreg._reconstructor": self.reconstructed,
            "numpy.dtype": dtype,
            "numpy.ndarray": _not_called,  # it could be told to read any memory
            "torch._utils._rebuild_tensor_v2": self.tensor,
            "torch.storage._load_from_bytes": self.storage,
        }
        for core in ("numpy.core", "numpy._core"):
            self.functions[f"{core}.multiarray._reconstruct"] = self.array
            self.functions[f"{core}.multiarray.scalar"] = self.scalar
            self.functions[f"{core}.numeric._frombuffer"] = self.from_buffer

    def __call__(self, name: str) -> Callable[..., Any]:
        """The function of this name; ForbiddenNameError for one that data files do not need."""
        if name in self.functions:
            return self.functions[name]
        package, _, last = name.rpartition(".")
        if f"{package}.".startswith("chumpy."):
            return lambda *_: Unbuilt(chumpy_values)
        if f"{package}.".startswith("scipy.sparse.") and last in {"csc_matrix", "csc_array"}:
            return lambda *_: Unbuilt(lambda state: self.dense(state, by_rows=False))
        if f"{package}.".startswith("scipy.sparse.") and last in {"csr_matrix", "csr_array"}:
            return lambda *_: Unbuilt(lambda state: self.dense(state, by_rows=True))
        raise ForbiddenNameError(name)

    def encoded(self, text: Any, encoding: Any) -> bytes:
        """For ``_codecs.encode``, by which protocol 2 writes bytes."""
        if not isinstance(text, str) or encoding != "latin1":
            raise ForbiddenNameError(f"_codecs.encode to {str(encoding)[:20]}")
        self.budget.take(len(text))
        return text.encode("latin1")

    def reconstructed(self, cls: Any, *_: Any) -> Unbuilt:
        """For ``copyreg._reconstructor``, which older protocols call to make an empty object."""
        if not (isinstance(cls, Name) and cls.full.startswith(("chumpy.", "scipy.sparse."))):
            raise ForbiddenNameError("copyreg._reconstructor")
        made: Unbuilt = self(cls.full)()
        return made

    def members(self, values: Any) -> list[Any]:
        """Of a set, from a list of them."""
        if not isinstance(values, list | tuple):
            raise PickleError("a set is made of what is no list")
        self.budget.take(MEMBER * len(values))
        return keys(values)

    def ordered(self, pairs: Any = ()) -> dict[Any, Any]:
        """For ``collections.OrderedDict``."""
        if not isinstance(pairs, list | tuple) or any(not isinstance(p, list | tuple) or len(p) != 2 for p in pairs):
            raise PickleError("a dictionary is made of what are no pairs")
        self.budget.take(MEMBER * len(pairs))
        return dictionary([part for pair in pairs for part in pair])

    def array(self, cls: Any, *_: Any) -> Unbuilt:
        """For ``multiarray._reconstruct``: an array whose type, shape and values are its state."""
        if cls != Name("numpy.ndarray"):
            raise ForbiddenNameError("numpy.core.multiarray._reconstruct")
        return Unbuilt(self._array_of_state)

    def _array_of_state(self, state: Any) -> NDArray[Any]:
        _, shape, of_type, by_columns, values = state
        return self.filled(values, of_type, shape, "F" if by_columns else "C")

    def from_buffer(self, raw: Any, of_type: Any, shape: Any, order: Any) -> NDArray[Any]:
        """For ``numeric._frombuffer``, by which protocol 5 writes arrays."""
        return self.filled(raw, of_type, shape, "F" if order == "F" else "C")

    def scalar(self, of_type: Any, raw: Any) -> Any:
        """For ``multiarray.scalar``."""
        return self.filled(raw, of_type, (), "C")[()]

    def filled(self, values: Any, of_type: Any, shape: Any, order: str) -> NDArray[Any]:
        """A new array of a type and shape; the values are its bytes, or the list of its objects."""
        if not isinstance(of_type, np.dtype):
            raise PickleError("an array's type is none")
        count = math.prod(_counts(shape))
        self.budget.take(count * of_type.itemsize)
        if of_type.hasobject:
            return _array_of_objects(values, count, shape)
        raw = values.encode("latin1") if isinstance(values, str) else values
        if not isinstance(raw, bytes) or len(raw) != count * of_type.itemsize:
            raise PickleError("an array's bytes do not fit its shape")
        if not count:
            return np.zeros(shape, of_type)
        if of_type.kind == "U" and np.frombuffer(raw, f"{of_type.byteorder}u4").max() > LARGEST_LETTER:
            raise PickleError("an array has text that is none")
        native = np.frombuffer(raw, of_type).astype(of_type.newbyteorder("="))
        return native.reshape(shape, order="F" if order == "F" else "C")

    def dense(self, state: Any, *, by_rows: bool) -> Float64s:
        """The matrix of a state of SciPy's compressed ones."""
        rows, columns = _counts(state["_shape"])
        data, inner, starts = (_numbers(state[name]) for name in ("data", "indices", "indptr"))
        inner = whole_numbers(inner)
        counts = np.diff(whole_numbers(starts))  # entries per column, or per row
        fits = len(counts) == (rows if by_rows else columns) and len(inner) == len(data)
        # Each count is held against the number of entries before their sum is: the sum could go round.
        if not fits or not all(0 <= n <= len(data) for n in (counts.min(initial=0), counts.max(initial=0))):
            raise PickleError("a sparse matrix does not fit its shape")
        if counts.sum() != len(data) or inner.min(initial=0) < 0:
            raise PickleError("a sparse matrix has other entries than it says")
        self.budget.take(rows * columns * 8)
        matrix = np.zeros((rows, columns))
        outer = np.repeat(np.arange(len(counts)), counts)
        np.add.at(matrix, (outer, inner) if by_rows else (inner, outer), data)  # an entry may be in parts
        return matrix

    def storage(self, raw: Any) -> Storage:
        """For ``torch.storage._load_from_bytes``: one storage as ``torch.save`` wrote it before it wrote zip files."""
        if not isinstance(raw, bytes):
            raise PickleError("a tensor's bytes are none")
        source, declared = PickleSource(raw), dict[str, tuple[str, int]]()

        def declare(identity: Any) -> str:
            _, kind, key, _, count, *_ = identity
            declared[str(key)[:20]] = (kind.full.rpartition(".")[2], *_counts((count,)))
            return str(key)[:20]

        parts = [load_pickle(source, self.budget, _torch_type, declare) for _ in range(TORCH_PREAMBLE + 2)]
        key, listed = parts[TORCH_PREAMBLE:]  # of the storage, and of all those whose numbers follow
        if not isinstance(key, str) or key not in declared or listed != [key]:
            raise PickleError("a tensor's bytes hold no storage")
        kind, count = declared[key]
        if source.number("<q") != count:
            raise PickleError("a tensor's storage has another length than it says")
        of_type = np.dtype(TORCH_TYPES[kind])
        return Storage(self.filled(source.take(count * of_type.itemsize), of_type, (count,), "C"))

    def tensor(self, storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> NDArray[Any]:
        """For ``_rebuild_tensor_v2``: a copy of the part of a storage that a tensor is."""
        if not isinstance(storage, Storage):
            raise PickleError("a tensor has no storage")
        beyond = "a tensor reaches beyond its storage"
        (first,), sides, steps = (_counts(numbers, beyond) for numbers in ((offset,), size, stride))
        last = first + sum((n - 1) * step for n, step in zip(sides, steps, strict=True))
        there, count = len(storage.values), math.prod(sides)
        if min(sides, default=1) < 1 or last >= there or count > there:
            raise PickleError(beyond)
        self.budget.take(count * (8 + storage.values.itemsize))
        index = np.full(sides, first)
        for axis, (n, step) in enumerate(zip(sides, steps, strict=True)):
            index += (np.arange(n) * step).reshape(-1, *[1] * (len(sides) - axis - 1))
        return np.asarray(storage.values[index])


def dtype(code: Any, *_: Any) -> Unbuilt:
    """For ``numpy.dtype``: a plain type, whose state may turn its bytes round."""
    if not (isinstance(code, str) and DTYPE.fullmatch(code)):
        raise ForbiddenNameError(f"numpy.dtype {str(code)[:20]}")
    plain = np.dtype(code)

    def finish(state: Any) -> np.dtype[Any]:
        _, byte_order, subtype, names, fields, *_ = state
        if any(part is not None for part in (subtype, names, fields)):
            raise ForbiddenNameError("numpy.dtype with fields")
        return plain.newbyteorder(">") if byte_order == ">" else plain

    return Unbuilt(finish)


def chumpy_values(state: Any) -> Any:
    """An array of chumpy is under ``x``; what chumpy would compute of others is not there."""
    return state.get("x") if isinstance(state, dict) else None


def _not_called(*_: Any) -> Any:
    raise PickleError("it calls a class that is only named elsewhere")


def _torch_type(name: str) -> Callable[..., Any]:
    module, _, last = name.rpartition(".")
    if module not in {"torch", "torch.storage"} or last not in TORCH_TYPES:
        raise ForbiddenNameError(name)
    return _not_called


def _counts(numbers: Any, problem: str = "a shape is none") -> tuple[int, ...]:
    """The numbers of a shape: few, whole and not negative."""
    fine = isinstance(numbers, list | tuple) and len(numbers) <= MOST_DIMENSIONS
    if not fine or not all(type(n) is int and n >= 0 for n in numbers):
        raise PickleError(problem)
    return tuple(numbers)


def _numbers(values: Any) -> NDArray[Any]:
    """An array [N] of numbers."""
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind not in "biuf":
        raise PickleError("a sparse matrix has parts that are no arrays of numbers")
    return values


def _array_of_objects(values: Any, count: int, shape: Any) -> NDArray[Any]:
    if not isinstance(values, list) or len(values) != count:
        raise PickleError("an array's objects do not fit its shape")
    flat = np.empty(count, object)
    for place, value in enumerate(values):
        flat[place] = value
    return flat.reshape(shape)
