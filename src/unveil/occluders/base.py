"""Hiding parts of a face on purpose: what an occluder is, how it is laid over an image, and how one is drawn at random.

Everything random comes from the ``numpy.random.Generator`` that is passed in, so the same generator state, image and
face give the same pixels. `sample_generator` makes one from what names a sample.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from unveil.occluders.head_surface import FaceMesh, with_forehead
from unveil.typing import Bools, Float32s, Floats, Image, Int32s

Mask = Bools  # [H, W]
Alpha = Float32s  # [H, W] in [0, 1]
Points = Floats  # [L, 2] (x, y) in pixels, centres at integers
PictureSource = Callable[[np.random.Generator], Image]  # draws a random image [H, W, 3]
Cover = Callable[["Face", tuple[int, int], float], Alpha]  # opacity [H, W] over a face in an image (H, W), at a size

NOTHING = "nothing"  # the kind of what is in front of a clear face
SEVERITIES = (0.2, 0.4, 0.6)  # that learners and methods are measured at: wanted shares of the face that are hidden
SUB_PIXEL_BITS = 4  # polygon corners are given to OpenCV in sixteenths of a pixel
SEARCH_SIDE = 64  # pixels of the face's side while a size is searched
SEARCH_STEPS = 7  # halvings of the range of sizes


@dataclass(frozen=True, eq=False)
class Occlusion:
    """An image with something in front of it, the mask of the pixels it hides, and what kind of thing it is."""

    image: Image  # [H, W, 3]
    mask: Mask  # [H, W]
    kind: str

    @classmethod
    def of_nothing(cls, image: Image) -> "Occlusion":
        """An image [H, W, 3] with nothing in front of it."""
        return cls(image, np.zeros(image.shape[:2], bool), NOTHING)


@dataclass(frozen=True, eq=False)
class Face:
    """Where the face is in an image, which is all that placing an occluder needs."""

    landmarks68: Points  # [68, 2]
    centre: tuple[float, float]  # (x, y) of the landmarks' box
    side: float  # mean side of that box in pixels
    outline: Points  # [P, 2] a convex polygon: the face with its forehead
    mesh: FaceMesh | None = None

    @classmethod
    def of(cls, landmarks68: Points, mesh: FaceMesh | None = None) -> "Face":
        """The face with these landmarks [68, 2] in pixels and, for occluders worn on the head, its mesh."""
        low, high = landmarks68.min(axis=0), landmarks68.max(axis=0)
        x, y = (low + high) / 2
        points = with_forehead(landmarks68) if mesh is None else mesh.face_points
        outline = np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0], np.float32)
        return cls(landmarks68, (float(x), float(y)), float((high - low).mean()), outline, mesh)

    def scaled(self, scale: float) -> "Face":
        """The same face in the image scaled by a factor."""
        x, y = (np.array(self.centre) + 0.5) * scale - 0.5
        landmarks, outline = ((points + 0.5) * scale - 0.5 for points in (self.landmarks68, self.outline))
        mesh = self.mesh and self.mesh.scaled(scale)
        return Face(landmarks, (float(x), float(y)), self.side * scale, outline, mesh)


class Occluder(Protocol):
    """Anything that can be put in front of a face."""

    @property
    def kind(self) -> str:
        """One word for it, such as "glasses"."""
        ...

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Return ``image`` [H, W, 3] with this occluder over the face; the argument stays as it is.

        ``severity`` is the wanted `hidden_share` in (0, 1]; where this occluder cannot hide as little or as much it
        comes as near as it can. None leaves its size to chance.
        """
        ...


@dataclass(frozen=True)
class Pool:
    """Occluders with the odds at which each is drawn; now and then two are laid over each other."""

    occluders: tuple[Occluder, ...]
    odds: tuple[float, ...]
    second: float = 0.15  # probability of a second one, where no severity is wanted

    def __post_init__(self) -> None:
        if len(self.occluders) != len(self.odds) or not self.occluders:
            raise ValueError(f"{len(self.occluders)} occluders were given {len(self.odds)} odds")

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Lay one or two occluders, drawn at random, over the image [H, W, 3]; one where a severity is wanted."""
        result = self._draw(rng).apply(image, face, rng, severity)
        if severity is not None or rng.random() >= self.second:
            return result
        both = self._draw(rng).apply(result.image, face, rng)
        return Occlusion(both.image, both.mask | result.mask, f"{result.kind}+{both.kind}")

    def _draw(self, rng: np.random.Generator) -> Occluder:
        odds = np.cumsum(self.odds)
        return self.occluders[int(np.searchsorted(odds, rng.random() * odds[-1], side="right"))]


def sample_generator(seed: int, name: str, epoch: int) -> np.random.Generator:
    """The generator of all that is random about an image in an epoch: the same on any machine and in any order."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng((seed, epoch, *np.frombuffer(digest[:16], "<u4").tolist()))


def hidden_share(mask: Mask, face: Face) -> float:
    """Share of the face that ``mask`` [H, W] hides.

    The face is the convex hull of its mesh's face, or of the landmarks raised to the forehead, as far as it is in the
    image.
    """
    region = fill_polygon(face.outline, mask.shape) > 0.5
    return float((mask & region).sum() / max(1, region.sum()))


def size_for(severity: float, cover: Cover, face: Face, shape: tuple[int, ...], limits: tuple[float, float]) -> float:
    """The size within ``limits`` at which an occluder hides about the share ``severity`` of the face.

    Halves the range on a small copy of the face; ``cover`` must hide more of it at larger sizes.
    """
    scale = min(1.0, SEARCH_SIDE / max(face.side, 1.0))
    small = face.scaled(scale)
    height, width = (max(1, round(side * scale)) for side in shape[:2])
    region = fill_polygon(small.outline, (height, width))
    wanted = severity * float(region.sum())
    low, high = limits
    for _ in range(SEARCH_STEPS):
        middle = (low + high) / 2
        if float(np.vdot(region, cover(small, (height, width), middle))) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def composite(image: Image, colour: Image | Sequence[int], alpha: Alpha, kind: str) -> Occlusion:
    """Lay ``colour``, [H, W, 3] or one RGB value, over ``image`` [H, W, 3] with opacity ``alpha`` [H, W].

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
    return Occlusion(result, alpha > 0.5, kind)


def fill_polygon(points: Points, shape: tuple[int, ...]) -> Alpha:
    """Opacity [H, W] of a filled polygon [P, 2] in pixels, with smooth edges."""
    canvas = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(canvas, [fixed(points)], 255, cv2.LINE_AA, SUB_PIXEL_BITS)
    return canvas.astype(np.float32) / np.float32(255)


def fixed(points: Points) -> Int32s:
    """Points as OpenCV's fixed-point integers."""
    return np.asarray(np.rint(points * 2**SUB_PIXEL_BITS), np.int32)
