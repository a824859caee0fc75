"""The binary half of a glTF 2.0 file (arrays as bytes, buffer views and accessors), and both halves as one GLB.

Numbers in capitals are the specification's, https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html; section 4.4 of
it lays out the GLB.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.geometry.arrays import bounds
from unveil.reprs import short_repr
from unveil.typing import Bools, Float32s, Floats, Int64s, Ints

Json = dict[str, Any]  # an object of the document

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963  # what a view is for: values of vertices, their indices
TRIANGLES = 4  # the mode of a mesh
FLOAT = 5126
COMPONENT_TYPES: dict[np.dtype[Any], int] = {
    np.dtype(np.uint8): 5121,
    np.dtype(np.uint16): 5123,
    np.dtype(np.uint32): 5125,
    np.dtype(np.float32): FLOAT,
}
ALIGNMENT = 4  # bytes


@dataclass(frozen=True, eq=False)
class Sparse:
    """The rows that are not zero of an array of vectors [K, 3]."""

    rows: NDArray[np.uint32]  # [N], increasing
    values: Float32s  # [N, 3]
    low: list[float]  # least x, y, z of all K rows
    high: list[float]
    __repr__ = short_repr


def sparse_vectors(vectors: Floats, kept: Bools, order: Int64s) -> Sparse:
    """The rows ``order`` [K] of ``vectors`` [V, 3], without those that are not ``kept`` [V]."""
    rows = np.flatnonzero(kept[order])
    values = vectors[order[rows]].astype(np.float32, copy=False)
    low, high = bounds(values) if len(rows) else (np.zeros(3), np.zeros(3))
    if len(rows) < len(order):
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    return Sparse(rows.astype(np.uint32), values, low.tolist(), high.tolist())


class GltfBuffer:
    """Collects the arrays of a file; every method returns the index by which glTF refers to what it added."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._views: list[Json] = []
        self._accessors: list[str] = []  # as JSON: a head has a thousand, most of them the same as the head before

    @classmethod
    def of(cls, document: Json, data: bytes) -> GltfBuffer:
        """The arrays of an existing file, to be added to."""
        buffer = cls()
        buffer._data += data
        buffer._views += document["bufferViews"]
        buffer._accessors += map(_json, document["accessors"])
        return buffer

    def copy(self) -> GltfBuffer:
        """The same arrays, to be added to."""
        other = GltfBuffer()
        other._data += self._data
        other._views += self._views
        other._accessors += self._accessors
        return other

    def view(self, data: bytes, target: int | None = None) -> int:
        """Add bytes as a buffer view; ``target`` is glTF's ARRAY_BUFFER or ELEMENT_ARRAY_BUFFER for vertex data."""
        self._data += bytes(-len(self._data) % ALIGNMENT)
        view = {"buffer": 0, "byteOffset": len(self._data), "byteLength": len(data)}
        self._views.append(view if target is None else view | {"target": target})
        self._data += data
        return len(self._views) - 1

    def accessor(
        self, array: NDArray[np.generic], kind: str, target: int | None = None, bounds: Json | None = None
    ) -> int:
        """Add an array [N, C] whose rows are elements of glTF type ``kind``, e.g. "VEC3", with "max" and "min"."""
        place = {"bufferView": self.view(np.ascontiguousarray(array).tobytes(), target), "byteOffset": 0}
        return self._add(place | _elements(COMPONENT_TYPES[array.dtype], len(array), kind) | (bounds or {}))

    def vectors(self, array: Floats) -> int:
        """Add positions or normals [K, 3] of vertices, with their bounds."""
        vectors = array.astype(np.float32)
        low, high = bounds(vectors)
        return self.accessor(vectors, "VEC3", ARRAY_BUFFER, {"max": high.tolist(), "min": low.tolist()})

    def times(self, seconds: Float32s) -> int:
        """Add the times [T] of keyframes, increasing, with their bounds."""
        bounds = {"max": [float(seconds[-1])], "min": [float(seconds[0])]}
        return self.accessor(seconds.reshape(-1, 1), "SCALAR", bounds=bounds)

    def indices(self, faces: Ints) -> int:
        """Add triangles [F, 3], in the smallest type that holds them."""
        small = faces.max(initial=0) < np.iinfo(np.uint16).max  # glTF forbids the largest value
        flat = faces.astype(np.uint16 if small else np.uint32).reshape(-1, 1)
        return self.accessor(flat, "SCALAR", ELEMENT_ARRAY_BUFFER)

    def sparse(self, arrays: list[Sparse], count: int) -> list[int]:
        """Add arrays [count, 3] of which only some rows are not zero; all share two buffer views."""
        rows_type = np.uint16 if count <= np.iinfo(np.uint16).max else np.uint32
        rows = np.concatenate([a.rows for a in arrays]).astype(rows_type)
        values = np.concatenate([a.values for a in arrays])
        if len(rows):  # a view must not be empty
            rows_view, values_view = self.view(rows.tobytes()), self.view(values.tobytes())
        starts = np.cumsum([0] + [len(a.rows) for a in arrays]).tolist()
        indices = []
        for start, a in zip(starts, arrays, strict=False):
            accessor = _elements(FLOAT, count, "VEC3")
            if len(a.rows):  # glTF has no empty sparse part, but an accessor without data is all zeros
                where = {"bufferView": rows_view, "byteOffset": start * rows.itemsize}
                accessor["sparse"] = {
                    "count": len(a.rows),
                    "indices": where | {"componentType": COMPONENT_TYPES[rows.dtype]},
                    "values": {"bufferView": values_view, "byteOffset": start * values[:1].nbytes},
                }
            indices.append(self._add(accessor | {"max": a.high, "min": a.low}))
        return indices

    def pack(self, document: Mapping[str, Any]) -> bytes:
        """The whole GLB file: ``document``, completed with accessors, views and buffers, and the collected bytes."""
        padding = bytes(-len(self._data) % ALIGNMENT)
        size = len(self._data) + len(padding)
        parts = {name: _json(value) for name, value in document.items()} | {
            "accessors": f"[{','.join(self._accessors)}]",
            "bufferViews": _json(self._views),
            "buffers": _json([{"byteLength": size}]),
        }
        whole = sorted(parts.items(), key=lambda item: (item[0] != "extras", item[0]))
        text = ("{" + ",".join(f"{_json(name)}:{part}" for name, part in whole) + "}").encode()
        text += b" " * (-len(text) % ALIGNMENT)
        length = 12 + 8 + len(text) + 8 + size
        header = struct.pack("<4sII", b"glTF", 2, length) + struct.pack("<I4s", len(text), b"JSON")
        return b"".join([header, text, struct.pack("<I4s", size, b"BIN\0"), self._data, padding])

    def _add(self, accessor: Json) -> int:
        self._accessors.append(_json(accessor))
        return len(self._accessors) - 1


def _elements(component_type: int, count: int, kind: str) -> Json:
    """An accessor's fields on its elements."""
    return {"componentType": component_type, "normalized": False, "count": count, "type": kind}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
