"""Pictures with transparency, placed before a face: where, how large, and in what light."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from unveil.occluders.base import Alpha, Face, Occlusion, size_for
from unveil.occluders.light import SKIN, Light, lay
from unveil.occluders.sheets import Window
from unveil.typing import Float64s, Image, UInt8s

Rgba = UInt8s  # [H, W, 4]

SEARCH_PICTURE = 32  # pixels of the shorter side of the picture while a size is searched
FAR = 2.2  # face sides from where a picture is brought before a face
NEAREST = 6.0  # how many times as large it may get


@dataclass(frozen=True, eq=False)
class Placing:
    """How a picture is brought before a face: from one side to a place on it, and then nearer."""

    turn: float  # radians, clockwise
    place: Float64s  # [2] where its middle comes to lie, in face sides from the face's centre
    way: Float64s  # [2] where it comes from, in face sides from that place
    size: float  # its longer side in face sides
    tilt: Float64s  # [2] how much nearer its right and its lower end are
    middle: tuple[float, float] = (0.5, 0.5)  # what of the picture comes to lie at the place, in its width and height

    @classmethod
    def by_lot(cls, rng: np.random.Generator, sizes: tuple[float, float], turn: float, *, tilted: bool) -> Placing:
        """Some place on the face and some size, from any side but above."""
        angle, tilt = rng.uniform(-0.1 * np.pi, 1.1 * np.pi), rng.uniform(-0.3, 0.3, 2) * tilted
        way = FAR * np.array([np.cos(angle), np.sin(angle)])
        return cls(turn, rng.uniform(-0.45, 0.45, 2), way, float(rng.uniform(*sizes)), tilt)

    def held(self) -> Placing:
        """The same, turned so that the lower end of the picture, where an arm is, points to the side it comes from."""
        angle = float(np.arctan2(-self.way[0], self.way[1]))
        return replace(self, turn=angle + 0.12 * (self.turn - np.pi))

    def matrix(self, picture: Rgba, face: Face, amount: float) -> Float64s:
        """The homography [3, 3] from the picture's pixels to the image's.

        From an ``amount`` of 0 to 1 it comes to its place, from 1 to 2 nearer and to the face's middle.
        """
        height, width = picture.shape[:2]
        longer = max(height, width)
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        x, y = (width - 1) * self.middle[0], (height - 1) * self.middle[1]
        to_middle = np.array([[1, 0, -x], [0, 1, -y], [0, 0, longer]]) / longer
        tilted = np.array([[1, 0, 0], [0, 1, 0], [*self.tilt, 1]])
        scale = self.size * NEAREST ** max(0.0, amount - 1) * face.side
        place = self.place * min(1.0, 2 - amount) + self.way * max(0.0, 1 - amount)
        x, y = place * face.side + face.centre
        to_image = np.array([[scale * cos, -scale * sin, x], [scale * sin, scale * cos, y], [0, 0, 1]])
        return np.asarray(to_image @ tilted @ to_middle)

    def amount(self, picture: Rgba, face: Face, shape: tuple[int, ...], severity: float | None) -> float:
        """1, or the amount at which the picture hides the share of the face that is wanted."""
        if severity is None:
            return 1.0
        height, width = picture.shape[:2]
        scale = SEARCH_PICTURE / min(height, width)
        columns, rows = (min(3 * SEARCH_PICTURE, max(1, round(side * scale))) for side in (width, height))
        reduced = cv2.resize(picture[..., 3], (columns, rows), interpolation=cv2.INTER_AREA)
        stretch = np.diag([width / columns, height / rows, 1.0])

        def cover(face: Face, shape: tuple[int, ...], amount: float) -> Alpha:
            opacity = warped(np.asarray(reduced, np.uint8), self.matrix(picture, face, amount) @ stretch, shape)
            return opacity.astype(np.float32) / np.float32(255)

        return size_for(severity, cover, face, shape, (0.0, 2.0))


def matched(picture: Rgba, light: Light, strength: float) -> Rgba:
    """A picture with its colours moved towards the face's by a ``strength`` from 0 to 1."""
    sample = picture[::4, ::4]
    opaque = sample[sample[..., 3] > 127]
    mean = opaque[:, :3].mean(axis=0) if len(opaque) else np.full(3, SKIN)
    gain = np.clip((light.face / np.maximum(mean, 1.0)) ** strength, 0.4, 2.2)
    table = np.repeat(np.arange(256)[:, None], 4, axis=1) * np.array([*gain, 1.0])
    return np.asarray(cv2.LUT(picture, np.minimum(table, 255).astype(np.uint8)[None]), np.uint8)


def lay_picture(image: Image, face: Face, placed: tuple[Rgba, Float64s], light: Light, kind: str) -> Occlusion:
    """Lay a picture, with the matrix [3, 3] from its pixels to the image's, over the image."""
    picture, matrix = placed
    height, width = picture.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    window = Window(0, 0, image.shape[1], image.shape[0])
    if (corners[:, 2] > 0).all():  # else a corner is beyond the horizon of the perspective
        window = Window.around(corners[:, :2] / corners[:, 2:], image.shape, 0.05 * face.side)
    shift = np.array([[1, 0, -window.left], [0, 1, -window.top], [0, 0, 1]])
    layer = warped(picture, shift @ matrix, (window.height, window.width)).astype(np.float32)
    return lay(image, window, (layer[..., :3], layer[..., 3] / np.float32(255)), light, face.side, kind)


def warped(picture: UInt8s, matrix: Float64s, shape: tuple[int, ...]) -> UInt8s:
    """A picture warped by matrix [3, 3] into an image of this shape (H, W)."""
    return np.asarray(cv2.warpPerspective(picture, matrix, (shape[1], shape[0]), flags=cv2.INTER_LINEAR), np.uint8)
