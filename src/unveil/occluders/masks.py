"""Face masks worn on the head: cloth stretched over nose and chin, with straps to the ears."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from unveil.occluders.base import Alpha, Face, Occlusion, size_for
from unveil.occluders.drawn import MIDLINE, NATURAL_TOPS, DrawnMask
from unveil.occluders.head_surface import FaceMesh, HeadSurface
from unveil.occluders.light import Light, filled, lay, paint
from unveil.occluders.sheets import Drawn, Window, draw, head_grid, taut
from unveil.typing import Bools, Float32s, Image

Shape = tuple["MaskOutline", float, float]  # outline, where its upper edge is, metres it stands off the mouth
LIFT = 0.002  # metres between skin and cloth
TIGHT = 3.0  # nodes from the edge within which cloth gets tight
SURGICAL = ((170, 205, 225), (235, 238, 240), (60, 65, 70), (150, 200, 180), (235, 190, 205))  # RGB


@dataclass(frozen=True, eq=False)
class MaskOutline:
    """The outline of a mask in the coordinates of the head's grid: column from the middle, and row."""

    columns: Float32s  # [17] of the jaw line, increasing
    jaw: Float32s  # [17] rows of the jaw line
    middle: Float32s  # [8] rows of `MIDLINE`, from the chin up
    below: float  # how far it reaches below the jaw, in nodes
    side: float  # column of its side edges
    cheek: float  # row of the upper edge there
    peak: float  # how pointed it is over the nose: 1 straight, below it more

    @classmethod
    def of(cls, surface: HeadSurface, rng: np.random.Generator) -> MaskOutline:
        """A random outline for a head."""
        marks = surface.landmarks.astype(np.float32)
        marks = marks - np.array([(surface.shape[1] - 1) / 2, 0], np.float32)
        ear, base = float(marks[16, 0]), float(marks[33, 1])
        side = ear * rng.uniform(0.76, 0.9)
        cheek = base + (float(marks[27, 1]) - base) * rng.uniform(0.25, 0.55)
        return cls(marks[:17, 0], marks[:17, 1], marks[list(MIDLINE), 1], rng.uniform(1.2, 3.5), side, cheek,
                   rng.uniform(0.7, 1.1))  # fmt: skip

    def distance(self, x: Float32s, y: Float32s, top: float) -> Float32s:
        """How far outside the outline places (x, y) [...] are, in nodes; ``top`` as in `mask_outline`."""
        return np.maximum(self.above(x, y, top), self.below_or_beside(x, y))

    def above(self, x: Float32s, y: Float32s, top: float) -> Float32s:
        """How far above the upper edge places (x, y) [...] are, in nodes; ``top`` as in `mask_outline`."""
        middle = float(np.interp(top, np.arange(len(MIDLINE)), self.middle))
        cheek = max(self.cheek, middle - 2)
        across = np.minimum(np.abs(x) / self.side, 1)
        upper = middle + (cheek - middle) * across * (1 + (1 - self.peak) * (1 - across))
        return np.asarray(upper - y, np.float32)

    def below_or_beside(self, x: Float32s, y: Float32s) -> Float32s:
        """How far outside the other edges places (x, y) [...] are, in nodes."""
        lowered = np.interp(x, self.columns, self.jaw).astype(np.float32) + self.below
        return np.maximum(y - lowered, np.abs(x) - self.side)

    def corners(self, top: float) -> tuple[float, float]:
        """Rows of the upper and the lower corner of the side edges."""
        upper = max(self.cheek, float(np.interp(top, np.arange(len(MIDLINE)), self.middle)) - 2)
        lower = float(np.interp(self.side, self.columns, self.jaw)) + self.below
        return min(upper, lower - 1), lower


@dataclass(frozen=True)
class WornMask:
    """A surgical, cloth or moulded mask on the face's mesh, in the face's light; drawn flat where there is no mesh."""

    kind: str = "mask"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Cover mouth and nose in the image [H, W, 3]; with a severity less of the chin or up to between the eyes."""
        mesh, side = face.mesh, face.side
        if mesh is None:
            return DrawnMask().apply(image, face, rng, severity)
        cut = MaskOutline.of(mesh.surface, rng)
        top, bulge = float(rng.uniform(*NATURAL_TOPS)), float(rng.choice([0.0, 0.004, 0.012]))
        low: list[tuple[Drawn, Float32s]] = []

        def cover(face: Face, shape: tuple[int, ...], top: float) -> Alpha:
            if not low:
                small = mesh.scaled(face.side / side)
                drawn = _sheet(small, (cut, NATURAL_TOPS[1], bulge), Window(0, 0, shape[1], shape[0]))
                low.append((drawn, cut.below_or_beside(drawn.x, drawn.y)))
            drawn, rest = low[0]
            return drawn.inside(np.maximum(cut.above(drawn.x, drawn.y, top), rest), smooth=False)

        if severity is not None:
            top = size_for(severity, cover, face, image.shape[:2], (0.0, len(MIDLINE) - 0.9))
        return _wear(image, face, mesh, (cut, top, bulge), rng)


def _wear(image: Image, face: Face, mesh: FaceMesh, shape: Shape, rng: np.random.Generator) -> Occlusion:
    cut, top, _ = shape
    x, y = head_grid(mesh)
    near = (cut.distance(x, y, top) < 1.5) | (_straps(x, y, cut, top) < 1)
    window = Window.around(mesh.points[near], image.shape, 0.05 * face.side)
    drawn = _sheet(mesh, shape, window)
    light = Light.of(image, face, rng)
    distance = cut.distance(drawn.x, drawn.y, top)
    cloth = drawn.inside(distance)
    straps = drawn.inside(_straps(drawn.x, drawn.y, cut, top) - rng.uniform(0.3, 0.6))
    straps *= (drawn.normals[..., 2] < 0.1) * (1 - cloth)  # not on the far side of the head
    colour = _cloth(drawn, distance, rng)
    colour[straps > cloth] = rng.choice((235, 235, 40))
    layer = colour * light.on(drawn.normals), np.maximum(cloth, straps)
    return lay(image, window, layer, light, face.side, "mask")


def _sheet(mesh: FaceMesh, shape: Shape, window: Window) -> Drawn:
    """The cloth in a window of an image."""
    cut, top, bulge = shape
    x, y = head_grid(mesh)
    free = np.clip(-cut.distance(x, y, top) / TIGHT, 0, 1)
    points = taut(mesh, 0.15 + 0.85 * free, LIFT)
    if bulge:
        height = bulge * mesh.scale * free * np.clip(1.4 - np.abs(x) / cut.side, 0, 1)
        points = points + height[..., None] * mesh.rotation[:, 2]
    rows = slice(max(0, int(mesh.surface.landmarks[27, 1]) - 2), None)
    columns = slice(4, -4)
    return draw(points[rows, columns], x[rows, columns], y[rows, columns], window)


def _straps(x: Float32s, y: Float32s, cut: MaskOutline, top: float) -> Float32s:
    """Distance [...] from the middle lines of the two straps on each side, in nodes."""
    upper, lower = cut.corners(top)
    across, ear, ear_row = np.abs(x), float(cut.columns[-1]) + 1, float(cut.jaw[-1])
    part = np.clip((across - cut.side) / (ear - cut.side), 0, 1)
    above = np.abs(y - (upper + (ear_row + 1 - upper) * part))
    below = np.abs(y - (lower + (ear_row + 5 - lower) * part))
    return np.maximum(np.minimum(above, below), np.maximum(cut.side - across, across - ear))


def _cloth(drawn: Drawn, distance: Float32s, rng: np.random.Generator) -> Float32s:
    """Colour [H, W, 3] of the cloth before it is lit, up to 255."""
    x, y = drawn.x, drawn.y
    shade = 1 + 0.06 * rng.normal() * np.sin(x * rng.uniform(0.2, 0.5) + y * rng.uniform(-0.6, 0.6) + rng.uniform(0, 6))
    shade += 0.05 * rng.normal() * np.sin(x * rng.uniform(0.5, 1.2) - y * rng.uniform(0.3, 1.0) + rng.uniform(0, 6))
    style = rng.random()
    if style < 0.5:  # surgical: pleats and a welded hem
        base = np.array(SURGICAL[rng.integers(len(SURGICAL))], np.float32)
        pleat = (y - rng.uniform(0, 4)) / rng.uniform(2.6, 4.0) % 1
        shade -= 0.22 * np.clip(1 - pleat * 4, 0, 1) - 0.06 * pleat
        shade -= 0.08 * (np.abs(distance + 0.9) < 0.25)
        return np.asarray(shade[..., None] * base)
    base = np.asarray(rng.integers(15, 256, 3) if rng.random() < 0.6 else np.full(3, rng.integers(15, 250)), np.float32)
    shade -= 0.12 * (np.abs(distance + 0.8) < 0.2)
    if style < 0.62:  # a seam down the middle
        shade -= 0.2 * np.exp(-((x / 0.35) ** 2))
    colour = filled(x.shape, base)
    if style > 0.75:
        paint(colour, rng.integers(15, 256, 3), pattern(x, y, rng))
    return np.asarray(colour * shade[..., None])


def pattern(x: Float32s, y: Float32s, rng: np.random.Generator) -> Bools:
    """Stripes, checks or dots [H, W]."""
    turn, period = rng.uniform(0, math.pi), rng.uniform(1.5, 5)
    u = (x * math.cos(turn) + y * math.sin(turn)) / period
    v = (y * math.cos(turn) - x * math.sin(turn)) / period
    which = rng.integers(3)
    if which == 0:
        return np.asarray(u % 1 < 0.4)
    if which == 1:
        return np.asarray((u % 1 < 0.5) ^ (v % 1 < 0.5))
    return np.asarray(np.hypot(u % 1 - 0.5, v % 1 - 0.5) < 0.25)
