"""Goggles worn on the head: a shell that stands off the face around the eyes, and a band around the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.occluders.base import Alpha, Face, Occlusion, size_for
from unveil.occluders.eyewear.lenses import EYES, frame_colour, glass, superellipse
from unveil.occluders.head_surface import FaceMesh
from unveil.occluders.light import Light, lay
from unveil.occluders.sheets import Drawn, Window, draw, head_grid, taut
from unveil.typing import Float32s, Image

SIZES = (0.3, 1.6)  # that a severity may ask for
LIFT = 0.003  # metres between skin and rim


@dataclass(frozen=True, eq=False)
class Goggles:
    """The form of a pair of goggles in nodes of the head's grid."""

    row: float  # of the eyes
    tip: float  # row of the tip of the nose
    ear: float  # column of the ears, from the middle
    width: float  # half of the shell
    height: float
    rim: float
    band: float  # half its width
    bulge: float  # metres that the shell stands off

    @classmethod
    def of(cls, mesh: FaceMesh, rng: np.random.Generator) -> Goggles:
        """Random goggles that fit a head."""
        marks = mesh.surface.landmarks
        row, tip = float(marks[slice(*EYES), 1].mean()) - 0.3, float(marks[30, 1])
        ear = float(marks[16, 0] - marks[0, 0]) / 2
        width, height = ear * rng.uniform(0.62, 0.78), rng.uniform(4.0, 5.5)
        rim, band = rng.uniform(0.6, 1.3), rng.uniform(1.0, 2.2)
        return cls(row, tip, ear, width, height, rim, band, rng.uniform(0.012, 0.022))

    def outline(self, x: Float32s, y: Float32s, size: float) -> Float32s:
        """How far outside a shell of a size, with its notch for the nose, places (column, row) [...] are, in nodes."""
        half, tall = min(self.width * size, self.ear * 0.95), self.height * size
        distance = (superellipse(x / half, (y - self.row) / tall, 2) - 1) * self.height * size
        notch = 2.0 - np.hypot(x / 2.8, (y - self.tip - 1) / (0.6 * (self.tip - self.row))) * 2.0
        return np.asarray(np.maximum(distance, notch), np.float32)

    def draw(self, mesh: FaceMesh, window: Window, size: float) -> Drawn:
        """The shell and the skin around it in a window of an image."""
        x, y = head_grid(mesh)
        free = np.clip(-self.outline(x, y, size) / 1.3, 0, 1)
        off = (self.bulge * mesh.scale * np.sqrt(free))[..., None] * mesh.rotation[:, 2]
        return draw(taut(mesh, free, LIFT) + off, x, y, window)

    def strap(self, drawn: Drawn) -> Alpha:
        """Opacity [H, W] of the band, which goes around the head from under the shell."""
        seen = (np.abs(drawn.x) > 0.6 * self.width) & (drawn.normals[..., 2] < 0.1)  # not on the far side of the head
        return drawn.inside(np.abs(drawn.y - self.row) - self.band) * seen


def wear_goggles(
    image: Image, face: Face, mesh: FaceMesh, rng: np.random.Generator, severity: float | None
) -> Occlusion:
    """Put goggles on the head in the image [H, W, 3], of a size to hide the share that is wanted."""
    form = Goggles.of(mesh, rng)
    low: list[tuple[Drawn, Alpha]] = []

    def cover(small: Face, shape: tuple[int, ...], size: float) -> Alpha:
        if not low:
            drawn = form.draw(mesh.scaled(small.side / face.side), Window(0, 0, shape[1], shape[0]), 1.3)
            low.append((drawn, form.strap(drawn)))
        drawn, strap = low[0]
        return np.maximum(drawn.inside(form.outline(drawn.x, drawn.y, size), smooth=False), strap)

    size = 1.0 if severity is None else size_for(severity, cover, face, image.shape[:2], SIZES)
    x, y = head_grid(mesh)
    near = (form.outline(x, y, size) < 1.5) | (np.abs(y - form.row) < form.band + 1)
    window = Window.around(mesh.points[near], image.shape, 0.08 * face.side)
    drawn = form.draw(mesh, window, size)
    light = Light.of(image, face, rng)
    layer = _paint(form, drawn, form.outline(drawn.x, drawn.y, size), light, rng)
    return lay(image, window, layer, light, face.side, "glasses")


def _paint(
    form: Goggles, drawn: Drawn, distance: Float32s, light: Light, rng: np.random.Generator
) -> tuple[Float32s, Alpha]:
    """Colour [h, w, 3] and opacity [h, w] of rim, lens and band."""
    shell = drawn.inside(distance)
    strap = form.strap(drawn) * (1 - shell)
    seen_in_lens, _ = glass(drawn, form.height, light, rng, dark=True)
    lit = light.on(drawn.normals, gloss=0.25)
    colour, band = frame_colour(rng) * lit, frame_colour(rng) * lit
    colour += (seen_in_lens - colour) * drawn.inside(distance + form.rim)[..., None]
    colour[strap > shell] = band[strap > shell]
    return colour, np.maximum(shell, strap)
