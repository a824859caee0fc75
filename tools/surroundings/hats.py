"""Photographs with hats that somebody looked at, and which pixels of one are the hat."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from unveil.appearance.hair.explain import explain
from unveil.appearance.hair.surroundings import Around
from unveil.appearance.hair.view import FARTHEST
from unveil.heads.surroundings import BACKGROUND, CLOTH, HAIR, OCCLUDER, SKIN, SURROUNDINGS
from unveil.typing import Bools, Float32s, Int64s, UInt8s

UNKNOWN = 255
LOOKED_AT = Path(__file__).with_name("looked_at.csv")
# Metres above the usual hairline from which on there is the hat, and from which on its brim may be; and below the chin
# up to where there is no cloth.
HAT_FROM, BRIM_FROM, CLOTH_FROM = 0.012, -0.045, 0.01
# What places alone say of skin, hair, cloth, hat: on the head above the hairline, at the brows and below; and beside
# it, where the nearest of the head is above the hairline, where it is not, and below the chin.
ABOVE, BROW, FACE = (0.085, 0.015, 0, 0.9), (0.55, 0.1, 0, 0.35), (0.82, 0.15, 0, 0.03)
OVER, BESIDE, BELOW = (0.02, 0.13, 0, 0.85), (0.15, 0.55, 0.05, 0.25), (0.1, 0.15, 0.7, 0.05)
DOUBT, UNFORESEEN = 0.03, 0.03  # in what a network says of people; share of what places do not foresee
CLEAR = 0.65  # probability from which on a pixel is clear


def looked_at() -> dict[str, bool]:
    """Whether the photographs of these names show a hat, of those where a learner or the colour may say so."""
    with LOOKED_AT.open(encoding="ascii", newline="") as file:
        return {name: hat == "1" for name, hat in csv.reader(file)}


def with_hat(around: Around, shown: UInt8s) -> UInt8s:
    """What is shown [S, S] around a head with a hat; hair and cloth only where they were clear before.

    Places say what is likely, and colours the rest, as for all labels.
    """
    prior = _by_places(around)
    typical = np.clip(2 * prior - 1, 0, 1) * around.known
    probability, _ = explain(around.picture, prior, np.asarray(typical, np.float32))
    found = np.where(probability.max(axis=0) > CLEAR, probability.argmax(axis=0), UNKNOWN).astype(np.uint8)
    found[np.isin(found, (HAIR, CLOTH)) & (found != shown)] = UNKNOWN
    found[around.known < 0.5] = UNKNOWN
    return found


def _by_places(around: Around) -> Float32s:
    """What is likely [5, S, S] by places, and by what a network takes for a person."""
    on_head, person = around.depth < FARTHEST, np.clip(around.channels[10], DOUBT, 1 - DOUBT)
    line, chin = around.above_line, around.above_chin
    nearest = line[on_head][_nearest(on_head)] if on_head.any() else line
    kinds = [SKIN, HAIR, CLOTH, OCCLUDER]
    conditions = [on_head & (line > HAT_FROM), on_head & (line > BRIM_FROM), on_head, nearest > 0, chin > -CLOTH_FROM]
    place = np.select(conditions, range(5), 5)
    likely = np.zeros((len(SURROUNDINGS), *place.shape), np.float32)
    likely[kinds] = np.moveaxis(np.array([ABOVE, BROW, FACE, OVER, BESIDE, BELOW], np.float32)[place], -1, 0)
    likely = np.where(on_head, likely, likely * person)
    likely[BACKGROUND] = np.where(on_head, 0, 1 - person)
    return np.asarray((1 - UNFORESEEN) * likely + UNFORESEEN / len(likely), np.float32)


def _nearest(there: Bools) -> Int64s:
    """For each pixel [S, S] the number of the nearest one that is there, in their order."""
    _, labels = cv2.distanceTransformWithLabels(
        (~there).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number = np.zeros(int(labels.max()) + 1, np.int64)
    number[labels[there]] = np.arange(np.count_nonzero(there))
    return np.asarray(number[labels])
