"""Crops of faces, already framed, from a folder, a tar or an npz file."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.imaging.crop import CROP_SIZE, Crop
from unveil.imaging.decode import decode_rgb
from unveil.imaging.io import MAX_BYTES, SUFFIXES, find_images, printable, read_image


@dataclass(frozen=True, eq=False)
class NamedCrop:
    """One crop, or the reason why there is none."""

    name: str
    image: NDArray[np.uint8] | None  # [224, 224, 3] RGB
    error: str = ""


def read_crops(path: Path) -> Iterator[NamedCrop]:
    """Every crop of a folder of pictures, a tar of pictures, or an npz with ``images`` uint8 [N, 224, 224, 3].

    Names are those of the pictures; in an npz those of its array ``names`` [N], or the numbers from 0. Pictures of
    another size are scaled to 224 x 224, with the framing kept. A picture that cannot be used comes with its error
    instead of an image.

    Raises:
        UnveilError: the path leads to none of the three, or the file is damaged.
    """
    if path.is_dir():
        return _from_folder(path)
    if not path.is_file():
        raise UnveilError(f"{printable(path)} does not exist; give a folder, a tar or an npz file of face crops")
    if path.suffix.lower() == ".npz":
        return _from_npz(path)
    if tarfile.is_tarfile(path):
        return _from_tar(path)
    raise UnveilError(f"{printable(path)} is no folder, tar or npz file of face crops; give one of these")


def _from_folder(folder: Path) -> Iterator[NamedCrop]:
    for path in find_images(folder):
        name = printable(path.name)
        try:
            yield NamedCrop(name, _framed(read_image(path), printable(path)))
        except UnveilError as error:
            yield NamedCrop(name, None, str(error))


def _from_tar(path: Path) -> Iterator[NamedCrop]:
    """The pictures of a tar in its order; nothing is unpacked, so names inside it lead nowhere."""
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if not member.isfile() or Path(member.name).suffix.lower() not in SUFFIXES:
                    continue
                yield _from_member(archive, member, printable(path))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UnveilError(f"{printable(path)} is damaged or cut short ({error}); copy or download it again") from error


def _from_member(archive: tarfile.TarFile, member: tarfile.TarInfo, where: str) -> NamedCrop:
    name = printable(member.name)
    stream = archive.extractfile(member)
    if stream is None or member.size > MAX_BYTES:
        return NamedCrop(name, None, f"{name} in {where} is larger than {MAX_BYTES // 2**20} MB; leave it out")
    data = stream.read()
    try:
        return NamedCrop(name, _framed(decode_rgb(data, f"{name} in {where}"), f"{name} in {where}"))
    except UnveilError as error:
        return NamedCrop(name, None, str(error))


def _from_npz(path: Path) -> Iterator[NamedCrop]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if "images" not in file.files:
                raise UnveilError(f"{printable(path)} has no array 'images'; it has {', '.join(file.files) or 'none'}")
            images = file["images"]
            names = file["names"] if "names" in file.files else np.arange(len(images))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UnveilError(f"{printable(path)} is damaged or no npz file ({error}); write it again") from error
    expected = (len(names), CROP_SIZE, CROP_SIZE, 3)
    if images.shape != expected or images.dtype != np.uint8:
        raise UnveilError(
            f"images in {printable(path)} are {images.dtype} {images.shape}, not uint8 {expected}; crop the faces first"
        )
    return (NamedCrop(str(name), image) for name, image in zip(names, images, strict=True))


def _framed(image: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """A square picture at 224 pixels per side; another shape is no crop."""
    height, width = image.shape[:2]
    if height != width:
        raise UnveilError(
            f"{name} is {width} x {height} pixels and no square crop; `unveil reconstruct` takes photographs"
        )
    return rescaled(image, CROP_SIZE)


def rescaled(crop: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The same crop [S, S, 3] with ``size`` pixels per side, by the project's convention for pixels."""
    if crop.shape[1] == size:
        return crop
    margin = 2 + 2 * crop.shape[1] // size  # pixels beyond the edge that a new one may be mixed of
    padded = np.pad(crop, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    return Crop(np.array([[1, 0, -margin], [0, 1, -margin]]), crop.shape[1]).warp(padded, size)
