"""The picture of a hand that the page puts before a face."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from unveil.occluders.hands import ARM, HAND, random_hand
from unveil.occluders.light import Light
from unveil.typing import UInt8s

SEED = 16  # of a flat hand with its fingers together
WHITE = 235.0  # of its skin: the page gives it the colour of the face
ARM_SHOWN = 0.9  # palms
FROM_ABOVE = (-0.35, -0.5, -0.8)  # where the light is: left, above, before


@lru_cache(maxsize=1)
def hand() -> UInt8s:
    """A white hand [H, W, 4] with its forearm pointing down, to be multiplied by a skin colour."""
    direction = np.asarray(FROM_ABOVE, np.float32)
    light = Light(np.ones(3, np.float32), np.full(3, WHITE, np.float32), direction / np.linalg.norm(direction))
    whole = random_hand(np.random.default_rng(SEED), light, match=1.0)
    return whole[: round(len(whole) * (HAND + ARM_SHOWN) / (HAND + ARM))]
