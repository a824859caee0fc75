"""What the hair in a photograph looks like: how far strands and locks of each width stand out, and how curly it is."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unveil.appearance.hair.photographed import KNOWN
from unveil.appearance.hair.sighted import Sighted
from unveil.appearance.hair.tone import ALIKE
from unveil.appearance.hair.view import HairView
from unveil.photos.cielab import to_cielab
from unveil.typing import Bools, Float32s, Floats

PIXEL = 0.00105  # metres, as large as a texel of the picture on hair
LARGEST = 640  # pixels a side of what is looked at
MARGIN = 4  # pixels inside hair from which on nothing else mixes into it
FLOOR = np.float32(8)  # grey levels added to hair: the darker it is, the more of what varies is noise of the photograph
# Contrast, standard deviations of logarithms: of strands about a pixel wide, and of locks of each width twice that of
# those before; what is usual, and the least and the most of it. In a small piece of what is taken for hair, more is
# rather what lies on it; so many pixels of it count as much as what is usual.
USUAL, LEAST, MOST = np.array([0.035, 0.045, 0.055, 0.055, 0.04]), 0.005, np.array([0.08, 0.09, 0.085, 0.07, 0.04])
FEW, FEW_DIRECTIONS = 1500, 500
SIGMA = 1.48  # standard deviations of a normal distribution per median of absolute values
# How far directions agree within so many pixels, from 0 to 1, in what is only noise of a photograph, whose squared
# slopes are such; in straight hair, at least; and in the curliest; and the steps of curliness in between.
FLOW, COARSER, OF_NOISE, NOISE = 6.0, 4, 0.62, 1e-3
STRAIGHT, CURLY, CURLS = 0.56, 0.44, 3


class HairLook(NamedTuple):
    """What hair looks like."""

    contrast: Floats  # [5] as `USUAL` has it
    curl: int  # 0 for straight hair, up to `CURLS`


def hair_look(head: Sighted, view: HairView) -> HairLook:
    """What the hair of a head looks like in a photograph, as far as that shows enough of it; else as usual."""
    size = round(view.crop.size / (view.scale * view.crop.scale * PIXEL))
    size = min(max(size, view.crop.size), LARGEST)
    green = view.crop.resized(size).warp(head.photograph[..., 1])  # nearly as light as all three together
    hair = cv2.resize(_shown(head, view), (size, size)) > 0.5
    x, y, width, height = cv2.boundingRect(hair.astype(np.uint8))
    part = slice(y, y + height), slice(x, x + width)
    return look_of(np.log(green[part] + FLOOR), hair[part])


def look_of(grey: Float32s, hair: Bools) -> HairLook:
    """What hair looks like of which a picture has these logarithms [H, W], where that shows ``hair`` [H, W]."""
    if not hair.any():
        return HairLook(USUAL, 0)
    inside = cv2.erode(hair.astype(np.uint8), np.ones((2 * MARGIN + 1, 2 * MARGIN + 1)), borderValue=0) > 0
    count = np.count_nonzero(inside)
    seen, agree = _contrast(grey, hair, inside), _agree(grey, inside)
    contrast = np.exp((count * np.log(np.maximum(seen, LEAST)) + FEW * np.log(USUAL)) / (count + FEW))
    agree = (count * agree + FEW_DIRECTIONS * OF_NOISE) / (count + FEW_DIRECTIONS)
    curl = round(CURLS * min(max((STRAIGHT - agree) / (STRAIGHT - CURLY), 0), 1))
    return HairLook(np.minimum(contrast, MOST), curl)


def _shown(head: Sighted, view: HairView) -> Float32s:
    """Which pixels [W, W] of a view surely show hair, and have its colour: 1, elsewhere 0."""
    sure = (view.inner().odds > 0) & (view.known > KNOWN)
    colours = to_cielab(view.crop.warp(head.photograph)[sure])
    sure[sure] = view.tone.unlike(colours) < ALIKE**2 + ALIKE
    return np.asarray(sure, np.float32)


def _contrast(grey: Float32s, hair: Bools, inside: Bools) -> Floats:
    """The contrast [5] of what is ``inside`` hair [H, W].

    It is that of the levels of a Laplacian pyramid (Burt and Adelson, "The Laplacian pyramid as a compact image code",
    1983) to which nothing but hair adds.
    """
    level, found = np.dstack([grey * hair, hair]).astype(np.float32), np.zeros(len(USUAL))
    for k in range(len(USUAL)):
        if not inside.any():
            break
        coarser = cv2.pyrDown(level)
        here, around = level[inside], cv2.pyrUp(coarser, dstsize=level.shape[1::-1])[inside]
        found[k] = SIGMA * np.median(np.abs(here[:, 0] / here[:, 1] - around[:, 0] / around[:, 1]))
        level, inside = np.asarray(coarser, np.float32), inside[::2, ::2]
    return found


def _agree(grey: Float32s, inside: Bools) -> float:
    """How far directions agree where strands inside hair [H, W] are near to each other, from 0 to 1.

    It is the coherence of the structure tensor, each direction as far as anything varies across it.
    """
    smooth = cv2.GaussianBlur(grey, (5, 5), 1.0)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *way, scale=1 / 8) * inside for way in ((1, 0), (0, 1)))
    squares = np.dstack([across * across, down * down, across * down])
    height, width = (-(-side // COARSER) for side in inside.shape)
    near = cv2.GaussianBlur(cv2.resize(squares, (width, height), interpolation=cv2.INTER_AREA), (0, 0), FLOW / COARSER)
    xx, yy, xy = np.moveaxis(near, -1, 0)
    noise = NOISE * np.count_nonzero(inside) / COARSER**2
    return float((np.hypot(xx - yy, 2 * xy).sum() + OF_NOISE * noise) / max(float((xx + yy).sum()) + noise, 1e-9))
