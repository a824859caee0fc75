"""Runs the opcodes of a pickle over plain values, with no Python objects within their reach.

`pickle.Unpickler` trusts its file: it takes the memory that a size asks for before the bytes are there, hands out
classes that a later opcode may change, and gives state to any object. So the opcodes are run here. On the stack are
numbers, text, bytes, tuples, lists, dictionaries and sets, and what the caller's own functions made of them. A name is
only a `Name`; state is taken by an `Unbuilt` alone, once; and a `Budget` bounds the memory of all of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from unveil.assets.pickle_source import Budget, PickleError, PickleSource

LARGEST_KEY = 2**53  # of numbers as keys: larger ones can be chosen to share one hash

Functions = Callable[[str], Callable[..., Any]]  # the stand-in of a full name; ForbiddenNameError where it has none


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function as a pickle names it; nothing is imported."""

    full: str


@dataclass(slots=True)
class Unbuilt:
    """An object whose state is still to come: what ``finish`` makes of the state takes its place."""

    finish: Callable[[Any], Any]
    places: list[int] = field(default_factory=list)  # in the memo


class PickleMachine:
    """The values that the opcodes of one pickle work on, and what they do to them.

    Args:
        source: where the pickle begins; afterwards, what follows it.
        budget: shared by all that is made of the file.
        functions: gives what is called for a name.
        storage: gives what stands for a persistent id, which only torch writes; without it there are none.
    """

    def __init__(
        self, source: PickleSource, budget: Budget, functions: Functions, storage: Callable[[Any], Any] | None = None
    ) -> None:
        self.source, self.budget, self.functions, self.storage = source, budget, functions, storage
        self.stack: list[Any] = []
        self.marks: list[int] = []  # how high the stack was
        self.memo: dict[int, Any] = {}

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
        """Put a name on the stack, after checking that it may be called."""
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
        """Finish an object by its state; a dictionary's attributes, which torch writes, are ignored."""
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
        """Put a little-endian number of any length on the stack."""
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
