"""Read a mesh from a file, whoever wrote it; everything but vertices and triangles is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from unveil.errors import UnveilError, reason_of
from unveil.meshes.mesh import Mesh
from unveil.meshes.obj import parse_obj
from unveil.meshes.ply import parse_ply
from unveil.storage.files import printable

Content = TypeVar("Content")

LARGEST_FILE = 2**30  # bytes


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
        raise UnveilError(f"{printable(path)} is no usable {what}: {reason_of(error)}; write it again") from error
