"""Crops of faces, already framed, from a folder, a tar or an npz file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.photos.crop import CROP_SIZE, Crop
from unveil.photos.io import find_images, read_image
from unveil.photos.tar import read_tar_picture, tar_pictures
from unveil.reprs import short_repr
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.zip_file import open_zip
from unveil.typing import Image

CROPS = FileKind("npz file of face crops", "check its path, or write it again", 2**36)


@dataclass(frozen=True, eq=False)
class Crops:
    """Face crops in a fixed order, each read when it is asked for."""

    names: tuple[str, ...]  # N
    # A short text: another one where names differ or, as far as that shows without decoding, pictures do.
    fingerprint: str
    read: Callable[[int, int], Image]  # index and side S to RGB [S, S, 3]; UnveilError where unusable
    __repr__ = short_repr


def open_crops(path: Path, note: Callable[[str], None] | None = None, *, recursive: bool = False) -> Crops:
    """The crops of a folder of pictures, a tar of pictures, or an npz with ``images`` uint8 [N, 224, 224, 3].

    Names are those of the pictures, below the folder where ``recursive`` looks into those in it; in an npz those of its
    array ``names`` [N], or the numbers from 0. Pictures are scaled to the side that is asked for, with the framing
    kept. ``note`` is given a line about what a folder holds besides.

    Raises:
        UnveilError: the path leads to none of the three, or the file is damaged.
    """
    if path.is_dir():
        return _from_folder(path, note, recursive=recursive)
    if path.suffix.lower() == ".npz":
        return _from_npz(path)
    return _from_tar(path)


def _from_folder(folder: Path, note: Callable[[str], None] | None, *, recursive: bool) -> Crops:
    paths = find_images(folder, recursive=recursive, note=note)
    names = tuple(printable(path.relative_to(folder).as_posix()) for path in paths)

    def read(index: int, size: int) -> Image:
        return _framed(read_image(paths[index]), printable(paths[index]), size)

    return Crops(names, _fingerprint(names, (path.stat().st_size for path in paths)), read)


def _from_tar(path: Path) -> Crops:
    """The pictures of a tar in its order."""
    members = tar_pictures(path)
    names = tuple(printable(member.name) for member in members)

    def read(index: int, size: int) -> Image:
        picture = read_tar_picture(path, members[index])
        return _framed(picture, f"{names[index]} in {printable(path)}", size)

    return Crops(names, _fingerprint(names, (member.size for member in members)), read)


def _from_npz(path: Path) -> Crops:
    arrays = read_arrays(path, CROPS, ("images", "names"))
    with CROPS.checking(path):
        images = arrays["images"]
        names = tuple(str(name) for name in arrays.get("names", np.arange(len(images))))
        with open_zip(path) as archive:
            checksum = archive.getinfo("images.npy").CRC
    expected = (len(names), CROP_SIZE, CROP_SIZE, 3)
    if images.shape != expected or images.dtype != np.uint8:
        raise UnveilError(
            f"images in {printable(path)} are {images.dtype} {images.shape}, not uint8 {expected}; crop the faces first"
        )
    return Crops(names, _fingerprint(names, [checksum]), lambda index, size: rescaled(images[index], size))


def _fingerprint(names: Iterable[str], about: Iterable[int]) -> str:
    """Of names, none of which has a line break in it, and sizes or checksums of the pictures."""
    text = "\n".join([*names, *map(str, about)])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _framed(image: Image, name: str, size: int) -> Image:
    """A square picture at ``size`` pixels per side; another shape is no crop."""
    height, width = image.shape[:2]
    if height != width:
        raise UnveilError(
            f"{name} is {width} x {height} pixels and no square crop; `unveil reconstruct` takes photographs"
        )
    return rescaled(image, size)


def rescaled(crop: Image, size: int) -> Image:
    """The same crop [S, S, 3] with ``size`` pixels per side, by the project's convention for pixels."""
    if crop.shape[1] == size:
        return crop
    margin = 2 + 2 * crop.shape[1] // size  # pixels beyond the edge that a new one may be mixed of
    padded = np.pad(crop, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    return Crop(np.array([[1, 0, -margin], [0, 1, -margin]]), crop.shape[1]).warp(padded, size)
