"""Binary PLY: vertices, triangles and, where given, a colour and other values per vertex."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unveil.storage.files import atomic_path


def write_ply(
    path: Path,
    vertices: ArrayLike,
    faces: ArrayLike,
    colours: NDArray[np.uint8] | None = None,
    values: Mapping[str, NDArray[np.floating[Any]]] | None = None,
) -> None:
    """Write a mesh to ``path``.

    Args:
        path: ends in .ply.
        vertices: [V, 3] metres.
        faces: [F, 3].
        colours: uint8 RGB [V, 3].
        values: [V] more properties of the vertices by name, written as floats.
    """
    columns = list(zip("xyz", np.asarray(vertices, dtype="<f4").T, strict=True))
    if colours is not None:
        columns += zip(("red", "green", "blue"), colours.astype(np.uint8).T, strict=True)
    columns += [(name, np.asarray(value, dtype="<f4")) for name, value in (values or {}).items()]
    points = np.empty(len(np.asarray(vertices)), dtype=[(name, column.dtype) for name, column in columns])
    for name, column in columns:
        points[name] = column
    triangles = np.asarray(faces)
    polygons = np.empty(len(triangles), dtype=[("count", "u1"), ("vertices", "<i4", 3)])
    polygons["count"], polygons["vertices"] = 3, triangles
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(_header(columns, len(points), len(triangles)).encode("ascii"))
        file.write(points.tobytes())
        file.write(polygons.tobytes())


def _header(columns: list[tuple[str, NDArray[Any]]], vertex_count: int, face_count: int) -> str:
    types = {"f": "float", "u": "uchar"}
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        "comment written by unveil, metres, +y up",
        f"element vertex {vertex_count}",
        *(f"property {types[column.dtype.kind]} {name}" for name, column in columns),
        f"element face {face_count}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    return "\n".join(lines) + "\n"
