"""PLY files: written in binary, with a colour and other values per vertex; read in text or binary, from any program.

http://paulbourke.net/dataformats/ply/ describes the format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unveil.meshes.mesh import Mesh, triangulated
from unveil.storage.arrays import whole_numbers
from unveil.storage.files import atomic_path
from unveil.typing import Floats, UInt8s

Columns = Mapping[str, NDArray[Any]]  # [R] by name, or [R, L] of lists

TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
BYTE_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
FACES = ("vertex_indices", "vertex_index")  # names that writers give the corners of faces


def write_ply(
    path: Path,
    vertices: ArrayLike,
    faces: ArrayLike,
    colours: UInt8s | None = None,
    values: Mapping[str, Floats] | None = None,
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
        file.write(_written_header(columns, len(points), len(triangles)).encode("ascii"))
        file.write(points.tobytes())
        file.write(polygons.tobytes())


def _written_header(columns: list[tuple[str, NDArray[Any]]], vertex_count: int, face_count: int) -> str:
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


def parse_ply(data: bytes) -> Mesh:
    """The mesh of a PLY file's content; ValueError where it has none."""
    tables = read_tables(data)
    points, polygons = tables.get("vertex", {}), tables.get("face", {})
    if not {"x", "y", "z"} <= points.keys():
        raise ValueError("it has no vertices")
    vertices = np.stack([points[axis] for axis in "xyz"], axis=1).astype(np.float64)
    corners = next((polygons[name] for name in FACES if name in polygons), np.zeros((0, 3)))
    return Mesh(vertices, triangulated(whole_numbers(corners)))


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    length_type: str = ""  # of a list


@dataclass(frozen=True)
class _Table:
    name: str
    rows: int
    columns: list[_Column]


def read_tables(data: bytes) -> dict[str, Columns]:
    """Every table of a PLY file's content by its name, such as ``vertex`` and ``face``.

    Raises:
        ValueError: it is no PLY file, is cut short, or has lists of different lengths in one column.
    """
    header = re.match(rb"ply[ \t]*\r?\n(.*?)^end_header[ \t]*\r?\n", data, re.DOTALL | re.MULTILINE)
    if header is None:
        raise ValueError("it does not begin as a PLY file does")
    order, tables = _read_header(header[1].decode("ascii", errors="replace"))
    lines = [] if order else data[header.end() :].split(b"\n")
    position = header.end() if order else 0  # in bytes or in lines
    read = {}
    for table in tables:
        if table.rows and table.columns:
            values, position = _binary(table, data, position, order) if order else _text(table, lines, position)
            read[table.name] = _without_lengths(table, values)
    return read


def _read_header(text: str) -> tuple[str, list[_Table]]:
    """The byte order, "" for text, and the tables."""
    order, tables = None, list[_Table]()
    for words in (line.split() for line in text.splitlines()):
        match words:
            case ["format", name, "1.0"] if name in BYTE_ORDERS:
                order = BYTE_ORDERS[name]
            case ["element", name, rows] if rows.isdecimal():
                tables.append(_Table(name, int(rows), []))
            case ["property", "list", length, kind, name] if tables and {length, kind} <= TYPES.keys():
                tables[-1].columns.append(_Column(name, TYPES[kind], TYPES[length]))
            case ["property", kind, name] if tables and kind in TYPES:
                tables[-1].columns.append(_Column(name, TYPES[kind]))
            case ["comment" | "obj_info", *_] | []:
                pass
            case _:
                raise ValueError(f"its header says {' '.join(words)!r}")
    if order is None:
        raise ValueError("its header names no format")
    return order, tables


def _binary(table: _Table, data: bytes, position: int, order: str) -> tuple[Columns, int]:
    """A table's columns, with the lengths of lists as `_length_of`, and where the next table begins."""
    fields = list[tuple[str, str, tuple[int, ...]]]()
    for column in table.columns:
        shape: tuple[int, ...] = ()
        if column.length_type:  # as long as in the first row, or the file is refused
            start = position + np.dtype(fields).itemsize
            shape = (int(np.frombuffer(data, order + column.length_type, 1, start)[0]),)
            fields.append((_length_of(column), order + column.length_type, ()))
        fields.append((column.name, order + column.type, shape))
    kind = np.dtype(fields)
    if position + table.rows * kind.itemsize > len(data):
        raise ValueError(f"it ends before its {table.rows} rows of {table.name} do")
    values = np.frombuffer(data, kind, table.rows, position)
    return {name: values[name] for name in kind.names or ()}, position + values.nbytes


def _text(table: _Table, lines: list[bytes], position: int) -> tuple[Columns, int]:
    """The same for a table in text, where a row is a line."""
    rows = lines[position : position + table.rows]
    if len(rows) < table.rows:
        raise ValueError(f"it ends before its {table.rows} rows of {table.name} do")
    numbers = np.loadtxt(rows, np.float64, ndmin=2)
    width = numbers.shape[1]
    if len(numbers) < table.rows:
        raise ValueError(f"it ends before its {table.rows} rows of {table.name} do")
    columns, start = {}, 0
    for column in table.columns:
        size = 1
        if column.length_type and start < width:
            columns[_length_of(column)] = numbers[:, start]
            start, size = start + 1, int(numbers[0, start])
        values = numbers[:, start : start + size]
        columns[column.name] = values if column.length_type else values.ravel()
        start += size
    if start != width:
        raise ValueError(f"its lines of {table.name} have {width} numbers instead of {start}")
    return columns, position + table.rows


def _without_lengths(table: _Table, values: Columns) -> Columns:
    """The columns without the lengths of their lists, which must all be the same."""
    for column in table.columns:
        lengths = values[_length_of(column)] if column.length_type else np.zeros(1)
        if (lengths != lengths[0]).any():
            raise ValueError(f"its {table.name} have {column.name} of different lengths; save it with triangles")
    return {column.name: values[column.name] for column in table.columns}


def _length_of(column: _Column) -> str:
    return f"length of {column.name}"
