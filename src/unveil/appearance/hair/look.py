"""What the hair in a photograph looks like: the contrast of strands and locks of each width, and how curly it is."""

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

PIXEL = 0.00105  # metres of a pixel of the picture that is measured: as large as a texel of the picture on hair
LARGEST = 640  # pixels a side of that picture at most
MARGIN = 4  # pixels inside hair from which on nothing else is mixed with it
FLOOR = np.float32(8)  # grey levels added to hair, because much of what varies in dark hair is noise of the photograph

# Contrast: standard deviations of logarithms. First that of strands about a pixel wide, then that of locks, each kind
# twice as wide as the one before.
USUAL = np.array([0.035, 0.045, 0.055, 0.055, 0.04])
LEAST = 0.005
MOST = np.array([0.08, 0.09, 0.085, 0.07, 0.04])  # more is not hair, but something that lies on it
FEW = 1500  # pixels of hair that count as much as `USUAL`
SIGMA = 1.48  # standard deviation of a normal distribution, in medians of absolute values

# Curliness: how far directions of strands near to each other agree, from 0 to 1.
FLOW = 6.0  # pixels within which they are compared
COARSER = 4  # pixels a side of the squares in which they are averaged first
OF_NOISE = 0.62  # how far they agree in the noise of a photograph
NOISE = 1e-3  # squared slopes of that noise
FEW_DIRECTIONS = 500  # pixels of hair that count as much as noise
STRAIGHT, CURLY = 0.56, 0.44  # how far they agree at least in straight hair, and in the curliest
CURLS = 3  # steps of curliness from one to the other


class HairLook(NamedTuple):
    """What hair looks like."""

    contrast: Floats  # [5] of strands and locks, as in `USUAL`
    curl: int  # 0 for straight hair, up to `CURLS`


def hair_look(head: Sighted, view: HairView) -> HairLook:
    """What the hair of a head looks like in a photograph: the less that shows of it, the more as usual."""
    size = round(view.crop.size / (view.scale * view.crop.scale * PIXEL))
    size = min(max(size, view.crop.size), LARGEST)
    green = view.crop.resized(size).warp(head.photograph[..., 1])  # green alone is nearly the lightness
    hair = cv2.resize(_shown(head, view), (size, size)) > 0.5
    x, y, width, height = cv2.boundingRect(hair.astype(np.uint8))
    part = slice(y, y + height), slice(x, x + width)
    return look_of(np.log(green[part] + FLOOR), hair[part])


def look_of(grey: Float32s, hair: Bools) -> HairLook:
    """What hair looks like in a picture.

    Args:
        grey: [H, W] logarithms of the grey levels of the picture.
        hair: [H, W] which pixels show hair.
    """
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
    """1 where pixels [W, W] of a view surely show hair and have its colour, elsewhere 0."""
    sure = (view.inner().odds > 0) & (view.known > KNOWN)
    colours = to_cielab(view.crop.warp(head.photograph)[sure])
    sure[sure] = view.tone.unlike(colours) < ALIKE**2 + ALIKE
    return np.asarray(sure, np.float32)


def _contrast(grey: Float32s, hair: Bools, inside: Bools) -> Floats:
    """The contrast [5] of strands and locks where pixels [H, W] lie ``inside`` hair.

    It is measured in the levels of a Laplacian pyramid (Burt and Adelson, "The Laplacian pyramid as a compact image
    code", 1983) that is made of hair alone.
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
    """How far, from 0 to 1, directions of strands near to each other agree inside hair [H, W].

    It is the mean coherence of the structure tensor, weighted by how much the picture varies.
    """
    smooth = cv2.GaussianBlur(grey, (5, 5), 1.0)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *way, scale=1 / 8) * inside for way in ((1, 0), (0, 1)))
    squares = np.dstack([across * across, down * down, across * down])
    height, width = (-(-side // COARSER) for side in inside.shape)
    near = cv2.GaussianBlur(cv2.resize(squares, (width, height), interpolation=cv2.INTER_AREA), (0, 0), FLOW / COARSER)
    xx, yy, xy = np.moveaxis(near, -1, 0)
    noise = NOISE * np.count_nonzero(inside) / COARSER**2
    return float((np.hypot(xx - yy, 2 * xy).sum() + OF_NOISE * noise) / max(float((xx + yy).sum()) + noise, 1e-9))
