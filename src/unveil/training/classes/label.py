"""The class of each pixel of a wide crop whose head is known."""

from __future__ import annotations

import cv2
import numpy as np

from unveil.appearance.hair.explain import explain
from unveil.geometry.rasterize import rasterize
from unveil.models.classes import BACKGROUND, BROWS, EYES, LIPS, MOUTH, SKIN, UNKNOWN
from unveil.training.classes.head_parts import HeadParts, Parts
from unveil.training.classes.places import AROUND, Places
from unveil.training.crops.prepared import photograph_in
from unveil.typing import Bools, Float32s, Floats, Image, UInt8s

WORKED_AT = 80  # pixels per side at which surroundings are explained
SURE = 0.75  # probability from which a label counts
CONTRAST = 20  # of 255, between brows and the skin around them
FOREIGN = 0.15  # likelihood of a colour among skin, in units of any colour's, below which something else is there


def label(image: Image, pixels: Floats, parts: HeadParts, scale: float) -> UInt8s:
    """Classes [W, W] of a wide crop [W, W, 3], `UNKNOWN` where the evidence is weak.

    Args:
        image: the crop.
        pixels: [V, 3] of the vertices in it.
        parts: of the head model.
        scale: pixels per metre.
    """
    size, inside = len(image), photograph(image)
    shown = parts.shown(rasterize(pixels, parts.surface.faces, size, size))
    places = Places.of(shown, parts.surface, pixels, scale)
    *probability, likely_skin = _explained(image, places, inside)
    result: UInt8s = np.array(AROUND, np.uint8)[np.argmax(probability, axis=0)]
    result[np.max(probability, axis=0) < SURE] = UNKNOWN
    _paint_face(result, shown, (likely_skin < FOREIGN) | (probability[0] < 0.5))
    _paint_brows(result, image, shown)
    result[~inside] = BACKGROUND
    return result


def photograph(image: Image) -> Bools:
    """Which pixels [W, W] belong to the photograph; beyond its edges the crop is black."""
    inside = np.zeros(image.shape[:2], bool)
    inside[photograph_in(image)] = True
    return inside


def _explained(image: Image, places: Places, inside: Bools) -> Float32s:
    """Probabilities of `AROUND` and the likelihood of the colour among skin, [5, W, W]; worked out on a small copy."""
    small = np.asarray(cv2.resize(image, (WORKED_AT, WORKED_AT), interpolation=cv2.INTER_AREA), np.uint8)
    known = np.concatenate([places.prior(), places.typical(image) * inside])
    prior, typical = np.split(_resized(known, WORKED_AT, cv2.INTER_NEAREST), 2)
    probability, colour = explain(small, prior, typical)
    return _resized(np.concatenate([probability, colour[:1]]), len(image), cv2.INTER_LINEAR)


def _resized(maps: Float32s, size: int, interpolation: int) -> Float32s:
    """Maps [K, H, W] of another size."""
    last = cv2.resize(np.moveaxis(maps, 0, -1), (size, size), interpolation=interpolation)
    return np.ascontiguousarray(np.moveaxis(last, -1, 0), np.float32)


def _paint_face(result: UInt8s, shown: Parts, foreign: Bools) -> None:
    """Write the classes that the mesh knows, in place; unknown where something ``foreign`` is over the upper face."""
    face = shown.face & ~shown.near_brows
    result[face] = SKIN  # beards too
    result[face & ~shown.below_nose & foreign] = UNKNOWN
    result[shown.lips] = LIPS
    result[shown.mouth] = MOUTH
    result[shown.eyes] = EYES


def _paint_brows(result: UInt8s, image: Image, shown: Parts) -> None:
    """Mark as brows the dark pixels where the mesh has brows."""
    light = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    core, around = shown.brows, shown.near_brows & ~shown.eyes
    if not core.any() or not (around & ~core).any():
        return
    dark, bright = np.percentile(light[core], 35), np.percentile(light[around & ~core], 65)
    is_dark = light < 0.5 * (dark + bright) if bright - dark > CONTRAST else core
    result[around] = np.where(is_dark[around], UNKNOWN, SKIN)
    result[shown.edge_of_brows & around & is_dark] = BROWS
