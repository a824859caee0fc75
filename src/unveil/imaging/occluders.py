"""Occluders that need no pictures: arbitrary pixel values, and masks and glasses drawn from the landmarks."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.imaging.occlude import Alpha, Face, Image, Occlusion, Points, composite

Form = Literal["rectangle", "ellipse", "blob"]
Fill = Literal["constant", "noise", "shuffled"]
FORMS: tuple[Form, ...] = ("rectangle", "ellipse", "blob")
FILLS: tuple[Fill, ...] = ("constant", "noise", "shuffled")
SUB_PIXEL_BITS = 4  # polygon corners are given to OpenCV in sixteenths of a pixel


@dataclass(frozen=True)
class ArbitraryPixels:
    """The paper's occlusion: arbitrary pixel values over a part of the face."""

    size: tuple[float, float] = (0.3, 0.95)  # mean side in face sides, from and to
    forms: tuple[Form, ...] = FORMS
    fills: tuple[Fill, ...] = FILLS

    def apply(self, image: Image, face: Face, rng: np.random.Generator) -> Occlusion:
        """Lay one shape over the image [H, W, 3], somewhere on the face."""
        outline = _outline(self.forms[rng.integers(len(self.forms))], rng)
        outline *= face.side * rng.uniform(*self.size) / 2
        alpha = fill_polygon(outline + face.random_point(rng), image.shape[:2])
        fill = self.fills[rng.integers(len(self.fills))]
        if fill == "constant":
            return composite(image, rng.integers(0, 256, 3).tolist(), alpha)
        mask = alpha > 0.5
        result = image.copy()
        count = int(mask.sum())
        if fill == "shuffled":
            result[mask] = image[mask][rng.permutation(count)]
        else:
            result[mask] = _noise(image.shape, rng)[mask]
        return Occlusion(result, mask)


@dataclass(frozen=True)
class DrawnMask:
    """A face mask drawn from the landmarks: nose bridge, cheeks, jaw and chin, shaded, with pleats.

    With ``colour`` it is a plain polygon without chance: the same landmarks are always covered the same way.
    """

    colour: tuple[int, int, int] | None = None

    def apply(self, image: Image, face: Face, rng: np.random.Generator) -> Occlusion:
        """Cover mouth and nose in the image [H, W, 3]."""
        if self.colour is not None:
            return composite(image, self.colour, fill_polygon(mask_outline(face.landmarks68), image.shape[:2]))
        points = mask_outline(face.landmarks68, top=rng.uniform(27.3, 29.5), side=rng.uniform(0.5, 3))
        points = points + rng.normal(0, 0.015 * face.side, points.shape)
        alpha = fill_polygon(points, image.shape[:2])
        return composite(image, _pleats(image.shape, face, rng), alpha)


@dataclass(frozen=True)
class DrawnGlasses:
    """Sunglasses drawn from the landmarks: two dark lenses, a bridge and temples."""

    opacity: tuple[float, float] = (0.75, 1.0)

    def apply(self, image: Image, face: Face, rng: np.random.Generator) -> Occlusion:
        """Cover the eyes in the image [H, W, 3]."""
        points = face.landmarks68
        right, left = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
        across = left - right
        unit = float(max(np.hypot(*across), 0.15 * face.side))  # keeps a profile's far lens visible
        angle = float(np.degrees(np.arctan2(across[1], across[0])))
        width, height = unit * rng.uniform(0.34, 0.5), unit * rng.uniform(0.25, 0.45)
        canvas = np.zeros(image.shape[:2], np.uint8)
        thickness = max(1, round(unit * rng.uniform(0.04, 0.12)))
        is_round = rng.random() < 0.5
        for eye in (right, left):
            centre = (float(eye[0] - 0.05 * across[1]), float(eye[1] + 0.05 * across[0]))  # a little below the eye
            if is_round:
                cv2.ellipse(canvas, (centre, (2 * width, 2 * height), angle), 255, -1, cv2.LINE_AA)
            else:
                corners = np.asarray(cv2.boxPoints((centre, (2 * width, 1.7 * height), angle)), np.float32)
                canvas = np.maximum(canvas, (fill_polygon(corners, canvas.shape) * 255).astype(np.uint8))
        line = np.array([points[0], right, left, points[16]])
        cv2.polylines(canvas, [_fixed(line)], False, 255, thickness, cv2.LINE_AA, SUB_PIXEL_BITS)
        alpha = canvas.astype(np.float32) * np.float32(rng.uniform(*self.opacity) / 255)
        return composite(image, rng.integers(0, 90, 3).tolist(), alpha)


def mask_outline(landmarks68: Points, top: float = 28.0, side: float = 1.0) -> Points:
    """Outline [P, 2] of what a mask covers: from the nose bridge down the cheeks along the jaw to the chin.

    Args:
        landmarks68: [68, 2] pixels.
        top: where on the nose ridge it begins, as a landmark index between 27 and 30.
        side: from which landmark of the jaw on it follows the jaw, between 0 and 4 (and its mirror).
    """
    jaw_indices = np.concatenate([[side], np.arange(int(np.floor(side)) + 1, 16 - int(np.floor(side))), [16 - side]])
    return np.stack([_at(landmarks68, index) for index in (*jaw_indices, top)])


def fill_polygon(points: Points, shape: tuple[int, ...]) -> Alpha:
    """Opacity [H, W] of a filled polygon [P, 2] in pixels, with smooth edges."""
    canvas = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(canvas, [_fixed(points)], 255, cv2.LINE_AA, SUB_PIXEL_BITS)
    return canvas.astype(np.float32) / np.float32(255)


def _fixed(points: Points) -> NDArray[np.int32]:
    """Points as OpenCV's fixed-point integers."""
    return np.asarray(np.rint(points * 2**SUB_PIXEL_BITS), np.int32)


def _at(points: Points, index: float) -> Points:
    """The point [2] at a fractional index: linear between neighbours."""
    low = int(np.floor(index))
    part = index - low
    return np.asarray(points[low] * (1 - part) + points[min(low + 1, len(points) - 1)] * part)


def _outline(form: Form, rng: np.random.Generator) -> Points:
    """A closed outline [P, 2] around the origin, of about unit radius, stretched and turned by lot."""
    if form == "rectangle":
        outline = np.array([[-1.0, -1.0], [1, -1], [1, 1], [-1, 1]])
    else:
        angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        radius = np.ones(32)
        if form == "blob":
            for frequency in (1, 2, 3, 5):
                radius += 0.35 / frequency * rng.normal() * np.cos(frequency * angles + rng.uniform(0, 2 * np.pi))
        outline = np.maximum(radius, 0.2)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    stretch = np.exp(rng.uniform(-0.5, 0.5))
    turn = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.asarray(outline * (stretch, 1 / stretch) @ rotation)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """Random colours [H, W, 3] in square cells of one to sixteen pixels."""
    cell = int(2 ** rng.integers(0, 5))
    coarse = rng.integers(0, 256, (-(-shape[0] // cell), -(-shape[1] // cell), 3), dtype=np.uint8)
    return coarse.repeat(cell, axis=0).repeat(cell, axis=1)[: shape[0], : shape[1]]


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
