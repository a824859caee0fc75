"""Read the vertices and triangles of OBJ and PLY files, whoever wrote them; everything else in them is left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from unveil.errors import UnveilError
from unveil.meshes.ply_reader import read_tables
from unveil.storage.files import printable
from unveil.typing import Float64s, Int64s

Content = TypeVar("Content")

LARGEST_FILE = 2**30  # bytes
PLY_FACES = ("vertex_indices", "vertex_index")


@dataclass(frozen=True, eq=False)
class Mesh:
    """Vertices [V, 3] in whatever frame and unit the file has, and triangles [F, 3] as vertex indices; F may be 0."""

    vertices: Float64s
    faces: Int64s

    def __post_init__(self) -> None:
        if not len(self.vertices):
            raise ValueError("it has no vertices")
        bad = int((~np.isfinite(self.vertices)).any(axis=1).sum())
        if bad:
            raise ValueError(f"{bad} of its {len(self.vertices)} vertices are not finite numbers")
        if len(self.faces) and not 0 <= self.faces.min() <= self.faces.max() < len(self.vertices):
            raise ValueError("a face names a vertex that is not there")


def read_mesh(path: Path) -> Mesh:
    """Read an .obj or a .ply (text or binary); polygons are cut into triangles from their first corner.

    Raises:
        UnveilError: the file cannot be read, is no such mesh, has no vertices, vertices that are not finite, or faces
            of vertices that are not there.
    """
    parse = {".obj": parse_obj, ".ply": parse_ply}.get(path.suffix.lower())
    if parse is None:
        raise UnveilError(f"{printable(path)} is no mesh that can be read; give an .obj or a .ply file")
    return parse_file(path, parse, "mesh")


def parse_file(path: Path, parse: Callable[[bytes], Content], what: str) -> Content:
    """What ``parse`` makes of a file's bytes; a `ValueError` of its becomes one line about the file."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UnveilError(f"{printable(path)} is larger than {LARGEST_FILE // 2**20} MB; is it the right file?")
        return parse(path.read_bytes())
    except OSError as error:
        raise UnveilError(f"cannot read {printable(path)}: {error.strerror or error}; check the path") from error
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise UnveilError(f"{printable(path)} is no usable {what}: {reason}; write it again") from error


def parse_obj(data: bytes) -> Mesh:
    """The mesh of an OBJ file's content; ValueError where it has none."""
    lines = data.splitlines()
    points = [line for line in lines if line[:2] in {b"v ", b"v\t"}]
    polygons = [line[2:] for line in lines if line[:2] in {b"f ", b"f\t"}]
    if not points:
        raise ValueError("it has no vertices")
    vertices = np.loadtxt(points, np.float64, usecols=(1, 2, 3), ndmin=2)  # colours may follow
    corners = re.sub(rb"/\S*", b"", b"\n".join(polygons)).split(b"\n") if polygons else []  # v of v/vt/vn
    by_count: dict[int, list[bytes]] = {}
    for line in corners:
        by_count.setdefault(len(line.split()), []).append(line)
    indices = [np.loadtxt(same, np.int64, ndmin=2) for same in by_count.values()]
    # Counted from one, or from the last vertex back.
    triangles = [triangulated(np.where(index < 0, index + len(vertices), index - 1)) for index in indices]
    return Mesh(vertices, np.concatenate([np.zeros((0, 3), np.int64), *triangles]))


def parse_ply(data: bytes) -> Mesh:
    """The mesh of a PLY file's content; ValueError where it has none."""
    tables = read_tables(data)
    points, polygons = tables.get("vertex", {}), tables.get("face", {})
    if not {"x", "y", "z"} <= points.keys():
        raise ValueError("it has no vertices")
    vertices = np.stack([points[axis] for axis in "xyz"], axis=1).astype(np.float64)
    corners = next((polygons[name] for name in PLY_FACES if name in polygons), np.zeros((0, 3)))
    return Mesh(vertices, triangulated(corners.astype(np.int64)))


def triangulated(polygons: Int64s) -> Int64s:
    """Triangles [F, 3] of polygons [P, n] of as many corners each."""
    if polygons.shape[1] < 3:
        raise ValueError("a face has fewer than 3 corners")
    return np.concatenate([polygons[:, [0, k, k + 1]] for k in range(1, polygons.shape[1] - 1)])
