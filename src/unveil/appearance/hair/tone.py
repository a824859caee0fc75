"""The colour of hair, from the pixels that show it, or from the brows."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unveil.appearance.hair.sighted import Sighted, inside
from unveil.geometry.arrays import squared_lengths
from unveil.models.classes import BROWS, SKIN
from unveil.photos.cielab import to_cielab
from unveil.typing import Float32s, Floats

SURE, FEWEST = 0.8, 40  # probability from which on a pixel surely shows something, and how many are enough
# Pixels of a picture around a head, that show hair, from which on they say what all of it looks like; and the nodes of
# hair that the colour of fewer counts as, or that of brows.
FEW_PIXELS, OF_LITTLE = 150, 150.0
ALIKE = 3.5  # times that colours of hair spread, which are still of it
EVEN = 0.5  # probability from which on something is more likely there than not
FINER = 4  # pixels a side of a cell of the brows that are looked at
OF_BROWS = 0.12  # share of their pixels that no skin shows through
PALER = 15.0  # than skin little hair never is: that is the wall
# CIELAB of hair by that of the darkest pixels of the brows: what to add, and how much of it to take. Of 190 people
# whose hair and brows are seen, half are nearer than 9.1 to that, and half nearer than 12.3 to the brows.
ADDED, TAKEN = np.array([5.0, 0, 0], np.float32), np.array([0.5, 0.4, 0.4], np.float32)
SPREAD = (8.0, 4.0, 5.0)  # of CIELAB in hair, at least


class HairTone(NamedTuple):
    """What hair and skin of a head look like in a photograph, in CIELAB."""

    hair: Floats  # [3]
    spread: Floats  # [3] how far hair varies
    skin: Floats  # [3]
    nodes: float = 1.0  # of hair that is seen, which this counts as much as for what is not seen

    def unlike(self, lab: Float32s) -> Float32s:
        """How far colours [..., 3] are from any mixture of hair and skin, in how far hair varies, squared [...].

        Hair in full light is such a mixture, while the wall behind it is not, nor is what lies on it.
        """
        spread = np.asarray(self.spread, np.float32)
        away = (lab - np.asarray(self.hair, np.float32)) / spread
        along = np.asarray(self.skin - self.hair, np.float32) / spread
        share = np.clip(away @ along / max(float(along @ along), 1e-6), 0, 1)
        return np.asarray(squared_lengths(away - share[..., None] * along), np.float32)


def hair_tone(head: Sighted, picture: Float32s, hair: Float32s) -> HairTone:
    """The colours of hair and of skin.

    Where next to no hair is seen, it is as dark as those few pixels, which may be of the wall, or as the brows tell if
    they tell of darker hair.

    Args:
        head: in the photograph.
        picture: around it, CIELAB [W, W, 3].
        hair: probability [W, W] that a pixel of that shows some.
    """
    lab, seen = head.cells
    skin = head.classes[SKIN] * seen
    of_skin = np.median(lab[skin >= min(SURE, float(skin.max()))], axis=0)
    clear = cv2.morphologyEx((hair > SURE).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))  # no edges of brows
    inner = cv2.erode(clear, np.ones((3, 3)))  # what is beside hair is mixed with its edges
    colours = picture[(inner if np.count_nonzero(inner) >= FEWEST else clear) > 0]
    much = np.count_nonzero(hair > EVEN) >= FEW_PIXELS
    pale = len(colours) > 0 and np.median(colours[:, 0]) > of_skin[0] + PALER
    if len(colours) < FEWEST or (pale and not much):
        colours = _darker(picture[hair > SURE], _by_brows(head))
    colours = colours if len(colours) else of_skin[None]
    middle = np.median(colours, axis=0)
    return HairTone(middle, spread_of(colours, middle), of_skin, 1.0 if much else OF_LITTLE)


def spread_of(colours: Float32s, middle: Floats) -> Floats:
    """How far colours of hair [N, 3] vary around the middle one [3], in CIELAB [3]."""
    return np.maximum(1.5 * np.median(np.abs(colours - middle), axis=0), SPREAD)


def _by_brows(head: Sighted) -> Float32s:
    """CIELAB [N, 3] of hair, by the darkest pixels of the brows."""
    cells = head.classes[BROWS] * head.cells[1] > EVEN
    fine = head.crop.resized(FINER * len(cells))
    there = np.repeat(np.repeat(cells, FINER, axis=0), FINER, axis=1) & (inside(fine, head.photograph) > 0)
    lab = to_cielab(fine.warp(head.photograph)[there])
    darkest = lab[lab[:, 0] <= np.quantile(lab[:, 0], OF_BROWS)] if len(lab) else lab
    return np.asarray(ADDED + TAKEN * darkest)


def _darker(some: Float32s, others: Float32s) -> Float32s:
    """Of two sets of colours [N, 3] the darker one; of one that is empty, the other."""
    first, second = (float(np.median(one[:, 0])) if len(one) else np.inf for one in (some, others))
    return some if first < second else others
