"""Teeth, tongue and lashes in a texture: painted in their own colours, in the light of the photograph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from unveil.appearance.atlas import MARGIN, Atlas
from unveil.appearance.view import View
from unveil.geometry.uv import texel_map
from unveil.heads.model import MorphableModel
from unveil.typing import Bools, Float32s, Floats, Int64s, UInt8s

INNER_LIPS = slice(60, 68)  # iBUG-68
TEETH = "teeth"  # in the names of parts
# A tone is what white has become in the light of a photograph, [3] factors by channel. That of teeth is measured:
LEAST_OPEN = 0.12  # in mouths whose height is at least this share of their width
LEAST_SHARE, LEAST_PIXELS = 0.08, 25  # where so much of the opening, and so many pixels, look like teeth
PALE = 0.38  # largest saturation of teeth; lips, gums and tongue are redder
BRIGHT = 0.75  # least brightness of teeth, of the head's mean
TYPICAL = (50, 90)  # percentiles of brightness between which teeth are neither shaded nor reflect the lamp
TONES = (0.5, 1.15)  # least and largest tone
LIT = 100.0  # mean grey level of a head below which its photograph is dark, and tones may be less
STRONGEST = 0.12  # largest difference of a channel from the mean of the three, as a share of it
LIGHTER = 1.25  # tone of teeth that are not seen, by that of the white of the eyes, which lids shade

FRONT = 75  # percentile of the painted brightness of all teeth that stands for those in front
SMILING = 0.5  # exponent of how dark the other teeth are against them: a smile opens the cheeks that shade them
DEEPEST = 0.2  # darkest that teeth are taken to be against those in front


@dataclass(frozen=True, eq=False)
class PaintedTexels:
    """The texels of all parts that are painted, with a margin around them."""

    texels: Int64s  # [N] row * size + column
    colours: Float32s  # [N, 3] RGB in white light
    teeth: Bools  # [N]
    front_tooth: Float32s  # [3] colour of the teeth in front


def painted_texels(model: MorphableModel, atlas: Atlas) -> PaintedTexels | None:
    """The texels of the parts of a model's whole head besides skin and eyes; None where it has no parts."""
    whole = model.whole
    if whole is None or whole.parts is None:
        return None
    parts, first = whole.parts, len(model.head.template)
    rows = np.flatnonzero((whole.faces >= first).all(axis=1))
    inside = texel_map(whole.uv, whole.uv_faces[rows], atlas.size)
    corners = whole.faces[rows[inside.triangle]] - first
    colours = np.einsum("nk,nkc->nc", inside.barycentric, parts.colours[corners].astype(np.float32))
    names = np.array([TEETH in name for name in parts.names])
    teeth = names[parts.of_faces[rows[inside.triangle]]]
    away = np.ones((atlas.size, atlas.size), np.uint8)
    away.ravel()[inside.texels] = 0
    close = cv2.distanceTransform(away, cv2.DIST_L2, 3) <= MARGIN
    texels = np.flatnonzero(close & ~atlas.flags(np.ones(len(atlas.mesh[0]), np.bool_)))
    near = inside.nearest[texels]
    crowns = colours[teeth]
    darker = np.minimum(crowns.mean(axis=1, keepdims=True) / np.percentile(crowns.mean(axis=1), FRONT), 1)
    colours[teeth] *= np.maximum(darker, DEEPEST) ** (SMILING - 1)
    front = np.percentile(colours[teeth], FRONT, axis=0).astype(np.float32)
    return PaintedTexels(texels, colours[near].astype(np.float32), teeth[near], front)


def paint_parts(
    textures: Iterable[UInt8s], painted: PaintedTexels, light: Float32s, teeth: Float32s | None, level: float
) -> None:
    """Paint the parts into textures.

    Args:
        textures: uint8 [S, S, 3], which are changed.
        painted: what to paint, and where.
        light: [3] tone of the white of the eyes.
        teeth: [3] tone of the teeth; None where the photograph shows none.
        level: mean grey level of the head.
    """
    tones = bounded_tone(LIGHTER * light, level) if teeth is None else teeth
    factors = np.stack([bounded_tone(light, level), tones])[painted.teeth.astype(np.intp)]
    colours = np.minimum(painted.colours * factors + np.float32(0.5), 255).astype(np.uint8)
    for texture in textures:
        texture.reshape(-1, 3)[painted.texels] = colours


def tone_of_teeth(view: View, model: MorphableModel, level: float, front: Float32s) -> Float32s | None:
    """The tone [3] of the teeth in a photograph; None where it shows none.

    Args:
        view: the photograph with the head's vertices.
        model: the head model.
        level: mean grey level of the head.
        front: [3] colour of the teeth in front, in white light.
    """
    lips = np.asarray(model.landmarks68(view.points[:, :3]), np.float64)[INNER_LIPS, :2]
    pixels = _within(lips, view)
    if len(pixels) < LEAST_PIXELS:
        return None
    grey, least = pixels.mean(axis=1), pixels.min(axis=1)
    alike = (1 - least / np.maximum(pixels.max(axis=1), 1) < PALE) & (grey > BRIGHT * level)
    if alike.sum() < max(LEAST_PIXELS, LEAST_SHARE * len(pixels)):
        return None
    low, high = np.percentile(grey[alike], TYPICAL)
    seen = np.median(pixels[alike & (grey >= low) & (grey <= high)], axis=0)
    return bounded_tone(seen / front, level)


def bounded_tone(tone: Floats, level: float) -> Float32s:
    """A tone [3] made neither too colourful nor outside `TONES`; ``level`` is the mean grey level of the head."""
    grey = float(np.mean(tone))
    near = np.clip(tone, grey * (1 - STRONGEST), grey * (1 + STRONGEST))
    least, most = TONES
    bounded = min(max(grey, least * min(1.0, level / LIT)), most)
    return np.asarray(near * (bounded / max(grey, 1e-6)), np.float32)


def _within(lips: Floats, view: View) -> Floats:
    """The photograph's pixels [N, 3] inside open lips [8, 2], without those that are hidden; none of a shut mouth."""
    width = np.linalg.norm(lips[4] - lips[0])
    height = np.linalg.norm(lips[1:4].mean(axis=0) - lips[5:8].mean(axis=0))
    if not (np.isfinite(lips).all() and height > LEAST_OPEN * width):
        return np.zeros((0, 3))
    shape = view.pixels.shape[:2]
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(np.clip(lips, -9999, 9999)).astype(np.int32)], 1)
    return view.pixels[(mask > 0) & (view.free > 0.9)].astype(np.float64)
