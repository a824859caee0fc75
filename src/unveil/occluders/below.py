"""An occluder that reveals nothing of what is under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.occluders.base import Face, Occlusion
from unveil.typing import Image

COLOUR = (120, 160, 190)
JITTER = 0.04  # of the face's side


@dataclass(frozen=True)
class BelowTheBridge:
    """Paints over all of the picture below the nose bridge, across its whole width.

    Occluders that follow the face, as a mask does, show where the jaw is. This one does not, and by jitter does not
    show the bridge either, so a method can only guess. To measure with, not to train with.
    """

    kind: str = "below-bridge"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Cover the image [H, W, 3] from about landmark 28 down, whatever the severity."""
        top = round(float(face.landmarks68[28, 1] + rng.uniform(-JITTER, JITTER) * face.side))
        mask = np.zeros(image.shape[:2], bool)
        mask[max(top, 0) :] = True
        return Occlusion(np.where(mask[..., None], np.array(COLOUR, np.uint8), image), mask, self.kind)
