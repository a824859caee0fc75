"""Where a photograph shows hair around a head, and where in it points of the head are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from unveil.appearance.hair.tone import HairTone
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Float64s, Floats, Image

MOST_ODDS = 3.0  # largest log odds that one pixel counts with
MIXED = 0.006  # metres inside its outline where what is behind hair shows through it
FARTHEST = 1e9  # depth where there is no head
SLACK = 0.006  # metres behind the surface of the head where a point is still seen


@dataclass(frozen=True, eq=False)
class HairView:
    """Where a photograph shows hair."""

    odds: Float32s  # [W, W] log odds of hair in a crop
    known: Float32s  # [W, W] 1 where the photograph tells something, 0 beyond its edges and behind occluders
    wall: Float32s  # [W, W] probability of what is behind the head
    crop: Crop
    head: Float32s  # [W, W] depth of the head, `FARTHEST` where it is not
    tone: HairTone
    to_image: Float64s  # [3, 4] model space of the neutral head to x, y, depth in pixels of the photograph

    def project(self, points: Floats) -> Floats:
        """Points [..., 3] of model space in pixels of the photograph, and their depth: [..., 3]."""
        matrix = self.to_image.astype(points.dtype)  # stays in single precision for texels, which are many
        x, y, z = np.moveaxis(points, -1, 0)
        return np.stack([a * x + b * y + c * z + d for a, b, c, d in matrix], axis=-1)

    def places(self, points: Floats) -> Float64s:
        """Where the crop shows points [..., 3] of model space: [..., 2], x and y."""
        return self.crop.to_crop(self.project(points)[..., :2])

    def sample(self, at: Floats) -> tuple[Float32s, Float32s]:
        """Log odds of hair [H, W, ...], and how far they are known, at places [H, W, ..., 2] of the crop."""
        odds, known = np.moveaxis(look_up(np.dstack([self.odds, self.known]), at), -1, 0)
        return np.clip(odds, -MOST_ODDS, MOST_ODDS), known

    def shows_wall(self, at: Floats) -> Float32s:
        """Probability [H, W] that the photograph shows what is behind the head at places [H, W, 2] of the crop."""
        return look_up(self.wall, at)

    def behind_head(self, points: Floats) -> Bools:
        """Which points [H, W, 3] of model space the head hides: [H, W]."""
        pixels = self.project(points)
        depth = look_up(self.head, self.crop.to_crop(pixels[..., :2]), cv2.INTER_NEAREST, FARTHEST)
        return np.asarray(pixels[..., 2] > depth + SLACK * self.scale)

    def inside_head(self) -> Float32s:
        """1 where pixels [W, W] of the crop are well within the outline of the head, elsewhere 0."""
        return np.asarray(cv2.erode((self.head < FARTHEST).astype(np.float32), np.ones((5, 5))), np.float32)

    def inner(self) -> HairView:
        """The same without hair at its outline, whose colour is mixed with what is behind it."""
        side = 2 * round(MIXED * self.scale * self.crop.scale) + 1
        return replace(self, odds=np.asarray(cv2.erode(self.odds, np.ones((side, side))), np.float32))

    @property
    def scale(self) -> float:
        """Pixels of the photograph per metre."""
        return float(np.linalg.norm(self.to_image[2, :3]))

    @property
    def towards(self) -> Float64s:
        """Unit direction [3] from the head to the camera, in model space."""
        return np.asarray(-self.to_image[2, :3] / self.scale)


def look_up(picture: Floats | Image, at: Floats, interpolation: int = cv2.INTER_LINEAR, beyond: float = 0) -> Float32s:
    """The values of a picture [H, W] or [H, W, C] at places [K, ..., 2], x and y; ``beyond`` outside its edges."""
    x, y = (np.ascontiguousarray(at[..., k].reshape(len(at), -1), np.float32) for k in (0, 1))
    found = cv2.remap(picture, x, y, interpolation, borderMode=cv2.BORDER_CONSTANT, borderValue=beyond)
    return np.asarray(found.reshape(*at.shape[:-1], *picture.shape[2:]), np.float32)
