"""GLB files read back, written from the glTF 2.0 specification alone, so that reader and writer cannot err together."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

COMPONENTS = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Glb:
    """A file's ``document``, what its JSON says, and its arrays."""

    def __init__(self, data: bytes | Path) -> None:
        data = data if isinstance(data, bytes) else data.read_bytes()
        magic, version, length, json_length, json_kind = struct.unpack_from("<4sII I4s", data)
        assert (magic, version, length, json_kind) == (b"glTF", 2, len(data), b"JSON")
        binary_length, binary_kind = struct.unpack_from("<I4s", data, 20 + json_length)
        assert (28 + json_length + binary_length, binary_kind) == (len(data), b"BIN\0")
        assert json_length % 4 == binary_length % 4 == 0
        self.document: dict[str, Any] = json.loads(data[20 : 20 + json_length])
        self._binary = data[28 + json_length :]
        assert [buffer["byteLength"] for buffer in self["buffers"]] == [binary_length]

    def __getitem__(self, name: str) -> Any:
        return self.document[name]

    @property
    def mesh(self) -> dict[str, Any]:
        """The one mesh."""
        (mesh,) = self["meshes"]
        return dict(mesh)

    @property
    def primitive(self) -> dict[str, Any]:
        """The one part of the one mesh."""
        (primitive,) = self.mesh["primitives"]
        return dict(primitive)

    def attribute(self, name: str) -> NDArray[np.generic]:
        """An attribute [K, C] of the vertices, such as POSITION."""
        return self.array(self.primitive["attributes"][name])

    def array(self, index: int) -> NDArray[np.generic]:
        """The values [N, C] of an accessor."""
        accessor = self["accessors"][index]
        width, component = WIDTHS[accessor["type"]], accessor["componentType"]
        values = np.zeros((accessor["count"], width), COMPONENTS[component])
        if "bufferView" in accessor:
            values = self._read(accessor, component, accessor["count"] * width).reshape(-1, width)
        if "sparse" in accessor:
            part = accessor["sparse"]
            rows = self._read(part["indices"], part["indices"]["componentType"], part["count"])
            values[rows] = self._read(part["values"], component, part["count"] * width).reshape(-1, width)
        return values

    def view(self, index: int) -> bytes:
        """The bytes of a buffer view."""
        view = self["bufferViews"][index]
        start = view.get("byteOffset", 0)
        return self._binary[start : start + view["byteLength"]]

    def _read(self, where: dict[str, Any], component: int, count: int) -> NDArray[np.generic]:
        return np.frombuffer(self.view(where["bufferView"]), COMPONENTS[component], count, where.get("byteOffset", 0))
