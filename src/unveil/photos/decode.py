"""The bytes of a picture file to pixels, whatever colour mode the file has; nothing too large is unpacked."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import PIL.Image
from PIL import ImageOps, UnidentifiedImageError, features

from unveil.errors import UnveilError, reason_of
from unveil.photos.colours import srgb_transform
from unveil.storage.forms import other_form_of
from unveil.typing import Image, UInt8s

# Only formats that Pillow decodes by itself: its EPS reader, for one, starts another program.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "DIB", "GIF", "PPM", "JPEG2000", "PSD", "SGI", "PCX", "QOI")
TIFF = (b"II*\0", b"MM\0*")  # what such a file begins with
AVIF_BRANDS = (b"avif", b"avis")  # files that begin like HEIC but hold AV1
MAX_PIXELS = 120_000_000  # 360 MB as RGB
MAX_PIXELS_JPEG2000 = 30_000_000  # with which 1.2 GB are needed: OpenJPEG takes 37 bytes for a pixel
MAX_SIDE = 32_766  # OpenCV's warps take no more
TRANSPARENT_OVER = "white"  # what image viewers show behind a cut-out portrait
STRIP_PIXELS = 2**21  # converted at a time

_stderr_lock = threading.Lock()


class TooManyPixelsError(UnveilError):
    """A picture is larger than it may be; it was not unpacked."""


def decode_rgb(data: bytes, name: str, most_pixels: int = MAX_PIXELS) -> Image:
    """A photograph as uint8 RGB [H, W, 3] in sRGB, turned upright as its EXIF tag says; ``name`` is for messages.

    Colours are converted by the profile in the file, where it has a usable one. Grey levels of 16 bits are scaled to
    8, transparency is laid over white. Of an animation the first picture is taken.

    Raises:
        TooManyPixelsError: the picture has more than ``most_pixels`` or ``MAX_PIXELS``.
        UnveilError: the bytes are no picture, damaged, or of more than ``MAX_SIDE``.
    """
    with _opened(data, name, most_pixels) as picture:
        ImageOps.exif_transpose(picture, in_place=True)
        return _to_rgb(picture)


def decode_rgba(data: bytes, name: str, most_pixels: int = MAX_PIXELS) -> UInt8s:
    """A cut-out as uint8 RGBA [H, W, 4]; UnveilError as in `decode_rgb`."""
    with _opened(data, name, most_pixels) as picture:
        return np.array(picture.convert("RGBA"))


def upright_rgb(picture: PIL.Image.Image) -> Image:
    """The pixels [H, W, 3] of an opened picture, as in `decode_rgb`; ValueError where they have no set white."""
    return _to_rgb(ImageOps.exif_transpose(picture))


@contextlib.contextmanager
def _opened(data: bytes, name: str, most_pixels: int = MAX_PIXELS) -> Iterator[PIL.Image.Image]:
    """The picture in ``data``, of a bearable size; whatever goes wrong with it in the block is an UnveilError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures and odd EXIF; the limits below are ours
            with _open(data, name) as picture:
                _check_size(picture, name, most_pixels)
                with _quiet(picture):
                    picture.load()
                yield picture
    except UnveilError:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise _too_many_pixels(name) from error
    except UnidentifiedImageError as error:
        rare = "it is a TIFF of a rare kind: save it with 8 or 16 bits" if data[:4] in TIFF else ""
        other = rare or other_form_of(data, "a picture")
        what = f" ({other})" if other else ""
        raise UnveilError(
            f"{name} is not a picture that can be read{what}; use JPEG, PNG, TIFF, WebP or BMP"
        ) from error
    except Exception as error:  # Pillow lets through whatever its parsers run into in a damaged file
        raise UnveilError(f"{name} cannot be decoded ({reason_of(error)}); export or copy it again") from error


def _open(data: bytes, name: str) -> PIL.Image.Image:
    """The picture, not decoded yet; UnveilError where it is of a format that needs something installed."""
    if data[4:8] != b"ftyp" or other_form_of(data):  # as clips are, which begin in the same way
        return PIL.Image.open(BytesIO(data), formats=FORMATS)
    if data[8:12] in AVIF_BRANDS:
        if not features.check("avif"):
            raise UnveilError(f"{name} is an AVIF picture; install Pillow 11.3 or newer, or export it as JPEG")
        return PIL.Image.open(BytesIO(data), formats=("AVIF",))
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise UnveilError(f"{name} is a HEIC picture; pip install 'unveil[heic]', or export it as JPEG") from error
    register_heif_opener()
    return PIL.Image.open(BytesIO(data), formats=("HEIF",))


def _check_size(picture: PIL.Image.Image, name: str, most_pixels: int) -> None:
    most = min(most_pixels, MAX_PIXELS_JPEG2000 if picture.format == "JPEG2000" else MAX_PIXELS)
    if picture.width * picture.height > most:
        raise _too_many_pixels(name, most)
    if max(picture.size) > MAX_SIDE:
        width, height = picture.size
        raise UnveilError(f"{name} has {width} x {height} pixels, but at most {MAX_SIDE:,} on a side; cut a part out")


def _too_many_pixels(name: str, most: int = MAX_PIXELS) -> TooManyPixelsError:
    return TooManyPixelsError(f"{name} has more than {most // 10**6} million pixels; scale it down first")


@contextlib.contextmanager
def _quiet(picture: PIL.Image.Image) -> Iterator[None]:
    """Keep libtiff from printing: it writes to the process's stderr what Pillow says again as an exception."""
    if picture.format != "TIFF":
        yield
        return
    with _stderr_lock, contextlib.ExitStack() as undo:
        with contextlib.suppress(OSError):  # a process without a stderr has nothing to keep quiet
            kept = os.dup(2)
            undo.callback(os.close, kept)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            undo.callback(os.close, nowhere)
            os.dup2(nowhere, 2)
            undo.callback(os.dup2, kept, 2)
        yield


def _to_rgb(picture: PIL.Image.Image) -> Image:
    """[H, W, 3], strip by strip: whole copies of a large photograph in several modes would fill the memory."""
    width, height = picture.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        pixels[top:bottom] = np.asarray(_strip_to_rgb(picture.crop((0, top, width, bottom))))
    return pixels


def _strip_to_rgb(strip: PIL.Image.Image) -> PIL.Image.Image:
    if strip.mode.startswith("I"):
        strip = _from_deep_grey(strip)
    if strip.mode == "F":
        raise ValueError("floating-point pixels have no set white; save it with 8 or 16 bits")
    strip = _in_srgb(strip)
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        background = PIL.Image.new("RGBA", strip.size, TRANSPARENT_OVER)
        return PIL.Image.alpha_composite(background, strip).convert("RGB")
    return strip.convert("RGB")


def _from_deep_grey(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Pillow would clip at 255 where 65535 is white."""
    levels = np.asarray(picture).astype(np.int64)
    if levels.min() < 0 or levels.max() > 65535:
        raise ValueError("pixels of 32 bits have no set white; save it with 8 or 16 bits")
    grey = PIL.Image.fromarray(((levels * 255 + 32767) // 65535).astype(np.uint8))
    grey.info = {key: value for key, value in picture.info.items() if key == "icc_profile"}
    return grey


def _in_srgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """The picture, its transparency kept, in the colours that its profile means; as it is where it has none of use."""
    profile = picture.info.get("icc_profile")
    if not isinstance(profile, bytes):
        return picture
    mode = {"CMYK": "CMYK", "L": "L", "LA": "L", "1": "L"}.get(picture.mode, "RGB")
    to_srgb = srgb_transform(profile, mode)
    if to_srgb is None:
        return picture
    alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
    converted = to_srgb(picture.convert("RGBA").convert("RGB") if alpha and mode == "RGB" else picture.convert(mode))
    if alpha is not None:
        converted.putalpha(alpha)
    return converted
