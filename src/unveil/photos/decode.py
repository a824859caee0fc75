"""The bytes of a picture file to pixels, whatever colour mode the file has; nothing too large is unpacked."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from unveil.errors import UnveilError

# Only formats that Pillow decodes by itself: its EPS reader, for one, starts another program.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM")
MAX_PIXELS = 120_000_000  # 360 MB as RGB
TRANSPARENT_OVER = "white"  # what image viewers show behind a cut-out portrait


def decode_rgb(data: bytes, name: str) -> NDArray[np.uint8]:
    """A photograph as uint8 RGB [H, W, 3], turned upright as its EXIF tag says; ``name`` is for messages.

    Grey levels of 16 bits are scaled to 8, transparency is laid over white, CMYK is converted with the profile in
    the file. Of an animation the first picture is taken.

    Raises:
        UnveilError: the bytes are no picture, damaged, or of more than ``MAX_PIXELS``.
    """
    with _opened(data, name) as picture:
        return upright_rgb(picture)


def decode_rgba(data: bytes, name: str) -> NDArray[np.uint8]:
    """A cut-out as uint8 RGBA [H, W, 4]; UnveilError as in `decode_rgb`."""
    with _opened(data, name) as picture:
        return np.array(picture.convert("RGBA"))


def upright_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    """The pixels [H, W, 3] of an opened picture, as in `decode_rgb`; ValueError where they have no set white."""
    return np.array(_to_rgb(ImageOps.exif_transpose(picture)))


@contextlib.contextmanager
def _opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """The picture in ``data``, of a bearable size; whatever goes wrong with it in the block is an UnveilError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures and odd EXIF; the limit below is ours
            with Image.open(BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                yield picture
    except Image.DecompressionBombError as error:
        raise UnveilError(f"{name} has more than {MAX_PIXELS // 10**6} million pixels; scale it down first") from error
    except UnidentifiedImageError as error:
        raise UnveilError(f"{name} is not a picture that can be read; use JPEG, PNG, TIFF, WebP or BMP") from error
    except Exception as error:  # Pillow lets through whatever its parsers run into in a damaged file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnveilError(f"{name} cannot be decoded ({reason}); export or copy it again") from error


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return _from_deep_grey(picture)
    if picture.mode == "F":
        raise ValueError("floating-point pixels have no set white; save it with 8 or 16 bits")
    if picture.mode == "CMYK":
        return _from_cmyk(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        background = Image.new("RGBA", picture.size, TRANSPARENT_OVER)
        return Image.alpha_composite(background, picture).convert("RGB")
    return picture.convert("RGB")


def _from_deep_grey(picture: Image.Image) -> Image.Image:
    """Pillow would clip at 255 where 65535 is white."""
    levels = np.asarray(picture).astype(np.int64)
    if levels.min() < 0 or levels.max() > 65535:
        raise ValueError("pixels of 32 bits have no set white; save it with 8 or 16 bits")
    return Image.fromarray(((levels * 255 + 32767) // 65535).astype(np.uint8)).convert("RGB")


def _from_cmyk(picture: Image.Image) -> Image.Image:
    """Inks look right only through the file's own profile; without one, Pillow's plain formula has to do."""
    profile = picture.info.get("icc_profile")
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
    return picture.convert("RGB")
