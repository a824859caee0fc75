"""The colour of hair, from the pixels that show it; of few from the class map, or from the brows where it misleads."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unveil.appearance.hair.sighted import Sighted, inside
from unveil.geometry.arrays import squared_lengths
from unveil.geometry.rasterize import rasterize
from unveil.heads.surroundings import HAIR as OF_SURROUNDINGS
from unveil.heads.surroundings import OCCLUDER
from unveil.models.classes import BROWS, CLASS_SIZE, HAIR, SKIN
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Floats, Ints

LEAST_HAIR = 0.012  # share of a class map that is asked for hair in any case
FEW_PIXELS = 150  # of a picture around a head, that show hair: of fewer a wall or skin may be many
SURE, FEWEST = 0.8, 20  # probability from which on a pixel or cell surely shows something, and how many are enough
ALIKE = 3.5  # times that colours of hair spread, which are still of it
EVEN = 0.5  # probability from which on a cell is more likely hair than anything else
FINER = 4  # pixels a side of a cell that are looked at where cells are few
SPREAD = (8.0, 4.0, 5.0)  # of CIELAB in hair, at least
# Cells of hair from which on it has any colour; of fewer, those on the head that say which, and the nodes of hair that
# this counts as; how much lighter than brows it is if none do, and than skin it never is beside darker brows; and the
# share of the pixels of brows that no skin shows through.
FEW_CELLS, FEW_ON_HEAD, OF_LITTLE, LIGHTER, PALER, OF_BROWS = 90, 10, 150.0, 9.0, 15.0, 0.12
# The CIELAB of skin in white light, and of hair in that the least a and b, and the most a together with a less b.
USUAL_SKIN, LEAST_HUE = np.array([60.0, 12, 17]), np.array([-np.inf, -5, -6])
RED = 20.0, 10.0


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


def hair_tone(head: Sighted, faces: Ints, picture: Float32s, shown: Float32s, crop: Crop) -> HairTone:
    """The colours of hair and of skin.

    Where little hair is seen, the class map says which cells show it, but for those that are a hat; it may have taken
    the wall beside the head for it, and where it is redder than hair grows, cloth.

    Args:
        head: in the photograph.
        faces: its triangles [F, 3].
        picture: around it, CIELAB [W, W, 3].
        shown: probability [5, W, W] that a pixel of that shows each of `unveil.heads.surroundings.SURROUNDINGS`.
        crop: which that picture is of the photograph.
    """
    around = shown[OF_SURROUNDINGS]
    if much := np.count_nonzero(around > EVEN) >= FEW_PIXELS:
        colours = picture[around >= min(SURE, float(around.max()))]
    lab, seen = head.cells
    hair, skin = head.classes[[HAIR, SKIN]] * seen
    hats = cv2.warpAffine(shown[OCCLUDER], crop.into(head.crop.of_cells(CLASS_SIZE)), (CLASS_SIZE, CLASS_SIZE))
    hair = hair * (hats < EVEN)
    of_skin = np.median(lab[skin >= min(SURE, float(skin.max()))], axis=0)
    if not much:
        colours = _of_class_map(head, hair, lab)
        colours = colours if len(colours) else of_skin[None]
    middle = np.median(colours, axis=0)
    none = np.count_nonzero(around > EVEN) < FEWEST
    doubtful = not much and (none or np.count_nonzero(hair > EVEN) < FEW_CELLS or _redder_than_hair(middle, of_skin))
    if doubtful:
        colours = _of_little(head, hair > EVEN, colours, of_skin, faces)
        middle = np.median(colours, axis=0)
    return HairTone(middle, spread_of(colours, middle), of_skin, 1.0 if much else OF_LITTLE)


def spread_of(colours: Float32s, middle: Floats) -> Floats:
    """How far colours of hair [N, 3] vary around the middle one [3], in CIELAB [3]."""
    return np.maximum(1.5 * np.median(np.abs(colours - middle), axis=0), SPREAD)


def _of_class_map(head: Sighted, hair: Float32s, lab: Float32s) -> Float32s:
    """CIELAB [N, 3] of the cells that show hair with the highest probabilities [K, K], of all [K, K, 3]."""
    surest = np.quantile(hair, 1 - LEAST_HAIR)
    if surest < EVEN:  # so few cells show hair that a wall or skin is in most of them
        return _darkest(head, hair > min(EVEN, 0.9 * float(hair.max())), 0.5)
    return np.asarray(lab[(hair >= surest) | (hair > SURE)])


def _of_little(head: Sighted, cells: Bools, colours: Float32s, skin: Floats, faces: Ints) -> Float32s:
    """CIELAB [N, 3] of hair of which so few cells [K, K] show some that these may be the wall beside the head.

    So ``colours`` [N, 3] of the cells are those of hair only if cells on the head are no darker, and if none are there,
    no lighter than the brows.
    """
    lab, seen = head.cells
    crop = head.crop.resized(CLASS_SIZE)
    on_head = lab[cells & rasterize(head.in_crop(crop), faces, CLASS_SIZE, CLASS_SIZE).covered]
    enough = len(on_head) > FEW_ON_HEAD
    if enough and np.median(on_head[:, 0]) < np.median(colours[:, 0]):
        colours = on_head
    brows = head.classes[BROWS] * seen > EVEN
    if np.count_nonzero(brows) <= FEWEST:
        return colours
    of_brows, middle = _darkest(head, brows, OF_BROWS), np.median(colours, axis=0)
    lighter = middle[0] > np.median(of_brows[:, 0]) + LIGHTER and (not enough or middle[0] > skin[0] + PALER)
    none = _redder_than_hair(middle, skin) or bool((_in_white_light(middle, skin) < LEAST_HUE)[1:].any())
    return of_brows if lighter or none else colours


def _redder_than_hair(colour: Floats, skin: Floats) -> bool:
    """Whether a colour [3] is of a purer red, or more purple, than hair is, in the light that skin [3] is seen in."""
    _, a, b = _in_white_light(colour, skin)
    return bool(a > RED[0] and a - b > RED[1])


def _in_white_light(colour: Floats, skin: Floats) -> Floats:
    """A colour [3] in CIELAB without the tint of the light that skin [3] is seen in."""
    tint = (skin - USUAL_SKIN) * min(1.0, float(colour[0]) / max(float(skin[0]), 1.0))
    return np.asarray(colour - tint)


def _darkest(head: Sighted, cells: Bools, share: float) -> Float32s:
    """CIELAB [N, 3] of the darkest share of the pixels in some cells [K, K] of the crop."""
    fine = head.crop.resized(FINER * len(cells))
    there = np.repeat(np.repeat(cells, FINER, axis=0), FINER, axis=1) & (inside(fine, head.photograph) > 0)
    pixels = fine.warp(head.photograph)[there]
    lab = to_cielab(pixels)
    return lab[lab[:, 0] <= np.quantile(lab[:, 0], share)] if len(lab) else lab
