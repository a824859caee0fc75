"""GLB files read back: what they say of themselves, their arrays and their pictures.

The file may be a stranger's; whatever is wrong with it is a ValueError, or another that ends in one line.
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
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}  # numbers in an element
TYPES = {number: dtype for dtype, number in COMPONENT_TYPES.items()}


@dataclass(frozen=True, eq=False)
class GlbFile:
    """A file of one scene."""

    document: Json
    binary: bytes
    __repr__ = short_repr

    @classmethod
    def parse(cls, data: bytes) -> GlbFile:
        """The file of these bytes; ValueError where they are no glTF 2.0 in one piece with a mesh."""
        magic, version, length = HEADER.unpack_from(data)
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
        return cls(document, data[start + size + CHUNK.size :])

    def array(self, accessor: int) -> NDArray[Any]:
        """The array [N, C] of an accessor that is not sparse; ValueError where the file does not hold it."""
        stated = self.document["accessors"][accessor]
        dtype, width, count = TYPES[stated["componentType"]], WIDTHS[stated["type"]], stated["count"]
        data = self._view(stated["bufferView"])
        start = stated.get("byteOffset", 0)
        if "sparse" in stated or not 0 <= start <= start + count * width * dtype.itemsize <= len(data):
            raise ValueError("it has an array that it does not hold")
        array: NDArray[Any] = np.frombuffer(data, dtype, count * width, start)
        return array.reshape(count, width)

    def picture(self, name: str) -> bytes | None:
        """The file of the picture of this name; None where there is none."""
        for picture in self.document.get("images", ()):
            if picture.get("name") == name:
                return self._view(picture["bufferView"])
        return None

    def _view(self, number: int) -> bytes:
        view = self.document["bufferViews"][number]
        start, size = view.get("byteOffset", 0), view["byteLength"]
        if view.get("byteStride") or not 0 <= start <= start + size <= len(self.binary) or not math.isfinite(size):
            raise ValueError("it has data that is not in it")
        return self.binary[start : start + size]
