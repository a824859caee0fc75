"""Displaced dense meshes and normal maps against plain float64 evaluations and hand-made surfaces."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import made_up_flame
import numpy as np
import pytest

from unveil.errors import UnveilError
from unveil.geometry.mesh import face_normals
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.skin.albedo import SIZE
from unveil.heads.skin.dense import dense_mesh
from unveil.heads.skin.detail import Detail, DetailSurface
from unveil.models.deca import detail as deca_detail
from unveil.models.deca import head as flame
from unveil.models.deca.detail import read_dense_mesh
from unveil.typing import Float32s, Float64s, Int64s


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up_flame.write_data_folder(tmp_path_factory.mktemp("data"), checkpoint=False)


@pytest.fixture(scope="module")
def model(folder: Path) -> MorphableModel:
    return flame.load(made_up_flame.files_in(folder))


def load(model: MorphableModel, folder: Path, name: str | None = "texture_data_256.npy") -> DetailSurface:
    masks = [folder / f"{mask}.png" for mask in ("uv_face_eye_mask", "uv_face_mask")]
    return deca_detail.load(model, folder / "fixed_displacement_256.npy", masks[0], masks[1], name and folder / name)


@lru_cache(maxsize=1)
def decoded() -> Float32s:
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    return (1e-3 * np.sin(40 * x + 1) * np.sin(31 * y)).astype(np.float32)


def posed(model: MorphableModel, seed: int) -> Float32s:
    values = np.random.default_rng(seed).normal(0, 0.3, 236).astype(np.float32)
    return np.asarray(model.vertices(Coefficients(flame.LAYOUT, values)))


def reference_normals(vertices: Float64s, faces: Int64s) -> Float64s:
    total = np.zeros_like(vertices)
    for a, b, c in faces:
        total[[a, b, c]] += np.cross(vertices[b] - vertices[a], vertices[c] - vertices[a])
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def test_dense_vertices_equal_the_reference(model: MorphableModel, folder: Path) -> None:
    surface, template = load(model, folder), made_up_flame.dense_template()
    fixed = np.load(folder / "fixed_displacement_256.npy")
    for seed in range(3):
        vertices = posed(model, seed).astype(np.float64)
        normals = reference_normals(vertices, model.faces)
        weights, corners = template["valid_pixel_b_coords"][..., None], template["valid_pixel_3d_faces"]
        point, normal = (np.sum(weights * a[corners], axis=1) for a in (vertices, normals))
        row, column = (template[name][template["valid_pixel_ids"]].astype(int) for name in ("y_coords", "x_coords"))
        length = (decoded() + fixed)[row, column]
        expected = point + length[:, None] * normal / np.linalg.norm(normal, axis=1, keepdims=True)
        got = surface.vertices(posed(model, seed), decoded())
        assert np.abs(got - expected).max() < 1e-5 * np.abs(expected).max()
    assert (surface.mesh.faces == template["f"]).all()


def test_displacement_is_the_decoders_plus_the_fixed_one(model: MorphableModel, folder: Path) -> None:
    surface, fixed = load(model, folder), np.load(folder / "fixed_displacement_256.npy")
    batch = np.stack([decoded(), 0 * decoded()])
    got = surface.displacement(batch)
    assert got[0] == pytest.approx(decoded() + fixed, abs=1e-9)
    assert got[1] == pytest.approx(fixed, abs=1e-9)
    vertices = np.stack([posed(model, 0), posed(model, 1)])
    assert surface.vertices(vertices, batch)[1] == pytest.approx(surface.vertices(vertices[1], batch[1]), abs=1e-7)


def test_our_dense_mesh_lies_where_decas_does(model: MorphableModel, folder: Path) -> None:
    """It differs from texture_data_256.npy in its cuts at most."""
    ours, theirs = load(model, folder, None).mesh, load(model, folder).mesh
    assert (ours.texels == theirs.texels).all()
    vertices = posed(model, 0)
    assert ours.interpolate(vertices) == pytest.approx(theirs.interpolate(vertices), abs=1e-6)
    assert 0.9 * len(theirs.faces) < len(ours.faces)
    points = ours.interpolate(vertices)
    towards = ours.normals(vertices, model.faces)[ours.faces].mean(axis=1)
    assert (np.sum(face_normals(points, ours.faces) * towards, axis=1) >= 0).mean() > 0.999
    assert ours.uv.min() > 0
    assert ours.uv.max() < 1


def test_masked_normals(model: MorphableModel, folder: Path) -> None:
    surface, vertices = load(model, folder, None), posed(model, 0)
    normals, coarse = surface.normals(vertices, decoded()), surface.mesh.normals(vertices, model.faces)
    inside = surface.mesh.at_texels(surface.detail_mask) == 1
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1, abs=1e-5)
    assert normals[~inside] == pytest.approx(coarse[~inside], abs=1e-6)
    tilt = np.degrees(np.arccos(np.clip(np.sum(normals * coarse, axis=1), -1, 1)))[inside]
    assert np.median(tilt) > 3
    picture = Detail(surface, vertices, decoded()).normals
    assert picture.shape == (SIZE, SIZE, 3)
    assert picture.reshape(-1, 3)[surface.mesh.texels] == pytest.approx(normals)
    assert np.delete(picture.reshape(-1, 3), surface.mesh.texels, axis=0).max() == 0


def plane(side: float, flip: int = 1) -> tuple[MorphableModel, Float32s]:
    """A square of ``side`` metres in the xy plane that fills the UV square; with -1 its island is a mirror image."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    uv = corners if flip > 0 else np.stack([1 - corners[:, 0], corners[:, 1]], axis=1)
    vertices = np.concatenate([corners * side, np.zeros((4, 1))], axis=1).astype(np.float32)
    egg = made_up_flame.made_up.model()
    head = replace(egg.head, template=vertices, faces=faces)
    return replace(egg, head=head, uv=uv, uv_faces=faces, mirror_vertices=np.array([1, 0, 3, 2])), vertices


def surface_of(model: MorphableModel) -> DetailSurface:
    whole = np.ones((SIZE, SIZE), np.float32)
    mesh = dense_mesh(model.uv.astype(float), model.uv_faces, model.faces, SIZE)
    return DetailSurface(model, 0 * whole, whole, whole, mesh)


@pytest.mark.parametrize("flip", [1, -1])
def test_normals_of_a_ramp(flip: int) -> None:
    """A displacement that rises by a per u and b per v on a square of 0.2 m tilts the normal by -a / 0.2, -b / 0.2."""
    model, vertices = plane(0.2, flip)
    surface, a, b = surface_of(model), 0.04, -0.02
    v, u = 1 - (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    ramp = (a * (1 - u) + b * v).astype(np.float32)
    expected = np.array([-flip * a / 0.2, -b / 0.2, 1])
    expected /= np.linalg.norm(expected)
    assert surface.mesh.faces.shape == (2 * 255 * 255, 3)
    assert surface.normals(vertices, ramp) == pytest.approx(np.broadcast_to(expected, (SIZE**2, 3)), abs=1e-4)
    if flip > 0:
        relative = Detail(surface, vertices, ramp).normal_map
        assert relative == pytest.approx(np.broadcast_to(expected, (SIZE, SIZE, 3)), abs=1e-4)


def test_tangent_normals_turn_with_the_head(model: MorphableModel, folder: Path) -> None:
    surface, c = load(model, folder, None), Coefficients(flame.LAYOUT, np.zeros(236, np.float32))
    turned = c.replace(pose=np.array([0.2, 0.6, -0.1, 0, 0, 0], np.float32))
    still_map, turned_map = (Detail(surface, np.asarray(model.vertices(k)), decoded()).normal_map for k in (c, turned))
    assert np.median(np.abs(still_map - turned_map)) < 1e-6
    outside = np.delete(still_map.reshape(-1, 3), surface.mesh.texels, axis=0)
    assert (outside == [0, 0, 1]).all()


def test_touching_islands_are_not_joined() -> None:
    """Two squares that touch in UV without sharing coordinates, as upper and lower lip do, stay apart."""
    uv = np.array([[0, 0], [1, 0], [1, 0.5], [0, 0.5], [0, 0.5], [1, 0.5], [1, 1], [0, 1]])
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    mesh = dense_mesh(uv, faces, faces, 8)
    lower = mesh.triangles.max(axis=1) < 4
    assert (lower[mesh.faces].all(axis=1) | (~lower[mesh.faces]).all(axis=1)).all()
    assert len(mesh.faces) == 2 * (2 * 7 * 3)
    welded = np.array([0, 1, 2, 3, 3, 2, 4, 5])[faces]
    assert len(dense_mesh(uv[[0, 1, 2, 3, 6, 7]], welded, welded, 8).faces) == 2 * 7 * 7


def test_wrong_files_get_one_line(model: MorphableModel, folder: Path, tmp_path: Path) -> None:
    mask = folder / "uv_face_mask.png"
    with pytest.raises(UnveilError, match=r"missing\.npy does not exist; take it"):
        deca_detail.load(model, tmp_path / "missing.npy", mask, mask)
    np.save(tmp_path / "small.npy", np.zeros((64, 64)))
    with pytest.raises(UnveilError, match=r"small\.npy is no displacement map of 256 x 256"):
        deca_detail.load(model, tmp_path / "small.npy", mask, mask)
    with pytest.raises(UnveilError, match="is no dense mesh of this head"):
        read_dense_mesh(folder / "texture_data_256.npy", 100)
    with pytest.raises(UnveilError, match="is no dense mesh of this head"):
        read_dense_mesh(folder / "landmark_embedding.npy", 5023)
