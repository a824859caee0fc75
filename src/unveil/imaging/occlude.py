"""Hiding parts of a face on purpose: what an occluder is, how it is laid over an image, and how one is drawn by lot.

Everything random comes from the ``numpy.random.Generator`` that is passed in, so the same generator state, image and
landmarks give the same pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # [H, W, 3] RGB
Alpha = NDArray[np.float32]  # [H, W] in [0, 1]
Points = NDArray[np.floating]  # [L, 2] (x, y) in pixels, centres at integers


@dataclass(frozen=True, eq=False)
class Occlusion:
    """An image with something in front of it, and which of its pixels that hides."""

    image: Image  # [H, W, 3]
    mask: NDArray[np.bool_]  # [H, W]


@dataclass(frozen=True)
class Face:
    """Where the face is in an image, which is all that placing an occluder needs."""

    landmarks68: Points  # [68, 2]
    centre: tuple[float, float]  # (x, y) of the landmarks' box
    side: float  # mean side of that box in pixels

    @classmethod
    def of(cls, landmarks68: Points) -> "Face":
        """The face with these landmarks [68, 2] in pixels."""
        low, high = landmarks68.min(axis=0), landmarks68.max(axis=0)
        x, y = (low + high) / 2
        return cls(landmarks68, (float(x), float(y)), float((high - low).mean()))

    def random_point(self, rng: np.random.Generator, spread: float = 0.45) -> tuple[float, float]:
        """A point (x, y) within ``spread`` face sides of the centre, along each axis."""
        x, y = rng.uniform(-spread, spread, 2) * self.side
        return self.centre[0] + float(x), self.centre[1] + float(y)


class Occluder(Protocol):
    """Anything that can be put in front of a face."""

    def apply(self, image: Image, face: Face, rng: np.random.Generator) -> Occlusion:
        """Return ``image`` [H, W, 3] with this occluder over the face; the argument stays as it is."""
        ...


@dataclass(frozen=True)
class Pool:
    """Occluders with the odds at which each is drawn; now and then two are laid over each other."""

    occluders: tuple[Occluder, ...]
    odds: tuple[float, ...]
    second: float = 0.15  # probability of a second one

    def __post_init__(self) -> None:
        if len(self.occluders) != len(self.odds) or not self.occluders:
            raise ValueError(f"{len(self.occluders)} occluders were given {len(self.odds)} odds")

    def apply(self, image: Image, face: Face, rng: np.random.Generator) -> Occlusion:
        """Lay one or two occluders, drawn by lot, over the image [H, W, 3]."""
        result = self._draw(rng).apply(image, face, rng)
        if rng.random() >= self.second:
            return result
        both = self._draw(rng).apply(result.image, face, rng)
        return Occlusion(both.image, both.mask | result.mask)

    def _draw(self, rng: np.random.Generator) -> Occluder:
        odds = np.cumsum(self.odds)
        return self.occluders[int(np.searchsorted(odds, rng.random() * odds[-1], side="right"))]


def composite(image: Image, colour: Image | Sequence[int], alpha: Alpha) -> Occlusion:
    """Lay ``colour`` (an image of the same size, or one RGB value) over ``image`` with opacity ``alpha``.

    A pixel counts as hidden where the opacity is above one half.
    """
    result = image.copy()
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if rows.size:
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        opacity = alpha[box][..., None]
        front = np.asarray(colour, np.float32)
        front = front[box] if front.ndim == 3 else front
        back = image[box].astype(np.float32)
        result[box] = (back + (front - back) * opacity + 0.5).astype(np.uint8)
    return Occlusion(result, alpha > 0.5)
