"""Glasses worn on the head: frames and lenses in space before the eyes, hidden by the head where they are behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.occluders.base import Alpha, Face, Occlusion, size_for
from unveil.occluders.drawn import DrawnGlasses
from unveil.occluders.eyewear.goggles import wear_goggles
from unveil.occluders.eyewear.lenses import EYES, frame_colour, glass, superellipse
from unveil.occluders.head_surface import FaceMesh
from unveil.occluders.light import Light, lay
from unveil.occluders.sheets import Drawn, Window, depth_of, draw
from unveil.typing import Float32s, Floats, Image

CLEARANCE = 0.004  # metres by which what is behind the skin still counts as before it: the fit is not exact
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
        """Random glasses that fit a head."""
        places = _in_head(mesh, mesh.landmarks68[[*range(*EYES), 0, 16]]) * 1000
        eye, half = float(np.abs(places[:12, 0]).mean()), float(np.abs(places[12:, 0]).mean())
        width = min(rng.uniform(21, 29), eye - 5)
        squares, slant = int(rng.integers(1, 4)), float(rng.normal(0, 0.1))
        return cls(eye + 1, width, rng.uniform(15, 26), squares, slant, rng.uniform(1.0, 5.0), 0.98 * half)

    def lens(self, x: Float32s, y: Float32s, size: float) -> Float32s:
        """How far outside the lenses places [...] are, in millimetres, with lenses scaled by a factor."""
        across = np.abs(x) - self.middle
        width, height = self.width * size, self.height * size
        up = y + 3 - self.slant * across
        return (superellipse(across / width, up / height, self.squares) - 1) * min(width, height)

    def frame(self, x: Float32s, y: Float32s, lens: Float32s) -> Float32s:
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
        """Put glasses on the face in the image [H, W, 3]; with a severity, dark ones or goggles of a matching size.

        Goggles hide about half of the face at most.
        """
        if face.mesh is None:
            return DrawnGlasses().apply(image, face, rng, severity)
        wide = rng.random() < self.goggles if severity is None else severity > GOGGLES_FROM
        wear = wear_goggles if wide else _wear_glasses
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
    seen_in_lens, opacity = glass(drawn, form.height * size, light, rng, dark=severity is not None)
    opacity = opacity * drawn.inside(lens) * before
    for side in (-1, 1):
        frame = np.maximum(frame, temple(mesh, form, side, window, head))
    colour = frame_colour(rng) * rng.uniform(0.7, 1.1) * light.on(drawn.normals, gloss=rng.choice((0.2, 0.8)))
    alpha = 1 - (1 - frame) * (1 - opacity)
    colour += (seen_in_lens - colour) * (opacity * (1 - frame) / np.maximum(alpha, 1e-3))[..., None]
    return lay(image, window, (colour, alpha), light, face.side, "glasses")


def _in_head(mesh: FaceMesh, points: Floats) -> Floats:
    """Points [K, 3] in pixels as metres along the head's axes, from between the eyes."""
    return np.asarray((points - mesh.landmarks68[slice(*EYES)].mean(axis=0)) @ mesh.rotation / mesh.scale)


def _front(mesh: FaceMesh, form: Spectacles, size: float) -> tuple[Floats, Float32s, Float32s]:
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


def temple(mesh: FaceMesh, form: Spectacles, side: int, window: Window, head: Float32s) -> Alpha:
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
