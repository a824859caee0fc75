"""Light that fits the photograph: what is put before a face is lit as the face is, from the same side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike

from unveil.geometry.compiled import compiled
from unveil.occluders.base import Alpha, Face, Occlusion, fill_polygon
from unveil.occluders.sheets import Window
from unveil.typing import Bools, Float32s, Image

PROBE = 24  # pixels a side of the small image that the light is read from
SKIN = 165.0  # brightness of a well lit face
AMBIENT = 0.55  # share of the light that comes from everywhere
SHARPNESS = 5  # of a highlight: how often the cosine is squared
SHADOW_REACH = 0.025  # how far a shadow falls, in face sides
SHADOW_DEPTH = 0.4  # how much darker it is at most


@dataclass(frozen=True, eq=False)
class Light:
    """Distant light from one direction, and ambient light."""

    colour: Float32s  # [3] RGB, about 1 where the face is well lit
    face: Float32s  # [3] mean colour of the face, up to 255
    direction: Float32s  # [3] unit vector towards the light, in pixels (x right, y down, z away from the viewer)

    @classmethod
    def of(cls, image: Image, face: Face, rng: np.random.Generator) -> Light:
        """The light on a face in an image [H, W, 3], guessed from how bright its parts are, with some chance."""
        small = cv2.resize(image, (PROBE, PROBE), interpolation=cv2.INTER_NEAREST).astype(np.float32)
        scale = PROBE / np.array(image.shape[1::-1], np.float32)
        inside = fill_polygon((face.outline + 0.5) * scale - 0.5, (PROBE, PROBE)) > 0.5
        drift = rng.normal(0, (0.35, 0.2), 2)
        tint = rng.normal(1, 0.03, 3)
        level = rng.uniform(0.85, 1.1)
        if not inside.any():
            inside[:] = True
        colours = small[inside]
        bright = colours.mean(axis=1)
        y, x = np.nonzero(inside)
        offsets = np.stack([x - x.mean(), y - y.mean()], axis=1) / PROBE
        spread = np.maximum((offsets**2).sum(axis=0), 1e-6) * max(float(bright.mean()), 1)
        slope = offsets.T @ (bright - bright.mean()) / spread
        towards = np.array([*np.clip(slope, -1, 1) + drift + (0, -0.35), -1.0])
        brightness = np.clip(1.15 * bright.mean() / SKIN, 0.4, 1.15) * level
        colour, direction = brightness * tint, towards / np.linalg.norm(towards)
        return cls(colour.astype(np.float32), colours.mean(axis=0), direction.astype(np.float32))

    def turned(self, angle: float) -> Light:
        """The light in the frame of something turned by ``angle`` in the image, clockwise, in radians."""
        (x, y, z), cos, sin = self.direction.tolist(), np.cos(angle), np.sin(angle)
        return Light(self.colour, self.face, np.array([cos * x + sin * y, cos * y - sin * x, z], np.float32))

    def on(self, normals: Float32s, gloss: float = 0.0) -> Float32s:
        """Brightness [..., 3] of a white surface with unit normals [..., 3]; ``gloss`` adds a highlight."""
        shade = np.empty(normals.shape, np.float32)
        half = self.direction + np.array([0, 0, -1], np.float32)
        directions = np.stack([self.direction, half / np.linalg.norm(half)])
        _shade(normals.reshape(-1, 3), directions, self.colour, np.float32(gloss), shade.reshape(-1, 3))
        return shade


def filled(shape: tuple[int, ...], colour: ArrayLike) -> Float32s:
    """A layer [h, w, 3] of one RGB colour."""
    layer = np.empty((*shape[:2], 3), np.float32)
    layer[:] = colour
    return layer


def paint(layer: Float32s, colour: ArrayLike, opacity: Float32s | Bools) -> None:
    """Paint an RGB colour over a layer [h, w, 3] in place, with an opacity [h, w]."""
    _mix(layer, np.asarray(colour, np.float32), opacity)


def lay(image: Image, window: Window, layer: tuple[Float32s, Alpha], light: Light, side: float, kind: str) -> Occlusion:
    """Lay a lit thing over an image, with softened edges and the shadow that it casts on what is close behind it.

    Args:
        image: [H, W, 3].
        window: where in it the layer is.
        layer: colour [h, w, 3] up to 255 and opacity [h, w].
        light: where its shadow falls.
        side: the face's side in pixels.
        kind: the name of the occluder.
    """
    colour, alpha = layer
    weight = cv2.GaussianBlur(alpha, (3, 3), 0)
    premultiplied = np.empty(colour.shape, np.float32)
    _times(colour, alpha, premultiplied)
    spread = cv2.GaussianBlur(premultiplied, (3, 3), 0)  # colours at the edge run over it
    reach = SHADOW_REACH * side
    shift = np.clip(-light.direction[:2] / light.direction[2], -2, 2) * -reach
    moved = cv2.warpAffine(weight, np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32), weight.shape[::-1])
    shadow = cv2.GaussianBlur(moved, (0, 0), max(0.6, 0.6 * reach))
    result, mask = image.copy(), np.zeros(image.shape[:2], bool)
    _blend(window.of(result), spread, weight, shadow)
    window.of(mask)[:] = weight > 0.5
    return Occlusion(result, mask, kind)


@compiled
def _shade(normals: Any, directions: Any, colour: Any, gloss: Any, result: Any) -> None:
    for n in range(len(normals)):
        cosine, shine = np.float32(0), np.float32(0)
        for k in range(3):
            cosine += normals[n, k] * directions[0, k]
            shine += normals[n, k] * directions[1, k]
        cosine, shine = max(cosine, np.float32(0)), max(shine, np.float32(0))
        for _ in range(SHARPNESS):
            shine *= shine
        for k in range(3):
            result[n, k] = (AMBIENT + (1 - AMBIENT) * cosine + gloss * shine) * colour[k]


@compiled
def _mix(layer: Any, colour: Any, opacity: Any) -> None:
    for y in range(layer.shape[0]):
        for x in range(layer.shape[1]):
            for k in range(3):
                layer[y, x, k] += (colour[k] - layer[y, x, k]) * opacity[y, x]


@compiled
def _times(colour: Any, alpha: Any, result: Any) -> None:
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            for k in range(3):
                result[y, x, k] = min(max(colour[y, x, k], np.float32(0)), np.float32(255)) * alpha[y, x]


@compiled
def _blend(image: Any, spread: Any, weight: Any, shadow: Any) -> None:
    for y in range(weight.shape[0]):
        for x in range(weight.shape[1]):
            left = (1 - weight[y, x]) * (1 - SHADOW_DEPTH * shadow[y, x])
            for k in range(3):
                image[y, x, k] = np.uint8(image[y, x, k] * left + spread[y, x, k] + 0.5)
