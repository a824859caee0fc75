"""GLB files read back: their document, arrays and pictures.

The file may come from anywhere. Whatever is wrong with it raises a ValueError, or another error that ends in one line.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.meshes.gltf_buffer import COMPONENT_TYPES, Json
from unveil.reprs import short_repr
from unveil.storage.text import parse_json

HEADER, CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")  # magic, version, length; length, kind
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}  # numbers in an element
TYPES = {number: dtype for dtype, number in COMPONENT_TYPES.items()}


@dataclass(frozen=True, eq=False)
class GlbFile:
    """The two halves of a GLB file."""

    document: Json
    binary: bytes
    __repr__ = short_repr

    @classmethod
    def parse(cls, data: bytes) -> GlbFile:
        """Parse bytes; ValueError where they are no binary glTF 2.0 with a mesh and with all its data in the file."""
        if not data:
            raise ValueError("it is empty")
        magic, version, length = HEADER.unpack_from(data.ljust(HEADER.size, b"\0"))
        if magic != b"glTF" or version != 2:
            raise ValueError("it is no binary glTF 2.0")
        if length != len(data):
            raise ValueError("it is cut short or has more than it says")
        size, kind = CHUNK.unpack_from(data, HEADER.size)
        start = HEADER.size + CHUNK.size
        if kind != b"JSON" or start + size > len(data):
            raise ValueError("it does not begin with its description")
        document = parse_json(data[start : start + size].decode())
        if not isinstance(document, dict) or not document.get("meshes"):
            raise ValueError("it has no mesh")
        file = cls(document, data[start + size + CHUNK.size :])
        file._require_whole()
        return file

    def _require_whole(self) -> None:
        """Raise ValueError where a reader would look for data outside the file, or would never come to an end."""
        if any("uri" in part for kind in ("buffers", "images") for part in self.document.get(kind, ())):
            raise ValueError("it names other files, which are not read")
        for view in range(len(self.document.get("bufferViews", ()))):
            self._span(view)
        for accessor in self.document.get("accessors", ()):
            if "bufferView" in accessor:
                self._start(accessor)
        nodes = self.document.get("nodes", [])
        children = [child for node in nodes for child in node.get("children", ())]
        tops = set(range(len(nodes))) - set(children)
        if len(tops) + len(children) == len(nodes):  # each is below one other at most
            pending, reached = list(tops), 0
            while pending:
                pending += nodes[pending.pop()].get("children", ())
                reached += 1
            if reached == len(nodes):
                return
        raise ValueError("its nodes are no tree")  # some are below themselves, or below two others

    def array(self, accessor: int) -> NDArray[Any]:
        """The array [N, C] of an accessor that is not sparse; ValueError where the file does not hold it."""
        stated = self.document["accessors"][accessor]
        if "sparse" in stated:
            raise ValueError("it has an array that it does not hold")
        dtype, width, count = TYPES[stated["componentType"]], WIDTHS[stated["type"]], stated["count"]
        array: NDArray[Any] = np.frombuffer(self.binary, dtype, count * width, self._start(stated))
        return array.reshape(count, width)

    def picture(self, name: str) -> bytes | None:
        """The file of the picture of this name; None where there is none."""
        for picture in self.document.get("images", ()):
            if picture.get("name") == name:
                return self.binary[self._span(picture["bufferView"])]
        return None

    def _start(self, accessor: Json) -> int:
        """Where the array of an accessor begins among the bytes."""
        size = accessor["count"] * WIDTHS[accessor["type"]] * TYPES[accessor["componentType"]].itemsize
        span, start = self._span(accessor["bufferView"]), accessor.get("byteOffset", 0)
        if not 0 <= start <= start + size <= span.stop - span.start:
            raise ValueError("it has an array that it does not hold")
        return int(span.start + start)

    def _span(self, number: int) -> slice:
        """Where a view lies among the bytes."""
        view = self.document["bufferViews"][number]
        start, size = view.get("byteOffset", 0), view["byteLength"]
        if view.get("byteStride") or not 0 <= start <= start + size <= len(self.binary) or not math.isfinite(size):
            raise ValueError("it has data that is not in it")
        return slice(start, start + size)
