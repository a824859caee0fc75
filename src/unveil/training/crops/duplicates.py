"""Duplicate photographs: the same picture again, scaled, compressed or brightened differently."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.typing import Image

SIDE = 16  # lowest frequencies in x and in y that are compared: 256 bits
SMALL = 32  # pixels of the grey picture they are taken from
# Among 10,000 real faces, framed alike, the pairs that we looked at were copies of one photograph up to a difference of
# 34 bits; from 36 on some show two people. A larger collection has more pairs that are alike by chance.
MOST_BITS = 22

Hash = NDArray[np.uint64]  # [4]


def perceptual_hash(crop: Image) -> Hash:
    """256 bits of a crop [S, S, 3]: which of its lowest frequencies (discrete cosine transform) are above the median.

    The mean brightness is left out. After Zauner, "Implementation and benchmarking of perceptual image hash
    functions", 2010, section 3.2.1, with four times as many frequencies: faces that are framed alike look alike.
    """
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(np.asarray(grey, np.float32))[:SIDE, :SIDE].ravel()
    above = waves > np.median(waves[1:])
    above[0] = False
    return np.packbits(above).view(np.uint64)


class Gallery:
    """Hashes of the photographs kept so far."""

    def __init__(self) -> None:
        self._hashes = np.empty((4, 1024), np.uint64)
        self._count = 0

    def find(self, query: Hash) -> int | None:
        """The number, from 0, of the kept photograph that is most like this one; None where none is similar enough."""
        hashes = self._hashes[:, : self._count]
        # One word alone, the one of the highest frequencies, leaves few of many thousands to compare in full.
        alike = np.flatnonzero(np.bitwise_count(hashes[3] ^ query[3]) <= MOST_BITS)
        distances = np.bitwise_count(hashes[:, alike] ^ query[:, None]).sum(axis=0)
        if not (distances <= MOST_BITS).any():
            return None
        return int(alike[distances.argmin()])

    def add(self, new: Hash) -> None:
        """Keep a photograph."""
        if self._count == self._hashes.shape[1]:
            self._hashes = np.concatenate([self._hashes, np.empty_like(self._hashes)], axis=1)
        self._hashes[:, self._count] = new
        self._count += 1
