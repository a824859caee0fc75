"""Maps as pictures keep what they say."""

from pathlib import Path

import made_up
import numpy as np
import pygltflib
import pytest
from PIL import Image

from unveil.export.encode import png
from unveil.export.glb import glb_bytes
from unveil.export.maps import decode_displacement, encode_displacement, encode_normals
from unveil.imaging.io import write_image

MODEL = made_up.model()


def test_displacement_comes_back_from_a_16_bit_png(tmp_path: Path) -> None:
    displacement = np.random.default_rng(0).uniform(-0.01, 0.01, (32, 32))
    write_image(tmp_path / "a.png", encode_displacement(displacement))
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.mode.startswith("I")
        levels = np.asarray(picture).astype(np.uint16)
    np.testing.assert_allclose(decode_displacement(levels), displacement, atol=0.51e-6)


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
        file = pygltflib.GLTF2().load_from_bytes(glb_bytes(MODEL, MODEL.zero(), skin, None, normals))
        (material,) = file.materials
        assert material.normalTexture.index == index
        view = file.bufferViews[file.images[file.textures[index].source].bufferView]
        assert file.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength] == png(normals)
        assert (material.pbrMetallicRoughness.baseColorTexture is None) == (skin is None)
