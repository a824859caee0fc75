"""Hair, neck and background around a head of another form: they are carried along with its outline.

Around the middle of the head the outline is a radius for every direction. A pixel at the new outline shows what the
photograph shows at the old outline in the same direction; farther out the shift fades.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unveil.training.rerender.lookup import look_up
from unveil.typing import Bools, Floats, Image

DIRECTIONS = 128
SMOOTH = 3.0  # directions over which an outline is smoothed
FADING = 0.6  # of the outline's mean radius, over which the shift falls to 1/e
LARGEST_SHIFT = 0.45  # of the same; a larger one would fold the picture
BLACK = 12  # grey level up to which a pixel counts as outside the photograph; JPEG's ringing is darker
BLUR, BLUR_GROWTH = 5.0, 6.0  # pixels: of what continues a photograph, and over which it sets in


@dataclass(frozen=True, eq=False)
class Outline:
    """Where a head ends in a picture."""

    middle: Floats  # [2] x and y in pixels
    up: float  # direction of the head's top in the picture, radians
    radius: Floats  # [DIRECTIONS] pixels, at equal angles from ``up``

    @classmethod
    def of(cls, inside: Bools, middle: Floats, up: float) -> Outline:
        """The outline of a head whose pixels are ``inside`` [H, W], seen from its middle."""
        angles = up + np.arange(DIRECTIONS)[:, None] * (2 * np.pi / DIRECTIONS)
        steps = np.arange(np.ceil(np.hypot(*inside.shape)))
        rays = (middle[0] + np.cos(angles) * steps, middle[1] + np.sin(angles) * steps)
        hit = look_up(inside.astype(np.float32), *rays, mirrored=False)
        last = np.where(hit > 0.5, steps, 0).max(axis=1).astype(np.float32)
        smooth = cv2.GaussianBlur(np.tile(last, 3)[None], (0, 0), SMOOTH)[0, DIRECTIONS : 2 * DIRECTIONS]
        return cls(middle, up, np.maximum(smooth, 1.0))

    def at(self, angle: Floats) -> Floats:
        """Radius in pixels at angles [...] from ``up``, in radians."""
        place = (angle % (2 * np.pi)) * (DIRECTIONS / (2 * np.pi))
        return np.asarray(np.interp(place, np.arange(DIRECTIONS + 1), np.append(self.radius, self.radius[0])))


def carried(old: Outline, new: Outline, size: int) -> tuple[Floats, Floats]:
    """Where in the old picture to find what surrounds the new head: x and y for each pixel [size, size]."""
    y, x = np.mgrid[:size, :size].astype(np.float64)
    x, y = x - new.middle[0], y - new.middle[1]
    away, angle = np.hypot(x, y), np.arctan2(y, x) - new.up
    reach, wanted = new.at(angle), old.at(angle)
    scale, most = old.radius.mean() / new.radius.mean(), LARGEST_SHIFT * old.radius.mean()
    shift = np.clip(wanted - scale * reach, -most, most) * np.minimum(away / reach, 1)
    fade = np.exp(-np.maximum(away - reach, 0) / (FADING * new.radius.mean()))
    radius = scale * away + shift * fade
    return old.middle[0] + radius * np.cos(angle + old.up), old.middle[1] + radius * np.sin(angle + old.up)


def continued(crop: Image) -> Image:
    """A crop [W, W, 3] in which the photograph goes on, blurred, where it had ended and the crop was black.

    A black frame would be bent along with the head, and give it away.
    """
    lit = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) > BLACK
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if min(len(rows), len(columns)) < 8:
        return crop
    top, bottom, left, right = rows[0] + 2, rows[-1] - 1, columns[0] + 2, columns[-1] - 1  # the rim is half black
    ends = (int(top), len(crop) - int(bottom), int(left), len(crop) - int(right))
    whole = cv2.copyMakeBorder(crop[top:bottom, left:right], *ends, cv2.BORDER_REPLICATE)
    beyond = np.ones(lit.shape, np.uint8)
    beyond[top:bottom, left:right] = 0
    share = np.clip(cv2.distanceTransform(beyond, cv2.DIST_L2, 3) / BLUR_GROWTH, 0, 1)[..., None]
    return np.asarray(whole * (1 - share) + cv2.GaussianBlur(whole, (0, 0), BLUR) * share, np.uint8)
