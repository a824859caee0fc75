"""Textures of small faces are computed at half the texels, and look the same."""

import made_up
import numpy as np
import pytest

from unveil.appearance.atlas import Atlas, is_small
from unveil.appearance.fixed_texels import fixed_texels
from unveil.appearance.texture import BakedTexture, bake_texture
from unveil.geometry.uv import texel_map
from unveil.typing import Float64s, Image

MODEL, SIZE = made_up.model(), 256
TEXELS = texel_map(MODEL.uv, MODEL.uv_faces, SIZE)


def head(pixels: float) -> Float64s:
    """Vertices [V, 3] of a head so many pixels high, from the front."""
    template = np.asarray(MODEL.head.template, np.float64)
    points = template * np.array([1.0, -1, -1]) * pixels / np.ptp(template[:, 1])
    return points - [*points[:, :2].min(axis=0) - 10, 0]


def photograph(pixels: int) -> Image:
    """A head so many pixels high fills it but for a margin: brighter above, redder on the subject's left."""
    down, across = np.mgrid[: pixels + 20, : pixels + 20] / (pixels + 20)
    return np.stack([150 + 60 * across, 170 - 60 * down, 90 + 0 * down], axis=-1).astype(np.uint8)


def test_a_head_is_small_by_its_longer_side() -> None:
    assert is_small(head(100), 256)
    assert not is_small(head(105), 256)
    assert not is_small(head(100)[:, [1, 0, 2]] * [1.05, 1, 1], 256)
    assert not is_small(head(10), 100), "half of it cannot be made of its quarters"


def test_a_small_face_computed_at_half_the_texels_looks_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    image, points = photograph(100), head(100)
    small = bake_texture(image, points, MODEL, SIZE)
    monkeypatch.setattr("unveil.appearance.texture.is_small", lambda *_: False)
    whole = bake_texture(image, points, MODEL, SIZE)
    differ = [np.abs(flat(small, name) - flat(whole, name)) for name in ("lit", "albedo")]
    assert all(np.quantile(one, 0.9) < 4 for one in differ)
    assert (small.seen != whole.seen).mean() < 0.02
    assert small.seen.sum() > 1000


def flat(baked: BakedTexture, name: str) -> Float64s:
    return np.asarray(getattr(baked, name).reshape(SIZE * SIZE, 3)[TEXELS.texels], np.float64)


def test_eyes_keep_all_texels() -> None:
    half, whole = (fixed_texels(MODEL, SIZE, halved=halved) for halved in (True, False))
    assert len(half.eyes.texels) == len(whole.eyes.texels)
    assert len(half.atlas.texels.texels) < 0.3 * len(whole.atlas.texels.texels)
    values = np.zeros((len(half.mesh[0]), 3), np.uint8)
    values[half.eyes.texels] = np.arange(len(half.eyes.texels), dtype=np.uint8)[:, None]
    texture = half.atlas.texture(values).reshape(-1, 3)
    places = half.atlas.fine[half.eyes.texels - half.atlas.in_map]
    np.testing.assert_array_equal(texture[places], values[half.eyes.texels])


@pytest.mark.parametrize("halved", [True, False])
def test_a_picture_is_found_at_its_texels(halved: bool) -> None:
    atlas = Atlas.of(MODEL, SIZE, halved=halved)
    ramp = np.broadcast_to(np.linspace(0, 1, 64, dtype=np.float32)[:, None, None], (64, 64, 1))
    rows = np.concatenate([atlas.texels.texels // atlas.texels.size / atlas.texels.size, atlas.fine // SIZE / SIZE])
    np.testing.assert_allclose(atlas.sampled(np.ascontiguousarray(ramp))[:, 0], rows, atol=0.02)
