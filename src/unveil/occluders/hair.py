"""Hair over the face: curved strands in locks, falling from the hairline as a fringe, a curtain or loose wisps."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unveil.occluders.base import SUB_PIXEL_BITS, Alpha, Face, Occlusion, Points, fixed, size_for
from unveil.occluders.light import Light, lay
from unveil.occluders.sheets import Window
from unveil.typing import Float32s, Float64s, Image, UInt8s

STEPS = 9  # points along a strand
TONES = 6  # shades of one head of hair
COLOURS = (
    (28, 24, 23),
    (45, 32, 26),
    (70, 48, 34),
    (110, 78, 50),
    (175, 140, 95),
    (205, 180, 140),
    (120, 58, 34),
    (150, 148, 146),
)
MOST_OF_WISPS = 0.25  # hidden share that wisps can reach
WITH_STRANDS = 0.48  # half the width of a lock with the strands beside it, in its width
REACH = (0.02, 3.0)  # sizes that a severity may ask for


@dataclass(frozen=True, eq=False)
class Locks:
    """Locks of hair in face sides, x to the right and y down along the face from its middle, at size 1."""

    roots: Points  # [K, 2]
    bends: Points  # [K, 2] that the middle of each lock is drawn to
    ends: Points  # [K, 2]
    widths: Points  # [K] of the lock at its root
    growth: Points  # [2] how far bends and ends move with the size: 0 stay, 1 in proportion

    def guides(self, size: float) -> Points:
        """Middle lines [K, STEPS, 2] of the locks of a size: quadratic curves."""
        start = self.roots
        lines = []
        for points, amount in zip((self.bends, self.ends), self.growth, strict=True):
            lines.append(start + (points - start) * (1 - amount + amount * size))
        t = np.linspace(0, 1, STEPS)[:, None]
        return np.asarray(
            start[:, None] * (1 - t) ** 2 + 2 * lines[0][:, None] * t * (1 - t) + lines[1][:, None] * t**2
        )


@dataclass(frozen=True)
class Hair:
    """A fringe, a curtain of hair from one side, or some loose wisps."""

    kind: str = "hair"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Let hair fall over the image [H, W, 3]; a severity makes it longer, wider and denser."""
        loose = 0.2 if severity is None or severity < MOST_OF_WISPS else 0.0
        style = (fringe, curtain, wisps)[rng.choice(3, p=(0.5 - loose / 2, 0.5 - loose / 2, loose))]
        locks = style(rng)
        axes = _axes(face)
        strands = int(rng.integers(10, 22))
        spread = rng.normal(0, 0.34, (len(locks.roots), strands))  # across each lock, in its widths
        lengths = rng.uniform(0.75, 1.08, spread.shape)

        def cover(small: Face, shape: tuple[int, ...], size: float) -> Alpha:
            canvas = np.zeros(shape[:2], np.uint8)
            _fill(canvas, _ribbons(locks, size, WITH_STRANDS) @ (axes * small.side) + small.centre)
            return canvas.astype(np.float32) / np.float32(255)

        size = float(rng.uniform(0.6, 1.2))
        if severity is not None:
            size = size_for(severity, cover, face, image.shape[:2], REACH)
        ribbons = _ribbons(locks, size) @ (axes * face.side) + face.centre
        lines = _strands(locks, size, spread, lengths) @ (axes * face.side) + face.centre
        window = Window.around(
            np.concatenate([ribbons.reshape(-1, 2), lines.reshape(-1, 2)]), image.shape, 0.05 * face.side
        )
        light = Light.of(image, face, rng)
        layer = _paint(ribbons, lines, window, face.side, light, rng)
        return lay(image, window, layer, light, face.side, self.kind)


def fringe(rng: np.random.Generator) -> Locks:
    """Hair combed down over the forehead; longer with the size."""
    count = int(rng.integers(9, 15))
    x = np.linspace(-0.62, 0.62, count) + rng.normal(0, 0.02, count)
    sweep = rng.uniform(-0.25, 0.25)
    roots = np.stack([0.7 * x - sweep, np.full(count, -1.0) + 0.25 * x**2], axis=1)
    lower = -0.28 + rng.normal(0, 0.05, count) - rng.uniform(0, 0.25) * np.abs(x)
    ends = np.stack([x + sweep, lower], axis=1)
    bends = np.stack([x - 0.3 * sweep, np.full(count, -0.75)], axis=1)
    return Locks(roots, bends, ends, rng.uniform(0.13, 0.2, count), np.array([0.0, 1.0]))


def curtain(rng: np.random.Generator) -> Locks:
    """Hair that hangs from a parting over one side of the face; further in with the size."""
    count = int(rng.integers(9, 14))
    side = rng.choice((-1.0, 1.0))
    inward = np.linspace(0, 1, count)  # from the ear to the inner edge
    roots = np.stack([side * (0.5 - 0.55 * inward), np.full(count, -1.05) + 0.1 * inward], axis=1)
    length = rng.uniform(0.5, 1.1)
    ends = np.stack([side * (0.85 - 0.5 * inward), length + rng.normal(0, 0.08, count) - 0.2 * inward], axis=1)
    bends = np.stack([side * (0.95 - 1.05 * inward), np.full(count, -0.35)], axis=1)
    return Locks(roots, bends, ends, rng.uniform(0.13, 0.19, count), np.array([1.0, 1.0]))


def wisps(rng: np.random.Generator) -> Locks:
    """A few loose locks that blow across the face; wider with the size."""
    count = int(rng.integers(3, 7))
    side = rng.choice((-1.0, 1.0))
    roots = np.stack([side * rng.uniform(0.1, 0.7, count), rng.uniform(-1.0, -0.7, count)], axis=1)
    ends = np.stack([side * rng.uniform(-0.6, 0.4, count), rng.uniform(-0.1, 0.7, count)], axis=1)
    bends = (roots + ends) / 2 + rng.normal(0, 0.25, (count, 2))
    return Locks(roots, bends, ends, rng.uniform(0.05, 0.12, count), np.array([0.5, 0.9]))


def _axes(face: Face) -> Float64s:
    """Directions [2, 2] of the face's right and down in the image, as rows."""
    points = face.landmarks68
    down = points[33] - points[17:27].mean(axis=0)
    down = down / max(float(np.hypot(*down)), 1e-6)
    return np.array([[down[1], -down[0]], down])


def _across(lines: Points) -> Points:
    """Unit vectors [..., P, 2] across curves [..., P, 2]."""
    along = np.gradient(lines, axis=-2)
    along = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)
    return np.stack([-along[..., 1], along[..., 0]], axis=-1)


def _taper(size: float) -> Points:
    """Width [STEPS] along a lock of a size, in its width at size 1: pointed at the end."""
    t = np.linspace(0, 1, STEPS)
    return np.asarray((1 - t**3) * min(1.5, 0.3 + 0.7 * size))


def _ribbons(locks: Locks, size: float, half_width: float = 0.4) -> Points:
    """Outlines [K, 2 * STEPS, 2] of the locks."""
    guides = locks.guides(size)
    half = half_width * (locks.widths[:, None] * _taper(size))[..., None] * _across(guides)
    return np.concatenate([guides + half, (guides - half)[:, ::-1]], axis=1)


def _strands(locks: Locks, size: float, spread: Points, lengths: Points) -> Points:
    """Curves [K * N, STEPS, 2] of hairs: ``spread`` [K, N] across their lock, ``lengths`` [K, N] of its length."""
    guides = locks.guides(size)
    width = (locks.widths[:, None] * _taper(size))[:, None, :, None]  # [K, 1, STEPS, 1]
    lines = guides[:, None] + spread[..., None, None] * width * _across(guides)[:, None]
    lines = lines[:, :, :1] + (lines - lines[:, :, :1]) * lengths[..., None, None]
    return lines.reshape(-1, STEPS, 2)


def _fill(canvas: UInt8s, outlines: Points) -> None:
    for outline in outlines:
        cv2.fillPoly(canvas, [fixed(outline)], 255, cv2.LINE_AA, SUB_PIXEL_BITS)


def _paint(
    ribbons: Points, lines: Points, window: Window, side: float, light: Light, rng: np.random.Generator
) -> tuple[Float32s, Alpha]:
    """Colour [h, w, 3] and opacity [h, w] of locks and strands in a window."""
    shift = (window.left, window.top)
    base = np.array(COLOURS[rng.integers(len(COLOURS))], np.float32) * rng.uniform(0.8, 1.15)
    alpha, tone = np.zeros((2, window.height, window.width), np.uint8)
    tone[:] = 105
    _fill(alpha, ribbons - shift)
    hairs = list(fixed(lines - shift))
    thickness = max(1, round(side / 150))
    cv2.polylines(alpha, hairs, False, 255, thickness, cv2.LINE_AA, SUB_PIXEL_BITS)
    for k, level in enumerate(rng.permutation(np.linspace(70, 200, TONES))):
        cv2.polylines(tone, hairs[k::TONES], False, float(level), thickness, cv2.LINE_AA, SUB_PIXEL_BITS)
    y, x = np.mgrid[: window.height, : window.width].astype(np.float32) / np.float32(side)
    shine = np.exp(-(((y - rng.uniform(0.1, 0.5) + 0.3 * (x - x.mean()) ** 2) / 0.13) ** 2)) * rng.uniform(0.1, 0.5)
    shade = tone.astype(np.float32) / 128 * (0.85 + shine)
    colour = shade[..., None] * base * light.colour + (25 * shine * (tone / np.float32(128)) ** 2)[..., None]
    return np.asarray(colour, np.float32), alpha.astype(np.float32) / np.float32(255)
