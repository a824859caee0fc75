from pathlib import Path

import numpy as np
import pytest
import trimesh

from unveil.errors import UnveilError
from unveil.meshes.ply import write_ply
from unveil.meshes.read import read_mesh

BOX = trimesh.creation.box()
HEADER = "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
CORNERS = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("encoding", ["ascii", "binary"])
def test_ply_of_another_library(tmp_path: Path, encoding: str) -> None:
    mesh = read_mesh(put(tmp_path / "a.ply", trimesh.exchange.ply.export_ply(BOX, encoding=encoding)))
    np.testing.assert_allclose(mesh.vertices, BOX.vertices)
    np.testing.assert_array_equal(mesh.faces, BOX.faces)


def test_ply_of_ours_with_colours(tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", BOX.vertices, BOX.faces, np.zeros((8, 3), np.uint8))
    mesh = read_mesh(tmp_path / "a.ply")
    np.testing.assert_allclose(mesh.vertices, BOX.vertices)
    np.testing.assert_array_equal(mesh.faces, BOX.faces)


def test_ply_big_endian_with_lists_before_and_quads(tmp_path: Path) -> None:
    header = (
        "ply\r\nformat binary_big_endian 1.0\r\ncomment by hand\r\n"
        "element strange 2\r\nproperty list uchar short some\r\nproperty double more\r\n"
        "element vertex 4\r\nproperty double x\r\nproperty double y\r\nproperty double z\r\n"
        "element face 1\r\nproperty list int uint vertex_index\r\nend_header\r\n"
    )
    strange = b"".join(b"\2" + np.array([1, 2], ">i2").tobytes() + np.array([0.5], ">f8").tobytes() for _ in range(2))
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], ">f8").tobytes()
    quad = np.array([4], ">i4").tobytes() + np.arange(4, dtype=">u4").tobytes()
    mesh = read_mesh(put(tmp_path / "a.ply", header.encode() + strange + vertices + quad))
    assert mesh.vertices.tolist()[2] == [1, 1, 0]
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]


def test_obj_in_all_its_ways_of_naming_corners(tmp_path: Path) -> None:
    text = (
        "# a comment\nmtllib a.mtl\nv 0 0 0 0.5 0.5 0.5\nv 1 0 0 0.5 0.5 0.5\r\nv 1 1 0 1 1 1\nv\t0 1e0 -0.0 1 1 1\n"
        "vt 0 0\nvn 0 0 1\nf 1/1/1 2/1/1 3/1/1 4/1/1\nf 1//1 2//1 3//1\nf 1/1 2/1 3/1\nf\t-4 -3 -1\n"
    )
    mesh = read_mesh(put(tmp_path / "a.OBJ", text))
    assert mesh.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    expected = [[0, 1, 2], [0, 2, 3], [0, 1, 2], [0, 1, 2], [0, 1, 3]]
    assert sorted(mesh.faces.tolist()) == sorted(expected)


def test_obj_of_another_library_keeps_every_vertex(tmp_path: Path) -> None:
    sphere = trimesh.creation.icosphere(3)
    mesh = read_mesh(put(tmp_path / "a.obj", trimesh.exchange.obj.export_obj(sphere, include_normals=True)))
    np.testing.assert_allclose(mesh.vertices, sphere.vertices, atol=1e-7)
    np.testing.assert_array_equal(mesh.faces, sphere.faces)


def test_points_without_faces_can_be_read(tmp_path: Path) -> None:
    assert len(read_mesh(put(tmp_path / "a.obj", "v 0 0 0\n")).faces) == 0
    assert len(read_mesh(put(tmp_path / "a.ply", HEADER + "end_header\n" + CORNERS)).faces) == 0


BROKEN = {
    "empty.obj": ("", "an empty file"),
    "nan.obj": ("v 0 0 0\nv nan 0 0\nv inf 0 0\nf 1 2 3\n", "2 of its 3 vertices are not finite"),
    "two.obj": ("v 0 0\n", ""),
    "words.obj": ("v a b c\n", ""),
    "index.obj": ("v 0 0 0\nf 1 2 3\n", "vertex that is not there"),
    "zero.obj": ("v 0 0 0\nf 0 1 1\n", "vertex that is not there"),
    "line.obj": ("v 0 0 0\nf 1 1\n", "fewer than 3 corners"),
    "web.ply": ("<!doctype html>", "a saved web page"),
    "odd.ply": ("ply\nformat ascii 2.0\nend_header\n", "format ascii 2.0"),
    "noformat.ply": ("ply\nend_header\n", "no format"),
    "short.ply": (HEADER + "end_header\n0 0 0\n", "ends before its 4 rows"),
    "wide.ply": (HEADER + "end_header\n" + CORNERS.replace("\n", " 7\n"), "4 numbers instead of 3"),
    "narrow.ply": (HEADER + "end_header\n" + "0 0\n" * 4, ""),
    "mixed.ply": (
        HEADER
        + "element face 2\nproperty list uchar int vertex_indices\nend_header\n"
        + CORNERS
        + "3 0 1 2\n4 0 1 2 3\n",
        "",
    ),
    "cut.ply": (trimesh.exchange.ply.export_ply(BOX)[:-5], "ends before"),
    "huge.ply": (
        b"ply\nformat binary_little_endian 1.0\nelement face 4000000000\nproperty list int int vertex_indices\n"
        b"end_header\n\xff\xff\xff\x7f",
        "",
    ),
    "negative.ply": (
        b"ply\nformat binary_little_endian 1.0\nelement face 1\nproperty list int int vertex_indices\nend_header\n"
        b"\xff\xff\xff\xff",
        "",
    ),
    "mesh.stl": ("solid", "give an .obj or a .ply"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_named_in_one_line(tmp_path: Path, name: str) -> None:
    content, why = BROKEN[name]
    with pytest.raises(UnveilError, match=name) as caught:
        read_mesh(put(tmp_path / name, content))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_and_capitals_do_no_harm(tmp_path: Path) -> None:
    text = b"v 0 0 0\r\nv 1 0 0\r\nv 0 1 0\r\nf 1 2 3\r\n"
    (tmp_path / "MESH.OBJ").write_bytes(b"\xef\xbb\xbf" + text)
    (tmp_path / "mesh.obj").write_bytes(text)
    marked, plain = read_mesh(tmp_path / "MESH.OBJ"), read_mesh(tmp_path / "mesh.obj")
    np.testing.assert_array_equal(marked.vertices, plain.vertices)
    assert len(marked.vertices) == 3


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match=r"gone\.ply"):
        read_mesh(tmp_path / "gone.ply")
