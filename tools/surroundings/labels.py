"""What photographs show around a head: what a large network says of them, and what somebody saw in them.

MediaPipe's multiclass segmentation knows hair, skin, clothes and walls, and most of what people wear and hold, best in
a picture larger than the one that heads are reconstructed with. Whether that is a hat, and whether a scalp is bare,
somebody looked at.
"""

from __future__ import annotations

import csv
from enum import Enum
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from unveil.appearance.hair.explain import explain
from unveil.appearance.hair.sighted import inside
from unveil.appearance.hair.surroundings import Around
from unveil.appearance.hair.view import FARTHEST
from unveil.heads.surroundings import (
    BACKGROUND,
    CLOTH,
    HAIR,
    OCCLUDER,
    SEGMENTS,
    SKIN,
    SURROUNDINGS,
    SegmentationNetwork,
)
from unveil.typing import Bools, Float32s, Int64s, UInt8s

UNKNOWN = 255
LOOKED_AT = Path(__file__).with_name("looked_at.csv")
LOOKED_THROUGH = ("allagefaces", "utkface")  # beginnings of the names of photographs that all were looked at
LOOKED_AT_SIZE = 256  # pixels a side of the picture that is labelled: more than heads are given, which takes longer
CLEAR = 0.65  # probability from which on a pixel is clear
# Metres above the usual hairline from which on a bald head has no hair, somebody's hat is, and its brim may be; and
# below the chin up to where clothes are no cloth.
CROWN, HAT_FROM, BRIM_FROM, CLOTH_FROM = 0.04, 0.012, -0.045, 0.01
FRONT = 0.5  # probability of an occluder, by the learner, from which on what is there may be one
# What places alone say of skin, hair, cloth, hat, if there is one: on the head above the hairline, at the brows and
# below; and beside it, where the nearest of the head is above the hairline, where it is not, and below the chin.
ABOVE, BROW, FACE = (0.085, 0.015, 0, 0.9), (0.55, 0.1, 0, 0.35), (0.82, 0.15, 0, 0.03)
OVER, BESIDE, BELOW = (0.02, 0.13, 0, 0.85), (0.15, 0.55, 0.05, 0.25), (0.1, 0.15, 0.7, 0.05)
DOUBT, UNFORESEEN = 0.1, 0.03  # in what the large network says there; share of what neither foresees


class Worn(Enum):
    """What somebody saw on a head."""

    HAT = "hat"
    NOTHING = "nothing"
    BALD = "bald"  # which is nothing, too
    UNCLEAR = "unclear"  # or never looked at


@cache
def _looked_at() -> dict[str, Worn]:
    with LOOKED_AT.open(encoding="ascii", newline="") as file:
        return {name: Worn(worn) for name, worn in csv.reader(file)}


def worn_in(name: str) -> Worn:
    """What somebody saw in the photograph of a name."""
    return _looked_at().get(name, Worn.NOTHING if name.startswith(LOOKED_THROUGH) else Worn.UNCLEAR)


def both_ways(network: SegmentationNetwork) -> SegmentationNetwork:
    """A network that also looks at the mirror image; slower, and more often right."""
    return lambda picture: np.asarray(
        (network(picture) + network(np.ascontiguousarray(picture[:, ::-1]))[..., ::-1]) / 2, np.float32
    )


def labels(around: Around, network: SegmentationNetwork, worn: Worn) -> UInt8s:
    """What is clear [S, S] around a head, of `SURROUNDINGS`; else `UNKNOWN`."""
    said = _said(around, network)
    body, others = (said[SEGMENTS.index(name)] > CLEAR for name in ("body", "others"))
    on_head, above = around.depth < FARTHEST, around.above_chin > -CLOTH_FROM
    front = around.channels[8] > FRONT
    ours = _with_hat(around, of_ours(said)) if worn is Worn.HAT else of_ours(said)
    found = np.where(ours.max(axis=0) > CLEAR, ours.argmax(axis=0), UNKNOWN).astype(np.uint8)
    found[(found == CLOTH) & above] = OCCLUDER if worn is Worn.HAT else UNKNOWN
    found[body & above & ~on_head] = UNKNOWN  # hands and ears
    spectacles = (found == OCCLUDER) & on_head & (around.above_line <= BRIM_FROM)
    unclear = spectacles & ~front
    if worn in (Worn.NOTHING, Worn.BALD):
        unclear |= (found == OCCLUDER) & ~front
    if worn is Worn.BALD:
        unclear |= (found == HAIR) & on_head & (around.above_line > CROWN)
    unclear |= front & np.isin(found, (SKIN, CLOTH)) & ~others
    unclear |= (found == BACKGROUND) & on_head
    found[unclear] = UNKNOWN
    found[front & on_head & (body | others)] = OCCLUDER  # hands, and what they hold
    found[around.known < 0.5] = UNKNOWN
    return found


def _said(around: Around, network: SegmentationNetwork) -> Float32s:
    """What the network says [6, S, S] of the picture around a head, which goes on beyond the edges of a photograph."""
    crop = around.crop.of_cells(LOOKED_AT_SIZE)
    picture, known = crop.warp(around.head.photograph), inside(crop, around.head.photograph) > 0
    whole = picture[known][_nearest(known)] if known.any() else picture
    size = around.known.shape
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in network(whole)])


def of_ours(said: Float32s) -> Float32s:
    """What the network says of `SEGMENTS` [6, S, S], of `SURROUNDINGS` [5, S, S]."""
    ours = {"body": SKIN, "face": SKIN, "hair": HAIR, "clothes": CLOTH, "others": OCCLUDER, "background": BACKGROUND}
    found = np.zeros((len(SURROUNDINGS), *said.shape[1:]), np.float32)
    for name, one in zip(SEGMENTS, said, strict=True):
        found[ours[name]] += one
    return found


def _with_hat(around: Around, said: Float32s) -> Float32s:
    """What is shown [5, S, S] around a head with a hat: by places, by what a network says, and by colours."""
    on_head, line, chin = around.depth < FARTHEST, around.above_line, around.above_chin
    nearest = line[on_head][_nearest(on_head)] if on_head.any() else line
    kinds = [SKIN, HAIR, CLOTH, OCCLUDER]
    conditions = [on_head & (line > HAT_FROM), on_head & (line > BRIM_FROM), on_head, nearest > 0, chin > -CLOTH_FROM]
    place = np.select(conditions, range(5), 5)
    likely = np.zeros_like(said)
    likely[kinds] = np.moveaxis(np.array([ABOVE, BROW, FACE, OVER, BESIDE, BELOW], np.float32)[place], -1, 0)
    likely[BACKGROUND] = np.where(on_head, 0, 0.5)
    clothes = np.where(chin > -CLOTH_FROM, said[CLOTH], 0)  # which are a hat, or a scarf
    said = said.copy()
    said[CLOTH] -= clothes
    said[OCCLUDER] += clothes
    prior = likely * (said + DOUBT)
    prior /= np.maximum(prior.sum(axis=0), 1e-6)
    prior = np.asarray((1 - UNFORESEEN) * prior + UNFORESEEN / len(prior), np.float32)
    typical = np.clip(2 * prior - 1, 0, 1) * around.known
    probability, _ = explain(around.picture, prior, np.asarray(typical, np.float32))
    hair = said[HAIR] > 0.5
    probability[HAIR] *= hair  # colours alone make none
    return probability


def _nearest(there: Bools) -> Int64s:
    """For each pixel [S, S] the number of the nearest one that is there, in their order."""
    _, labels = cv2.distanceTransformWithLabels(
        (~there).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number = np.zeros(int(labels.max()) + 1, np.int64)
    number[labels[there]] = np.arange(np.count_nonzero(there))
    return np.asarray(number[labels])
