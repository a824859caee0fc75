"""Photographs from files and pictures to files, whatever state the disk and the files are in."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from unveil.errors import UnveilError, reason_of
from unveil.photos.decode import decode_rgb, upright_rgb
from unveil.photos.folder import look_through
from unveil.storage.file_kind import FileKind
from unveil.storage.files import atomic_path, printable
from unveil.storage.names import printable_stem
from unveil.storage.text import read_bytes
from unveil.typing import Image, UInt8s

WRITE_OPTIONS: dict[str, dict[str, Any]] = {  # by suffix; fast, and JPEG without colour subsampling
    ".png": {"compress_level": 2},
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
}
MAX_BYTES = 512 * 2**20
PICTURE = FileKind("picture", "give a JPEG, PNG, TIFF, WebP or BMP file", MAX_BYTES)
Photograph: TypeAlias = "str | os.PathLike[str] | PIL.Image.Image | UInt8s"  # what `as_rgb` takes


def read_image(path: str | os.PathLike[str]) -> Image:
    """Read a photograph as uint8 RGB [H, W, 3], upright; `decode.decode_rgb` says how.

    Raises:
        UnveilError: the file is missing, not a picture, damaged, or larger than ``MAX_BYTES`` or ``decode.MAX_PIXELS``.
    """
    return decode_rgb(read_bytes(path, PICTURE, "a picture"), printable(path))


def as_rgb(photograph: Photograph) -> Image:
    """A photograph as uint8 RGB [H, W, 3], given as a path, a PIL image or such an array.

    Raises:
        UnveilError: the path leads to no readable photograph, or the PIL image has pixels without a set white.
        TypeError: it is anything else.
    """
    if isinstance(photograph, str | os.PathLike):
        return read_image(photograph)
    if isinstance(photograph, PIL.Image.Image):
        try:
            return upright_rgb(photograph)
        except (ValueError, OSError) as error:
            raise UnveilError(f"the PIL image cannot be used ({reason_of(error)}); convert it to mode RGB") from error
    right = isinstance(photograph, np.ndarray) and photograph.dtype == np.uint8 and photograph.shape[2:] == (3,)
    if right and photograph.size:
        return photograph
    raise TypeError(f"a photograph is a path, a PIL image or a uint8 RGB array [H, W, 3], not {_what(photograph)}")


def name_of(photograph: object) -> str:
    """The beginning of the names of files made from a file: its stem, "face" for photographs without a name."""
    path = photograph if isinstance(photograph, str | os.PathLike) else getattr(photograph, "filename", "")
    return printable_stem(Path(path)) if path else "face"


def _what(thing: object) -> str:
    """A name for what was given instead of a photograph, and how to make one of it where that is possible."""
    if not isinstance(thing, np.ndarray):
        advice = ""
        if isinstance(thing, bytes | bytearray) or hasattr(thing, "read"):
            advice = "; open a file with PIL.Image.open, and bytes in an io.BytesIO"
        elif isinstance(thing, list | tuple) or hasattr(thing, "__array__"):
            advice = "; NumPy arrays are made of other arrays with numpy.asarray"
        return f"{type(thing).__name__}{advice}"
    what = f"{thing.dtype} {list(thing.shape)}"
    if not thing.size:
        return f"{what}, which has no pixels"
    if thing.dtype != np.uint8:
        return f"{what}; scale it to 0 to 255 and convert it with .astype(numpy.uint8)"
    if thing.ndim == 2:
        return f"{what}; repeat grey levels with numpy.stack([image] * 3, axis=-1)"
    if thing.ndim == 3 and thing.shape[2] == 4:
        return f"{what}; drop the transparency with image[..., :3]"
    return f"{what}; rows come first, then columns, then red, green and blue"


def find_images(
    path: str | os.PathLike[str],
    *,
    recursive: bool = False,
    without: Path | None = None,
    also: Collection[str] = (),
    note: Callable[[str], None] | None = None,
) -> list[Path]:
    """The file itself, or the pictures in a folder, in natural order; hidden files are passed over.

    Args:
        path: of a file or a folder.
        recursive: look into the folders inside as well.
        without: a folder inside to pass over, such as that of the results; resolved.
        also: suffixes of other files of a folder to take as well, in small letters.
        note: is given a line about what was left out of a folder, where anything was.

    Raises:
        UnveilError: nothing is there, the folder cannot be listed, or it holds no picture.
    """
    path = Path(path)
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return [path]
        found = look_through(path, recursive=recursive, without=without, also=also)
    except (OSError, ValueError) as error:
        raise _read_error(path, error) from error
    left_out = found.left_out()
    if not found.pictures:
        others = f" ({left_out})" if left_out else ""
        where = f"the folder {printable(path)}{others}"
        raise UnveilError(f"no pictures in {where}; put photographs there, such as .jpg or .png files")
    if note is not None and left_out:
        note(left_out)
    return found.pictures


def write_image(path: str | os.PathLike[str], image: Image | NDArray[np.uint16]) -> None:
    """Write uint8 RGB [H, W, 3], RGBA [H, W, 4] or grey [H, W] as PNG or JPEG, by the name's suffix; uint16 as PNG.

    Raises:
        UnveilError: another suffix, or the file cannot be written; nothing is left half-written.
    """
    path = Path(path)
    options = require_picture(path)
    picture = PIL.Image.fromarray(image)
    with atomic_path(path) as temporary:
        picture.save(temporary, **options)


def require_picture(path: Path) -> dict[str, Any]:
    """How a picture of that name is written; UnveilError where the suffix is not one of `WRITE_OPTIONS`."""
    if path.suffix.lower() not in WRITE_OPTIONS:
        known = ", ".join(WRITE_OPTIONS)
        raise UnveilError(f"cannot write {printable(path)} as a picture; end the name in one of {known}")
    return WRITE_OPTIONS[path.suffix.lower()]


def _read_error(path: Path, error: OSError | ValueError) -> UnveilError:
    if isinstance(error, FileNotFoundError):
        if path.parts[:1] in (("http:",), ("https:",)):
            return UnveilError(f"{printable(path)} is an address, and nothing is fetched; save the photograph first")
        return UnveilError(f"{printable(path)} does not exist; check the path")
    return UnveilError(f"cannot read {printable(path)}: {reason_of(error)}; check the path and its permissions")
