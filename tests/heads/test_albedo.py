"""Albedo spaces of both published formats against a plain evaluation, and DECA's shading."""

from pathlib import Path

import made_up_flame
import numpy as np
import pytest

from unveil.errors import UnveilError
from unveil.heads.skin import albedo as texture
from unveil.models.deca import albedo_file

SIDE = made_up_flame.ALBEDO_SIDE


@pytest.mark.parametrize(
    ("name", "mean_name", "components_name", "white"),
    [("FLAME_albedo_from_BFM.npz", "MU", "PC", 1.0), ("FLAME_texture.npz", "mean", "tex_dir", 255.0)],
)
def test_albedo_equals_the_reference(
    tmp_path: Path, name: str, mean_name: str, components_name: str, white: float
) -> None:
    made_up_flame.write_albedos(tmp_path)
    with np.load(tmp_path / name) as file:
        mean, components = file[mean_name].astype(float), file[components_name].astype(float)
    code = np.random.default_rng(0).normal(size=50)
    flat = (mean.ravel() + components.reshape(mean.size, -1)[:, :50] @ code) / white
    repeat = 256 // SIDE
    expected = flat.reshape(SIDE, SIDE, 3)[..., ::-1].repeat(repeat, axis=0).repeat(repeat, axis=1)
    space = albedo_file.load(tmp_path / name)
    got = space.albedo(np.stack([code, 0 * code]).astype(np.float32))
    assert got.shape == (2, 256, 256, 3)
    assert np.abs(got[0] - expected).max() < 1e-5
    assert (got[1] == space.mean).all()


def test_a_larger_picture_gives_every_second_texel(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (512, 512, 3)).astype(np.float32)
    np.savez(tmp_path / "t.npz", mean=picture, tex_dir=np.broadcast_to(np.float32(0), (512, 512, 3, 200)))
    assert albedo_file.load(tmp_path / "t.npz").mean == pytest.approx(picture[::2, ::2, ::-1] / 255, rel=1e-6)


def test_shading_equals_the_reference() -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(40, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    albedo, light = rng.uniform(size=(40, 3)), rng.normal(size=27)
    pi = np.pi
    for colour, (x, y, z), got in zip(albedo, normals, texture.shade(albedo, normals, light), strict=True):
        linear, square = 2 * pi / 3 * np.sqrt(3 / (4 * pi)), pi / 4 * np.sqrt(15 / (4 * pi))
        basis = [
            1 / np.sqrt(4 * pi),
            *(linear * v for v in (x, y, z)),
            *(square * v for v in (x * y, x * z, y * z)),
            square / 2 * (x * x - y * y),
            pi / 4 * np.sqrt(5 / (16 * pi)) * (3 * z * z - 1),
        ]
        assert got == pytest.approx(colour * (np.array(basis) @ light.reshape(9, 3)))


def test_wrong_files_get_one_line(tmp_path: Path) -> None:
    path = tmp_path / "FLAME_texture.npz"
    with pytest.raises(UnveilError, match=r"FLAME_texture\.npz does not exist; use"):
        albedo_file.load(path)
    path.write_text("<!DOCTYPE html>")
    with pytest.raises(UnveilError, match="is no albedo model"):
        albedo_file.load(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(UnveilError, match="it has no arrays MU and PC or mean and tex_dir"):
        albedo_file.load(path)
    np.savez(path, mean=np.zeros((4, 4, 3)), tex_dir=np.zeros((4, 4, 3, 100)))
    with pytest.raises(UnveilError, match="is no albedo model"):
        albedo_file.load(path)
