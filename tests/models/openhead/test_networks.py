"""The packaged network that completes hidden skin, and files that are none."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from worn_hat import without_and_with_hat

from unveil import Reconstructor, read_image
from unveil.appearance.hair.surroundings import Surroundings
from unveil.appearance.hair.view import FARTHEST
from unveil.appearance.texture import BakedTexture, bake_texture
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.faces.hair import sighted
from unveil.heads.surroundings import CHANNELS, SEGMENTED_SIZE, SIZE, SURROUNDINGS
from unveil.models.openhead.family import packaged_head
from unveil.models.openhead.networks import Completion, PackagedSegmentation, PackagedSurroundings
from unveil.photos.cielab import to_cielab
from unveil.typing import Float32s, UInt8s


def test_it_comes_nearer_to_what_a_mask_hides_than_components_alone() -> None:
    image, model = read_image(packaged("demo.jpg")), packaged_head()
    (face,) = Reconstructor(hair=False).reconstruct(image, max_faces=1)
    assert model.skin is not None
    assert model.skin.variation is not None
    alone = replace(model, skin=replace(model.skin, variation=replace(model.skin.variation, network=None)))
    hidden = np.zeros(image.shape[:2], np.bool_)
    hidden[int(face.landmarks2d[28, 1]) :] = True  # from the bridge of the nose down
    clear = bake_texture(image, face.projected, model, 256)

    def off(masked: BakedTexture) -> float:
        guessed = clear.seen & ~masked.seen
        assert guessed.sum() > 1000
        return float(np.linalg.norm(lab(masked.lit) - lab(clear.lit), axis=-1)[guessed].mean())

    nearer, farther = (off(bake_texture(image, face.projected, m, 256, hidden)) for m in (model, alone))
    assert nearer < 0.98 * farther


def lab(texture: UInt8s) -> Float32s:
    return np.asarray(cv2.cvtColor(texture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)


def test_a_hat_is_known_and_hair_goes_on_below_it() -> None:
    bare, hatted, hat = without_and_with_hat()
    (_, face), (_, worn), model = bare, hatted, packaged_head()
    assert model.surroundings is not None
    for photograph, one in (bare, hatted):
        head = sighted(photograph, one)
        assert head is not None
        found = Surroundings.of(head, model, model.surroundings)
        covered = found.around.crop.warp(hat)[..., 0] > 127
        shares = found.probability[:, covered & (found.around.depth < FARTHEST)].mean(axis=1)
        assert SURROUNDINGS[shares.argmax()] == ("hair" if one is face else "occluder"), shares
    assert worn.hair is not None
    assert face.hair is not None
    tones = [to_cielab(np.median(one.picture, axis=(0, 1))) for one in (face.hair, worn.hair)]
    assert np.linalg.norm((tones[0] - tones[1])[1:]) < 12, "none of its purple is on the hair"


def test_a_file_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    colours = np.full((5, 3), 0.5, np.float32)
    known, normals = np.ones(5, np.float32), np.zeros((5, 3), np.float32)
    for name, content in (("empty.onnx", b""), ("text.onnx", b"no network")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnveilError, match=name):
            Completion(tmp_path / name)(colours, known, colours, normals)
        with pytest.raises(UnveilError, match=name):
            PackagedSurroundings(tmp_path / name)(np.zeros((CHANNELS, SIZE, SIZE), np.float32))
        with pytest.raises(UnveilError, match=name):
            PackagedSegmentation(tmp_path / name)(np.zeros((SEGMENTED_SIZE, SEGMENTED_SIZE, 3), np.uint8))
    with pytest.raises(UnveilError, match="cannot be run"):  # other vertices than the head model's
        Completion(packaged("openhead_completion.onnx"))(colours, known, colours, normals)
