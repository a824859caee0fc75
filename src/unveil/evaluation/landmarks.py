"""Landmark accuracy from prediction files: nobody's model is run here, so anybody's predictions can be scored.

A prediction file is an npz with ``names`` [N] and ``landmarks2d`` [N, 68, 2], iBUG-68 in pixels of the named image; the
truth is a file of the same form.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unveil.errors import UnveilError
from unveil.imaging.io import atomic_path
from unveil.morphable.landmarks import IBUG68_PARTS

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LandmarkFile:
    """Landmarks of named images."""

    names: tuple[str, ...]
    landmarks2d: Floats  # [N, 68, 2] pixels; NaN where the method found no face

    def __post_init__(self) -> None:
        if self.landmarks2d.shape != (len(self.names), 68, 2):
            raise UnveilError(
                f"expected landmarks of shape ({len(self.names)}, 68, 2) for as many names, "
                f"not {self.landmarks2d.shape}"
            )
        if len(set(self.names)) != len(self.names):
            raise UnveilError("a landmark file names an image twice: give every image once")

    @classmethod
    def load(cls, path: Path) -> "LandmarkFile":
        """Read an npz; UnveilError where it is none or has no ``names`` and ``landmarks2d``."""
        try:
            with np.load(path, allow_pickle=False) as file:
                names = tuple(str(name) for name in file["names"])
                return cls(names, file["landmarks2d"].astype(np.float64))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UnveilError(f"{path} is no landmark file with names and landmarks2d: {error}") from error

    def save(self, path: Path) -> None:
        """Write an npz whole or not at all."""
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, names=np.array(self.names), landmarks2d=self.landmarks2d.astype(np.float32))


@dataclass(frozen=True)
class Score:
    """Normalised mean errors in percent over the images with a prediction, and how many have none."""

    count: int
    missing: int
    mean: float
    median: float
    p90: float  # 90th percentile
    parts: Mapping[str, float]  # mean over the landmarks of each part of the face


def point_errors(predicted: ArrayLike, truth: ArrayLike) -> Floats:
    """Distances [N, 68] over the square root of the area of the true landmarks' bounding box, in percent.

    This is the NME of AFLW2000-3D as 3DDFA (Zhu et al. 2016) defines it, before the mean.
    """
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    extent = truth.max(axis=-2) - truth.min(axis=-2)  # [N, 2]
    size = np.sqrt(extent.prod(axis=-1))
    return np.asarray(100 * np.linalg.norm(predicted - truth, axis=-1) / size[..., None])


def score(predicted: LandmarkFile, truth: LandmarkFile) -> Score:
    """Score predictions for the images of ``truth``; those of other images are ignored.

    Raises:
        UnveilError: not one image of the truth has a prediction.
    """
    where = {name: k for k, name in enumerate(predicted.names)}
    points = np.full(truth.landmarks2d.shape, np.nan)
    for k, name in enumerate(truth.names):
        if name in where:
            points[k] = predicted.landmarks2d[where[name]]
    found = np.isfinite(points).all(axis=(1, 2))
    if not found.any():
        raise UnveilError("no image of the truth has a prediction: do both files use the same names?")
    errors = point_errors(points[found], truth.landmarks2d[found])
    images = errors.mean(axis=1)
    return Score(
        count=int(found.sum()),
        missing=int((~found).sum()),
        mean=float(images.mean()),
        median=float(np.median(images)),
        p90=float(np.percentile(images, 90)),
        parts={name: float(errors[:, first:end].mean()) for name, (first, end) in IBUG68_PARTS.items()},
    )


def table(scores: Mapping[str, Score]) -> str:
    """Scores by name as a Markdown table, NME in percent."""
    parts = list(IBUG68_PARTS)
    header = ["condition", "images", "missing", "NME", "median", "p90", *parts]
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    for name, s in scores.items():
        numbers = [s.mean, s.median, s.p90, *(s.parts[part] for part in parts)]
        lines.append(f"| {name} | {s.count} | {s.missing} | " + " | ".join(f"{v:.2f}" for v in numbers) + " |")
    return "\n".join(lines)
