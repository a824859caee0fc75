"""Read a mesh from a file of any program; everything but vertices and triangles is left out."""

from __future__ import annotations

from pathlib import Path

from unveil.errors import UnveilError
from unveil.meshes.mesh import Mesh
from unveil.meshes.obj import parse_obj
from unveil.meshes.ply import parse_ply
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable

MESH = FileKind("usable mesh", "check its path, or write it again", 2**30)


def read_mesh(path: Path) -> Mesh:
    """Read an .obj or a .ply (text or binary); polygons are cut into triangles from their first corner.

    Raises:
        UnveilError: the file cannot be read, is no such mesh, has no vertices, vertices that are not finite, or faces
            of vertices that are not there.
    """
    parse = {".obj": parse_obj, ".ply": parse_ply}.get(path.suffix.lower())
    if parse is None:
        raise UnveilError(f"{printable(path)} is no mesh that can be read; give an .obj or a .ply file")
    with MESH.opened(path, "a PLY file") as stream:
        return parse(stream.read())
