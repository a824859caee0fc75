"""FLAME's template with texture coordinates, the OBJ file of DECA's data folder."""

from __future__ import annotations

from pathlib import Path

from unveil.errors import UnveilError
from unveil.meshes.mesh import TexturedMesh
from unveil.meshes.obj import parse_textured_obj


def read_template(path: Path) -> TexturedMesh:
    """Read the template.

    Raises:
        UnveilError: the file cannot be read, is no OBJ file, or has a face without texture coordinates.
    """
    try:
        return parse_textured_obj(path.read_bytes())
    except OSError as error:
        raise UnveilError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except ValueError as error:
        raise UnveilError(f"{path} is not the template of a head ({error}); take it from DECA's data folder") from error
