"""Pictures come out in sRGB, whatever colours their ICC profile means; without a usable one they stay as they are."""

from __future__ import annotations

from pathlib import Path

import made_up_profiles as profiles
import numpy as np
import pytest
from PIL import Image, ImageCms

from unveil.photos import colours, io
from unveil.typing import UInt8s

SAMPLES = np.random.default_rng(5).integers(0, 256, (12, 20, 3), np.uint8)
P3 = profiles.rgb_profile(profiles.DISPLAY_P3)


def read(path: Path, pixels: UInt8s, profile: bytes, mode: str | None = None) -> UInt8s:
    Image.fromarray(pixels).convert(mode).save(path, icc_profile=profile)
    return io.read_image(path)


def in_srgb(levels: UInt8s) -> UInt8s:
    """Display P3 with a power law of 2.2 in sRGB, by the formulas of IEC 61966-2-1."""
    linear = (levels / 255.0) ** 2.2 @ (np.linalg.inv(profiles.SRGB) @ profiles.DISPLAY_P3).T
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * encoded), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_display_p3_is_converted(tmp_path: Path, suffix: str) -> None:
    converted = read(tmp_path / f"phone{suffix}", SAMPLES, P3).astype(int)
    assert np.abs(converted - in_srgb(SAMPLES)).max() <= 2
    assert np.abs(converted - SAMPLES).max() > 10


def test_a_pil_image_is_converted_and_left_as_it_is() -> None:
    picture = Image.fromarray(SAMPLES)
    picture.info["icc_profile"] = P3
    assert np.abs(io.as_rgb(picture).astype(int) - in_srgb(SAMPLES)).max() <= 2
    np.testing.assert_array_equal(np.asarray(picture), SAMPLES)


def test_transparency_is_kept_apart(tmp_path: Path) -> None:
    pixels = np.dstack([SAMPLES, np.full(SAMPLES.shape[:2], 255, np.uint8)])
    pixels[0, :, 3] = 0
    converted = read(tmp_path / "cut-out.png", pixels, P3)
    assert (converted[0] == 255).all()
    assert np.abs(converted[1:].astype(int) - in_srgb(SAMPLES[1:])).max() <= 2


def test_grey_by_its_own_curve(tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(8, 32)
    converted = read(tmp_path / "grey.png", grey, profiles.grey_profile(1.8))
    linear = (grey / 255.0) ** 1.8
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(converted - 255 * encoded[..., None]).max() < 3


def test_deep_grey_by_its_own_curve(tmp_path: Path) -> None:
    converted = read(tmp_path / "deep.png", np.full((4, 4), 32768, np.uint16), profiles.grey_profile(1.0))
    assert np.abs(converted.astype(int) - 188).max() <= 2


def test_inks(tmp_path: Path) -> None:
    paper_and_cyan = np.zeros((16, 32, 4), np.uint8)
    paper_and_cyan[:, 16:, 0] = 255
    path = tmp_path / "press.tif"
    Image.fromarray(paper_and_cyan, "CMYK").save(path, icc_profile=profiles.inks_profile())
    image = io.read_image(path)
    assert (image[:, 0] > 250).all()
    assert np.ptp(image[0, 31].astype(int)) < 6  # the profile's cyan is a dark grey
    assert image[0, 31].max() < 90


def test_srgb_by_another_name_changes_nothing(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(read(tmp_path / "srgb.png", SAMPLES, srgb), SAMPLES)


@pytest.mark.parametrize(
    "profile",
    [
        b"not a profile",
        P3[:200],
        P3[:128] + bytes(len(P3) - 128),
        profiles.rgb_profile(np.zeros((3, 3))),  # all colours are black
        profiles.grey_profile(2.2),  # of another colour space
        profiles.inks_profile(),
    ],
    ids=["text", "cut short", "no tags", "all black", "grey", "inks"],
)
def test_a_profile_that_cannot_be_right_is_ignored(tmp_path: Path, profile: bytes) -> None:
    np.testing.assert_array_equal(read(tmp_path / "odd.png", SAMPLES, profile), SAMPLES)


def test_random_damage_gives_a_picture(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        damaged = np.frombuffer(P3, np.uint8).copy()
        places = rng.integers(0, len(damaged), rng.integers(1, 30))
        damaged[places] = rng.integers(0, 256, len(places))
        assert read(tmp_path / "damaged.png", SAMPLES, damaged.tobytes()).shape == SAMPLES.shape


def test_a_huge_profile_is_not_looked_at() -> None:
    assert colours.srgb_transform(P3 + bytes(colours.LARGEST_PROFILE), "RGB") is None
