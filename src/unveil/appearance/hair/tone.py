"""The colour of hair, from pixels that show it or, where these are few, from the brows as well."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unveil.appearance.hair.sighted import Sighted, inside
from unveil.geometry.arrays import squared_lengths
from unveil.models.classes import BROWS, SKIN
from unveil.photos.cielab import to_cielab
from unveil.typing import Bools, Float32s, Floats

EVEN = 0.5  # probability above which a pixel more likely shows something than not
SURE = 0.8  # probability above which it surely does
FEWEST = 40  # sure pixels that are enough for a colour
SPREAD = (8.0, 4.0, 5.0)  # by how much hair varies at least, in CIELAB
ALIKE = 3.5  # colours within so many times that variation are still hair

# Little hair.
FEW_PIXELS = 150  # pixels of hair; fewer do not tell what all of it looks like
OF_LITTLE = 150.0  # nodes of hair that count as having its colour if it comes from fewer pixels, or from brows
DARKER = 0.5  # share of few pixels, the darkest, that give the colour of hair: skin shows through the others
PALER = 15.0  # lightness above that of skin from which few pixels are not hair but the wall
SHORN = 0.7  # few pixels paler than brows suggest may be shorn dark hair, up to this share of the lightness of skin

# Brows.
FINER = 4  # pixels a side that are looked at in a cell of the class map
OF_BROWS = 0.12  # share of their pixels, the darkest, that no skin shows through
# The CIELAB colour of hair is `ADDED` + `TAKEN` * that of these pixels. The median error, of 190 people whose hair and
# brows are seen, is 9.1; it would be 12.3 with the colour of the brows itself.
ADDED = np.array([5.0, 0, 0], np.float32)
TAKEN = np.array([0.5, 0.4, 0.4], np.float32)
# Brows that suggest hair of lightness L count as (AS_ONE / L)^2 pixels of hair. Above dark brows hair is dark, above
# pale ones it may be anything: errors are in proportion to L. They are least at 40, but then more people with dark hair
# get fair hair, which is the worse fault.
AS_ONE = 80.0


class HairTone(NamedTuple):
    """The colours of hair and skin in a photograph, in CIELAB."""

    hair: Floats  # [3]
    spread: Floats  # [3] by how much hair varies
    skin: Floats  # [3]
    nodes: float = 1.0  # of hair seen, that ``hair`` counts as in the mean colour of hair that is not seen

    def unlike(self, lab: Float32s) -> Float32s:
        """Squared distance [...] of colours [..., 3] from the nearest mixture of hair and skin, in units of ``spread``.

        Hair in full light looks like such a mixture; the wall behind it and things that lie on it do not.
        """
        spread = np.asarray(self.spread, np.float32)
        away = (lab - np.asarray(self.hair, np.float32)) / spread
        along = np.asarray(self.skin - self.hair, np.float32) / spread
        share = np.clip(away @ along / max(float(along @ along), 1e-6), 0, 1)
        return np.asarray(squared_lengths(away - share[..., None] * along), np.float32)


def hair_tone(head: Sighted, picture: Float32s, hair: Float32s, known: Float32s) -> HairTone:
    """The colours of hair and of skin.

    Where little hair is seen, the brows count as well: the less hair is seen and the darker they are, the more.

    Args:
        head: in the photograph.
        picture: around it, CIELAB [W, W, 3].
        hair: probability [W, W] that a pixel of the picture shows hair.
        known: which pixels [W, W] are of the photograph.
    """
    lab, seen = head.cells
    skin = head.classes[SKIN] * seen
    of_skin = np.median(lab[skin >= min(SURE, float(skin.max()))], axis=0)
    clear = cv2.morphologyEx((hair > SURE).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))  # no edges of brows
    inner = cv2.erode(clear, np.ones((3, 3)))  # pixels at its edge are mixed with what is beside
    colours = picture[(inner if np.count_nonzero(inner) >= FEWEST else clear) > 0]
    much = np.count_nonzero(hair > EVEN) >= FEW_PIXELS
    if len(colours) >= FEWEST and (much or not _is_wall(colours, of_skin)):
        middle, spread = _like(colours)
    else:
        few = picture[_inside(hair > EVEN, known)]
        middle, spread = _like_few(few, _by_brows(head), of_skin)
        sure = picture[hair > SURE]
        if len(sure) and np.median(sure[:, 0]) < middle[0]:  # skin or a wall mixed with hair only makes it paler
            middle, spread = _like(sure)
    return HairTone(middle, spread, of_skin, 1.0 if much else OF_LITTLE)


def _like(colours: Float32s) -> Floats:
    """The median of colours [N, 3] of hair, and by how much these vary: CIELAB [2, 3]."""
    middle = np.median(colours, axis=0)
    spread = 1.5 * np.median(np.abs(colours - middle), axis=0)
    return np.stack([middle, np.maximum(spread, SPREAD)])


def _like_few(few: Float32s, by_brows: Float32s, of_skin: Floats) -> Floats:
    """The same [2, 3] where little hair is seen.

    Args:
        few: [N, 3] the few colours of hair, or of the wall.
        by_brows: [M, 3] the colours that brows suggest.
        of_skin: [3] the colour of skin, which hair gets if nothing else is known.
    """
    hair = _like(_darkest(few, DARKER)) if len(few) and not _is_wall(few, of_skin) else None
    brows = _like(by_brows) if len(by_brows) else None
    if brows is None:
        return _like(of_skin[None]) if hair is None else hair
    if hair is None or brows[0, 0] < hair[0, 0] < SHORN * of_skin[0]:
        return brows
    return np.asarray(np.average([hair, brows], axis=0, weights=[len(few), (AS_ONE / brows[0, 0]) ** 2]))


def _is_wall(colours: Float32s, of_skin: Floats) -> bool:
    """Whether colours [N, 3] of what may be hair are too pale for that, compared with the colour [3] of skin."""
    return len(colours) > 0 and bool(np.median(colours[:, 0]) > of_skin[0] + PALER)


def _inside(hair: Bools, known: Float32s) -> Bools:
    """Which pixels of hair [W, W] have only hair beside them, as far as ``known`` [W, W], and so are no mixtures."""
    others = (~hair & (known > EVEN)).astype(np.uint8)
    return np.asarray(hair & (cv2.dilate(others, np.ones((3, 3))) == 0))


def _by_brows(head: Sighted) -> Float32s:
    """Colours [N, 3] of hair, in CIELAB, that the darkest pixels of the brows suggest."""
    cells = head.classes[BROWS] * head.cells[1] > EVEN
    fine = head.crop.resized(FINER * len(cells))
    there = np.repeat(np.repeat(cells, FINER, axis=0), FINER, axis=1) & (inside(fine, head.photograph) > 0)
    lab = to_cielab(fine.warp(head.photograph)[there])
    return np.asarray(ADDED + TAKEN * _darkest(lab, OF_BROWS))


def _darkest(lab: Float32s, share: float) -> Float32s:
    """The darkest of CIELAB colours [N, 3], a ``share`` of them."""
    return lab[lab[:, 0] <= np.quantile(lab[:, 0], share)] if len(lab) else lab
