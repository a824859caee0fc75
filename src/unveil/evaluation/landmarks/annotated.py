"""Photographs with 68 annotated landmarks, as data sets publish them.

AFLW2000-3D has a ``.mat`` beside each picture, 300W a ``.pts``. Landmarks of other data sets, and the re-annotation of
AFLW2000-3D, are one file: an npz (see `evaluation.landmarks.landmark_file`), or an npy [N, 68, 2 or 3] or
[N, 2 or 3, 68] in the order of the pictures' names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.evaluation.landmarks.annotated_set import Annotated
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.fitting.landmark_files import read_pts
from unveil.photos.folder import SUFFIXES
from unveil.photos.io import read_image
from unveil.photos.tar import read_tar_picture, tar_pictures
from unveil.storage.arrays import read_array
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.names import beside
from unveil.typing import Float64s, Image

MAT = FileKind("file of landmarks with a readable pt3d_68", "copy it again", 2**26)
ANNOTATION = FileKind("npy or npz file of landmarks", "check its path, or write it again", 2**32)


def open_annotated(
    pictures: Path, annotation: Path | None = None, *, note: Callable[[str], None] | None = None
) -> Annotated:
    """Pictures in a folder, with those below it, or in a tar, and their landmarks.

    Args:
        pictures: the folder or tar.
        annotation: npz or npy; where it is left out each picture has a ``.mat`` or ``.pts`` beside it. Pictures that an
            npz does not name are left out.
        note: is given a line about pictures left out, where any were.

    Raises:
        UnveilError: there are no pictures, or their landmarks are missing, of another number, or not finite.
    """
    every, read = _from_folder(pictures) if pictures.is_dir() else _from_tar(pictures)
    names, jaw = every, "outline"
    if annotation is None:
        names, landmarks, jaw = _beside(pictures, names)
    elif annotation.suffix.lower() == ".npz":
        file = LandmarkFile.load(annotation)
        there = set(names)
        lost = [name for name in file.names if name not in there]
        if lost:
            raise UnveilError(
                f"{printable(annotation)} names {lost[0]} and {len(lost) - 1} others that are not in "
                f"{printable(pictures)}; give the pictures it was made for"
            )
        names, landmarks = list(file.names), file.landmarks2d
    else:
        landmarks = _read_npy(annotation, len(names))
    if not np.isfinite(landmarks).all():
        raise UnveilError(f"the landmarks of {printable(annotation or pictures)} are not all finite numbers; mend them")
    if (np.ptp(landmarks, axis=1) <= 0).any():
        name = names[int((np.ptp(landmarks, axis=1) <= 0).any(axis=1).argmax())]
        raise UnveilError(f"the landmarks of {name} are all in one line or place; leave the picture out")
    if note is not None and (bare := sorted(set(every) - set(names))):
        note(f"left out of {printable(pictures)}: {len(bare)} without landmarks, the first is {printable(bare[0])}")
    return Annotated(tuple(names), landmarks, jaw, read)


def read_mat(path: Path) -> Float64s:
    """``pt3d_68`` of a ``.mat`` of AFLW2000-3D as [68, 2]; UnveilError for what has none.

    Its points are of the head's surface also where the cheek hides them. They are taken as they stand, as 3DDFA's own
    evaluation does.
    """
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise UnveilError(
            f"reading {printable(path)} needs SciPy: pip install 'unveil[mat]', or give the landmarks as npz or npy "
            "with --annotation"
        ) from error
    with MAT.opened(path) as stream:
        points = np.asarray(loadmat(stream, variable_names=["pt3d_68"])["pt3d_68"], np.float64)
        if points.shape != (3, 68):
            raise ValueError(f"pt3d_68 is {points.shape} and not (3, 68)")
        return points[:2].T


def _read_npy(path: Path, count: int) -> Float64s:
    array = read_array(path, ANNOTATION)
    with ANNOTATION.checking(path):
        points = array.astype(np.float64)
    if points.ndim == 3 and points.shape[2] == 68 and points.shape[1] in {2, 3}:
        points = points.transpose(0, 2, 1)
    if points.shape[:2] != (count, 68) or points.shape[2:] not in {(2,), (3,)}:
        raise UnveilError(
            f"{printable(path)} is {points.shape}, but for {count} pictures it must be ({count}, 68, 2); "
            "give the landmarks of these pictures"
        )
    return np.ascontiguousarray(points[..., :2])


def _beside(pictures: Path, names: Sequence[str]) -> tuple[list[str], Float64s, str]:
    """Names of the pictures that have landmarks beside them, the landmarks, and the kind of jaw line."""
    found = []
    readers = {".mat": read_mat, ".pts": read_pts}
    for suffix, reader in readers.items() if pictures.is_dir() else ():
        there = {name: path for name in names if (path := beside(pictures / name, suffix))}
        if there:
            found.append((there, reader, suffix))
    if not found:
        raise UnveilError(
            f"no .mat or .pts of landmarks beside the pictures of {printable(pictures)}; give the landmarks as npz or "
            "npy with --annotation"
        )
    chosen, reader, suffix = found[0]
    landmarks = np.stack([reader(path) for path in chosen.values()])
    return [*chosen], landmarks, "surface" if suffix == ".mat" else "outline"


def _from_folder(folder: Path) -> tuple[list[str], Callable[[str], Image]]:
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    names = sorted(path.relative_to(folder).as_posix() for path in paths if not path.name.startswith("."))
    if not names:
        raise UnveilError(f"no pictures in the folder {printable(folder)}; give the one with the photographs")
    return names, lambda name: read_image(folder / name)


def _from_tar(path: Path) -> tuple[list[str], Callable[[str], Image]]:
    """The pictures of a tar in its order."""
    members = {member.name: member for member in tar_pictures(path)}
    return list(members), lambda name: read_tar_picture(path, members[name])
