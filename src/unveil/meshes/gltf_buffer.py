"""The binary half of a glTF file: arrays become bytes, buffer views and accessors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pygltflib as gltf
from numpy.typing import NDArray

COMPONENT_TYPES = {
    np.dtype(np.uint8): gltf.UNSIGNED_BYTE,
    np.dtype(np.uint16): gltf.UNSIGNED_SHORT,
    np.dtype(np.uint32): gltf.UNSIGNED_INT,
    np.dtype(np.float32): gltf.FLOAT,
}
ALIGNMENT = 4  # bytes


@dataclass(frozen=True, eq=False)
class Sparse:
    """The rows that are not zero of an array of vectors [K, 3]."""

    rows: NDArray[np.uint32]  # [N], increasing
    values: NDArray[np.float32]  # [N, 3]
    low: list[float]  # least x, y, z of all K rows
    high: list[float]


def sparse_vectors(vectors: NDArray[np.floating], threshold: float) -> Sparse:
    """The rows of ``vectors`` [K, 3] that are at least ``threshold`` long."""
    rows = np.flatnonzero(np.linalg.norm(vectors, axis=1) >= threshold)
    values = vectors[rows].astype(np.float32)
    bounded = values if len(rows) == len(vectors) else np.vstack([values, np.zeros((1, 3), np.float32)])
    low, high = bounded.min(axis=0), bounded.max(axis=0)
    return Sparse(rows.astype(np.uint32), values, low.tolist(), high.tolist())


class GltfBuffer:
    """Collects the arrays of a file; every method returns the index by which glTF refers to what it added."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._views: list[gltf.BufferView] = []
        self._accessors: list[gltf.Accessor] = []

    def view(self, data: bytes, target: int | None = None) -> int:
        """Add bytes as a buffer view; ``target`` is glTF's ARRAY_BUFFER or ELEMENT_ARRAY_BUFFER for vertex data."""
        self._data += bytes(-len(self._data) % ALIGNMENT)
        view = gltf.BufferView(buffer=0, byteOffset=len(self._data), byteLength=len(data), target=target)
        self._data += data
        self._views.append(view)
        return len(self._views) - 1

    def accessor(self, array: NDArray[np.generic], kind: str, target: int | None = None) -> int:
        """Add an array [N, C] whose rows are elements of glTF type ``kind``, e.g. "VEC3"."""
        return self._add(
            gltf.Accessor(
                bufferView=self.view(np.ascontiguousarray(array).tobytes(), target),
                componentType=COMPONENT_TYPES[array.dtype],
                count=len(array),
                type=kind,
            )
        )

    def vectors(self, array: NDArray[np.floating]) -> int:
        """Add positions or normals [K, 3] of vertices, with their bounds."""
        vectors = array.astype(np.float32)
        index = self.accessor(vectors, "VEC3", gltf.ARRAY_BUFFER)
        self._accessors[index].min = vectors.min(axis=0).tolist()
        self._accessors[index].max = vectors.max(axis=0).tolist()
        return index

    def times(self, seconds: NDArray[np.float32]) -> int:
        """Add the times [T] of keyframes, increasing, with their bounds."""
        index = self.accessor(seconds.reshape(-1, 1), "SCALAR")
        self._accessors[index].min, self._accessors[index].max = [float(seconds[0])], [float(seconds[-1])]
        return index

    def indices(self, faces: NDArray[np.integer]) -> int:
        """Add triangles [F, 3], in the smallest type that holds them."""
        small = faces.max(initial=0) < np.iinfo(np.uint16).max  # glTF forbids the largest value
        flat = faces.astype(np.uint16 if small else np.uint32).reshape(-1, 1)
        return self.accessor(flat, "SCALAR", gltf.ELEMENT_ARRAY_BUFFER)

    def sparse(self, arrays: list[Sparse], count: int) -> list[int]:
        """Add arrays [count, 3] of which only some rows are not zero; all share two buffer views."""
        rows_type = np.uint16 if count <= np.iinfo(np.uint16).max else np.uint32
        rows = np.concatenate([a.rows for a in arrays]).astype(rows_type)
        values = np.concatenate([a.values for a in arrays])
        rows_view, values_view = self.view(rows.tobytes()), self.view(values.tobytes())
        starts = np.cumsum([0] + [len(a.rows) for a in arrays]).tolist()
        indices = []
        for start, a in zip(starts, arrays, strict=False):
            accessor = gltf.Accessor(
                byteOffset=None, componentType=gltf.FLOAT, count=count, type="VEC3", min=a.low, max=a.high
            )
            if len(a.rows):  # glTF has no empty sparse part, but an accessor without data is all zeros
                accessor.sparse = gltf.Sparse(
                    count=len(a.rows),
                    indices=gltf.AccessorSparseIndices(
                        bufferView=rows_view,
                        byteOffset=start * rows.itemsize,
                        componentType=COMPONENT_TYPES[rows.dtype],
                    ),
                    values=gltf.AccessorSparseValues(bufferView=values_view, byteOffset=start * values[:1].nbytes),
                )
            indices.append(self._add(accessor))
        return indices

    def pack(self, document: gltf.GLTF2) -> bytes:
        """The whole GLB file: ``document``, given what it lacks, and the collected bytes."""
        document.bufferViews, document.accessors = self._views, self._accessors
        document.buffers = [gltf.Buffer(byteLength=len(self._data))]
        document.set_binary_blob(bytes(self._data))
        return b"".join(document.save_to_bytes())

    def _add(self, accessor: gltf.Accessor) -> int:
        self._accessors.append(accessor)
        return len(self._accessors) - 1
