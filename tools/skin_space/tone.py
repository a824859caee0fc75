"""Tones of skin in six bins, by the individual typology angle of the skin's colour (Chardon et al. 1991)."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.appearance.light import GAMMA
from unveil.typing import Floats

TONES = ("dark", "brown", "tan", "intermediate", "light", "very light")
LIMITS = (-30, 10, 28, 41, 55)  # degrees


def tone_bin(tone: Floats) -> int:
    """The number in `TONES` of a linear tone [3], as the photograph has it."""
    encoded = np.clip(tone, 0, 1).astype(np.float32) ** np.float32(1 / GAMMA)
    lightness, _, yellow = cv2.cvtColor(encoded[None, None], cv2.COLOR_RGB2Lab)[0, 0].tolist()
    return int(np.digitize(np.degrees(np.arctan2(lightness - 50, max(yellow, 1e-3))), LIMITS))
