"""Masks and glasses drawn in the image from 68 landmarks, for faces of which no mesh is known."""

from dataclasses import dataclass

import cv2
import numpy as np

from unveil.occluders.base import (
    SUB_PIXEL_BITS,
    Alpha,
    Face,
    Occlusion,
    Points,
    composite,
    fill_polygon,
    fixed,
    size_for,
)
from unveil.typing import Image

# Where the upper edge of a mask crosses the middle of the face, from the chin to between the eyes.
MIDLINE = (8, 57, 51, 33, 30, 29, 28, 27)
NATURAL_TOPS = (4.6, 6.7)  # where on the midline, as an index into it, most masks begin


@dataclass(frozen=True)
class DrawnMask:
    """A face mask drawn from the landmarks: nose bridge, cheeks, jaw and chin, shaded, with pleats.

    With ``colour`` it is a plain polygon without chance: the same landmarks are always covered the same way.
    """

    colour: tuple[int, int, int] | None = None
    kind: str = "mask"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Cover mouth and nose in the image [H, W, 3]; with a severity less of the chin or up to between the eyes."""
        plain = self.colour is not None
        top = 6.0 if plain else float(rng.uniform(*NATURAL_TOPS))
        lift = 1.0 if plain else float(rng.uniform(0.5, 3))
        tremble = np.zeros((18, 2)) if plain else rng.normal(0, 0.015, (18, 2))

        def cover(face: Face, shape: tuple[int, ...], top: float) -> Alpha:
            points = mask_outline(face.landmarks68, top, min(7.0, lift + max(0.0, 5.0 - top)))
            return fill_polygon(points + tremble[: len(points)] * face.side, shape)

        if severity is not None:
            top = size_for(severity, cover, face, image.shape, (0.0, len(MIDLINE) - 1.0))
        colour = self.colour if self.colour is not None else _pleats(image.shape, face, rng)
        return composite(image, colour, cover(face, image.shape, top), self.kind)


@dataclass(frozen=True)
class DrawnGlasses:
    """Sunglasses drawn from the landmarks: two dark lenses, a bridge and temples."""

    opacity: tuple[float, float] = (0.75, 1.0)
    kind: str = "glasses"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Cover the eyes in the image [H, W, 3]; a severity chooses the size of the lenses."""
        width, height, thickness = rng.uniform((0.34, 0.25, 0.04), (0.5, 0.45, 0.12))
        is_round = rng.random() < 0.5

        def cover(face: Face, shape: tuple[int, ...], size: float) -> Alpha:
            return _glasses(face, shape, (size * width, size * height, thickness), is_round=is_round)

        size = 1.0 if severity is None else size_for(severity, cover, face, image.shape, (0.2, 2.5))
        alpha = cover(face, image.shape, size) * np.float32(rng.uniform(*self.opacity))
        return composite(image, rng.integers(0, 90, 3).tolist(), alpha, self.kind)


@dataclass(frozen=True)
class DrawnHat:
    """A hat drawn from the landmarks: a dome over the brows, higher or lower over the forehead."""

    kind: str = "hat"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Cover the top of the head in the image [H, W, 3]; a severity sets how far down, to just above the brows."""
        across, high = rng.uniform((0.6, 0.75), (0.75, 1.1))

        def cover(face: Face, shape: tuple[int, ...], size: float) -> Alpha:
            return fill_polygon(hat_outline(face.landmarks68, size, across, high), shape)

        size = float(rng.uniform(0, 1))
        if severity is not None:
            size = size_for(severity, cover, face, image.shape, (0.0, 1.0))
        return composite(image, _pleats(image.shape, face, rng), cover(face, image.shape, size), self.kind)


def hat_outline(landmarks68: Points, size: float, across: float, high: float) -> Points:
    """Outline [P, 2] of a dome above the brows.

    Args:
        landmarks68: [68, 2] pixels.
        size: 0 with its edge at the hairline, 1 at the brows.
        across: half its width, in widths of the jaw.
        high: how high it is, in distances from the nose base to the brows.
    """
    brows, nose = landmarks68[17:27].mean(axis=0), landmarks68[33]
    up = brows - nose
    right = np.array([-up[1], up[0]]) / max(float(np.hypot(*up)), 1e-6)
    right = right * max(float(np.hypot(*(landmarks68[16] - landmarks68[0]))), float(np.hypot(*up)))
    angles = np.linspace(0, np.pi, 24)[:, None]
    edge = brows + up * (0.85 - 0.65 * size)
    return np.asarray(edge + across * np.cos(angles) * right + (high + 0.3) * np.sin(angles) ** 0.8 * up)


def _glasses(face: Face, shape: tuple[int, ...], sizes: tuple[float, float, float], *, is_round: bool) -> Alpha:
    """Opacity [H, W] of two lenses of half ``sizes`` (width, height) and a frame as thick, in distances of the eyes."""
    points = face.landmarks68
    right, left = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    across = left - right
    unit = float(max(np.hypot(*across), 0.15 * face.side))  # keeps a profile's far lens visible
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    width, height, thickness = (unit * size for size in sizes)
    canvas = np.zeros(shape[:2], np.uint8)
    for eye in (right, left):
        centre = (float(eye[0] - 0.05 * across[1]), float(eye[1] + 0.05 * across[0]))  # a little below the eye
        if is_round:
            cv2.ellipse(canvas, (centre, (2 * width, 2 * height), angle), 255, -1, cv2.LINE_AA)
        else:
            corners = np.asarray(cv2.boxPoints((centre, (2 * width, 1.7 * height), angle)), np.float32)
            cv2.fillPoly(canvas, [fixed(corners)], 255, cv2.LINE_AA, SUB_PIXEL_BITS)
    line = np.array([points[0], right, left, points[16]])
    cv2.polylines(canvas, [fixed(line)], False, 255, max(1, round(thickness)), cv2.LINE_AA, SUB_PIXEL_BITS)
    return canvas.astype(np.float32) / np.float32(255)


def mask_outline(landmarks68: Points, top: float = 6.0, side: float = 1.0) -> Points:
    """Outline [P, 2] of what a mask covers: from the middle of the face down the cheeks along the jaw to the chin.

    Args:
        landmarks68: [68, 2] pixels.
        top: where on the face's middle it begins, as an index into `MIDLINE`; 6 is on the nose bridge.
        side: from which landmark of the jaw on it follows the jaw, between 0 and 8 (and its mirror).
    """
    first = int(np.floor(side)) + 1
    jaw_indices = np.concatenate([[side], np.arange(first, 17 - first), [16 - side]])
    jaw = np.stack([at(landmarks68, index) for index in jaw_indices])
    return np.concatenate([jaw, [at(landmarks68[list(MIDLINE)], top)]])


def at(points: Points, index: float) -> Points:
    """The point [2] at a fractional index: linear between neighbours."""
    low = int(np.floor(index))
    part = index - low
    return np.asarray(points[low] * (1 - part) + points[min(low + 1, len(points) - 1)] * part)


def _pleats(shape: tuple[int, ...], face: Face, rng: np.random.Generator) -> Image:
    """A cloth [H, W, 3] of one colour, darker to one side and along a few folds across the face."""
    base = rng.integers(20, 256, 3) if rng.random() < 0.5 else np.full(3, rng.integers(20, 256))
    across = face.landmarks68[16] - face.landmarks68[0]
    angle = np.arctan2(across[1], across[0]) + rng.normal(0, 0.05)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    x, y = (x - face.centre[0]) / face.side, (y - face.centre[1]) / face.side
    down, right = y * np.cos(angle) - x * np.sin(angle), x * np.cos(angle) + y * np.sin(angle)
    shade = 1 + rng.uniform(-0.4, 0.4) * right - rng.uniform(0, 0.5) * right**2
    shade += rng.uniform(0, 0.12) * np.sin(down * rng.uniform(15, 60) + rng.uniform(0, 6))
    return np.asarray(np.clip(shade[..., None] * base, 0, 255), np.uint8)
