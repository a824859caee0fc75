"""A grid around a head in which hair is a distance outwards: rows from the crown down, columns around the head.

Columns run as hair does. From the crown, where hair whorls, down to the level of the ears they are great circles of a
dome; from there they fall straight.
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

COLUMNS = 96  # around the head
DOME, FALL = 30, 27  # rows above and below the level of the ears
ROWS = DOME + FALL
RIGHT = np.arange(COLUMNS) < COLUMNS // 2  # which columns [C] are on the subject's right
CROWN_TILT = np.radians(25)  # by which the crown lies behind the highest point
CENTRE = np.array([0.0, 0.01, -0.025])  # metres from between the tops of the jaw line to the middle of the skull
BELOW_CUT = 0.055  # metres below the lower end of the neck where the last row lies; hair reaches no lower
MAP_SIZE = 400  # pixels a side of the map of the head
USUAL_RADIUS = 0.08  # metres from the middle to the skin where the head has a hole and nothing near it
FAINT = 1e-6  # weight of that

# Ears. Places are in metres on the template.
EAR_ENDS = (0, 16)  # iBUG-68: the ends of the jaw line; ears stick out farther to the side
WIDER = 1.04  # times the distance of these from the middle; only ears are farther out
EAR_BACK, EAR_FRONT = -0.065, 0.002  # where ears end backwards and forwards
EAR_TOP = 0.0  # height where they end
EAR = 0.003  # metres from the skull beyond which a node is an ear's
THICKEST_EAR = 0.02  # metres; farther behind the surface of an ear lies the inside of the head, not its skin

# The usual hairline, in metres from the origin, upwards and forwards.
HAIRLINE = 0.068  # height above the forehead
FOREHEAD_BACK, HAIRLINE_SLOPE = 0.05, 1.1  # behind this place it falls, with this slope
BEHIND_EARS, STEEPER = -0.055, 3.0  # behind this place it falls more steeply, by this slope
NAPE = -0.085  # height at the nape, below which it does not fall


@dataclass(frozen=True, eq=False)
class HairFrame:
    """The frame of one head: node (row, column) at distance r is at ``origin + r * direction``."""

    middle: Float64s  # [3] between the tops of the jaw line
    origin: Float64s  # [R, C, 3] metres, model space
    direction: Float64s  # [R, C, 3] unit length
    skin: Float64s  # [R, C] distance of the skin, without ears
    ears: Float64s  # [R, C] the same with ears
    on_ears: Bools  # [R, C] the nodes of ears, with the hollow inside them

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
    """The places [V, 2] of points [V, 3] on a map with the crown in its middle, and their distances [V]."""
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
    """The distance [R, C] of the outermost surface at places [R, C, 2] of its map; not finite where there is none."""
    depth = np.where(np.isinf(depth), np.float32(np.nan), depth)
    x, y = np.moveaxis(at * (MAP_SIZE - 1), -1, 0)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    x, y = x - left, y - top
    upper = depth[top, left] * (1 - x) + depth[top, left + 1] * x
    lower = depth[top + 1, left] * (1 - x) + depth[top + 1, left + 1] * x
    return np.asarray(-(upper * (1 - y) + lower * y), np.float64)


def _on_ears(height: Float64s) -> Bools:
    """The nodes [R, C] of ears: the largest piece on either side that rises from the skull, with what it encloses.

    Args:
        height: metres [R, C] from the skull to the surface with ears.
    """
    flags = height > EAR
    ears = [without_small(flags & side, flags.size) for side in (RIGHT, ~RIGHT)]
    closed = cv2.morphologyEx((ears[0] | ears[1]).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7)))
    return np.asarray(cv2.dilate(closed, np.ones((3, 3))) > 0)


def without_small(flags: Bools, least: int) -> Bools:
    """The flags [R, C] without pieces of fewer than ``least`` nodes; the largest piece stays. Columns go around."""
    twice = np.hstack([flags, flags]).astype(np.uint8)
    _, labels = cv2.connectedComponents(twice, connectivity=4)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept = ((sizes >= 2 * least) | (sizes == sizes.max()))[labels] & (twice > 0)
    return np.asarray(kept[:, :COLUMNS] | kept[:, COLUMNS:])


def _closed(distance: Float64s) -> Float64s:
    """Distances [R, C], continued smoothly where the head has a hole."""
    known = np.isfinite(distance)
    smooth = diffuse_grid(np.where(known, distance, USUAL_RADIUS), np.where(known, 1000.0, FAINT))
    return np.where(known, distance, smooth)


def from_front() -> Float64s:
    """Degrees of the columns [C] from the front, to either side."""
    return np.abs(360 * np.arange(COLUMNS) / COLUMNS - 180)


def mirrored(values: Floats) -> Floats:
    """Values [R, C] with left and right swapped."""
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
    """Metres [...] that points [..., 3] of a head lie above the usual hairline, which falls towards the nape."""
    forward = points[..., 2]
    falls = HAIRLINE_SLOPE * np.maximum(FOREHEAD_BACK - forward, 0) + STEEPER * np.maximum(BEHIND_EARS - forward, 0)
    return np.asarray(points[..., 1] - np.maximum(HAIRLINE - falls, NAPE), np.float64)
