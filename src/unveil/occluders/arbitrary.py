"""The paper's occlusion: arbitrary pixel values over a part of the face."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from unveil.occluders.base import Alpha, Face, Occlusion, Points, composite, fill_polygon, size_for
from unveil.typing import Image

Form = Literal["rectangle", "ellipse", "blob"]
Fill = Literal["constant", "noise", "shuffled"]
FORMS: tuple[Form, ...] = ("rectangle", "ellipse", "blob")
FILLS: tuple[Fill, ...] = ("constant", "noise", "shuffled")
SIZES = (0.02, 5.0)  # mean side in face sides, at most


@dataclass(frozen=True)
class ArbitraryPixels:
    """One shape of one colour, of noise, or of shuffled pixels, somewhere on the face."""

    size: tuple[float, float] = (0.3, 0.95)  # mean side in face sides, from and to
    forms: tuple[Form, ...] = FORMS
    fills: tuple[Fill, ...] = FILLS
    kind: str = "pixels"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Lay one shape over the image [H, W, 3]; it can hide any share of the face."""
        outline = random_outline(self.forms[rng.integers(len(self.forms))], rng)
        place = rng.uniform(-0.45, 0.45, 2)

        def cover(face: Face, shape: tuple[int, ...], size: float) -> Alpha:
            return fill_polygon((outline * size / 2 + place) * face.side + face.centre, shape)

        size = float(rng.uniform(*self.size))
        if severity is not None:
            size = size_for(severity, cover, face, image.shape, SIZES)
        alpha = cover(face, image.shape, size)
        fill = self.fills[rng.integers(len(self.fills))]
        if fill == "constant":
            return composite(image, rng.integers(0, 256, 3).tolist(), alpha, self.kind)
        mask = alpha > 0.5
        result = image.copy()
        result[mask] = rng.permutation(image[mask]) if fill == "shuffled" else _noise(image.shape, rng)[mask]
        return Occlusion(result, mask, self.kind)


def random_outline(form: Form, rng: np.random.Generator) -> Points:
    """A closed outline [P, 2] around the origin, of about unit radius, stretched and turned at random."""
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
