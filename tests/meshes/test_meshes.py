"""What OBJ and PLY writers write is what another library reads."""

from pathlib import Path

import made_up
import numpy as np
import pytest
import trimesh

from unveil.errors import UnveilError
from unveil.meshes.obj import write_obj
from unveil.meshes.ply import write_ply
from unveil.meshes.seams import split_at_seams
from unveil.typing import Image

MODEL = made_up.model()
VERTICES = MODEL.head.template


def a_texture() -> Image:
    y, x = np.mgrid[:64, :64].astype(np.uint8)
    return np.stack([4 * x, 4 * y, np.full_like(x, 90)], axis=-1)


def test_obj_gives_back_vertices_faces_and_texture_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "a head_0.obj"
    assert [p.suffix for p in write_obj(path, VERTICES, MODEL, a_texture())] == [".jpg", ".mtl", ".obj"]
    read = trimesh.load(path, process=False)  # splits vertices at seams, so compare corner by corner
    np.testing.assert_allclose(read.triangles, VERTICES[MODEL.faces], atol=1e-7)
    np.testing.assert_allclose(read.visual.uv[read.faces], MODEL.uv[MODEL.uv_faces], atol=1e-6)
    image = np.asarray(read.visual.material.image.convert("RGB"))
    np.testing.assert_allclose(image, a_texture(), atol=12)  # JPEG


def test_obj_without_texture_is_one_file(tmp_path: Path) -> None:
    assert write_obj(tmp_path / "head.obj", VERTICES, MODEL) == [tmp_path / "head.obj"]
    assert [p.name for p in tmp_path.iterdir()] == ["head.obj"]
    assert "mtllib" not in (tmp_path / "head.obj").read_text()


def test_obj_normals_point_outward(tmp_path: Path) -> None:
    write_obj(tmp_path / "head.obj", VERTICES, MODEL)
    lines = (tmp_path / "head.obj").read_text().splitlines()
    normals = np.array([line.split()[1:] for line in lines if line.startswith("vn")], dtype=float)
    assert normals.shape == VERTICES.shape
    egg = MODEL.head.skin_weights[:, 3:].sum(axis=1) == 0
    assert (normals[egg] * VERTICES[egg]).sum(axis=1).min() > 0


@pytest.mark.parametrize("coloured", [False, True])
def test_ply_gives_back_vertices_faces_and_colours(tmp_path: Path, coloured: bool) -> None:
    colours = np.random.default_rng(0).integers(0, 256, VERTICES.shape, dtype=np.uint8)
    write_ply(tmp_path / "head.ply", VERTICES, MODEL.faces, colours if coloured else None)
    read = trimesh.load(tmp_path / "head.ply", process=False)
    np.testing.assert_array_equal(read.vertices.astype(np.float32), VERTICES)
    np.testing.assert_array_equal(read.faces, MODEL.faces)
    if coloured:
        np.testing.assert_array_equal(read.visual.vertex_colors[:, :3], colours)


def test_ply_keeps_other_values_of_the_vertices(tmp_path: Path) -> None:
    hidden = np.linspace(0, 1, len(VERTICES), dtype=np.float32)
    values = {"hidden": hidden, "uncertainty": 3 * hidden.astype(np.float64)}
    write_ply(tmp_path / "head.ply", VERTICES, MODEL.faces, np.zeros(VERTICES.shape, np.uint8), values)
    read = trimesh.load(tmp_path / "head.ply", process=False)
    np.testing.assert_array_equal(read.vertices.astype(np.float32), VERTICES)
    data = read.metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_array_equal(data["hidden"].ravel(), hidden)
    np.testing.assert_array_equal(data["uncertainty"].ravel(), 3 * hidden)


def test_an_unwritable_place_is_one_clear_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnveilError) as caught:
        write_obj(tmp_path / "file" / "head.obj", VERTICES, MODEL, a_texture())
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_seams_double_exactly_the_vertices_on_them() -> None:
    split = split_at_seams(MODEL.faces, MODEL.uv_faces)
    np.testing.assert_array_equal(split.vertex[split.faces], MODEL.faces)
    np.testing.assert_array_equal(split.uv[split.faces], MODEL.uv_faces)
    assert len(split.vertex) == len(MODEL.uv) > len(VERTICES)
