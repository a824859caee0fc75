"""Wavefront OBJ with its material and texture: what every 3D program reads. It holds one pose and no morph targets.

Writer and readers: `write_obj`; `parse_obj` and `parse_textured_obj`, which take what any program wrote.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unveil.geometry.mesh import vertex_normals
from unveil.heads.parts import MeshParts
from unveil.meshes.image_bytes import jpeg
from unveil.meshes.mesh import Mesh, TexturedMesh, triangulated
from unveil.meshes.surface import TexturedSurface
from unveil.storage.files import write_bytes
from unveil.typing import Float64s, Int64s, UInt8s


def write_obj(
    path: Path,
    vertices: ArrayLike,
    surface: TexturedSurface,
    texture: UInt8s | None = None,
    parts: MeshParts | None = None,
) -> list[Path]:
    """Write ``path``, and with a texture also the .mtl and .jpg of the same stem beside it.

    Parts with a picture of their own have a material of their name and a .jpg ``<stem>_<name>.jpg``.

    Args:
        path: ends in .obj; its folder must exist.
        vertices: [V, 3] metres, in any pose, +y up.
        surface: gives the triangles and their texture coordinates.
        texture: uint8 RGB [H, W, 3], first row at v = 1; for a surface without texture coordinates the colours [V, 3]
            of the vertices, which most programs read though the format does not know them.
        parts: which part each triangle is of; each becomes a group of its name.

    Returns:
        The paths written, the OBJ last, so that an OBJ that is there is complete.
    """
    positions = np.asarray(vertices, dtype=np.float64)
    if not len(surface.uv):
        write_bytes(path, _coloured_text(positions, surface, texture).encode())
        return [path]
    pictures = {} if texture is None else {"head": texture} | ({} if parts is None else dict(parts.pictures))
    written = _write_materials(path, pictures)
    text = _text(positions, surface, path.with_suffix(".mtl").name if written else None, parts)
    write_bytes(path, text.encode(errors="surrogateescape"))  # a file's name need not be valid UTF-8
    return [*written, path]


def parse_obj(data: bytes) -> Mesh:
    """The mesh of an OBJ file's content; ValueError where it has none."""
    lines = _lines(data)
    vertices, polygons = _numbers(lines, b"v", 3), _polygons(lines)
    return Mesh(vertices, _triangles(polygons, _vertex, len(vertices)))


def parse_textured_obj(data: bytes) -> TexturedMesh:
    """The same with texture coordinates; ValueError where a corner has none."""
    lines = _lines(data)
    vertices, uv, polygons = _numbers(lines, b"v", 3), _numbers(lines, b"vt", 2), _polygons(lines)
    faces, uv_faces = _triangles(polygons, _vertex, len(vertices)), _triangles(polygons, _coordinate, len(uv))
    return TexturedMesh(vertices, faces, uv, uv_faces)


def _lines(data: bytes) -> list[bytes]:
    return data.removeprefix(codecs.BOM_UTF8).splitlines()


def _numbers(lines: Sequence[bytes], key: bytes, count: int) -> Float64s:
    """The first numbers of every line that begins with ``key``, [N, count]; of vertices, colours may follow."""
    rows = [line for line in lines if line.startswith((key + b" ", key + b"\t"))]
    if not rows:
        raise ValueError(f"it has no {'vertices' if key == b'v' else 'texture coordinates'}")
    return np.loadtxt(rows, np.float64, usecols=range(1, count + 1), ndmin=2)


def _polygons(lines: Sequence[bytes]) -> list[list[bytes]]:
    """The corners of faces as text, those of as many corners together."""
    by_count: dict[int, list[bytes]] = {}
    for line in lines:
        if line.startswith((b"f ", b"f\t")):
            by_count.setdefault(len(line.split()), []).append(line[2:])
    return list(by_count.values())


def _triangles(polygons: Sequence[Sequence[bytes]], number_of: Callable[[bytes], bytes], count: int) -> Int64s:
    """One number of each corner as triangles [F, 3] of rows, of which there are ``count``."""
    triangles = [np.zeros((0, 3), np.int64)]
    for same in polygons:
        index = np.loadtxt(number_of(b"\n".join(same)).split(b"\n"), np.int64, ndmin=2)
        # Counted from one, or from the last one back.
        triangles.append(triangulated(np.where(index < 0, index + count, index - 1)))
    return np.concatenate(triangles)


def _vertex(corners: bytes) -> bytes:
    """The v of corners v, v/vt, v//vn or v/vt/vn."""
    return re.sub(rb"/\S*", b"", corners)


def _coordinate(corners: bytes) -> bytes:
    """The vt of corners v/vt or v/vt/vn; ValueError where there is none."""
    text, found = re.subn(rb"[^/\s]+/([^/\s]+)(?:/\S*)?", rb"\1", corners)
    if found != len(corners.split()):
        raise ValueError("a corner of a face has no texture coordinate")
    return text


def _write_materials(path: Path, pictures: Mapping[str, UInt8s]) -> list[Path]:
    """A .jpg for each picture by the name of its material, and the .mtl with all of them; nothing without any."""
    written, text = list[Path](), ""
    for name, picture in pictures.items():
        image = path.with_name(f"{path.stem}{'' if name == 'head' else f'_{name}'}.jpg")
        write_bytes(image, jpeg(picture))
        text += f"newmtl {name}\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {image.name}\n"
        written.append(image)
    if written:
        written.append(path.with_suffix(".mtl"))
        write_bytes(written[-1], text.encode(errors="surrogateescape"))
    return written


def _text(vertices: Float64s, surface: TexturedSurface, material: str | None, parts: MeshParts | None) -> str:
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
        *_groups(corners.reshape(-1, 9), parts, material=material is not None),
    ]
    return "".join(lines)


def _groups(corners: NDArray[np.generic], parts: MeshParts | None, *, material: bool) -> list[str]:
    """Lines of the triangles, corners [F, 9], in the groups of their parts, those with pictures in their materials."""
    template = "f %d/%d/%d %d/%d/%d %d/%d/%d\n"
    if parts is None:
        return [_rows(template, corners)]
    lines = []
    for name in parts.names:
        use = f"usemtl {name}\n" if material and name in parts.pictures else ""
        lines.append(f"g {name}\n{use}" + _rows(template, corners[parts.faces_of(name)]))
    return lines


def _coloured_text(vertices: Float64s, surface: TexturedSurface, colours: UInt8s | None) -> str:
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
