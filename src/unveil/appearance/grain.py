"""Fine structure of skin, pores and lines, where it is not seen: quilted from pieces of the person's own skin.

Pieces are laid side by side and mixed where they overlap, so that their contrast stays (Efros and Freeman, "Image
quilting for texture synthesis and transfer", 2001, look for pieces that match; structure as fine as this has no edges
that would have to).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from unveil.appearance.eyes import EVENLY
from unveil.geometry.compiled import compiled
from unveil.typing import Bools, Float32s, Int32s

# Shares of the texture's side, which are 48, 32, 4 and 24 texels of 1024: of a piece, from one to the next, of what is
# structure rather than colour, and between plain skin and brows, lids, lips and nostrils.
SIDE, STEP, FINE, AWAY = 3 / 64, 1 / 32, 1 / 256, 3 / 128
WHOLE = 0.999  # of a piece that is to be seen
KNOWN = 0.9  # coverage of texels that are seen
TRIED = 6  # places, along a side, at which pieces are tried
CANDIDATES, PIECES = 40, 12  # pieces that are looked at, and those of them with least contrast, which show no lines
# Of the logarithm of brightness: the root mean square of structure at most, and what none exceeds. More is no skin, but
# the edge of hair, or what compression left; and lines of a face, laid somewhere else, look like cracks.
USUAL, STRONGEST = 0.008, 0.02
DARKEST = 8.0  # grey level
FEWEST = 0.03  # of the texels that are hidden, to be worth it


@dataclass(frozen=True, eq=False)
class PlainSkin:
    """The texels of a texture that are surely bare skin, and of these those without brows, lids or lips."""

    size: int  # texels a side of the texture
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
        whole = cls(size, np.s_[top:bottom, left:right], rows, places, plain.astype(np.float32))
        if not len(rows):
            return whole
        away = np.ones((2 * round(AWAY * size) + 1,) * 2)
        inner = cv2.erode(whole.picture(whole.plain), away, borderType=cv2.BORDER_REPLICATE)
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
    side = round(SIDE * skin.size)
    seen = (coverage[skin.rows] > KNOWN).astype(np.float32)
    if not len(seen) or min(skin.shape) <= side or seen.mean() > 1 - FEWEST:
        return None
    usable = skin.picture(seen * skin.plain)
    whole = cv2.boxFilter(usable, -1, (side, side), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    every = max(1, side // TRIED)
    tops, lefts = np.nonzero(whole[: 1 - side : every, : 1 - side : every] > WHOLE)
    if not len(tops):
        return None
    chosen = np.linspace(0, len(tops) - 1, min(CANDIDATES, len(tops))).astype(int)
    grey = skin.picture(np.log(np.maximum(colour[skin.rows] @ EVENLY, DARKEST)))
    fine = _fine(grey, usable, FINE * skin.size)
    corners = every * np.column_stack([tops, lefts])[chosen]
    pieces = _plainest(np.stack([fine[top : top + side, left : left + side] for top, left in corners]))
    laid = _laid(pieces, skin.shape, round(STEP * skin.size)).ravel()[skin.places]
    return np.asarray(np.exp(np.clip(laid, -STRONGEST, STRONGEST)), np.float32)


def _fine(values: Float32s, weight: Float32s, broad: float) -> Float32s:
    """The structure of a picture [H, W] with weights [H, W] that is finer than ``broad`` texels."""
    near, around = (cv2.GaussianBlur(picture, (0, 0), broad) for picture in (weight, values * weight))
    return np.asarray((values - around / np.maximum(near, 1e-3)) * weight, np.float32)


def _plainest(pieces: Float32s) -> Float32s:
    """Those of pieces [C, P, P] in which nothing stands out, with no more than usual contrast."""
    contrast = np.maximum(pieces.std(axis=(1, 2), keepdims=True), np.float32(1e-6))
    usual = pieces * np.minimum(np.float32(USUAL) / contrast, np.float32(1))
    order = np.argsort(np.abs(usual).max(axis=(1, 2)), kind="stable")
    return np.asarray(usual[order[:PIECES]], np.float32)


def _laid(pieces: Float32s, shape: tuple[int, int], step: int) -> Float32s:
    """Pieces [N, P, P] side by side over a picture [H, W], each turned or mirrored by lot, so that none shows."""
    side = pieces.shape[1]
    window, spread = _windows(shape, side, step)
    total = np.zeros((shape[0] + side, shape[1] + side), np.float32)
    lots = np.random.default_rng(1).integers(
        [len(pieces), 2, 2, 2], size=(_count(shape[0], step), _count(shape[1], step), 4)
    )
    _lay(pieces * window, lots.astype(np.int32), step, total)
    return np.asarray((total / spread)[: shape[0], : shape[1]], np.float32)


def _count(length: int, step: int) -> int:
    return -(-length // step)


@compiled
def _lay(pieces: Any, lots: Any, step: Any, total: Any) -> None:
    """Add pieces [N, P, P] to a picture, one every ``step`` texels; lots [I, J, 4] say which, and how it lies."""
    last = pieces.shape[1] - 1
    for i in range(lots.shape[0]):
        for j in range(lots.shape[1]):
            piece = pieces[lots[i, j, 0]]
            upset, mirrored, across = lots[i, j, 1], lots[i, j, 2], lots[i, j, 3]
            for y in range(last + 1):
                row = last - y if upset else y
                for x in range(last + 1):
                    column = last - x if mirrored else x
                    value = piece[column, row] if across else piece[row, column]
                    total[i * step + y, j * step + x] += value


@lru_cache(maxsize=2)
def _windows(shape: tuple[int, int], side: int, step: int) -> tuple[Float32s, Float32s]:
    """What pieces are weighted with [P, P], and what keeps their contrast where they overlap, over a picture."""
    place = np.minimum(np.arange(side) + 1, side - np.arange(side)) / (side - step)
    window = np.minimum(place, 1).astype(np.float32)
    window = window[:, None] * window
    squares = np.zeros((shape[0] + side, shape[1] + side), np.float32)
    for top in range(0, shape[0], step):
        for left in range(0, shape[1], step):
            squares[top : top + side, left : left + side] += window**2
    return window, np.sqrt(np.maximum(squares, 1e-3))
