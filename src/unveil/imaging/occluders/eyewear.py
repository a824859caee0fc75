"""Glasses and goggles worn on the head: frames and lenses in space, hidden by the head where they are behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unveil.imaging.head_surface import FaceMesh
from unveil.imaging.occlude import Alpha, Face, Image, Occlusion, size_for
from unveil.imaging.occluders.drawn import DrawnGlasses
from unveil.imaging.occluders.light import Light, filled, lay, paint
from unveil.imaging.occluders.sheets import Drawn, Window, depth_of, draw, head_grid, taut

Floats = NDArray[np.float32]
EYES = (36, 48)  # landmarks from and to
CLEARANCE = 0.004  # metres by which what is behind the skin still counts as before it: the fit is not exact
FRAME_COLOURS = (
    (20, 20, 22),
    (60, 35, 22),
    (150, 150, 155),
    (170, 140, 80),
    (120, 20, 30),
    (25, 40, 90),
    (230, 230, 225),
)
LARGEST = 1.7  # how many times as large lenses get
GOGGLES_FROM = 0.3  # hidden share that takes goggles rather than glasses


@dataclass(frozen=True, eq=False)
class Spectacles:
    """The form of a pair of glasses; lengths in millimetres, x from the nose to the temples and y up from the eyes."""

    middle: float  # x of the lens' middle
    width: float  # half the lens
    height: float
    squares: int  # the outline is a superellipse: 1 is round, 2 squarish, 3 nearly a rectangle
    slant: float  # how far the outer side is raised (cat's eyes) or lowered (aviators)
    rim: float
    half: float  # half the whole front

    @classmethod
    def of(cls, mesh: FaceMesh, rng: np.random.Generator) -> Spectacles:
        """Glasses that fit a head, by lot."""
        places = _in_head(mesh, mesh.landmarks68[[*range(*EYES), 0, 16]]) * 1000
        eye, half = float(np.abs(places[:12, 0]).mean()), float(np.abs(places[12:, 0]).mean())
        width = min(rng.uniform(21, 29), eye - 5)
        squares, slant = int(rng.integers(1, 4)), float(rng.normal(0, 0.1))
        return cls(eye + 1, width, rng.uniform(15, 26), squares, slant, rng.uniform(1.0, 5.0), 0.98 * half)

    def lens(self, x: Floats, y: Floats, size: float) -> Floats:
        """How far outside the lenses places [...] are, in millimetres, with lenses so many times as large."""
        across = np.abs(x) - self.middle
        width, height = self.width * size, self.height * size
        up = y + 3 - self.slant * across
        return (_superellipse(across / width, up / height, self.squares) - 1) * min(width, height)

    def frame(self, x: Floats, y: Floats, lens: Floats) -> Floats:
        """How far outside rims, bridge and hinges places [...] are, in millimetres."""
        rims = np.abs(lens) - self.rim / 2
        bridge = np.maximum(
            np.abs(y - 0.25 * self.height + 0.02 * x * x) - 0.7 * self.rim - 0.6, np.abs(x) - self.middle
        )
        hinge = np.maximum(np.abs(y - 0.4 * self.height) - 0.6 * self.rim - 0.8, self.middle - np.abs(x))
        hinge = np.maximum(hinge, np.abs(x) - self.half)
        beside = np.maximum(np.minimum(bridge, hinge), -lens)
        return np.asarray(np.minimum(rims, beside), np.float32)


@dataclass(frozen=True)
class WornGlasses:
    """Glasses, sunglasses or goggles on the face's mesh; flat sunglasses where there is no mesh."""

    goggles: float = 0.2  # how many of all are goggles
    kind: str = "glasses"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Put them before the eyes in the image [H, W, 3]; with a severity dark ones, or goggles, of a size to match.

        Goggles hide about half of the face at most.
        """
        if face.mesh is None:
            return DrawnGlasses().apply(image, face, rng, severity)
        wide = rng.random() < self.goggles if severity is None else severity > GOGGLES_FROM
        wear = _wear_goggles if wide else _wear_glasses
        return wear(image, face, face.mesh, rng, severity)


def _wear_glasses(
    image: Image, face: Face, mesh: FaceMesh, rng: np.random.Generator, severity: float | None
) -> Occlusion:
    form = Spectacles.of(mesh, rng)
    low: list[Drawn] = []

    def cover(small: Face, shape: tuple[int, ...], size: float) -> Alpha:
        if not low:
            front = _front(mesh.scaled(small.side / face.side), form, LARGEST)
            low.append(draw(*front, Window(0, 0, shape[1], shape[0])))
        lens = form.lens(low[0].x, low[0].y, size)
        return low[0].inside(np.minimum(lens, form.frame(low[0].x, low[0].y, lens)), smooth=False)

    size = 1.0 if severity is None else size_for(severity, cover, face, image.shape[:2], (0.2, LARGEST))
    points, x, y = _front(mesh, form, size)
    window = Window.around(
        np.concatenate([points.reshape(-1, 3), mesh.landmarks68[[0, 16]]]), image.shape, 0.06 * face.side
    )
    rows = slice(2, int(mesh.surface.landmarks[33, 1]) + 2)
    head = depth_of(mesh.points[rows], window) + CLEARANCE * mesh.scale
    drawn = draw(points, x, y, window)
    light = Light.of(image, face, rng)
    lens = form.lens(drawn.x, drawn.y, size)
    before = drawn.depth < head
    frame = drawn.inside(form.frame(drawn.x, drawn.y, lens)) * before
    glass_colour, glass = _glass(drawn, form.height * size, light, rng, dark=severity is not None)
    glass = glass * drawn.inside(lens) * before
    for side in (-1, 1):
        frame = np.maximum(frame, temple(mesh, form, side, window, head))
    base = np.array(FRAME_COLOURS[rng.integers(len(FRAME_COLOURS))], np.float32) * rng.uniform(0.7, 1.1)
    colour = base * light.on(drawn.normals, gloss=rng.choice((0.2, 0.8)))
    alpha = 1 - (1 - frame) * (1 - glass)
    colour += (glass_colour - colour) * (glass * (1 - frame) / np.maximum(alpha, 1e-3))[..., None]
    return lay(image, window, (colour, alpha), light, face.side, "glasses")


def _wear_goggles(
    image: Image, face: Face, mesh: FaceMesh, rng: np.random.Generator, severity: float | None
) -> Occlusion:
    marks = mesh.surface.landmarks
    row, tip = float(marks[slice(*EYES), 1].mean()) - 0.3, float(marks[30, 1])
    ear = float(marks[16, 0] - marks[0, 0]) / 2
    width, height = ear * rng.uniform(0.62, 0.78), rng.uniform(4.0, 5.5)
    rim, band = rng.uniform(0.6, 1.3), rng.uniform(1.0, 2.2)
    bulge = rng.uniform(0.012, 0.022)

    def outline(x: Floats, y: Floats, size: float) -> Floats:
        half = min(width * size, ear * 0.95)
        distance = (_superellipse(x / half, (y - row) / (height * size), 2) - 1) * height * size
        notch = 2.0 - np.hypot(x / 2.8, (y - tip - 1) / (0.6 * (tip - row))) * 2.0
        return np.asarray(np.maximum(distance, notch), np.float32)

    x, y = head_grid(mesh)

    def sheet(mesh: FaceMesh, window: Window, size: float) -> Drawn:
        free = np.clip(-outline(x, y, size) / 1.3, 0, 1)
        points = taut(mesh, free, 0.003) + (bulge * mesh.scale * np.sqrt(free))[..., None] * mesh.rotation[:, 2]
        return draw(points, x, y, window)

    low: list[tuple[Drawn, Alpha]] = []

    def cover(small: Face, shape: tuple[int, ...], size: float) -> Alpha:
        if not low:
            drawn = sheet(mesh.scaled(small.side / face.side), Window(0, 0, shape[1], shape[0]), 1.3)
            low.append((drawn, _strap(drawn, row, band, 0.6 * width)))
        drawn, strap = low[0]
        return np.maximum(drawn.inside(outline(drawn.x, drawn.y, size), smooth=False), strap)

    size = 1.0 if severity is None else size_for(severity, cover, face, image.shape[:2], (0.3, 1.6))
    near = (outline(x, y, size) < 1.5) | (np.abs(y - row) < band + 1)
    window = Window.around(mesh.points[near], image.shape, 0.08 * face.side)
    drawn = sheet(mesh, window, size)
    light = Light.of(image, face, rng)
    distance = outline(drawn.x, drawn.y, size)
    shell = drawn.inside(distance)
    strap = _strap(drawn, row, band, 0.6 * width) * (1 - shell)
    glass_colour, _ = _glass(drawn, height, light, rng, dark=True)
    base = np.array(FRAME_COLOURS[rng.integers(len(FRAME_COLOURS))], np.float32)
    lit = light.on(drawn.normals, gloss=0.25)
    inner = drawn.inside(distance + rim)[..., None]
    other = np.array(FRAME_COLOURS[rng.integers(len(FRAME_COLOURS))], np.float32)
    colour = base * lit
    colour += (glass_colour - colour) * inner
    colour[strap > shell] = (other * lit)[strap > shell]
    return lay(image, window, (colour, np.maximum(shell, strap)), light, face.side, "glasses")


def _superellipse(x: NDArray[np.floating], y: NDArray[np.floating], squares: int) -> Floats:
    """(x^p + y^p)^(1/p) with p = 2^squares: below 1 inside the outline."""
    for _ in range(squares):
        x, y = x * x, y * y
    root = x + y
    for _ in range(squares):
        root = np.sqrt(root)
    return np.asarray(root, np.float32)


def _strap(drawn: Drawn, row: float, half: float, start: float) -> Alpha:
    """Opacity [H, W] of a band of half a width around a row of the head, from a column on to both sides."""
    seen = (np.abs(drawn.x) > start) & (drawn.normals[..., 2] < 0.1)  # not on the far side of the head
    return drawn.inside(np.abs(drawn.y - row) - half) * seen


def _in_head(mesh: FaceMesh, points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Points [K, 3] in pixels as metres along the head's axes, from between the eyes."""
    return np.asarray((points - mesh.landmarks68[slice(*EYES)].mean(axis=0)) @ mesh.rotation / mesh.scale)


def _front(mesh: FaceMesh, form: Spectacles, size: float) -> tuple[NDArray[np.floating], Floats, Floats]:
    """The bent plane of glasses with lenses of a size: points [R, C, 3] in pixels, x and y [R, C] in millimetres."""
    nose, eyes = _in_head(mesh, mesh.landmarks68[27:28]), _in_head(mesh, mesh.landmarks68[slice(*EYES)])
    forward = max(float(nose[0, 2]) + 0.005, float(eyes[:, 2].max()) + 0.008)
    reach = max(form.half, form.middle + form.width) + form.rim
    tall = form.height * max(size, 0.5) + 8
    columns, rows = (np.linspace(-end, end, n, dtype=np.float32) for end, n in ((reach, 23), (tall, 7)))
    x, y = np.meshgrid(columns, rows[::-1])
    a, b = x / 1000, y / 1000
    in_head = np.stack([a, b, forward - 3.0 * a * a + 0.1 * b], axis=-1)
    # Columns run from the subject's right to the left, which is how the head's grid runs.
    return mesh.landmarks68[slice(*EYES)].mean(axis=0) + (in_head * mesh.scale) @ mesh.rotation.T, x, y


def temple(mesh: FaceMesh, form: Spectacles, side: int, window: Window, head: Floats) -> Alpha:
    """Opacity [H, W] of the temple from the hinge to the ear on one side (-1 the subject's right)."""
    ear = mesh.at(mesh.surface.landmarks[[0 if side < 0 else 16]] + np.array([4.0 * side, -0.5]))
    end = _in_head(mesh, ear)[0] + np.array([0.003 * side, 0, 0])
    nose = float(_in_head(mesh, mesh.landmarks68[27:28])[0, 2]) + 0.005
    start = np.array([side * form.half / 1000, 0.4 * form.height / 1000, nose - 3.0 * (form.half / 1000) ** 2])
    part = np.linspace(0, 1, 6)[:, None]
    line = start + (end - start) * part
    across = np.array([0, (0.6 * form.rim + 0.8) / 1000, 0])
    strip = np.stack([line + across, line - across])  # [2, 6, 3]
    points = mesh.landmarks68[slice(*EYES)].mean(axis=0) + (strip * mesh.scale) @ mesh.rotation.T
    return np.asarray(depth_of(points, window) < head, np.float32)


def _glass(drawn: Drawn, height: float, light: Light, rng: np.random.Generator, *, dark: bool) -> tuple[Floats, Alpha]:
    """Colour [H, W, 3] and opacity [H, W] of lenses: clear, tinted, dark or mirrored, with reflections."""
    turn, place, width = rng.uniform(0, math.pi), rng.uniform(-20, 20), rng.uniform(3, 14)
    streak = np.exp(-(((drawn.x * math.cos(turn) + drawn.y * math.sin(turn) - place) / width) ** 2))
    upper = np.clip(0.5 + drawn.y / (2 * height), 0, 1)
    style = int(rng.choice(4, p=(0, 0, 0.7, 0.3) if dark else (0.4, 0.15, 0.3, 0.15)))
    tint = rng.integers(0, 70, 3).astype(np.float32) * light.colour
    sky = (0.5 * rng.integers(40, 256, 3) + rng.uniform(40, 120)).astype(np.float32) * light.colour
    shine = streak * rng.uniform(0.1, 0.6)
    thickness, fading = ((0.05, 0.0), (0.35, 0.4), (rng.uniform(0.82, 1), 0.0), (0.96, 0.0))[style]
    alpha = thickness + fading * upper
    mirror = upper * upper * float(style == 3)
    colour = filled(upper.shape, tint)
    paint(colour, sky, mirror)
    paint(colour, 235 * light.colour, shine / np.maximum(shine + alpha, 1e-3))
    return colour, np.asarray(np.minimum(alpha + shine * (1 - alpha), 1), np.float32)
