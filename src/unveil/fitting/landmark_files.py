"""The 68 landmarks of one face, from the files in which people keep them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unveil.errors import UnveilError
from unveil.storage.arrays import read_array, read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.text import read_json, read_text
from unveil.typing import Float64s, Floats

LANDMARKS = FileKind("file of landmarks that can be read", "check its path, or write it again", 2**28)
PTS = FileKind(".pts file of landmarks", "check its path, or write it again", 2**20)
FEWEST = 12  # landmarks that a fit needs
LARGEST_PIXEL = 1e6  # of a coordinate; photographs have some ten thousand on a side
LEAST_WIDTH = 0.01  # of a face, over its length; chosen, not measured


def read_landmarks(path: Path) -> Float64s:
    """Landmarks [68, 2] of one face in image pixels, centres at integers; NaN where one is not known.

    Takes the ``.pts`` of 300W; an ``.npy`` [68, 2]; an ``.npz`` with ``landmarks2d``, such as `unveil reconstruct`
    writes; a ``.json`` with ``landmarks2d``, with ``faces`` of which the first has them, or that is a list of points.

    Raises:
        UnveilError: the file is none of these, or what it holds is not 68 landmarks.
    """
    readers: dict[str, Callable[[Path], ArrayLike]] = {
        ".pts": read_pts,
        ".npy": lambda file: read_array(file, LANDMARKS),
        ".npz": _read_npz,
        ".json": _read_json,
    }
    if path.suffix.lower() not in readers:
        raise UnveilError(f"cannot read landmarks from {printable(path)}: give a file named {', '.join(readers)}")
    points = readers[path.suffix.lower()](path)
    with LANDMARKS.checking(path):
        try:
            return landmarks68(points)
        except UnveilError as error:
            raise UnveilError(f"{printable(path)}: {error}") from error


def landmarks68(points: ArrayLike) -> Float64s:
    """Landmarks [68, 2] of points [68, 2 or 3], of which a depth is left out.

    Raises:
        UnveilError: they are of another shape, fewer than `FEWEST` are known, all lie in one line or place, or one
            lies beyond any photograph.
    """
    values = np.asarray(points, np.float64)
    values = values[0] if values.ndim == 3 and len(values) == 1 else values
    if values.shape not in {(68, 2), (68, 3)}:
        raise UnveilError(f"landmarks are iBUG's 68 points (x, y) of one face, [68, 2], not {list(values.shape)}")
    values = np.where(np.isfinite(values[:, :2]).all(axis=1, keepdims=True), values[:, :2], np.nan)
    known = values[np.isfinite(values[:, 0])]
    if len(known) and np.abs(known).max() > LARGEST_PIXEL:
        raise UnveilError(f"a landmark lies {np.abs(known).max():.3g} pixels off: give landmarks in pixels")
    if len(known) < FEWEST:
        raise UnveilError(f"{len(known)} landmarks are known, which do not define a face: give {FEWEST} or more")
    if _in_line(known):
        raise UnveilError("the landmarks lie in one line or place: give those of a face, in pixels")
    return values


def _in_line(points: Float64s) -> bool:
    """Whether points [N, 2] all lie in one line or place."""
    length, width = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(width <= LEAST_WIDTH * length)


def read_pts(path: Path) -> Floats:
    """Landmarks [68, 2] of a ``.pts`` of 300W, which counts pixels from one; UnveilError for what is none."""
    _, _, rest = read_text(path, PTS).partition("{")
    with PTS.checking(path):
        values = np.array(rest.partition("}")[0].split(), np.float64)
    if values.size != 68 * 2:
        raise UnveilError(f"{printable(path)} has {values.size // 2} points and not the 68 of iBUG; leave it out")
    return values.reshape(68, 2) - 1


def _read_npz(path: Path) -> Floats:
    arrays = read_arrays(path, LANDMARKS)
    with LANDMARKS.checking(path):
        return arrays["landmarks2d"]


def _read_json(path: Path) -> Any:
    data = read_json(path, LANDMARKS)
    with LANDMARKS.checking(path):
        if isinstance(data, dict):
            data = data["faces"][0] if "faces" in data else data
            return data["landmarks2d"]
        return data
