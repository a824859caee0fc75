"""Fine structure of skin, pores and lines, where it is not seen: quilted from pieces of the person's own skin.

Pieces are laid side by side and mixed where they overlap, so that their contrast stays (Efros and Freeman, "Image
quilting for texture synthesis and transfer", 2001, look for pieces that match; structure as fine as this has no edges
that would have to).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from unveil.typing import Bools, Float32s, Int32s

SIDE = 48  # texels of a piece, of 1024
STEP = 32  # texels from one to the next
FINE = 4.0  # texels, of what is structure rather than colour
WHOLE = 0.999  # of a piece that is to be seen
AWAY = 24  # texels between plain skin and brows, lids, lips and nostrils
KNOWN = 0.9  # coverage of texels that are seen
CANDIDATES, PIECES = 40, 12  # pieces that are looked at, and those of them with least contrast, which show no lines
# Of the logarithm of brightness: the root mean square of structure at most, and what none exceeds. More is no skin, but
# the edge of hair, or what compression left; and lines of a face, laid somewhere else, look like cracks.
USUAL, STRONGEST = 0.008, 0.02
DARKEST = 8.0  # grey level
FEWEST = 0.03  # of the texels that are hidden, to be worth it


@dataclass(frozen=True, eq=False)
class PlainSkin:
    """The texels of a texture that are surely bare skin, and of these those without brows, lids or lips."""

    box: tuple[slice, slice]  # of the texture, rows and columns, around them
    rows: Int32s  # [K] of the texels
    places: Int32s  # [K] in the box, row by row
    plain: Float32s  # [K] 1 there, 0 elsewhere

    @classmethod
    def of(cls, rows: Int32s, texels: Int32s, plain: Bools, size: int) -> PlainSkin:
        """From rows [K] of the texels [N] of a texture of ``size`` texels a side."""
        down, across = np.divmod(texels[rows], size)
        top, left = (int(place.min()) if len(rows) else 0 for place in (down, across))
        bottom, right = (int(place.max()) + 1 if len(rows) else 0 for place in (down, across))
        places = ((down - top) * (right - left) + across - left).astype(np.int32)
        whole = cls(np.s_[top:bottom, left:right], rows, places, plain.astype(np.float32))
        if not len(rows):
            return whole
        inner = cv2.erode(whole.picture(whole.plain), np.ones((2 * AWAY + 1,) * 2), borderType=cv2.BORDER_REPLICATE)
        return replace(whole, plain=np.asarray(inner, np.float32).ravel()[places])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the box."""
        down, across = self.box
        return down.stop - down.start, across.stop - across.start

    def picture(self, values: Float32s) -> Float32s:
        """Values [K] in the box [H, W]; zero elsewhere."""
        whole = np.zeros(self.shape[0] * self.shape[1], np.float32)
        whole[self.places] = values
        return whole.reshape(self.shape)


def quilted_grain(colour: Float32s, coverage: Float32s, skin: PlainSkin) -> Float32s | None:
    """Factors [K] of the brightness of bare skin that give it fine structure like the seen skin's.

    Args:
        colour: [N, 3] of the texels, without light.
        coverage: [N] how far it is seen.
        skin: the texels of bare skin.

    Returns:
        None where nearly all is seen, or too little of the plain skin.
    """
    seen = (coverage[skin.rows] > KNOWN).astype(np.float32)
    if not len(seen) or seen.mean() > 1 - FEWEST:
        return None
    usable = skin.picture(seen * skin.plain)
    whole = cv2.boxFilter(usable, -1, (SIDE, SIDE), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    tops, lefts = np.nonzero(whole[: 1 - SIDE : 8, : 1 - SIDE : 8] > WHOLE)
    if not len(tops):
        return None
    chosen = np.linspace(0, len(tops) - 1, min(CANDIDATES, len(tops))).astype(int)
    grey = skin.picture(np.log(np.maximum(colour[skin.rows].mean(axis=1), DARKEST)))
    pieces = [_fine(grey, usable, 8 * int(tops[k]), 8 * int(lefts[k])) for k in chosen]
    pieces = sorted(pieces, key=lambda piece: float(np.abs(piece).max()))[:PIECES]
    laid = _laid(pieces, skin.shape).ravel()[skin.places]
    return np.asarray(np.exp(np.clip(laid, -STRONGEST, STRONGEST)), np.float32)


def _fine(grey: Float32s, usable: Float32s, top: int, left: int) -> Float32s:
    """The structure of the piece [SIDE, SIDE] that begins there, with zero mean and no more than usual contrast."""
    part = np.s_[top : top + SIDE, left : left + SIDE]
    values, weight = grey[part], usable[part]
    broad = cv2.GaussianBlur(values * weight, (0, 0), FINE) / np.maximum(cv2.GaussianBlur(weight, (0, 0), FINE), 1e-3)
    fine = (values - broad) * weight
    return np.asarray(fine * min(1.0, USUAL / max(float(fine.std()), 1e-6)), np.float32)


def _laid(pieces: list[Float32s], shape: tuple[int, int]) -> Float32s:
    """Pieces side by side over a picture [H, W], each turned or mirrored by lot, so that no direction shows."""
    height, width = shape
    window, spread = _windows(shape)
    turned = [[np.rot90(piece, quarters) for quarters in range(4)] for piece in pieces]
    laid = [[(window * one, window * one.T) for one in four] for four in turned]
    total = np.zeros((height + SIDE, width + SIDE), np.float32)
    rng = np.random.default_rng(1)
    for top in range(0, height, STEP):
        for left in range(0, width, STEP):
            four = laid[int(rng.integers(len(pieces)))]
            as_it_is, mirrored = four[int(rng.integers(4))]
            total[top : top + SIDE, left : left + SIDE] += as_it_is if rng.random() < 0.5 else mirrored
    return np.asarray((total / spread)[:height, :width], np.float32)


@lru_cache(maxsize=2)
def _windows(shape: tuple[int, int]) -> tuple[Float32s, Float32s]:
    """What pieces are weighted with [SIDE, SIDE], and what keeps their contrast where they overlap, over a picture."""
    place = np.minimum(np.arange(SIDE) + 1, SIDE - np.arange(SIDE)) / (SIDE - STEP)
    window = np.minimum(place, 1).astype(np.float32)
    window = window[:, None] * window
    squares = np.zeros((shape[0] + SIDE, shape[1] + SIDE), np.float32)
    for top in range(0, shape[0], STEP):
        for left in range(0, shape[1], STEP):
            squares[top : top + SIDE, left : left + SIDE] += window**2
    return window, np.sqrt(np.maximum(squares, 1e-3))
