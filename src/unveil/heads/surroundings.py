"""What a photograph shows around a head, by a network that looks farther than the learner."""

from __future__ import annotations

from collections.abc import Callable

from unveil.typing import Float32s

SURROUNDINGS = ("skin", "hair", "cloth", "occluder", "background")
SKIN, HAIR, CLOTH, OCCLUDER, BACKGROUND = range(len(SURROUNDINGS))
SIZE = 88  # pixels a side of the picture that it sees
CHANNELS = 10

# Probability [5, SIZE, SIZE] of each of `SURROUNDINGS` at each pixel of what a head is in the middle of, from
# [CHANNELS, SIZE, SIZE]: `appearance.hair.surroundings` says what these are.
SurroundingsNetwork = Callable[[Float32s], Float32s]
