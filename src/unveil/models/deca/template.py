"""FLAME's template with texture coordinates, the OBJ file of DECA's data folder."""

from __future__ import annotations

from pathlib import Path

from unveil.meshes.mesh import TexturedMesh
from unveil.meshes.obj import parse_textured_obj
from unveil.storage.file_kind import FileKind

TEMPLATE = FileKind("template of a head", "take it from DECA's data folder", 2**28)


def read_template(path: Path) -> TexturedMesh:
    """Read the template.

    Raises:
        UnveilError: the file cannot be read, is no OBJ file, or has a face without texture coordinates.
    """
    with TEMPLATE.opened(path) as stream:
        return parse_textured_obj(stream.read())
