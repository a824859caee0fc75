"""Photographs of every odd kind, made here with Pillow, are read right or refused in one line."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, features

from unveil.errors import UnveilError
from unveil.photos import decode, io

RED_GREEN_BLUE = np.repeat(np.repeat(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8), 8, 0), 8, 1)


def assert_refused(path: Path, *words: str) -> None:
    with pytest.raises(UnveilError) as refusal:
        io.read_image(path)
    message = str(refusal.value)
    assert "\n" not in message
    assert path.name in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp", "jp2", "j2k", "JPX", "pcx", "sgi", "qoi", "ppm"])
def test_plain_colours(tmp_path: Path, suffix: str) -> None:
    Image.init()
    if Image.EXTENSION[f".{suffix.lower()}"] not in Image.SAVE:
        pytest.skip("this Pillow reads such pictures, but writes none")
    path = tmp_path / f"plain.{suffix}"
    Image.fromarray(RED_GREEN_BLUE).save(path, lossless=True)
    assert io.find_images(tmp_path) == [path]
    image = io.read_image(path)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, RED_GREEN_BLUE)


def test_a_large_jpeg_2000_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_PIXELS_JPEG2000", 3)
    Image.new("RGB", (2, 2)).save(tmp_path / "a.jp2")
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    assert_refused(tmp_path / "a.jp2", "million pixels")
    assert io.read_image(tmp_path / "a.png").shape == (2, 2, 3)


def test_what_is_no_picture_is_called_by_its_name(tmp_path: Path) -> None:
    for data, name in {
        b"<html>": "a saved web page",
        b"version https://git-lfs": "git-LFS",
        b"": "an empty file",
    }.items():
        (tmp_path / "a.jpg").write_bytes(data)
        assert_refused(tmp_path / "a.jpg", name)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(tmp_path: Path, orientation: int) -> None:
    upright = Image.fromarray(RED_GREEN_BLUE)
    stored_as = {
        1: [], 2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM], 5: [Image.Transpose.TRANSPOSE], 6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE], 8: [Image.Transpose.ROTATE_270],
    }  # fmt: skip
    stored = upright
    for transpose in stored_as[orientation]:
        stored = stored.transpose(transpose)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    stored.save(path, exif=exif)
    np.testing.assert_array_equal(io.read_image(path), RED_GREEN_BLUE)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"inks.{suffix}"
    Image.fromarray(RED_GREEN_BLUE).convert("CMYK").save(path, quality=100)
    difference = io.read_image(path).astype(int) - RED_GREEN_BLUE
    assert np.abs(difference[:, [3, 12, 20]]).max() < 25  # away from the colour edges, which JPEG blurs


def test_cmyk_as_photoshop_stores_it(tmp_path: Path) -> None:
    """Adobe's JPEGs hold inverted inks behind an APP14 marker."""
    path = tmp_path / "adobe.jpg"
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(path, quality=100)
    assert b"Adobe" in path.read_bytes()[:64]
    np.testing.assert_allclose(io.read_image(path), np.broadcast_to([255, 0, 0], (16, 16, 3)), atol=4)


def test_cmyk_with_a_broken_profile_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "profile.jpg"
    Image.new("CMYK", (16, 16), (0, 0, 0, 0)).save(path, icc_profile=b"not a profile")
    assert (io.read_image(path) > 250).all()


def test_cmyk_with_the_profile_of_another_colour_space_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "profile.jpg"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("CMYK", (16, 16), (0, 0, 0, 0)).save(path, icc_profile=profile)
    assert (io.read_image(path) > 250).all()


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    levels = np.linspace(0, 65535, 256 * 4).astype(np.uint16).reshape(4, 256)
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(levels).save(path)
    image = io.read_image(path)
    assert image.shape == (4, 256, 3)
    np.testing.assert_allclose(image[..., 1], levels / 257, atol=0.51)


def test_16_bit_colour(tmp_path: Path) -> None:
    """Pillow does not write 16-bit colour, so the PNG is put together here."""
    levels = np.linspace(0, 65535, 8 * 8 * 3).astype(">u2").reshape(8, 8, 3)
    path = tmp_path / "deep.png"
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    path.write_bytes(png(8, 8, bits=16, colour_type=2, data=zlib.compress(rows)))
    np.testing.assert_allclose(io.read_image(path), levels / 257, atol=1)


def test_big_endian_16_bit_tiff(tmp_path: Path) -> None:
    levels = np.linspace(0, 65535, 64).astype(">u2").reshape(8, 8)
    path = tmp_path / "deep.tif"
    Image.frombytes("I;16B", (8, 8), levels.tobytes()).save(path)
    np.testing.assert_allclose(io.read_image(path)[..., 0], levels / 257, atol=0.51)


def test_32_bit_pixels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    Image.fromarray(np.linspace(0, 1e6, 64, dtype=np.float32).reshape(8, 8)).save(path)
    assert_refused(path, "8 or 16 bits")
    Image.fromarray(np.linspace(0, 1e6, 64).astype(np.int32).reshape(8, 8)).save(path)
    assert_refused(path, "8 or 16 bits")
    cv2.imwrite(str(path), np.full((8, 8, 3), 0.5, np.float32))  # which Pillow does not know
    assert_refused(path, "8 or 16 bits")


@pytest.mark.parametrize(("mode", "colour", "expected"), [("L", 77, 77), ("1", 1, 255), ("1", 0, 0)])
def test_grey_and_black_and_white(tmp_path: Path, mode: str, colour: int, expected: int) -> None:
    path = tmp_path / "grey.png"
    Image.new(mode, (9, 5), colour).save(path)
    np.testing.assert_array_equal(io.read_image(path), np.full((5, 9, 3), expected))


def test_palette(tmp_path: Path) -> None:
    path = tmp_path / "palette.gif"
    Image.fromarray(RED_GREEN_BLUE).convert("P", palette=Image.Palette.ADAPTIVE).save(path)
    np.testing.assert_array_equal(io.read_image(path), RED_GREEN_BLUE)


def test_palette_with_transparency_lies_over_white(tmp_path: Path) -> None:
    path = tmp_path / "palette.png"
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((1, 2), 1)
    picture.save(path, transparency=0)
    image = io.read_image(path)
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[2, 1].tolist() == [40, 50, 60]


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [("RGBA", (200, 100, 0, 255), [200, 100, 0]), ("RGBA", (200, 100, 0, 0), [255, 255, 255]),
     ("RGBA", (0, 0, 0, 128), [127, 127, 127]), ("LA", (0, 51), [204, 204, 204])],
)  # fmt: skip
def test_alpha_lies_over_white(tmp_path: Path, mode: str, colour: tuple[int, ...], expected: list[int]) -> None:
    path = tmp_path / "alpha.png"
    Image.new(mode, (4, 4), colour).save(path)
    assert io.read_image(path)[2, 2].tolist() == expected


def test_one_pixel(tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    Image.new("RGB", (1, 1), (1, 2, 3)).save(path)
    assert io.read_image(path).tolist() == [[[1, 2, 3]]]


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    try:
        Image.fromarray(RED_GREEN_BLUE).save(path)
    except (OSError, UnicodeError):
        pytest.skip("this file system takes UTF-8 names only")
    np.testing.assert_array_equal(io.read_image(path), RED_GREEN_BLUE)
    assert io.find_images(tmp_path) == [path]
    path.write_bytes(b"")
    with pytest.raises(UnveilError) as refusal:
        io.read_image(path)
    assert rb"caf\xe9.png" in str(refusal.value).encode("utf-8")


def test_a_name_of_two_lines_stays_on_one() -> None:
    assert io.printable("two\nlines\x1b[0m é.png") == r"two\nlines\x1b[0m é.png"


@pytest.mark.parametrize("keep", [0.02, 0.5, 0.98])
def test_truncated_jpeg(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "cut.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    assert_refused(path)


def test_text_named_jpg(tmp_path: Path) -> None:
    path = tmp_path / "letter.jpg"
    path.write_text("Dear reader,\nthis is no photograph.")
    assert_refused(path, "not a picture")


def test_zero_bytes(tmp_path: Path) -> None:
    path = tmp_path / "nothing.jpg"
    path.touch()
    assert_refused(path, "empty")


def test_missing_file(tmp_path: Path) -> None:
    assert_refused(tmp_path / "missing.jpg", "does not exist")


def test_null_character_in_the_name(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="null"):
        io.read_image(tmp_path / "a\0b.jpg")


def test_folder_instead_of_file(tmp_path: Path) -> None:
    assert_refused(tmp_path, "folder")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    assert_refused(path, "no regular file")


def png(width: int, height: int, *, bits: int, colour_type: int, data: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [30_000, 12_000, 2_000_000_000])
def test_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    """Sides on both sides of the number of pixels at which Pillow itself gives up."""
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side, bits=8, colour_type=2, data=b"never looked at"))
    assert_refused(path, "120 million pixels")


def test_too_many_bytes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "heavy.jpg"
    with path.open("wb") as file:
        file.truncate(io.MAX_BYTES + 1)  # sparse
    assert_refused(path, "512 MB")


@pytest.mark.parametrize("name", ["a.jfif", "a.jpe", "A.JPG", "wrong.png"])
def test_jpeg_under_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.new("RGB", (16, 16), (200, 100, 50)).save(path, format="JPEG")
    np.testing.assert_allclose(io.read_image(path), np.broadcast_to([200, 100, 50], (16, 16, 3)), atol=3)


def test_avif(tmp_path: Path) -> None:
    if not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    path = tmp_path / "new.avif"
    Image.new("RGB", (32, 32), (200, 100, 50)).save(path, quality=95)
    np.testing.assert_allclose(io.read_image(path), np.broadcast_to([200, 100, 50], (32, 32, 3)), atol=6)
    path.write_bytes(path.read_bytes()[:200])
    assert_refused(path)


def test_avif_that_pillow_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new.avif"
    path.write_bytes(HEIC.replace(b"heic", b"avif"))
    monkeypatch.setattr(features, "check", lambda feature: False)
    assert_refused(path, "Pillow 11.3")


HEIC = bytes(3) + b"\x24ftypheic" + bytes(4) + b"mif1heic" + bytes(40)


def test_heic(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "IMG_0001.HEIC"
    picture = Image.new("RGB", (64, 32), (200, 100, 50))
    pillow_heif.from_pillow(picture).save(path, quality=95)
    np.testing.assert_allclose(io.read_image(path), np.broadcast_to([200, 100, 50], (32, 64, 3)), atol=6)
    path.write_bytes(HEIC)
    assert_refused(path)


def test_heic_without_its_reader_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(HEIC)
    assert_refused(path, "unveil[heic]")


@pytest.mark.parametrize(
    "start", [b"\0\0\0\x20ftypisom", b"\0\0\0\x14ftypqt  ", b"\x1a\x45\xdf\xa3", b"RIFF\xff\0\0\0AVI "]
)
def test_a_clip_is_called_so(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "clip.jpg"
    path.write_bytes(start + bytes(60))
    assert_refused(path, "it is a clip")


def test_a_side_longer_than_opencv_takes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    path.write_bytes(png(40_000, 10, bits=8, colour_type=2, data=b"never looked at"))
    assert_refused(path, "40000 x 10", "32,766")


def test_libtiff_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut.tif"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path, compression="tiff_lzw")
    whole = bytearray(path.read_bytes())
    whole[100:4000] = bytes(3900)
    path.write_bytes(whole)
    assert_refused(path, "copy it again")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
