"""OBJ files read with their texture coordinates."""

from pathlib import Path

import made_up
import numpy as np
import pytest

from unveil.meshes.obj import parse_obj, parse_textured_obj, write_obj

MODEL = made_up.model()
SQUARE = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1 0.5\n"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_obj(tmp_path / "head.obj", MODEL.head.template, MODEL)
    mesh = parse_textured_obj((tmp_path / "head.obj").read_bytes())
    np.testing.assert_allclose(mesh.vertices, MODEL.head.template, atol=1e-7)
    np.testing.assert_array_equal(mesh.faces, MODEL.faces)
    np.testing.assert_allclose(mesh.uv, MODEL.uv, atol=1e-6)
    np.testing.assert_array_equal(mesh.uv_faces, MODEL.uv_faces)
    plain = parse_obj((tmp_path / "head.obj").read_bytes())
    np.testing.assert_array_equal(plain.faces, mesh.faces)
    np.testing.assert_array_equal(plain.vertices, mesh.vertices)


def test_polygons_and_numbers_from_the_end() -> None:
    mesh = parse_textured_obj(SQUARE + b"f 1/4 2/3 3/2 4/1\nf -4/-1/7 -3/-2/7 -2/-3/7\n")
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 2]]
    assert mesh.uv_faces.tolist() == [[3, 2, 1], [3, 1, 0], [3, 2, 1]]
    assert mesh.uv.tolist()[3] == [0, 1]


@pytest.mark.parametrize(
    ("faces", "why"),
    [
        (b"f 1/1 2/2 3\n", "no texture coordinate"),
        (b"f 1//1 2//1 3//1\n", "no texture coordinate"),
        (b"f 1/1 2/2 3/5\n", "texture coordinate that is not there"),
        (b"f 1/1 2/2 5/3\n", "vertex that is not there"),
        (b"f 1/1 2/2\n", "fewer than 3 corners"),
    ],
)
def test_faces_that_cannot_be(faces: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_textured_obj(SQUARE + faces)


def test_a_file_without_coordinates() -> None:
    with pytest.raises(ValueError, match="no texture coordinates"):
        parse_textured_obj(b"v 0 0 0\nf 1 1 1\n")
