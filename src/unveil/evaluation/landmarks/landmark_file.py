"""Landmarks of named images in a file: annotations, and what a method predicted.

The file is an npz with ``names`` [N] and ``landmarks2d`` [N, 68, 2], iBUG-68 in pixels of the named image, NaN where a
method found no face. That is all that a score of landmarks needs, whoever wrote it. What else `LandmarkFile` has may be
there too, under the names of its attributes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unveil.errors import UnveilError
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.npz import write_npz
from unveil.typing import Bools, Float64s, Int64s


@dataclass(frozen=True, eq=False)
class LandmarkFile:
    """Landmarks of named images, and of predictions for occluded images what was occluded and which head was seen.

    Raises:
        UnveilError: an image is named twice, or an array has another shape or numbers that cannot be.
    """

    names: tuple[str, ...]
    landmarks2d: Float64s  # [N, 68, 2] pixels; NaN where the method found no face
    hidden68: Bools | None = None  # [N, 68] annotated landmarks that are occluded
    hidden_share: Float64s | None = None  # [N] share of the face that is occluded
    neutral_mm: Float64s | None = None  # [N, K, 3] points of the head without expression and pose; NaN without a face
    vertices_mm: Float64s | None = None  # [N, K, 3] the same points with expression, in the head's frame
    hidden_points: Bools | None = None  # [N, K] those that are occluded, going by where the method sees them when clear
    projected: Float64s | None = None  # [N, K, 2] pixels at which the method sees these points

    def __post_init__(self) -> None:
        count = len(self.names)
        if len(set(self.names)) != count:
            raise UnveilError("a landmark file names an image twice: give every image once")
        points = None if self.neutral_mm is None else self.neutral_mm.shape[1:2]
        shapes = {"landmarks2d": (68, 2), "hidden68": (68,), "hidden_share": ()}
        if points:
            shapes |= {"neutral_mm": (*points, 3), "vertices_mm": (*points, 3)}
            shapes |= {"hidden_points": points, "projected": (*points, 2)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array is None:
                continue
            if array.shape != (count, *shape):
                raise UnveilError(
                    f"expected {name} of shape {(count, *shape)} for {count} names, not {array.shape}; "
                    "landmarks are iBUG-68, one set for each image"
                )
            if np.isinf(array).any():
                raise UnveilError(f"{name} has infinite numbers: write NaN where no face was found")
        unknown = np.isnan(self.landmarks2d)
        if partly := [name for name, nan in zip(self.names, unknown, strict=True) if nan.any() and not nan.all()]:
            raise UnveilError(f"some landmarks of {printable(partly[0])} are NaN: give all of a face or none")
        if self.hidden_share is not None and not ((self.hidden_share >= 0) & (self.hidden_share <= 1)).all():
            raise UnveilError("hidden_share has numbers that are no share from 0 to 1")

    @classmethod
    def load(cls, path: Path) -> LandmarkFile:
        """Read an npz; UnveilError where it is none or has no ``names`` and ``landmarks2d``."""
        arrays = read_arrays(path, LANDMARK_FILE)
        with LANDMARK_FILE.checking(path):
            names = tuple(str(name) for name in arrays["names"])
            there = ("landmarks2d", *(name for name in ARRAYS[1:] if name in arrays))
            found: dict[str, Any] = {name: arrays[name].astype(bool if name in FLAGS else np.float64) for name in there}
            try:
                return cls(names, **found)
            except UnveilError as error:
                raise ValueError(str(error)) from error

    def save(self, path: Path) -> None:
        """Write an npz whole or not at all."""
        arrays = {name: array for name in ARRAYS if (array := getattr(self, name)) is not None}
        stored = {name: array.astype(bool if name in FLAGS else np.float32) for name, array in arrays.items()}
        write_npz(path, {"names": np.array(self.names), **stored})

    def says_as(self, other: LandmarkFile) -> bool:
        """Whether the same images have the same landmarks in another file, as far as a file keeps them."""
        ours, theirs = (each.landmarks2d.astype(np.float32) for each in (self, other))
        return self.names == other.names and np.array_equal(ours, theirs, equal_nan=True)

    @property
    def found(self) -> Bools:
        """[N] images in which a face was found."""
        return np.asarray(np.isfinite(self.landmarks2d).all(axis=(1, 2)))

    def rows(self, names: tuple[str, ...]) -> Int64s:
        """The row of each of other images [M], -1 where there is none."""
        where = {name: k for k, name in enumerate(self.names)}
        return np.array([where.get(name, -1) for name in names], np.int64)


LANDMARK_FILE = FileKind("landmark file with names and landmarks2d", "check its path, or write it again", 2**32)
FLAGS = ("hidden68", "hidden_points")
ARRAYS = ("landmarks2d", *FLAGS, "hidden_share", "neutral_mm", "vertices_mm", "projected")
