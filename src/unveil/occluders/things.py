"""Things held before a face: phones, fruit and balls, cups and microphones, as shaded pictures drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unveil.occluders.base import Face, Occlusion
from unveil.occluders.light import Light
from unveil.occluders.placing import Placing, Rgba, lay_picture
from unveil.typing import Floats, Image

SIDE = 112  # pixels a picture is drawn at
EDGE = 2 / SIDE  # width of a pixel in the coordinates of a picture, which span -1 to 1
FRUIT = ((225, 120, 30), (190, 30, 35), (120, 170, 50), (235, 200, 60), (110, 40, 70), (215, 220, 225), (200, 90, 40))
PAPER = ((240, 238, 232), (170, 130, 90), (40, 90, 60), (190, 40, 40), (60, 60, 65))


@dataclass(frozen=True)
class Things:
    """Phones, fruit, cups and microphones, drawn at random in the face's light."""

    size: tuple[float, float] = (0.5, 1.2)  # longer side in face sides, from and to
    kind: str = "object"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Hold one thing before the face in the image [H, W, 3], as far in as the severity asks, or as large."""
        light = Light.of(image, face, rng)
        turn = float(rng.normal(0, 0.6))
        picture = random_thing(rng, light.turned(turn))
        placing = Placing.by_lot(rng, self.size, turn, tilted=True)
        amount = placing.amount(picture, face, image.shape, severity)
        return lay_picture(image, face, (picture, placing.matrix(picture, face, amount)), light, self.kind)


def random_thing(rng: np.random.Generator, light: Light) -> Rgba:
    """A picture [S, S, 4] of a thing in a light."""
    # Each gives the colour [S, S, 3], up to 255, and the opacity [S, S].
    makers: tuple[Callable[[np.random.Generator, Light], tuple[Floats, Floats]], ...] = (phone, fruit, cup, microphone)
    colour, alpha = makers[int(rng.choice(4, p=(0.35, 0.3, 0.2, 0.15)))](rng, light)
    return np.dstack([np.clip(colour, 0, 255), np.asarray(255 * alpha)]).astype(np.uint8)


def phone(rng: np.random.Generator, light: Light) -> tuple[Floats, Floats]:
    """A telephone from behind, with cameras, or its screen, with glare."""
    x, y = _plane()
    half = rng.uniform(0.44, 0.52)
    body = _box(x, y, half, 0.96, 0.12)
    flat = np.zeros((SIDE, SIDE, 3), np.float32)
    flat[..., 2] = -1
    if rng.random() < 0.5:
        grey = rng.random() < 0.5
        base = np.full(3, rng.integers(15, 245), np.float64) if grey else rng.integers(15, 256, 3).astype(np.float64)
        shade = 1 + 0.15 * rng.normal() * (x + y)
        colour = _cameras(np.asarray(base * shade[..., None], np.float32), x, y, half, rng)
    else:
        colour = _screen(x, y, half, rng)
    turn, place = rng.uniform(0.5, 1.2), rng.uniform(-0.8, 0.8)
    glare = np.clip(1 - np.abs(x * turn + 0.5 * y - place) / rng.uniform(0.15, 0.6), 0, 1) * rng.uniform(0, 0.35)
    rim = np.full(3, rng.integers(30, 220), np.float32)
    colour = np.where((body > -0.035)[..., None], rim * (1 - 0.3 * y)[..., None], colour)
    lit = colour * light.on(flat)
    return lit + (230 * light.colour - lit) * glare[..., None], _opacity(body)


def fruit(rng: np.random.Generator, light: Light) -> tuple[Floats, Floats]:
    """An orange, an apple, a lemon, a ball: round, with a blush, pores, a shine and perhaps a stalk."""
    x, y = _plane()
    angle = np.arctan2(y, x)
    outline = 0.92 * (1 + 0.04 * rng.normal() * np.cos(2 * angle) + 0.02 * rng.normal() * np.cos(3 * angle + 1))
    if rng.random() < 0.3:  # an apple is hollow on top
        outline -= 0.12 * np.exp(-(((angle + np.pi / 2) / 0.35) ** 2))
    squeeze = rng.uniform(0.7, 1.0)
    inside = np.hypot(x / squeeze, y) / outline
    z = np.sqrt(np.clip(1 - inside**2, 0, 1))
    normals = np.stack([x / (outline * squeeze), y / outline, -z], axis=-1)
    normals += _grain(rng) * rng.uniform(0, 0.12)
    normals /= np.maximum(np.sqrt((normals**2).sum(axis=-1, keepdims=True)), 1e-6)
    base, other = (np.array(FRUIT[rng.integers(len(FRUIT))], np.float32) for _ in range(2))
    turn = rng.uniform(0, 2 * np.pi)
    blush = 1 / (1 + np.exp(-4 * (x * np.cos(turn) + y * np.sin(turn) + rng.uniform(-0.5, 0.8)))) * rng.uniform(0, 0.7)
    colour = base + (other - base) * blush[..., None]
    alpha = _opacity(((inside - 1) * 0.9 * squeeze).astype(np.float32))
    if rng.random() < 0.5:
        stalk = np.maximum(np.abs(x - 0.1 * (y + 0.8)) - 0.03, np.abs(y + 0.82) - 0.14)
        colour = np.where((stalk < 0)[..., None], np.array([70, 50, 30], np.float32), colour)
        alpha = np.maximum(alpha, _opacity(stalk))
    return colour * light.on(normals.astype(np.float32), gloss=rng.uniform(0, 0.7)), alpha


def cup(rng: np.random.Generator, light: Light) -> tuple[Floats, Floats]:
    """A paper cup with a lid or a sleeve, or a mug."""
    x, y = _plane()
    top, bottom = rng.uniform(0.6, 0.75), rng.uniform(0.42, 0.58)
    half = top + (bottom - top) * (y + 1) / 2
    across = np.clip(x / half, -1, 1)
    body = np.maximum(np.abs(x) - half, np.maximum(-0.78 - y, y - 0.88 - 0.06 * np.sqrt(1 - across**2)))
    normals = np.stack([across, np.zeros_like(x), -np.sqrt(1 - across**2)], axis=-1).astype(np.float32)
    base, other = (np.array(PAPER[rng.integers(len(PAPER))], np.float32) for _ in range(2))
    colour = np.broadcast_to(base, (SIDE, SIDE, 3))
    bent = y - 0.06 * np.sqrt(1 - across**2)
    low, high = rng.uniform(-0.5, 0), rng.uniform(0.1, 0.7)
    colour = np.where(((bent > low) & (bent < high))[..., None], other, colour) * light.on(normals, gloss=0.2)
    lid = (x / (top + 0.05)) ** 2 + ((y + 0.78) / 0.14) ** 2
    inner = (x / (top - 0.03)) ** 2 + ((y + 0.79) / 0.1) ** 2
    cover = np.full(3, rng.choice((35.0, 240.0)), np.float32) * light.colour
    colour = np.where((lid < 1)[..., None], cover, colour)
    colour = np.where((inner < 1)[..., None], cover * rng.uniform(0.5, 0.9), colour)
    return colour, np.maximum(_opacity(body), _opacity(((lid - 1) * 0.1).astype(np.float32)))


def microphone(rng: np.random.Generator, light: Light) -> tuple[Floats, Floats]:
    """A microphone: a ball of wire mesh or foam on a handle."""
    x, y = _plane()
    radius, grip = rng.uniform(0.33, 0.42), rng.uniform(0.13, 0.2)
    ball_y = y + 1 - radius - 0.04
    inside = np.hypot(x, ball_y) / radius
    z = np.sqrt(np.clip(1 - inside**2, 0, 1))
    ball = np.stack([x / radius, ball_y / radius, -z], axis=-1).astype(np.float32)
    metal = np.full(3, rng.integers(40, 200), np.float32)
    wire = 0.75 + 0.25 * np.sin(70 * (x + y)) * np.sin(70 * (x - y))
    half = grip + 0.07 * np.clip(-y, -1, 1)
    across = np.clip(x / half, -1, 1)
    stick = np.stack([across, np.zeros_like(x), -np.sqrt(1 - across**2)], axis=-1).astype(np.float32)
    handle = np.full(3, rng.integers(10, 70), np.float32) * light.on(stick, gloss=0.5)
    round_part = (metal * wire[..., None]) * light.on(ball, gloss=0.3)
    colour = np.where((inside < 1)[..., None], round_part, handle)
    below = np.maximum(np.abs(x) - half, np.maximum(-1 + radius - y, y - 0.96))
    return colour, np.maximum(_opacity(((inside - 1) * radius).astype(np.float32)), _opacity(below.astype(np.float32)))


def _plane() -> tuple[Floats, Floats]:
    """Coordinates x, y [S, S] from -1 to 1."""
    y, x = (np.mgrid[:SIDE, :SIDE].astype(np.float32) + np.float32(0.5)) * np.float32(EDGE) - 1
    return x, y


def _box(x: Floats, y: Floats, width: float, height: float, corner: float) -> Floats:
    """Distance from a rectangle of half sides, with round corners."""
    across, down = np.abs(x) - (width - corner), np.abs(y) - (height - corner)
    outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
    return np.asarray(outside + np.minimum(np.maximum(across, down), 0) - corner, np.float32)


def _opacity(distance: Floats) -> Floats:
    """Opacity [S, S] of where a distance is negative."""
    return np.asarray(np.clip(0.5 - distance / np.float32(EDGE), 0, 1), np.float32)


def _cameras(colour: Floats, x: Floats, y: Floats, half: float, rng: np.random.Generator) -> Floats:
    """The back of a telephone with one to three lenses in a corner."""
    left, upper = -half + 0.24, -0.72
    island = _box(x - left, y - upper, 0.17, 0.17, 0.06)
    colour = np.where((island < 0)[..., None], colour * rng.uniform(0.6, 1.1), colour)
    for dx, dy in ((-0.07, -0.07), (0.07, 0.07), (-0.07, 0.07))[: int(rng.integers(1, 4))]:
        lens = np.hypot(x - left - dx, y - upper - dy)
        colour = np.where((lens < 0.062)[..., None], np.float32(25), colour)
        colour = np.where((lens < 0.025)[..., None], np.float32(70), colour)
    return np.asarray(colour, np.float32)


def _screen(x: Floats, y: Floats, half: float, rng: np.random.Generator) -> Floats:
    """The front of a telephone: off, or with something on it."""
    display = _box(x, y, half - 0.04, 0.9, 0.08)
    shown = np.full((SIDE, SIDE, 3), 12, np.float32)
    if rng.random() < 0.5:
        first, second = rng.integers(20, 256, (2, 3)).astype(np.float32)
        shown = first + (second - first) * ((y[..., None] + 1) / 2)
        shown = np.where(((y * 9 + rng.uniform(0, 1)) % 1 < 0.35)[..., None], shown * 0.8, shown)
    return np.asarray(np.where((display < 0)[..., None], shown, np.float32(18)), np.float32)


def _grain(rng: np.random.Generator) -> Floats:
    """Fine bumps [S, S, 3]."""
    coarse = rng.normal(0, 1, (SIDE // 2, SIDE // 2, 3)).astype(np.float32)
    return coarse.repeat(2, axis=0).repeat(2, axis=1)
