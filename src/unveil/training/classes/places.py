"""What surrounds a face, as far as position alone predicts it, without any colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from unveil.models.classes import BACKGROUND, CLOTH, HAIR, SKIN
from unveil.training.classes.head_parts import Parts
from unveil.training.rerender.surface import Surface
from unveil.typing import Bools, Float32s, Floats, Image

AROUND = (SKIN, HAIR, CLOTH, BACKGROUND)
SKIN_SPREAD = 14.0  # distance in CIELAB, lightness halved, from the median of a face, over which its skin spreads
CHIN = 8  # iBUG-68


@dataclass(frozen=True, eq=False)
class Places:
    """Where each pixel [W, W] is around the head, in metres."""

    shown: Parts
    above_chin: Float32s  # along the head's own up
    off_head: Float32s  # distance from the head, 0 on it
    off_mesh: Float32s  # the same with the neck

    @classmethod
    def of(cls, shown: Parts, surface: Surface, pixels: Floats, scale: float) -> Places:
        """The places of a picture that shows vertices at ``pixels`` [V, 3] at a scale in pixels per metre."""
        up = surface.up(pixels)
        up = up / max(float(np.hypot(*up)), 1e-9)
        chin = np.asarray(surface.model.landmarks68(pixels))[CHIN, :2]
        y, x = np.mgrid[: len(shown.head), : len(shown.head)].astype(np.float32)
        above = ((x - chin[0]) * up[0] + (y - chin[1]) * up[1]) / scale
        return cls(shown, _single(above), _away(shown.head, scale), _away(shown.head | shown.neck, scale))

    def prior(self) -> Float32s:
        """How likely skin, hair, cloth and background are [4, W, W]. Chosen by looking at labels, not measured."""
        above = _step(self.above_chin, 0.0, 0.012)  # 1 above the chin
        below, shoulders = 1 - above, 1 - _step(self.above_chin, -0.045, 0.012)
        skin = 0.03 + 0.35 * below * _near(self.off_mesh, 0.03)
        hair = 0.02 + above * (0.4 + 0.3 * _step(self.above_chin, 0.11, 0.02)) * _near(self.off_head, 0.045)
        hair += 0.45 * below * _near(self.off_head, 0.09)
        cloth = 0.04 + 1.2 * shoulders + 0.35 * below * (1 - shoulders)
        background = 0.02 + above * (1 - 0.7 * _near(self.off_head, 0.02))
        background += below * (1 - _near(self.off_mesh, 0.05)) * (0.6 - 0.45 * shoulders)
        odds = np.stack([skin, hair, cloth, background])
        shown = self.shown
        for where, on_head in (
            (shown.neck, (1.0, 0.25, 0.35, 0.03)),
            (shown.ears, (1.0, 0.8, 0.03, 0.1)),
            (shown.scalp, (0.4, 1.0, 0.06, 0.03)),
            (shown.face, (1.0, 0.12, 0.01, 0.01)),
            (shown.face & shown.bare, (1.0, 0.01, 0.001, 0.001)),
            (shown.near_brows | shown.lips | shown.mouth | shown.eyes, (0.25, 0.25, 0.25, 0.25)),
        ):
            odds[:, where] = np.array(on_head)[:, None]
        return _single(odds / odds.sum(axis=0))

    def typical(self, image: Image) -> Float32s:
        """Weights [4, W, W] of an image's pixels in the colour statistics of skin, hair, cloth and background."""
        skin = np.where(self.shown.bare, 3.0, 0.3) * _like_most(image, self.shown.bare)
        hair = np.where(self.shown.scalp, 1.0, 0.03)
        cloth = 1 - _step(self.above_chin, -0.03, 0.01)
        return _single(np.stack([skin, hair, cloth, 0.2 + _step(self.off_mesh, 0.04, 0.01)]))


def _away(area: Bools, scale: float) -> Float32s:
    """Distance [W, W] in metres from an area."""
    return _single(cv2.distanceTransform((~area).astype(np.uint8), cv2.DIST_L2, 3) / scale)


def _near(distance: Float32s, reach: float) -> Float32s:
    """1 to 0 with a distance."""
    return _single(np.exp(-((distance / reach) ** 2)))


def _step(x: Float32s, at: float, width: float) -> Float32s:
    """0 to 1 around a place."""
    return _single(1 / (1 + np.exp(-np.clip((x - at) / width, -30, 30))))


def _single(values: ArrayLike) -> Float32s:
    return np.asarray(values, np.float32)


def _like_most(image: Image, where: Bools) -> Float32s:
    """How close [W, W] each pixel's colour is to the median of those in a place, 1 to 0; what covers a part is not."""
    if not where.any():
        return np.ones(where.shape, np.float32)
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) * np.array([0.5, 1, 1], np.float32)
    apart = np.square(lab - np.median(lab[where], axis=0)).sum(axis=-1)
    return _single(np.exp(-apart / (2 * SKIN_SPREAD**2)))
