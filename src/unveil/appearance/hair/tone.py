"""The colour of hair, from the pixels that show it, or from the brows."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unveil.appearance.hair.sighted import Sighted, inside
from unveil.geometry.arrays import squared_lengths
from unveil.models.classes import BROWS, SKIN
from unveil.photos.cielab import to_cielab
from unveil.typing import Bools, Float32s, Floats

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
# Where little hair is seen, skin shines through it: only this share of its pixels, the darkest, tells its colour.
DARKER = 0.5
# Brows that tell of hair of lightness L count as much as (AS_ONE / L)^2 pixels of it. Above dark brows hair is dark,
# above pale ones it may be anything: errors are in proportion to L. With 40 the errors are least, but then more people
# with dark hair get fair hair, which is the worse fault.
AS_ONE = 80.0
SHORN = 0.7  # of the lightness of skin, up to which few pixels that are paler than brows tell may be shorn dark hair
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


def hair_tone(head: Sighted, picture: Float32s, hair: Float32s, known: Float32s) -> HairTone:
    """The colours of hair and of skin.

    Where little hair is seen, the brows tell, too: the less, the more of it is seen, and the paler they are.

    Args:
        head: in the photograph.
        picture: around it, CIELAB [W, W, 3].
        hair: probability [W, W] that a pixel of that shows some.
        known: which pixels [W, W] are of the photograph.
    """
    lab, seen = head.cells
    skin = head.classes[SKIN] * seen
    of_skin = np.median(lab[skin >= min(SURE, float(skin.max()))], axis=0)
    clear = cv2.morphologyEx((hair > SURE).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))  # no edges of brows
    inner = cv2.erode(clear, np.ones((3, 3)))  # what is beside hair is mixed with its edges
    colours = picture[(inner if np.count_nonzero(inner) >= FEWEST else clear) > 0]
    much = np.count_nonzero(hair > EVEN) >= FEW_PIXELS
    if len(colours) >= FEWEST and (much or not _is_wall(colours, of_skin)):
        middle, spread = _like(colours)
    else:
        few = picture[_inside(hair > EVEN, known)]
        middle, spread = _like_few(few, _by_brows(head), of_skin)
        sure = picture[hair > SURE]
        if len(sure) and np.median(sure[:, 0]) < middle[0]:  # no skin or wall that is mixed with it makes hair darker
            middle, spread = _like(sure)
    return HairTone(middle, spread, of_skin, 1.0 if much else OF_LITTLE)


def _like(colours: Float32s) -> Floats:
    """The middle one of colours [N, 3] of hair, and how far these vary, in CIELAB [2, 3]."""
    middle = np.median(colours, axis=0)
    spread = 1.5 * np.median(np.abs(colours - middle), axis=0)
    return np.stack([middle, np.maximum(spread, SPREAD)])


def _like_few(few: Float32s, by_brows: Float32s, of_skin: Floats) -> Floats:
    """The same [2, 3] of hair by few colours [N, 3] of it, or of the wall, and by those [M, 3] that brows tell.

    If nothing tells, it is as light as skin [3].
    """
    told = []
    if len(few) and not _is_wall(few, of_skin):
        told.append((len(few), _like(_darkest(few, DARKER))))
    if len(by_brows):
        like = _like(by_brows)
        if told and like[0, 0] < told[0][1][0, 0] < SHORN * of_skin[0]:
            told = []
        told.append(((AS_ONE / like[0, 0]) ** 2, like))
    counts, likes = zip(*(told or [(1, _like(of_skin[None]))]), strict=True)
    return np.asarray(np.average(likes, axis=0, weights=counts))


def _is_wall(colours: Float32s, of_skin: Floats) -> bool:
    """Whether colours [N, 3] of little that may be hair are too pale for that, beside the colour [3] of skin."""
    return len(colours) > 0 and bool(np.median(colours[:, 0]) > of_skin[0] + PALER)


def _inside(hair: Bools, known: Float32s) -> Bools:
    """Which pixels of hair [W, W] have nothing else beside them, as far as that is known [W, W]: none are mixtures."""
    others = (~hair & (known > EVEN)).astype(np.uint8)
    return np.asarray(hair & (cv2.dilate(others, np.ones((3, 3))) == 0))


def _by_brows(head: Sighted) -> Float32s:
    """CIELAB [N, 3] of hair, by the darkest pixels of the brows."""
    cells = head.classes[BROWS] * head.cells[1] > EVEN
    fine = head.crop.resized(FINER * len(cells))
    there = np.repeat(np.repeat(cells, FINER, axis=0), FINER, axis=1) & (inside(fine, head.photograph) > 0)
    lab = to_cielab(fine.warp(head.photograph)[there])
    return np.asarray(ADDED + TAKEN * _darkest(lab, OF_BROWS))


def _darkest(lab: Float32s, share: float) -> Float32s:
    """The darkest ones of colours [N, 3] in CIELAB, that share of them."""
    return lab[lab[:, 0] <= np.quantile(lab[:, 0], share)] if len(lab) else lab
