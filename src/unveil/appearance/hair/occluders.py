"""What lies on a head or is held before it, beyond the class map, which ends soon above the brows."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.appearance.hair.cells import FEWEST
from unveil.appearance.hair.tone import ALIKE, EVEN
from unveil.appearance.hair.view import Around, HairView
from unveil.appearance.visibility import OCCLUDED
from unveil.models.classes import HAIR, OCCLUDER
from unveil.photos.cielab import to_cielab
from unveil.typing import Bools, Float32s, Image

# Metres over which an occluder goes on, and over which it does if it is held before the forehead; and the pixels of its
# edge, at least.
REACH, HELD_REACH, LEAST_EDGE = 0.1, 0.05, 5
# How near an occluder is from which on it hides the head in any case, and from which on it does if it looks like it.
ALMOST, FAINT = 0.9, 0.05
# Share of the edge across the forehead from which on something is before it, share of the width of the head there that
# a hat spans, and metres that one reaches around the head.
BEFORE, SPANNED, HAT_REACH = 0.25, 0.8, 0.08
# Share of the scalp with a colour that neither hair nor skin has, from which on that is a hat, and of these pixels what
# is lower than it.
OTHER, LOWEST = 0.38, 0.05


def goes_on(classes: Float32s, view: HairView, around: Around) -> Float32s:
    """How near [W, W], 1 to 0, pixels beyond the class map [9, W, W] are to an occluder at its edge.

    What reaches from temple to temple is a hat, and everywhere above. What is before a part of the forehead is held,
    and ends soon.
    """
    beyond = classes.sum(axis=0) < 0.5
    edge = ~beyond & (cv2.dilate(beyond.astype(np.uint8), np.ones((5, 5))) > 0)
    occluder = _without_specks(edge & (classes[OCCLUDER] > EVEN))
    if not occluder.any():
        return np.zeros(edge.shape, np.float32)
    across = edge & around.forehead
    above = around.above_chin > around.above_chin[across].min(initial=np.inf)
    beside = edge & (classes[HAIR] > EVEN) & above & (around.away < HAT_REACH)
    before_forehead = occluder[across].sum() > BEFORE * (across | beside).sum()
    left = view.to_left()
    hat = before_forehead and np.ptp(left[occluder & across]) > SPANNED * np.ptp(left[across])  # however it is tilted
    away = cv2.distanceTransform((~occluder).astype(np.uint8), cv2.DIST_L2, 3) / (view.scale * view.crop.scale)
    near = beyond * np.exp(-((away / (HELD_REACH if before_forehead else REACH)) ** 2))
    if hat:
        lowest = around.above_chin[occluder & across].min()
        near[beyond & (around.away < HAT_REACH) & (around.above_chin > lowest)] = 1
    return np.asarray(near, np.float32)


def on_scalp(picture: Image, view: HairView, around: Around) -> Float32s:
    """1 where a hat is in a picture [W, W, 3] of whose scalp much is coloured like no hair or skin, and 0 elsewhere."""
    scalp = (around.on_head > 0) & (around.above_line > 0) & (view.known > EVEN)
    other = scalp & (view.tone.unlike(to_cielab(picture)) > ALIKE**2)
    if np.count_nonzero(other) < max(FEWEST, OTHER * np.count_nonzero(scalp)):
        return np.zeros(scalp.shape, np.float32)
    lowest = np.quantile(around.above_chin[other], LOWEST)
    return np.asarray((around.away < HAT_REACH) & (around.above_chin > lowest), np.float32)


def hidden(classes: Float32s, looks: Float32s, near: Float32s) -> Float32s:
    """How far an occluder hides the head [W, W]: by the class map [9, W, W], and where it goes on beyond that.

    There it is as ``near`` [W, W] as `goes_on` says, and ``looks`` like one with a probability [W, W].
    """
    return np.where((classes[OCCLUDER] > OCCLUDED) | (near > ALMOST), 1, looks * (near > FAINT)).astype(np.float32)


def _without_specks(pixels: Bools) -> Bools:
    """Pixels [W, W] without pieces of fewer than `LEAST_EDGE`, which learners now and then see in a fringe."""
    _, labels, found, _ = cv2.connectedComponentsWithStats(pixels.astype(np.uint8), connectivity=8)
    kept = found[:, cv2.CC_STAT_AREA] >= LEAST_EDGE
    kept[0] = False
    return np.asarray(kept[labels])
