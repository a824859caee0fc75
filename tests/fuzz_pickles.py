"""Reads damaged and hostile pickles and checkpoints until something else than `UnveilError` or a result comes of it.

    python tests/fuzz_pickles.py FOLDER_OF_WHOLE_FILES SEED TRIES

The file being read is FOLDER/tried, so that a crash leaves it there. A try that takes more than `LONGEST` seconds ends
the process, and so does more memory than `MOST_MEMORY`.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
from peak_memory import peak_memory

from unveil.assets.pickle_opcodes import OPCODES
from unveil.assets.torch_file import checkpoint_keys
from unveil.assets.unpickle import read_pickle, read_pickled_array, read_pickled_npy
from unveil.errors import UnveilError

MOST_MEMORY = 2**30  # bytes
LONGEST = 20  # seconds for one file, of a few kilobytes
READERS = (read_pickle, read_pickled_array, read_pickled_npy, checkpoint_keys)
CODES = [bytes(code) for code in OPCODES]
NUMBERS = (-1, 0, 1, 2, 3, 4, 8, 255, 2**20, 2**31 - 1, 2**31, 2**40, 2**62, 2**63, 2**64, -(2**63))
TEXTS = ("", "value", "x", "f8", "b1", "O8", "U3", "S2", "V8", "<", ">", "F", "latin1", "storage", "0", "cpu")


class Written(bytes):
    """Opcodes that leave one value on the stack."""


def written(value: Any) -> Written:
    """The opcodes that make a value, in which there may be opcodes as well."""
    if isinstance(value, tuple | list):
        start, end = (b"(", b"t") if isinstance(value, tuple) else (b"](", b"e")
        return Written(start + b"".join(written(part) for part in value) + end)
    if isinstance(value, dict):
        return Written(b"}(" + b"".join(written(part) for item in value.items() for part in item) + b"u")
    if isinstance(value, str):
        return Written(b"X" + len(value.encode()).to_bytes(4, "little") + value.encode())
    if isinstance(value, bytes):
        return value if isinstance(value, Written) else Written(b"B" + len(value).to_bytes(4, "little") + value)
    if isinstance(value, bool) or value is None:
        return Written({None: b"N", True: b"\x88", False: b"\x89"}[value])
    return Written(b"\x8a\x0a" + int(value).to_bytes(10, "little", signed=True))


def name(module: str, last: str) -> Written:
    return Written(f"c{module}\n{last}\n".encode())


class Grammar:
    """Pickles that call what may be called with arguments of the right kinds, some of them replaced by others."""

    def __init__(self, rng: np.random.Generator, strangeness: float) -> None:
        self.rng, self.strangeness = rng, strangeness

    def one_of(self, values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def or_else(self, value: Any) -> Any:
        """The value, or sometimes anything."""
        return value if self.rng.random() > self.strangeness else self.anything()

    def anything(self) -> Any:
        empty = (bytes(self.one_of((0, 1, 8, 24))), None, True, False, (), [], {})
        makers = (self.array, self.array, self.sparse, self.tensor, self.dtype, self.storage, self.others)
        simple = self.one_of((self.one_of(NUMBERS), self.one_of(TEXTS), self.one_of(empty)))
        return simple if self.rng.random() < 0.7 else self.one_of(makers)()

    def call(self, function: Written, *arguments: Any, state: Any = None) -> Written:
        code = written(self.or_else(function)) + written(tuple(self.or_else(part) for part in arguments)) + b"R"
        if isinstance(state, tuple):
            state = tuple(self.or_else(part) for part in state)
        elif isinstance(state, dict):
            state = {key: self.or_else(part) for key, part in state.items()}
        elif self.rng.random() < self.strangeness:
            state = self.one_of(({"values": self.array("f8")}, (None, {"x": 1}), self.anything()))
        if state is not None:
            code += written(self.or_else(state)) + b"b"
        return Written(code)

    def dtype(self) -> Written:
        code = self.one_of(("f8", "f4", "i4", "b1", "u1"))
        return self.call(name("numpy", "dtype"), code, False, True, state=(3, "<", None, None, None, -1, -1, 0))

    def array(self, code: str = "i4", values: tuple[int, ...] = (0, 1, 2, 3, 4, 5)) -> Written:
        raw = np.array(values, code).tobytes()
        of_type = self.call(name("numpy", "dtype"), code, False, True, state=(3, "<", None, None, None, -1, -1, 0))
        shape = self.one_of(((len(values),), (len(values), 1), (1, len(values)), (2, -(-len(values) // 2))))
        if self.rng.random() < 0.5:
            return self.call(name("numpy.core.numeric", "_frombuffer"), raw, of_type, shape, self.one_of("CF"))
        of_class = name("numpy", "ndarray")
        made = name("numpy.core.multiarray", "_reconstruct")
        state = (1, tuple(self.or_else(side) for side in shape), of_type, self.one_of((True, False)), raw)
        return self.call(made, of_class, (0,), b"b", state=state)

    def sparse(self) -> Written:
        parts = {"_shape": (3, 3), "indptr": self.array("i4", (0, 1, 2, 3)), "indices": self.array("i4", (0, 1, 2))}
        return self.call(name("scipy.sparse", "csc_matrix"), state=parts | {"data": self.array("f8", (1, 2, 3))})

    def storage(self) -> Written:
        preamble = b"".join(b"\x80\x02" + written(self.or_else(part)) + b"." for part in (1, 2, {}))
        identity = ("storage", name("torch", "DoubleStorage"), "0", "cpu", 4, None)
        body = written(tuple(self.or_else(part) for part in identity)) + b"Q."
        keys = written(self.or_else(["0"])) + b"." + int(self.one_of((4, 4, 4, 5, 2**40))).to_bytes(8, "little")
        return self.call(name("torch.storage", "_load_from_bytes"), preamble + body + keys + bytes(32))

    def tensor(self) -> Written:
        size, stride = self.one_of((((4,), (1,)), ((2, 2), (2, 1)), ((2, 2), (1, 2)), ((2,), (3,)), ((), ())))
        if self.rng.random() < self.strangeness:
            size, stride = (self.one_of((7, 2000, 2_000_000)),), (1,)
        return self.call(name("torch._utils", "_rebuild_tensor_v2"), self.storage(), 0, size, stride, False, {})

    def others(self) -> Written:
        return self.one_of(
            (
                lambda: self.call(name("_codecs", "encode"), "text", "latin1"),
                lambda: self.call(name("__builtin__", "set"), [1, 2]),
                lambda: self.call(name("collections", "OrderedDict"), [("a", 1)], state={"a": 2}),
                lambda: self.call(name("chumpy.ch", "Ch"), state={"x": self.array("f8")}),
                lambda: self.call(name("numpy.core.multiarray", "scalar"), self.dtype(), bytes(8)),
                lambda: Written(b"h" + bytes([self.rng.integers(4)])),
                lambda: Written(written(1) + b"r" + self.one_of((b"\0\0\0\1", b"\0\0\0\x08", b"\1\0\0\0"))),
                lambda: Written(written(self.anything()) + b"q" + bytes([self.rng.integers(4)])),
            )
        )()

    def file(self) -> bytes:
        parts = (self.array, self.sparse, self.tensor, self.others)
        return b"\x80\x02" + written({f"value{k}": self.one_of(parts)() for k in range(self.rng.integers(1, 4))}) + b"."


def damaged(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A file in which bytes were changed, or a stretch cut out, doubled, or taken from another file."""
    found = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        start, length = int(rng.integers(len(found) + 1)), int(rng.integers(1, 30))
        stretch, there = int(rng.integers(len(other) + 1)), bytes(found[start : start + length])
        if rng.random() < 0.7:
            found[start : start + 1] = (bytes([rng.integers(256)]), CODES[rng.integers(len(CODES))])[rng.integers(2)]
        else:
            found[start : start + length] = (b"", there * 2, other[stretch : stretch + length])[rng.integers(3)]
    return bytes(found)


def touch(value: Any) -> None:
    """Read all memory that a result stands for."""
    if isinstance(value, np.ndarray):
        assert type(value) is np.ndarray
        assert not value.dtype.hasobject
        value.ravel(order="K").view(np.uint8).sum()
        repr(value.ravel()[:3])
    elif isinstance(value, dict):
        for part in value.values():
            touch(part)
    else:
        assert value is None or isinstance(value, bool | int | float | str | bytes | list | np.generic), type(value)


def main() -> None:
    """Try as many files as the command line says."""
    import resource  # which Windows lacks; the test that runs this is for Linux, but imports it everywhere

    folder, rng, tries = Path(sys.argv[1]), np.random.default_rng(int(sys.argv[2])), int(sys.argv[3])
    whole = [path.read_bytes() for path in sorted(folder.glob("whole*"))]
    here = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (here + 2 * MOST_MEMORY,) * 2)
    results, path = 0, folder / "tried"
    for _ in range(tries):
        picked, other = (whole[k] for k in rng.integers(len(whole), size=2))
        strangeness = float(rng.choice([0.01, 0.03, 0.1]))
        path.write_bytes(Grammar(rng, strangeness).file() if rng.random() < 0.5 else damaged(picked, other, rng))
        for reader in READERS:
            signal.alarm(LONGEST)
            with contextlib.suppress(UnveilError):
                touch(reader(path))
                results += 1
    assert peak_memory() < MOST_MEMORY, "too much memory"
    sys.stdout.write(f"{results}\n")


if __name__ == "__main__":
    main()
