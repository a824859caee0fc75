"""ONNX files of strangers, checked before a runtime sees them: one file, of plain operators, of bounded size.

An ONNX file may say that its numbers are in other files, or at an address in memory. onnxruntime before 1.24.1 reads
any file and, until it crashes, any address; here no such file gets that far. The numbers of the fields are those of
onnx.proto.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from unveil.assets.protobuf import read_fields
from unveil.storage.file_kind import FileKind

ONNX = FileKind("usable ONNX file", "give one as `unveil export` writes it", 2**30)  # DECA's two encoders have 0.2 GB
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


class _HarmfulError(ValueError):
    """What is wrong with a file."""


@dataclass
class _Found:
    """The findings in a file so far."""

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
    with ONNX.opened(path) as stream:
        data = stream.read(ONNX.largest)
        _require_plain(data)
        return data


def require_plain(data: bytes, name: str) -> None:
    """Raise UnveilError unless an ONNX file's bytes are self-contained and use only the runtime's own operators."""
    with ONNX.checking(name):
        _require_plain(data)


def _require_plain(data: bytes) -> None:
    if not data:
        raise ValueError("it is empty")
    found = _Found()
    try:
        _look_through(data, slice(0, len(data)), "model", found)
    except _HarmfulError:
        raise
    except ValueError as error:
        raise ValueError("it is cut short, damaged or something else") from error
    if unknown := found.domains - found.own - OPERATORS:
        raise _HarmfulError(f"it needs operators of {ascii(min(unknown))[:40]}, which onnxruntime does not have")


def _look_through(data: bytes, message: slice, kind: str, found: _Found, depth: int = 0) -> None:
    """Raise _HarmfulError for what a message or those nested in it must not have; note the rest."""
    if depth > DEEPEST:
        raise _HarmfulError("it has graphs too deep in graphs")
    for number, value in read_fields(data, message):
        found.fields += 1
        if found.fields > MOST_FIELDS:
            raise _HarmfulError("it has more parts than any network")
        inside = FIELDS[kind].get(number)
        if inside == "external" or (inside == "location" and value != 0):
            raise _HarmfulError("it keeps numbers outside of the file")
        if inside == "training":
            raise _HarmfulError("it holds what trains a network")
        if inside in FIELDS and isinstance(value, slice):
            _look_through(data, value, inside, found, depth + 1)
        elif inside is not None and isinstance(value, slice):
            _note(inside, data, value, found)


def _note(inside: str, data: bytes, value: slice, found: _Found) -> None:
    if inside == "metadata":
        found.metadata += value.stop - value.start
        if found.metadata > LARGEST_METADATA:
            raise _HarmfulError(f"it has more than {LARGEST_METADATA} bytes of metadata")
    else:
        domains = found.own if inside == "own domain" else found.domains
        domains.add(data[value.start : min(value.stop, value.start + 200)].decode("utf-8", "replace"))
