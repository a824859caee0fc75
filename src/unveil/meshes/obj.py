"""Wavefront OBJ with its material and texture: what every 3D program reads. It holds one pose and no morph targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unveil.geometry.mesh import vertex_normals
from unveil.meshes.image_bytes import jpeg
from unveil.meshes.surface import TexturedSurface
from unveil.storage.files import atomic_path


def write_obj(
    path: Path, vertices: ArrayLike, surface: TexturedSurface, texture: NDArray[np.uint8] | None = None
) -> list[Path]:
    """Write ``path``, and with a texture also the .mtl and .jpg of the same stem beside it.

    Args:
        path: ends in .obj; its folder must exist.
        vertices: [V, 3] metres, in any pose, +y up.
        surface: gives the triangles and their texture coordinates.
        texture: uint8 RGB [H, W, 3], first row at v = 1; for a surface without texture coordinates the colours [V, 3]
            of the vertices, which most programs read though the format does not know them.

    Returns:
        The paths written, the OBJ last, so that an OBJ that is there is complete.
    """
    positions = np.asarray(vertices, dtype=np.float64)
    if not len(surface.uv):
        _replace(path, _coloured_text(positions, surface, texture).encode())
        return [path]
    written = [] if texture is None else _write_material(path, texture)
    text = _text(positions, surface, material=path.with_suffix(".mtl").name if written else None)
    _replace(path, text.encode(errors="surrogateescape"))  # a file's name need not be valid UTF-8
    return [*written, path]


def _write_material(path: Path, texture: NDArray[np.uint8]) -> list[Path]:
    image, material = path.with_suffix(".jpg"), path.with_suffix(".mtl")
    _replace(image, jpeg(texture))
    text = f"newmtl head\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {image.name}\n"
    _replace(material, text.encode(errors="surrogateescape"))
    return [image, material]


def _text(vertices: NDArray[np.float64], surface: TexturedSurface, material: str | None) -> str:
    normals = vertex_normals(vertices, surface.faces)
    corners = np.stack([surface.faces, surface.uv_faces, surface.faces], axis=2) + 1  # OBJ counts from one
    lines = [
        f"# {surface.name}, metres, +y up\n",
        f"mtllib {material}\n" if material else "",
        "o head\n",
        _rows("v %.7f %.7f %.7f\n", vertices),
        _rows("vt %.6f %.6f\n", surface.uv),
        _rows("vn %.5f %.5f %.5f\n", normals),
        "usemtl head\n" if material else "",
        _rows("f %d/%d/%d %d/%d/%d %d/%d/%d\n", corners.reshape(-1, 9)),
    ]
    return "".join(lines)


def _coloured_text(vertices: NDArray[np.float64], surface: TexturedSurface, colours: NDArray[np.uint8] | None) -> str:
    rows = vertices if colours is None else np.hstack([vertices, colours / 255])
    corners = np.repeat(surface.faces + 1, 2, axis=1)
    lines = [
        f"# {surface.name}, metres, +y up\n",
        "o head\n",
        _rows("v %.7f %.7f %.7f" + " %.4f %.4f %.4f" * (colours is not None) + "\n", rows),
        _rows("vn %.5f %.5f %.5f\n", vertex_normals(vertices, surface.faces)),
        _rows("f %d//%d %d//%d %d//%d\n", corners),
    ]
    return "".join(lines)


def _rows(template: str, values: NDArray[np.generic]) -> str:
    """One line for each row; a single formatting call, as 20,000 of them would take longer than everything else."""
    return (template * len(values)) % tuple(values.ravel().tolist())


def _replace(path: Path, data: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
