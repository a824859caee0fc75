"""What a photograph shows around a head, by networks that look farther than the learner."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from unveil.typing import Float32s, Image

SURROUNDINGS = ("skin", "hair", "cloth", "occluder", "background")
SKIN, HAIR, CLOTH, OCCLUDER, BACKGROUND = range(len(SURROUNDINGS))
SIZE = 88  # pixels a side of the picture that it sees
SEGMENTS = ("background", "hair", "body", "face", "clothes", "others")  # others: what is worn or held
SEGMENTED_SIZE = 128  # pixels a side of the same picture as segments are looked for in
CHANNELS = 10 + len(SEGMENTS[1:])

# Probability [6, P, P] of each of `SEGMENTS` at the pixels of a picture [P, P, 3]; P is a multiple of 64.
SegmentationNetwork = Callable[[Image], Float32s]
# Probability [5, SIZE, SIZE] of each of `SURROUNDINGS` at each pixel of what a head is in the middle of, from
# [CHANNELS, SIZE, SIZE]: `appearance.hair.surroundings` says what these are.
SurroundingsNetwork = Callable[[Float32s], Float32s]


class SurroundingsNetworks(NamedTuple):
    """The two, one after the other."""

    segmentation: SegmentationNetwork
    surroundings: SurroundingsNetwork
