"""Read the mesh of an OBJ file: triangles with texture coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError


@dataclass(frozen=True, eq=False)
class Template:
    """A triangle mesh whose corners have texture coordinates of their own."""

    vertices: NDArray[np.float64]  # [V, 3]
    faces: NDArray[np.int64]  # [F, 3]
    uv: NDArray[np.float64]  # [T, 2] v up
    uv_faces: NDArray[np.int64]  # [F, 3] rows of uv


def read_template(path: Path) -> Template:
    """Read an OBJ file; everything but positions, texture coordinates and triangles is left out.

    Raises:
        UnveilError: the file cannot be read, is no OBJ file, or has a face that is no triangle with coordinates.
    """
    try:
        rows = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        corners = np.array([[_corner(c) for c in row[1:]] for row in rows if row[:1] == ["f"]], dtype=np.int64) - 1
        vertices, uv = (np.array([row[1:n] for row in rows if row[:1] == [key]], float) for key, n in _NUMBERS)
        if corners.shape[1:] != (3, 2) or vertices.shape[1:] != (3,) or uv.shape[1:] != (2,):
            raise ValueError("it lacks vertices, texture coordinates or triangles of both")
        if corners.min() < 0 or corners[..., 0].max() >= len(vertices) or corners[..., 1].max() >= len(uv):
            raise ValueError("a face names a vertex that is not there")
    except OSError as error:
        raise UnveilError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except ValueError as error:
        raise UnveilError(f"{path} is not the template of a head ({error}); take it from DECA's data folder") from error
    return Template(vertices, corners[..., 0], uv, corners[..., 1])


_NUMBERS = (("v", 4), ("vt", 3))  # what a line begins with, and one past its last number of interest


def _corner(text: str) -> tuple[int, int]:
    """Vertex and texture coordinate, counted from one, of ``v/vt`` or ``v/vt/vn``."""
    vertex, uv = text.split("/")[:2]
    return int(vertex), int(uv)
