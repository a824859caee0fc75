"""The opcodes that pickles of data consist of, by the byte that each is written as (`pickletools` describes them)."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

from unveil.assets.pickle_machine import Functions, PickleMachine, dictionary, keys
from unveil.assets.pickle_source import Budget, PickleError, PickleSource

STEP = 256  # bytes, more than any opcode takes besides its own data: an empty set has 216
STOP = b"."


def load_pickle(
    source: PickleSource, budget: Budget, functions: Functions, storage: Callable[[Any], Any] | None = None
) -> Any:
    """The object in the next pickle of a source, which is then read up to the end of that pickle.

    Args:
        source: where the pickle begins.
        budget: shared by all that is made of the file.
        functions: gives what is called for a name.
        storage: gives what stands for a persistent id, which only torch writes; without it there are none.

    Raises:
        PickleError, or in a damaged file any error of the functions.
    """
    machine = PickleMachine(source, budget, functions, storage)
    while (code := source.take(1)) != STOP:
        budget.take(STEP)
        if code not in OPCODES:
            raise PickleError(f"it has the opcode {code!r}, which data does not need")
        OPCODES[code](machine)
    return machine.pop()


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
