"""Maps as pictures keep what they say."""

from pathlib import Path

import made_up
import numpy as np
import pytest
from glb_reader import Glb
from PIL import Image

from unveil.meshes.glb import glb_bytes
from unveil.meshes.image_bytes import png
from unveil.meshes.maps import MICROMETRE, ZERO, encode_displacement, encode_normals
from unveil.photos.io import write_image

MODEL = made_up.model()


def test_displacement_comes_back_from_a_16_bit_png(tmp_path: Path) -> None:
    displacement = np.random.default_rng(0).uniform(-0.01, 0.01, (32, 32))
    write_image(tmp_path / "a.png", encode_displacement(displacement))
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.mode.startswith("I")
        levels = np.asarray(picture).astype(np.uint16)
    np.testing.assert_allclose((levels.astype(float) - ZERO) * MICROMETRE, displacement, atol=0.51e-6)


def test_no_displacement_is_the_middle_and_too_much_is_cut() -> None:
    assert encode_displacement(np.array([[0.0, 1.0, -1.0]])).tolist() == [[32768, 65535, 0]]


@pytest.mark.parametrize(
    ("normal", "colour"),
    [((0, 0, 1), (128, 128, 255)), ((1, 0, 0), (255, 128, 128)), ((0, -1, 0), (128, 0, 128))],
)
def test_normals_have_the_colours_that_gltf_gives_them(normal: tuple[int, ...], colour: tuple[int, ...]) -> None:
    encoded = encode_normals(np.array([[normal]], dtype=float))
    assert encoded[0, 0].tolist() == list(colour)


def test_a_glb_carries_its_normal_map_unchanged() -> None:
    normals = encode_normals(np.random.default_rng(1).uniform(-1, 1, (16, 16, 3)))
    texture = np.full((16, 16, 3), 200, np.uint8)
    for skin, index in ((texture, 1), (None, 0)):
        file = Glb(glb_bytes(MODEL, MODEL.zero(), skin, None, normals))
        (material,) = file["materials"]
        assert material["normalTexture"]["index"] == index
        assert file.view(file["images"][file["textures"][index]["source"]]["bufferView"]) == png(normals)
        assert ("baseColorTexture" not in material["pbrMetallicRoughness"]) == (skin is None)


def test_tangents_run_along_the_texture_and_square_to_the_normals() -> None:
    flat = encode_normals(np.full((4, 4, 3), [0.0, 0, 1]))
    file = Glb(glb_bytes(MODEL, MODEL.zero(), None, None, flat))
    position, normal = file.attribute("POSITION"), file.attribute("NORMAL")
    tangent, uv = file.attribute("TANGENT"), file.attribute("TEXCOORD_0")
    np.testing.assert_allclose(np.linalg.norm(tangent[:, :3], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.sum(tangent[:, :3] * normal, axis=1), 0, atol=1e-5)
    # On the egg u runs around the head, towards the subject's left in the face.
    face = (np.abs(position[:, 1]) < 0.05) & (position[:, 2] > 0.08) & (uv[:, 1] < 0.8)
    assert face.sum() > 20
    assert (tangent[face, 0] > 0.8).all()
    # glTF: the other direction of the texture is the cross product times the sign; here it goes up, with v.
    up = np.cross(normal, tangent[:, :3]) * tangent[:, 3:]
    assert (up[face, 1] > 0.8).all()
