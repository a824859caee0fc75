"""A frame around a head in which hair is a distance outwards: rows from the crown down, columns around the head.

The columns of the dome are great circles from the crown, where hair turns, down to the level of the ears, and from
there they fall straight. So they run as hair does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from unveil.geometry.diffuse_grid import diffuse_grid
from unveil.geometry.rasterize import nearest_depth
from unveil.heads.model import MorphableModel
from unveil.typing import Bools, Float32s, Float64s, Floats

COLUMNS, DOME, FALL = 96, 30, 27  # columns around the head, and rows above and below the level of the ears
ROWS = DOME + FALL
RIGHT = np.arange(COLUMNS) < COLUMNS // 2  # which columns [C] are on the subject's right
CROWN_TILT = np.radians(25)  # the crown lies behind the highest point
CENTRE = np.array([0.0, 0.01, -0.025])  # metres from between the tops of the jaw line to the middle of the skull
BELOW_CUT = 0.055  # metres below the lower end of the neck at which the last row lies: so long is hair at most
MAP_SIZE = 400  # pixels a side of the map of the head
EAR_ENDS = (0, 16)  # iBUG-68: ears stick out farther to the side than these
EAR_BACK, EAR_FRONT, EAR_TOP = -0.065, 0.002, 0.0  # metres: where ears end on the template
WIDER = 1.04  # times the width of the jaw line, than which nothing but ears is
EAR = 0.003  # metres that ears stand out more than
USUAL_RADIUS, FAINT = 0.08, 1e-6  # metres of a head where nothing else is known of it, and the weight of that
THICKEST_EAR = 0.02  # metres: deeper than that behind an ear is the inside of the head
# The hairline: metres above the origin in front; how it falls from there and behind the ears; where the nape ends it.
HAIRLINE, HAIRLINE_SLOPE, FOREHEAD_BACK = 0.068, 1.1, 0.05
STEEPER, BEHIND_EARS, NAPE = 3.0, -0.055, -0.085


@dataclass(frozen=True, eq=False)
class HairFrame:
    """The frame of one head: node (row, column) at distance r is at ``origin + r * direction``."""

    middle: Float64s  # [3] between the tops of the jaw line
    origin: Float64s  # [R, C, 3] metres, model space
    direction: Float64s  # [R, C, 3] unit length
    skin: Float64s  # [R, C] distance of the skin, without ears
    ears: Float64s  # [R, C] the same with ears
    on_ears: Bools  # [R, C] the nodes of ears, the hollow in them included

    def at(self, distance: Floats) -> Float64s:
        """Points [R, C, 3] at distances [R, C]."""
        return np.asarray(self.origin + distance[..., None] * self.direction)


def frame_of(vertices: Floats, model: MorphableModel) -> HairFrame:
    """The frame of a head with neutral vertices [V, 3]."""
    jaw = np.asarray(model.landmarks68(vertices), np.float64)[list(EAR_ENDS)].mean(axis=0)
    centre = np.array([0.0, *(jaw + CENTRE)[1:]])
    bottom = float(vertices[:, 1].min()) - BELOW_CUT - centre[1]
    column, row = np.meshgrid(2 * np.pi * np.arange(COLUMNS) / COLUMNS - np.pi, np.arange(ROWS))
    down = np.where(row < DOME, row / DOME, 1 + (row - DOME) / (FALL - 1))
    origin, direction = _rays(centre, column, down, bottom)
    points = np.asarray(vertices, np.float64) - centre
    place, distance = _places(points, bottom)
    pixels = np.column_stack([(place / 4.2 + 0.5) * (MAP_SIZE - 1), -distance])
    at = np.stack([down * np.sin(column), down * np.cos(column)], axis=-1) / 4.2 + 0.5
    of_ears = ear_faces(model)
    depths = [nearest_depth(pixels, model.faces[part], MAP_SIZE, MAP_SIZE) for part in (of_ears, ~of_ears)]
    whole, bare = _outermost(np.minimum(*depths), at), _outermost(depths[1], at)
    skull = _closed(np.where(np.isfinite(bare) & (bare > whole - THICKEST_EAR), bare, np.nan))
    ears = np.maximum(np.where(np.isfinite(whole), whole, skull), skull)
    on_ears = _on_ears(ears - skull)
    return HairFrame(jaw * [0, 1, 1], origin, direction, np.where(on_ears, skull, ears), ears, on_ears)


def _rays(centre: Float64s, column: Float64s, down: Float64s, bottom: float) -> tuple[Float64s, Float64s]:
    """Origins and directions [R, C, 3] of the nodes; ``down`` is 0 at the crown, 1 at the ears, 2 at the lower end."""
    crown = np.array([0.0, np.cos(CROWN_TILT), -np.sin(CROWN_TILT)])
    level = np.stack([np.sin(column), np.zeros_like(column), np.cos(column)], axis=-1)
    angle = np.arccos(level @ crown)
    part = np.minimum(down, 1) * angle
    # Along the great circle from the crown to the level direction (Shoemake's spherical interpolation).
    direction = (np.sin(angle - part)[..., None] * crown + np.sin(part)[..., None] * level) / np.sin(angle)[..., None]
    origin = centre + np.maximum(down - 1, 0)[..., None] * np.array([0.0, bottom, 0.0])
    return origin, direction


def _places(points: Float64s, bottom: float) -> tuple[Float64s, Float64s]:
    """Where points [V, 3] lie on the map [V, 2], on which the crown is in the middle, and their distances [V]."""
    x, y, z = points.T
    up = np.maximum(y, 0) / np.cos(CROWN_TILT)
    column = np.arctan2(x, z + up * np.sin(CROWN_TILT))
    length = np.maximum(np.linalg.norm(points, axis=1), 1e-9)
    crown = np.array([0.0, np.cos(CROWN_TILT), -np.sin(CROWN_TILT)])
    angle = np.arccos(np.clip(points @ crown / length, -1, 1))
    whole = np.arccos(-np.sin(CROWN_TILT) * np.cos(column))
    down = np.where(y >= 0, angle / whole, 1 + y / bottom)
    place = np.column_stack([down * np.sin(column), down * np.cos(column)])
    return place, np.where(y >= 0, length, np.hypot(x, z))


def _outermost(depth: Float32s, at: Float64s) -> Float64s:
    """Distance [R, C] at places [R, C, 2] of a map of the outermost surface; not finite where there is none."""
    depth = np.where(np.isinf(depth), np.float32(np.nan), depth)
    x, y = np.moveaxis(at * (MAP_SIZE - 1), -1, 0)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    x, y = x - left, y - top
    upper = depth[top, left] * (1 - x) + depth[top, left + 1] * x
    lower = depth[top + 1, left] * (1 - x) + depth[top + 1, left + 1] * x
    return np.asarray(-(upper * (1 - y) + lower * y), np.float64)


def _on_ears(height: Float64s) -> Bools:
    """The nodes [R, C] of ears that rise [R, C] from the skull: the largest piece on either side, and what it holds."""
    flags = height > EAR
    ears = [without_small(flags & side, flags.size) for side in (RIGHT, ~RIGHT)]
    closed = cv2.morphologyEx((ears[0] | ears[1]).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7)))
    return np.asarray(cv2.dilate(closed, np.ones((3, 3))) > 0)


def without_small(flags: Bools, least: int) -> Bools:
    """The flags [R, C] without the pieces that have less than so many nodes, but for the largest; columns go around."""
    twice = np.hstack([flags, flags]).astype(np.uint8)
    _, labels = cv2.connectedComponents(twice, connectivity=4)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept = ((sizes >= 2 * least) | (sizes == sizes.max()))[labels] & (twice > 0)
    return np.asarray(kept[:, :COLUMNS] | kept[:, COLUMNS:])


def _closed(distance: Float64s) -> Float64s:
    """Distances [R, C] with smooth ones where the head has a hole."""
    known = np.isfinite(distance)
    smooth = diffuse_grid(np.where(known, distance, USUAL_RADIUS), np.where(known, 1000.0, FAINT))
    return np.where(known, distance, smooth)


def from_front() -> Float64s:
    """How many degrees the columns [C] are from the front."""
    return np.abs(360 * np.arange(COLUMNS) / COLUMNS - 180)


def mirrored(values: Floats) -> Floats:
    """Values [R, C] of the nodes on the other side."""
    return np.roll(values[:, ::-1], 1, axis=1)


@lru_cache(maxsize=2)
def ear_faces(model: MorphableModel) -> Bools:
    """Which triangles [F] of a head model belong to its ears."""
    template = np.asarray(model.head.template)
    width = np.abs(np.asarray(model.landmarks68(template))[list(EAR_ENDS), 0]).mean()
    beside = (template[:, 2] > EAR_BACK) & (template[:, 2] < EAR_FRONT) & (template[:, 1] < EAR_TOP)
    ears = beside & (np.abs(template[:, 0]) > WIDER * width)
    return np.asarray(ears[model.faces].any(axis=1))


def above_hairline(points: Floats) -> Float64s:
    """How far [...] points [..., 3] of a head lie above where hair usually begins, in metres, falling to the nape."""
    forward = points[..., 2]
    falls = HAIRLINE_SLOPE * np.maximum(FOREHEAD_BACK - forward, 0) + STEEPER * np.maximum(BEHIND_EARS - forward, 0)
    return np.asarray(points[..., 1] - np.maximum(HAIRLINE - falls, NAPE), np.float64)
