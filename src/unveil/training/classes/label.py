"""The class of each pixel of a wide crop whose head is known."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unveil.geometry.rasterize import rasterize
from unveil.models.classes import BACKGROUND, BROWS, CLOTH, EYES, HAIR, LIPS, MOUTH, SKIN, UNKNOWN
from unveil.training.classes.around import explain
from unveil.training.classes.head_parts import HeadParts, Parts
from unveil.typing import Bools, Float32s, Floats, Image, UInt8s

WORKED_AT = 80  # pixels per side at which surroundings are explained
AROUND = (SKIN, HAIR, CLOTH, BACKGROUND)
SURE = 0.75  # probability from which on a label counts
SKIN_SPREAD = 14.0  # distance in CIELAB, lightness halved, from the median of a face, over which its skin spreads
BLACK = 12
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
    size = len(image)
    shown = parts.shown(rasterize(pixels, parts.surface.faces, size, size))
    inside = photograph(image)
    frame = _frame(pixels, parts, scale, size)
    small = cv2.resize(image, (WORKED_AT, WORKED_AT), interpolation=cv2.INTER_AREA)
    maps = np.concatenate([_prior(shown, frame, scale), _typical(image, shown, frame, scale)])
    maps = cv2.resize(np.moveaxis(maps, 0, -1), (WORKED_AT, WORKED_AT), interpolation=cv2.INTER_NEAREST)
    prior, typical = np.split(np.ascontiguousarray(np.moveaxis(maps, -1, 0)), 2)
    there = cv2.resize(inside.astype(np.uint8), (WORKED_AT, WORKED_AT), interpolation=cv2.INTER_NEAREST)
    probability, colour = explain(small, prior, typical * there)
    both = np.moveaxis(np.concatenate([probability, colour[:1]]), 0, -1)
    both = np.moveaxis(cv2.resize(both, (size, size), interpolation=cv2.INTER_LINEAR), -1, 0)
    probability, colour = both[:-1], both[-1:]
    result = np.array(AROUND, np.uint8)[probability.argmax(axis=0)]
    result[probability.max(axis=0) < SURE] = UNKNOWN
    _paint_face(result, image, shown, probability[0], colour[0])
    result[~inside] = BACKGROUND
    return result


def photograph(image: Image) -> Bools:
    """Which pixels [W, W] are of the photograph; what is beyond its edges is black."""
    lit = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) > BLACK
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    inside = np.zeros(lit.shape, bool)
    if len(rows) and len(columns):
        inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return inside


@dataclass(frozen=True, eq=False)
class Frame:
    """Where each pixel [W, W] is by the head's own up, in metres."""

    right: Float32s  # from the middle of the head
    above_chin: Float32s


def _frame(pixels: Floats, parts: HeadParts, scale: float, size: int) -> Frame:
    surface = parts.surface
    strong = surface.head > 0.5
    template = np.asarray(surface.model.head.template)[strong]
    points = pixels[strong, :2]
    up = (template[:, 1] - template[:, 1].mean()) @ (points - points.mean(axis=0))
    up = up / max(float(np.hypot(*up)), 1e-9)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    chin = np.asarray(surface.model.landmarks68(pixels))[8, :2]
    y, x = np.mgrid[:size, :size].astype(np.float32)
    across = np.array([-up[1], up[0]])
    right = ((x - middle[0]) * across[0] + (y - middle[1]) * across[1]) / scale
    above = ((x - chin[0]) * up[0] + (y - chin[1]) * up[1]) / scale
    return Frame(np.asarray(right, np.float32), np.asarray(above, np.float32))


def _step(x: Float32s, at: float, width: float) -> Float32s:
    """0 to 1 around a place."""
    return np.asarray(1 / (1 + np.exp(-np.clip((x - at) / width, -30, 30))), np.float32)


def _prior(shown: Parts, frame: Frame, scale: float) -> Float32s:
    """What places say [4, W, W] of skin, hair, cloth and background."""
    mesh = shown.head | shown.neck
    away = cv2.distanceTransform((~shown.head).astype(np.uint8), cv2.DIST_L2, 3) / np.float32(scale)
    beyond_neck = cv2.distanceTransform((~mesh).astype(np.uint8), cv2.DIST_L2, 3) / np.float32(scale)
    up = _step(frame.above_chin, 0.0, 0.012)  # 1 above the chin
    low = 1 - _step(frame.above_chin, -0.045, 0.012)  # 1 on the shoulders
    hair = up * (0.4 + 0.3 * _step(frame.above_chin, 0.11, 0.02)) * np.exp(-((away / 0.045) ** 2)) + (
        1 - up
    ) * 0.45 * np.exp(-((away / 0.09) ** 2))
    background = up * (1 - 0.7 * np.exp(-((away / 0.02) ** 2))) + (1 - up) * (
        1 - np.exp(-((beyond_neck / 0.05) ** 2))
    ) * (0.6 - 0.45 * low)
    cloth = 0.04 + 1.2 * low + 0.35 * (1 - up) * (1 - low)
    skin = 0.03 + 0.35 * (1 - up) * np.exp(-((beyond_neck / 0.03) ** 2))
    prior = np.stack([skin, hair + 0.02, cloth, background + 0.02])
    for where, odds in (
        (shown.neck, (1.0, 0.25, 0.35, 0.03)),
        (shown.ears, (1.0, 0.8, 0.03, 0.1)),
        (shown.scalp, (0.4, 1.0, 0.06, 0.03)),
        (shown.face, (1.0, 0.12, 0.01, 0.01)),
        (shown.face & shown.bare, (1.0, 0.01, 0.001, 0.001)),
        (shown.near_brows | shown.lips | shown.mouth | shown.eyes, (0.25, 0.25, 0.25, 0.25)),
    ):
        prior[:, where] = np.array(odds)[:, None]
    return np.asarray(prior / prior.sum(axis=0), np.float32)


def _typical(image: Image, shown: Parts, frame: Frame, scale: float) -> Float32s:
    """How much pixels [4, W, W] of skin, hair, cloth and background say of the colours of their class."""
    away = cv2.distanceTransform((~(shown.head | shown.neck)).astype(np.uint8), cv2.DIST_L2, 3) / np.float32(scale)
    skin = np.where(shown.bare, 3.0, 0.3) * _like_most(image, shown.bare)
    hair = np.where(shown.scalp, 1.0, 0.03)
    cloth = 1 - _step(frame.above_chin, -0.03, 0.01)
    background = _step(away, 0.04, 0.01)
    return np.stack([skin, hair, cloth, 0.2 + background]).astype(np.float32)


def _like_most(image: Image, where: Bools) -> Float32s:
    """How near [W, W] each pixel's colour is to the median of those in a place, 1 to 0: what covers a part is not."""
    if not where.any():
        return np.ones(where.shape, np.float32)
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) * np.array([0.5, 1, 1], np.float32)
    apart = np.square(lab - np.median(lab[where], axis=0)).sum(axis=-1)
    return np.asarray(np.exp(-apart / (2 * SKIN_SPREAD**2)), np.float32)


def _paint_face(result: UInt8s, image: Image, shown: Parts, skin: Float32s, colour: Float32s) -> None:
    """Replace what is known by the mesh, in place."""
    foreign = (colour < FOREIGN) | (skin < 0.5)
    face = shown.face & ~shown.near_brows
    upper = face & ~shown.below_nose
    result[face & (shown.bare | (result != SKIN))] = SKIN
    result[upper & foreign] = UNKNOWN
    result[shown.lips] = LIPS
    result[shown.mouth] = MOUTH
    result[shown.eyes] = EYES
    _paint_brows(result, image, shown)


def _paint_brows(result: UInt8s, image: Image, shown: Parts) -> None:
    """Brows are what is dark where brows are."""
    light = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    core, around = shown.brows, shown.near_brows & ~shown.eyes
    if not core.any() or not (around & ~core).any():
        return
    dark, bright = np.percentile(light[core], 35), np.percentile(light[around & ~core], 65)
    is_dark = light < 0.5 * (dark + bright) if bright - dark > CONTRAST else core
    result[around] = np.where(is_dark[around], UNKNOWN, SKIN)
    result[shown.edge_of_brows & around & is_dark] = BROWS
