"""ONNX files of strangers, looked through before a runtime sees them: one file, of plain operators, of bounded size.

An ONNX file may say that its numbers are in other files, or at an address in memory. onnxruntime before 1.24.1 reads
any file and, until it crashes, any address; here no such file gets that far. The wire format is protobuf's
(protobuf.dev, "Encoding"), and the numbers of the fields are those of onnx.proto.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unveil.errors import UnveilError

LARGEST_FILE = 2**30  # bytes; DECA's two encoders, the largest that unveil writes, have 0.2 GB
LARGEST_METADATA = 2**20  # bytes; a layout with its statistics has 8,000
MOST_FIELDS = 1_000_000  # of all messages looked into; the packaged learner has some 2,000
DEEPEST = 32  # messages in messages: two for each graph in a graph
OPERATORS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}  # whose domains are part of onnxruntime

# By message and number of the field: what is in it, a message of this table or a thing to be judged.
FIELDS = {
    "model": {7: "graph", 14: "metadata", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 10: "own domain", 11: "attribute"},
    "node": {5: "attribute", 7: "domain"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external", 14: "location"},
}


class _HarmfulError(Exception):
    """Says what is wrong with a file."""


@dataclass
class _Found:
    """What was come across in a file."""

    fields: int = 0
    metadata: int = 0  # bytes
    domains: set[str] = field(default_factory=set)  # of operators that are used
    own: set[str] = field(default_factory=set)  # of operators that the file itself defines


def read_onnx(path: Path) -> bytes:
    """The bytes of an ONNX file that is a single file of plain operators and of moderate size.

    Give these bytes, and not the path, to the runtime: the file may be another one by then.

    Raises:
        UnveilError: the file is missing or anything else.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE:
            raise UnveilError(f"{path} is no file of less than {LARGEST_FILE / 2**20:.0f} MB; give an ONNX file")
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE)
    except OSError as error:
        raise UnveilError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    require_plain(data, str(path))
    return data


def require_plain(data: bytes, name: str) -> None:
    """Raise UnveilError unless the bytes of an ONNX file have all in them and use operators of the runtime's own."""
    found = _Found()
    try:
        _look_through(memoryview(data), "model", found, 0)
        if unknown := found.domains - found.own - OPERATORS:
            raise _HarmfulError(f"it needs operators of {ascii(min(unknown))[:40]}, which onnxruntime does not have")
    except _HarmfulError as error:
        raise UnveilError(
            f"{name} is not a usable ONNX file: {error}; give one as `unveil export` writes it"
        ) from error


def _look_through(message: memoryview, kind: str, found: _Found, depth: int) -> None:
    """Raise _HarmfulError for what a message or those in it must not have; note the rest."""
    if depth > DEEPEST:
        raise _HarmfulError("it has graphs too deep in graphs")
    for number, value in _fields(message, found):
        inside = FIELDS[kind].get(number)
        if inside == "external" or (inside == "location" and value != 0):
            raise _HarmfulError("it keeps numbers outside of the file")
        if inside == "training":
            raise _HarmfulError("it holds what trains a network")
        if inside in FIELDS and isinstance(value, memoryview):
            _look_through(value, inside, found, depth + 1)
        elif inside is not None and isinstance(value, memoryview):
            _note(inside, value, found)


def _note(inside: str, value: memoryview, found: _Found) -> None:
    if inside == "metadata":
        found.metadata += len(value)
        if found.metadata > LARGEST_METADATA:
            raise _HarmfulError(f"it has more than {LARGEST_METADATA} bytes of metadata")
    else:
        domains = found.own if inside == "own domain" else found.domains
        domains.add(bytes(value[:200]).decode("utf-8", "replace"))


def _fields(message: memoryview, found: _Found) -> Iterator[tuple[int, memoryview | int]]:
    """Number and value of each field of a message: bytes, or a whole number, or 0 for other numbers."""
    place = 0
    while place < len(message):
        found.fields += 1
        if found.fields > MOST_FIELDS:
            raise _HarmfulError("it has more parts than any network")
        tag, place = _varint(message, place)
        wire, value = tag & 7, 0
        if wire == 0:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        if wire == 2:
            size, place = _varint(message, place)
        elif wire in {1, 5}:
            size = 8 if wire == 1 else 4
        else:
            raise _HarmfulError("it is damaged, or something else")
        if size > len(message) - place:
            raise _HarmfulError("it is cut short, or something else")
        yield tag >> 3, message[place : place + size] if wire == 2 else 0
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of up to ten bytes, seven bits in each, and the place after it."""
    number = 0
    for shift in range(0, 70, 7):
        if place == len(message):
            break
        byte = message[place]
        number |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return number & (2**64 - 1), place
    raise _HarmfulError("it is cut short, or something else")
