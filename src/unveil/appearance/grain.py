"""Pores and fine lines of skin where they are not seen: quilted from pieces of the person's own skin.

Pieces are laid side by side and blended where they overlap, in a way that keeps their contrast. Efros and Freeman
("Image quilting for texture synthesis and transfer", 2001) search for pieces that match. Structure as fine as this has
no edges that would have to.
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

# Lengths are shares of the texture's side.
SIDE, STEP = 3 / 64, 1 / 32  # of a piece, and from one to the next (48 and 32 texels of 1024)
FINE = 1 / 256  # width of the Gaussian: what is finer is structure, the rest is colour (4 texels)
AWAY = 3 / 128  # of pieces from brows, lids, lips and nostrils (24 texels)
WHOLE = 0.999  # share of a piece that must be seen
KNOWN = 0.9  # coverage from which a texel is seen
TRIED = 6  # pieces are tried at every sixth of their side
CANDIDATES, PIECES = 40, 12  # pieces that are looked at, and how many are used: those with the faintest lines
# Structure in logarithms of brightness: largest root mean square of a piece, and largest value. What exceeds them is
# the edge of hair, or left by compression; and lines of a face look like cracks elsewhere.
USUAL, STRONGEST = 0.008, 0.02
DARKEST = 8.0  # grey level, to take a logarithm of
FEWEST = 0.03  # share of hidden texels below which nothing is quilted


@dataclass(frozen=True, eq=False)
class PlainSkin:
    """The texels of a texture that are surely bare skin, and which of them are far from brows, lids and lips."""

    size: int  # texels a side of the texture
    box: tuple[slice, slice]  # rows and columns of the texture around these texels
    rows: Int32s  # [K] of the N texels that the texture is computed at
    places: Int32s  # [K] in the box, row by row
    plain: Float32s  # [K] 1 far from brows, lids and lips, 0 elsewhere

    @classmethod
    def of(cls, rows: Int32s, texels: Int32s, plain: Bools, size: int) -> PlainSkin:
        """The plain skin of a texture.

        Args:
            rows: [K] texels that are surely bare skin.
            texels: [N] row * size + column of all texels.
            plain: [K] which of the first are not brows, lids or lips.
            size: texels a side of the texture.
        """
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
    """Factors [K] of the brightness of bare skin that give it the fine structure of the skin that is seen.

    None where nearly all of it is seen, or where too little plain skin is.

    Args:
        colour: [N, 3] albedo of the texels.
        coverage: [N] how far each is seen.
        skin: the texels of bare skin.
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
    """Those of pieces [C, P, P] in which least stands out, their contrast reduced to `USUAL` where it is larger."""
    contrast = np.maximum(pieces.std(axis=(1, 2), keepdims=True), np.float32(1e-6))
    usual = pieces * np.minimum(np.float32(USUAL) / contrast, np.float32(1))
    order = np.argsort(np.abs(usual).max(axis=(1, 2)), kind="stable")
    return np.asarray(usual[order[:PIECES]], np.float32)


def _laid(pieces: Float32s, shape: tuple[int, int], step: int) -> Float32s:
    """Pieces [N, P, P] side by side over a picture [H, W], turned and mirrored at random so that none is recognised."""
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
    """Add pieces [N, P, P] to a picture, one every ``step`` texels; ``lots`` [I, J, 4] say which, and how it lies."""
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
    """The weights [P, P] of a piece, and the divisors [H, W] that keep contrast where weighted pieces overlap."""
    place = np.minimum(np.arange(side) + 1, side - np.arange(side)) / (side - step)
    window = np.minimum(place, 1).astype(np.float32)
    window = window[:, None] * window
    squares = np.zeros((shape[0] + side, shape[1] + side), np.float32)
    for top in range(0, shape[0], step):
        for left in range(0, shape[1], step):
            squares[top : top + side, left : left + side] += window**2
    return window, np.sqrt(np.maximum(squares, 1e-3))
