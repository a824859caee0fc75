"""What a photograph shows around a head, by networks that look farther than the learner."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from unveil.typing import Float32s, Image

SURROUNDINGS = ("skin", "hair", "cloth", "occluder", "background")
SKIN, HAIR, CLOTH, OCCLUDER, BACKGROUND = range(len(SURROUNDINGS))
SIZE = 88  # pixels a side of the picture that it sees
CHANNELS = 11
PERSON_SIZE = 256  # pixels a side of the same picture as people are looked for in

# Probability [5, SIZE, SIZE] of each of `SURROUNDINGS` at each pixel of what a head is in the middle of, from
# [CHANNELS, SIZE, SIZE]: `appearance.hair.surroundings` says what these are.
SurroundingsNetwork = Callable[[Float32s], Float32s]
# Probability [PERSON_SIZE, PERSON_SIZE] that pixels of a picture [PERSON_SIZE, PERSON_SIZE, 3] are of a person.
PersonNetwork = Callable[[Image], Float32s]


class SurroundingsNetworks(NamedTuple):
    """The two, one after the other."""

    person: PersonNetwork
    surroundings: SurroundingsNetwork
