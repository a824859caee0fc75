"""The materials of headwear: colours, knits, stripes, patterns, pieces of pictures, and the shells of helmets."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.occluders.base import PictureSource
from unveil.occluders.light import filled, paint
from unveil.occluders.masks import pattern
from unveil.typing import Float32s, Image

USUAL = (  # RGB
    (22, 22, 25), (30, 32, 45), (55, 55, 60), (120, 120, 122), (190, 188, 182), (238, 236, 230), (28, 42, 85),
    (120, 25, 35), (185, 160, 120), (95, 75, 55), (60, 75, 50), (170, 60, 45), (205, 150, 160), (215, 170, 60),
)  # fmt: skip
PATTERN_CELL = 7.0  # millimetres of cloth that are one unit of a pattern


def random_colour(rng: np.random.Generator) -> Float32s:
    """RGB [3] of cloth: often black, grey, blue or beige."""
    if rng.random() < 0.65:
        return np.asarray(np.array(USUAL[rng.integers(len(USUAL))]) * rng.uniform(0.8, 1.15), np.float32)
    return rng.integers(10, 256, 3).astype(np.float32)


def cloth(u: Float32s, v: Float32s, rng: np.random.Generator, source: PictureSource) -> Float32s:
    """Colour [H, W, 3] of woven cloth at places across and along it in millimetres [H, W], up to 255."""
    lot = rng.random()
    if lot < 0.14:
        return _printed(u, v, source(rng), rng)
    colour = filled(u.shape, random_colour(rng))
    if lot < 0.32:
        paint(colour, random_colour(rng), pattern(u / PATTERN_CELL, v / PATTERN_CELL, rng))
    elif lot < 0.42:
        _stripe(colour, v, rng)
    return np.asarray(colour * _uneven(u, v, rng)[..., None])


def knit(u: Float32s, v: Float32s, rng: np.random.Generator, source: PictureSource) -> Float32s:
    """Colour [H, W, 3] of a knit whose ribs run along it."""
    if rng.random() < 0.08:
        colour = _printed(u, v, source(rng), rng)
    else:
        colour = filled(u.shape, random_colour(rng))
        if rng.random() < 0.3:
            _stripe(colour, v, rng)
    rib, stitch, depth = rng.uniform(4, 11), rng.uniform(3, 6), rng.uniform(0.06, 0.32)
    ribs = np.abs(np.sin(np.pi * u / rib)) ** 0.6
    stitches = np.sin(2 * np.pi * (v / stitch + 0.3 * np.abs(u / rib % 1 - 0.5)))
    shade = 1 - depth * (1 - ribs) + 0.35 * depth * (stitches - 1) * rng.random()
    mottled = rng.normal(0, rng.uniform(0, 0.07), u.shape)
    return np.asarray(colour * (shade * _uneven(u, v, rng) + mottled)[..., None], np.float32)


def hard(azimuth: Float32s, elevation: Float32s, rng: np.random.Generator) -> Float32s:
    """Colour [H, W, 3] of a helmet at azimuths and elevations in degrees [H, W], with vents or a stripe."""
    colour = filled(azimuth.shape, random_colour(rng))
    across = azimuth * np.cos(np.radians(elevation))
    lot = rng.random()
    if lot < 0.4:
        row, column = rng.uniform(16, 26), rng.uniform(12, 20)
        away = np.hypot((across / column + 0.5) % 1 - 0.5, 0.6 * ((elevation / row) % 1 - 0.5))
        vents = away < rng.uniform(0.14, 0.24)
        paint(colour, (20, 20, 22), vents & (elevation > 35))
    elif lot < 0.65:
        paint(colour, random_colour(rng), np.abs(across) < rng.uniform(4, 12))
    return colour


def _stripe(colour: Float32s, v: Float32s, rng: np.random.Generator) -> None:
    """Paint stripes across the cloth, in place: one, a few or all over."""
    period, start = rng.uniform(12, 45), rng.uniform(0, 60)
    place = (v - start) / period
    least, most = (0, rng.integers(1, 4)) if rng.random() < 0.5 else (-99, 99)
    paint(colour, random_colour(rng), (place % 1 < rng.uniform(0.25, 0.6)) & (place >= least) & (place < most))


def _printed(u: Float32s, v: Float32s, picture: Image, rng: np.random.Generator) -> Float32s:
    """A piece of a picture as cloth, mirrored where it ends."""
    turn, scale = rng.uniform(0, 2 * np.pi), min(picture.shape[:2]) / rng.uniform(60, 200)
    x, y = (scale * (np.cos(a) * u + np.sin(a) * v) for a in (turn, turn + np.pi / 2))
    x, y = (np.asarray(place + rng.uniform(0, 500), np.float32) for place in (x, y))
    found = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(found, np.float32)


def _uneven(u: Float32s, v: Float32s, rng: np.random.Generator) -> Float32s:
    """Brightness [H, W] of cloth that lies in soft folds."""
    shade = np.ones_like(u)
    for _ in range(3):
        across, along = rng.normal(0, 0.045, 2)
        shade += 0.05 * rng.normal() * np.sin(u * across + v * along + rng.uniform(0, 6))
    return shade
