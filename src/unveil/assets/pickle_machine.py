"""Runs the opcodes of a pickle over plain values, with nothing of Python's own within their reach.

`pickle.Unpickler` trusts its file: it takes the memory that a size asks for before the bytes are there, hands out
classes that a later opcode may change, and gives state to any object. So the opcodes are run here. On the stack are
numbers, text, bytes, tuples, lists, dictionaries and sets, and what the caller's own functions made of them. A name is
only a `Name`; state is taken by an `Unbuilt` alone, once; and a `Budget` bounds the memory of all of it.
"""

from __future__ import annotations

import codecs
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_MEMORY = 768 * 2**20  # bytes: five times what the largest published pickle, FLAME's 100 MB, needs
STEP = 256  # bytes, more than any opcode takes besides its own data: an empty set has 216
LONGEST_LINE = 2**12  # bytes of a name or number written as text; text and bytes of protocol 0 may be longer
LARGEST_KEY = 2**53  # of numbers as keys: larger ones can be chosen to share one hash

Functions = Callable[[str], Callable[..., Any]]  # the stand-in of a full name; ForbiddenNameError where it has none


class PickleError(Exception):
    """A pickle is damaged, or asks for what no data file needs."""


class ForbiddenNameError(PickleError):
    """A pickle names a class or function that data files have no need of."""


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function as a pickle names it; nothing is imported."""

    full: str


@dataclass(slots=True)
class Unbuilt:
    """An object whose state is still to come: what ``finish`` makes of the state takes its place."""

    finish: Callable[[Any], Any]
    places: list[int] = field(default_factory=list)  # in the memo


class Budget:
    """How much more memory a file may ask for."""

    def __init__(self, size: int = MOST_MEMORY) -> None:
        self.left = size

    def require(self, size: int) -> None:
        """Raise PickleError unless so many bytes are left."""
        if not 0 <= size <= self.left:
            raise PickleError("it asks for more memory than any model file needs")

    def take(self, size: int) -> None:
        """Note that so many bytes are in use; PickleError where they are too many."""
        self.require(size)
        self.left -= size


class Source:
    """Bytes that are read from the front; a size is compared with what is there before anything is taken."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def take(self, count: int) -> bytes:
        """The next bytes; PickleError where they are not there."""
        if not 0 <= count <= len(self.data) - self.place:
            raise PickleError("it is cut short")
        self.place += count
        return self.data[self.place - count : self.place]

    def number(self, code: str) -> Any:
        """The next number, of a type of `struct`."""
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def line(self, longest: int = LONGEST_LINE) -> bytes:
        """What comes before the next line feed, which is passed over."""
        end = self.data.find(b"\n", self.place, self.place + longest)
        if end < 0:
            raise PickleError("it is cut short")
        return self.take(end + 1 - self.place)[:-1]


class PickleMachine:
    """Reads one pickle.

    Args:
        source: where the pickle begins; afterwards, what follows it.
        budget: shared by all that is made of the file.
        functions: gives what is called for a name.
        storage: gives what stands for a persistent id, which only torch writes; without it there are none.
    """

    def __init__(
        self, source: Source, budget: Budget, functions: Functions, storage: Callable[[Any], Any] | None = None
    ) -> None:
        self.source, self.budget, self.functions, self.storage = source, budget, functions, storage
        self.stack: list[Any] = []
        self.marks: list[int] = []  # how high the stack was
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """What the pickle holds.

        Raises:
            PickleError, or in a damaged file any error of the functions.
        """
        while (code := self.source.take(1)) != b".":
            self.budget.take(STEP)
            if code not in OPCODES:
                raise PickleError(f"it has the opcode {code!r}, which data does not need")
            OPCODES[code](self)
        return self.pop()

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def top(self, kind: type = object) -> Any:
        """The topmost value, left where it is; it lies above the last mark and is of a type."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise PickleError("it takes a value that is not there")
        value = self.stack[-1]
        if not isinstance(value, kind):
            raise PickleError(f"it has a {type(value).__name__} in the place of a {kind.__name__}")
        return value

    def pop(self) -> Any:
        """Take the topmost value."""
        value = self.top()
        self.stack.pop()
        return value

    def pop_to_mark(self) -> list[Any]:
        """Take all above the last mark, and the mark."""
        if not self.marks:
            raise PickleError("it takes a mark that is not there")
        start = self.marks.pop()
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def remember(self, place: int) -> None:
        """Keep the topmost value in the memo; the place is only a name, so a large one costs nothing."""
        value = self.memo[place] = self.top()
        if isinstance(value, Unbuilt):
            value.places.append(place)

    def recall(self, place: int) -> None:
        """Put what the memo keeps on the stack."""
        if place not in self.memo:
            raise PickleError("it recalls a value that is not there")
        self.push(self.memo[place])

    def name(self, module: Any, name: Any) -> None:
        """Put a name on the stack, as soon as it is sure that it may be called."""
        if not (isinstance(module, str) and isinstance(name, str)):
            raise PickleError("it has a name that is no text")
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)  # of Python 2
        self.functions(f"{module}.{name}")
        self.push(Name(f"{module}.{name}"))

    def call(self) -> None:
        """Call a name with its arguments."""
        arguments, function = self.pop(), self.pop()
        if not (isinstance(function, Name) and isinstance(arguments, tuple)):
            raise PickleError("it calls what is no function")
        self.push(self.functions(function.full)(*arguments))

    def build(self) -> None:
        """Finish an object by its state; a dictionary's attributes, which torch writes, are passed over."""
        state, value = self.pop(), self.pop()
        if isinstance(value, Unbuilt):
            places, value = value.places, value.finish(state)
            self.memo.update(dict.fromkeys(places, value))
        elif not isinstance(value, dict):
            raise PickleError(f"it gives a state to a {type(value).__name__}")
        self.push(value)

    def persistent(self, identity: Any) -> None:
        """Put what stands for a persistent id on the stack."""
        if self.storage is None:
            raise PickleError("it has a persistent id")
        self.push(self.storage(identity))

    def text(self, raw: bytes, encoding: str) -> None:
        """Put text on the stack; a single rare letter makes all of them four bytes wide."""
        self.budget.require(len(raw) * (1 if encoding == "latin1" or raw.isascii() else 4))
        text = raw.decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")
        self.budget.take(sys.getsizeof(text))
        self.push(text)

    def whole_number(self, raw: bytes) -> None:
        """Put a number of any length, little end first, on the stack."""
        self.budget.take(len(raw))
        self.push(int.from_bytes(raw, "little", signed=True))

    def raw_bytes(self, raw: bytes) -> None:
        """Put bytes on the stack."""
        self.budget.take(len(raw))
        self.push(raw)


def dictionary(items: Sequence[Any]) -> dict[Any, Any]:
    """Keys and values that follow each other as a dictionary."""
    if len(items) % 2:
        raise PickleError("it has a key without a value")
    return dict(zip(keys(items[::2]), items[1::2], strict=True))


def keys(values: Iterable[Any]) -> list[Any]:
    """Keys of a dictionary or members of a set: text, bytes and moderate numbers, whose hashes cost nothing."""
    values = list(values)
    for value in values:
        number = isinstance(value, int) and abs(value) <= LARGEST_KEY
        if not (number or value is None or isinstance(value, str | bytes)):
            raise PickleError(f"it has a {type(value).__name__} as a key")
    return values


def _number(line: bytes) -> int | bool:
    """A number of protocol 0, where 00 and 01 are truth values."""
    return {b"00": False, b"01": True}[line] if line in {b"00", b"01"} else int(line.removesuffix(b"L"))


def _quoted(line: bytes) -> bytes:
    """Python 2's text of protocol 0, written as in a program."""
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in b"\"'":
        raise PickleError("it has text without quotes")
    raw, _ = codecs.escape_decode(line[1:-1])
    return bytes(raw)


def _constant(value: Any) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.push(value)


def _number_of(code: str) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.push(machine.source.number(code))


def _counted(code: str, put: Callable[[PickleMachine, bytes], None]) -> Callable[[PickleMachine], None]:
    return lambda machine: put(machine, machine.source.take(machine.source.number(code)))


def _latin(machine: PickleMachine, raw: bytes) -> None:
    machine.text(raw, "latin1")


def _utf8(machine: PickleMachine, raw: bytes) -> None:
    machine.text(raw, "utf-8")


def _tuple_of(count: int) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.push(tuple(reversed([machine.pop() for _ in range(count)])))


def _extend(machine: PickleMachine, items: list[Any]) -> None:
    machine.top(list).extend(items)


def _update(machine: PickleMachine, items: list[Any]) -> None:
    machine.top(dict).update(dictionary(items))


def _add(machine: PickleMachine, members: list[Any]) -> None:
    machine.top(set).update(keys(members))


def _pop_value_or_mark(machine: PickleMachine) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.pop_to_mark()
    else:
        machine.pop()


def _set_item(machine: PickleMachine) -> None:
    value, key = machine.pop(), machine.pop()
    _update(machine, [key, value])


OPCODES: dict[bytes, Callable[[PickleMachine], object]] = {
    b"\x80": lambda m: m.source.number("<B"),  # the protocol
    b"\x95": lambda m: m.source.number("<Q"),  # a frame, which helps only those who read from a file
    b"N": _constant(None),
    b"\x88": _constant(True),
    b"\x89": _constant(False),
    b")": _constant(()),
    b"J": _number_of("<i"),
    b"K": _number_of("<B"),
    b"M": _number_of("<H"),
    b"G": _number_of(">d"),
    b"I": lambda m: m.push(_number(m.source.line())),
    b"L": lambda m: m.push(_number(m.source.line())),
    b"F": lambda m: m.push(float(m.source.line())),
    b"\x8a": _counted("<B", PickleMachine.whole_number),
    b"\x8b": _counted("<i", PickleMachine.whole_number),
    b"S": lambda m: m.text(_quoted(m.source.line(m.budget.left)), "latin1"),
    b"T": _counted("<i", _latin),
    b"U": _counted("<B", _latin),
    b"V": lambda m: m.text(m.source.line(m.budget.left), "raw-unicode-escape"),
    b"X": _counted("<I", _utf8),
    b"\x8c": _counted("<B", _utf8),
    b"\x8d": _counted("<Q", _utf8),
    b"B": _counted("<I", PickleMachine.raw_bytes),
    b"C": _counted("<B", PickleMachine.raw_bytes),
    b"\x8e": _counted("<Q", PickleMachine.raw_bytes),
    b"\x96": _counted("<Q", PickleMachine.raw_bytes),
    b"(": lambda m: m.marks.append(len(m.stack)),
    b"0": _pop_value_or_mark,
    b"1": lambda m: m.pop_to_mark(),
    b"2": lambda m: m.push(m.top()),
    b"p": lambda m: m.remember(int(m.source.line())),
    b"q": lambda m: m.remember(m.source.number("<B")),
    b"r": lambda m: m.remember(m.source.number("<I")),
    b"\x94": lambda m: m.remember(len(m.memo)),
    b"g": lambda m: m.recall(int(m.source.line())),
    b"h": lambda m: m.recall(m.source.number("<B")),
    b"j": lambda m: m.recall(m.source.number("<I")),
    b"t": lambda m: m.push(tuple(m.pop_to_mark())),
    b"\x85": _tuple_of(1),
    b"\x86": _tuple_of(2),
    b"\x87": _tuple_of(3),
    b"]": lambda m: m.push([]),
    b"l": lambda m: m.push(m.pop_to_mark()),
    b"a": lambda m: _extend(m, [m.pop()]),
    b"e": lambda m: _extend(m, m.pop_to_mark()),
    b"}": lambda m: m.push({}),
    b"d": lambda m: m.push(dictionary(m.pop_to_mark())),
    b"s": _set_item,
    b"u": lambda m: _update(m, m.pop_to_mark()),
    b"\x8f": lambda m: m.push(set()),
    b"\x90": lambda m: _add(m, m.pop_to_mark()),
    b"\x91": lambda m: m.push(frozenset(keys(m.pop_to_mark()))),
    b"c": lambda m: m.name(m.source.line().decode(), m.source.line().decode()),
    b"\x93": lambda m: m.name(*reversed([m.pop(), m.pop()])),
    b"R": PickleMachine.call,
    b"\x81": PickleMachine.call,  # a class and its arguments
    b"b": PickleMachine.build,
    b"P": lambda m: m.persistent(m.source.line().decode()),
    b"Q": lambda m: m.persistent(m.pop()),
}
