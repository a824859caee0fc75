"""Where a head has hair and how far that stands out, from where a photograph shows hair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from unveil.appearance.hair.frame import (
    COLUMNS,
    RIGHT,
    ROWS,
    HairFrame,
    above_hairline,
    from_front,
    mirrored,
    without_small,
)
from unveil.appearance.hair.noise import smooth_noise
from unveil.appearance.hair.view import MOST_ODDS, HairView
from unveil.geometry.arrays import nearest, squared_lengths
from unveil.geometry.compiled import compiled
from unveil.geometry.diffuse_grid import diffuse_grid
from unveil.geometry.sampling import between
from unveil.geometry.smooth_step import smooth_step
from unveil.typing import Bools, Float32s, Float64s, Floats

# Places are in metres from between the tops of the jaw line, heights upwards. Angles are degrees from the front.
SMOOTHINGS = 5  # times that values on the grid are blurred
OTHER_SIDE = 0.5  # weight of what the other side of the head shows

# How far hair stands out. Its outline is looked for along the directions of nodes, across the line of sight.
REACH = 0.11  # metres outside the skin where the search ends
INNER = 0.02  # metres inside the skin where it begins
STEP = 0.003  # metres of one step of it
BEYOND = 3  # steps beyond an outline that the photograph must show too
OUTLINE = 0.22  # sine of a direction's angle to the image plane over which it loses its say about the outline
USUAL = 0.012  # metres that hair stands out where no outline is near
FAINT = 0.0065  # weight of that

# Where hair begins.
PRIOR = 0.06  # weight of what is usual against what is seen
NATURAL = 0.012  # metres over which a hairline changes from bare to covered
# Angles, and the metres above the usual hairline where hair begins if no photograph shows it. Since it thins out, half
# of it is there where the higher half of 55 people with bare ears have their hairlines.
BEGINS = ((0, 12, 20, 30, 40, 50, 60, 70, 80), (0.008, 0.007, 0.006, 0.002, -0.004, -0.01, 0.0, 0.01, 0.0))
UNEVEN = 0.005  # metres by which a hairline wanders, as a standard deviation
OVER_NODES = (2.2, 4.0)  # nodes across and along over which it does so
LARGEST_HOLE = 60  # nodes; smaller holes in hair are closed

# Whether there is hair at all.
SCALP = 0.02  # metres above the usual hairline where scalp begins
LEAST_SHARE = 0.12  # share of the scalp seen that must show hair
UNSEEN, LIKELY = 100, 0.25  # nodes of scalp that are added to those seen, and the share of them with hair

# How far down hair hangs.
BESIDE = (60, 120)  # angles of hair that hangs beside the face
HANGS = (60, 100)  # angles of hair that hangs before the ears or over them
BEFORE_EARS = 95.0  # angle; nearer to the front, hair below the ears hangs down from hair above
RAGGED = 1.5  # rows by which locks end higher than others, at most
LOCK = 3  # columns of a lock
MOUTH = 0.055  # metres down; lower, no hair hangs before the face and the neck
IN_FRONT = ((0.07, 0.12), (48.0, 66.0))  # metres down, and the angles from the front without hair there

# Ears.
OVER = 0.8  # share of the nodes of an ear that must have hair if hair lies over it
GLIMPSE = 0.05  # mean visibility from which an ear counts as seen
BEFORE_EAR = 4  # columns before an ear that is not seen, which tell whether hair hangs there
EAR_EDGE = 4.0  # by how much the cover falls across the edge of a bare ear
BUMP = 3.0  # nodes over which hair rises to an ear that it covers

# The edge of hair.
CLEAR = 0.002  # metres between skin and hair
ROUND = 0.022  # metres over which hair rises at its edge
TAPER = 0.06  # metres over which short hair does so behind the head
BEHIND = (100.0, 140.0)  # angles between which that begins
NAPE = -0.067  # height where short hair ends at the nape
NAPE_FALLS, NAPE_WIDTH = 0.008, 0.025  # metres by which it ends lower in the middle of the nape, and how wide that is
SIDEBURN = -0.014  # height down to which short hair comes before the ears
BEFORE_MIDDLE = 0.022  # metres forwards to which it does

# Where hair thins out: mostly where no photograph shows where it ends.
BESIDE_FACE = (45.0, 70.0)  # angles between which hair comes to hang beside the face, and not to grow from the skin
SURE = 0.5  # how far hair beside the face thins out even where a photograph shows its end
THICK = (0.018, 0.012)  # metres that hair stands out between which it comes to thin out
AT_EARS = (5, 5)  # nodes around ears without thinning
BEFORE = (75.0, 90.0)  # angles between which that begins; before the ears hair does thin out
NEAR = 2.5  # nodes over which hair with an end that is shown blends into hair without


@dataclass(frozen=True, eq=False)
class HairShape:
    """Hair in the frame of a head."""

    cover: Float64s  # [R, C] above zero where there is hair
    distance: Float64s  # [R, C] of the surface of hair, as in `HairFrame.at`
    told: Float64s  # [R, C] from 0 to 1: how far the photograph tells whether there is hair
    thins: Float64s  # [R, C] from 0 to 1: how gradually it thins out at its edge
    short: bool  # whether it ends above bare ears


def hair_shape(frame: HairFrame, view: HairView) -> HairShape | None:
    """The hair of a head; None where the photograph shows none."""
    thickness = _thickness(frame, view)
    inside = frame.at(frame.skin + 0.5 * thickness)
    shown, known = view.sample(view.places(inside))
    visible = smooth_step(frame.direction @ view.towards, -0.12, 0.25) * known * ~view.behind_head(inside)
    on_skin = frame.at(frame.skin) - frame.middle
    above = above_hairline(on_skin)
    usual = np.tanh((above + _wanders()) / NATURAL)
    # A wall where the skull should be means that the fitted head is too large, not that it is bald.
    visible = visible * np.where(above > 0, 1 - view.shows_wall(view.places(inside)), 1)
    odds, visible = with_other_side(shown, visible)
    scalp = (above > SCALP) * visible
    share = float(((scalp * (odds > 0)).sum() + LIKELY * UNSEEN) / (scalp.sum() + UNSEEN))
    if share < LEAST_SHARE:
        return None
    cover = _hanging(frame, _cover(odds, visible, usual))
    short = _is_short(frame, cover) and not _over_ears(frame, cover, visible).any()
    ends = np.tanh((_above_short(on_skin) + _wanders()) / NATURAL) if short else np.maximum(usual, _as_long(cover))
    # Where hair grows from the skin, and does not hang over it, usual hair continues what is seen: both count alike.
    grows = np.maximum(short, 1 - smooth_step(from_front(), *BESIDE_FACE))
    most = MOST_ODDS + (1 - MOST_ODDS) * grows
    cover = _hanging(frame, _cover(np.clip(odds, -most, most), visible, ends))
    over = _over_ears(frame, cover, visible)
    cover = _in_one_piece(np.minimum(cover, _free_of((frame.on_ears & ~over) | _before_neck(frame))))
    away = _from_edge(cover > 0, frame.at(frame.skin + thickness))
    told = np.clip(visible, 0, 1)
    near = np.asarray(cv2.GaussianBlur(told, (0, 0), NEAR), np.float64)
    gently = grows * np.maximum(short * smooth_step(from_front(), *BEHIND), 1 - near)
    rise = np.clip(away / np.maximum(ROUND + (TAPER - ROUND) * gently, 1.2 * thickness), 0, 1)
    profile = rise * ((1 - gently) * (2 - rise) + gently * rise * (3 - 2 * rise))
    distance = frame.skin + CLEAR + np.maximum(thickness - CLEAR, 0) * profile
    # Taken from around, because nodes are farther apart than the ridges of an ear.
    outside = cv2.blur(cv2.dilate(np.where(frame.on_ears, frame.ears, 0), np.ones((5, 5))), (3, 3))
    bump = np.where(over, np.maximum(outside + CLEAR - distance, 0), 0)
    distance = np.asarray(distance + np.maximum(bump, cv2.GaussianBlur(bump, (0, 0), BUMP)), np.float64)
    distance[0] = distance[1].mean()
    return HairShape(cover, distance, told, grows * _thins(frame, distance - frame.skin, near), short)


def _thins(frame: HairFrame, height: Floats, told: Floats) -> Float64s:
    """How gradually [R, C] hair that grows from the skin thins out at its edge, as in `HairShape.thins`.

    Args:
        frame: of the head.
        height: metres [R, C] that hair stands out.
        told: [R, C] from 0 to 1: how far the photograph tells where hair ends.
    """
    beside = smooth_step(from_front(), *BESIDE_FACE)
    thins = 1 - told * (1 - SURE * beside)
    beside_ears = cv2.blur(cv2.dilate(frame.on_ears.astype(np.float64), np.ones(AT_EARS)), AT_EARS)
    beside_ears = beside_ears * smooth_step(from_front(), *BEFORE)
    return np.asarray(thins * smooth_step(height, *THICK) * (1 - beside_ears))


@lru_cache(maxsize=1)
def _wanders() -> Float32s:
    """Metres [R, C] by which a hairline is lower than usual: uneven, and higher above the forehead and the temples."""
    uneven = UNEVEN * np.clip(smooth_noise((ROWS, COLUMNS), *OVER_NODES, 1), -2, 2)
    return np.asarray(uneven - np.interp(from_front(), *BEGINS), np.float32)


def _cover(odds: Floats, visible: Floats, usual: Floats) -> Float64s:
    """Where there is hair: [R, C], above zero.

    Args:
        odds: log odds [R, C] of hair in the photograph.
        visible: weight [R, C] of that.
        usual: [R, C] from -1 to 1, what holds where nothing is seen.
    """
    weight = visible + PRIOR
    cover = diffuse_grid((visible * odds + PRIOR * usual) / weight, 4 * weight).astype(np.float64)
    for _ in range(SMOOTHINGS):
        cover = _blurred(cover)
    return _largest(cover)


def _hanging(frame: HairFrame, cover: Float64s) -> Float64s:
    """The cover [R, C] without hair before the ears and below bare skin: what is seen there hangs behind the head."""
    below = frame.middle[1] - frame.at(frame.skin)[..., 1]
    asked = (below > 0) & (from_front() < BEFORE_EARS)
    return np.minimum(cover, np.minimum.accumulate(np.where(asked, cover, np.inf), axis=0))


def _is_short(frame: HairFrame, cover: Float64s) -> bool:
    """Whether hair beside the face ends above the lower ends of the ears."""
    beside = (from_front() > HANGS[0]) & (from_front() < HANGS[1])
    ears = np.flatnonzero(frame.on_ears.any(axis=1))
    hangs = np.flatnonzero((cover[:, beside] > 0).any(axis=1))
    return bool(len(ears) > 0 and hangs.max(initial=0) <= ears.max() + 1)


def _above_short(points: Float64s) -> Float64s:
    """How far [R, C] points [R, C, 3] lie inside the usual edge of short hair, in metres.

    Short hair ends higher at the nape, and comes down before the ears.
    """
    x, y, z = np.moveaxis(points, -1, 0)
    nape = y - NAPE + NAPE_FALLS * np.exp(-((x / NAPE_WIDTH) ** 2))
    sideburn = np.minimum(BEFORE_MIDDLE - z, y - SIDEBURN)
    return np.asarray(np.minimum(np.maximum(above_hairline(points), sideburn), nape))


def _over_ears(frame: HairFrame, cover: Float64s, visible: Floats) -> Bools:
    """The nodes [R, C] of ears under hair: all of an ear, or none.

    An ear that is not seen is bare unless hair hangs before it or covers the other ear.
    """
    sides = ((frame.on_ears & RIGHT, 1), (frame.on_ears & ~RIGHT, -1))
    seen = [bool(ear.any() and visible[ear].mean() > GLIMPSE) for ear, _ in sides]
    nodes = [ear if there else _before(ear, forwards) for (ear, forwards), there in zip(sides, seen, strict=True)]
    covered = [bool(shows.any() and (cover[shows] > 0).mean() > OVER) for shows in nodes]
    covered = [one if there else any(covered) for one, there in zip(covered, seen, strict=True)]
    return np.asarray(frame.on_ears & np.where(RIGHT, *covered))


def _before(ear: Bools, forwards: int) -> Bools:
    """The nodes [R, C] just before the lower half of an ``ear`` [R, C]; ``forwards`` along columns is 1 or -1."""
    rows = np.flatnonzero(ear.any(axis=1))
    lower = ear & (np.arange(ROWS)[:, None] > rows.mean() if len(rows) else False)
    beside = np.logical_or.reduce([np.roll(lower, forwards * k, axis=1) for k in range(1, BEFORE_EAR + 1)])
    return np.asarray(beside & ~ear)


def _before_neck(frame: HairFrame) -> Bools:
    """The nodes [R, C] before mouth, chin and neck, where no hair hangs."""
    below = frame.middle[1] - frame.at(frame.skin)[..., 1]
    return np.asarray((below > MOUTH) & (from_front() < np.interp(below, *IN_FRONT)))


def _free_of(bare: Bools) -> Float64s:
    """A cover [R, C] that ends smoothly around ``bare`` nodes [R, C], and is infinite if there are none."""
    share = bare.astype(np.float64)
    for _ in range(SMOOTHINGS):
        share = _blurred(share)
    return np.where(bare.any(), EAR_EDGE * (0.5 - share), np.inf)


def _as_long(cover: Float64s) -> Float64s:
    """The cover [R, C], from -1 to 1, of hair that hangs as low behind the head as beside the face."""
    angle, row = from_front(), np.arange(ROWS)[:, None]
    result = np.full(cover.shape, -1.0)
    lowest = np.where(cover > 0, row, 0).max(axis=0)
    beside = (angle > BESIDE[0]) & (angle < BESIDE[1])
    share = 0.5 + np.clip((180 - angle) / 90, 0, 1) * np.where(RIGHT, 0.5, -0.5)
    length = lowest[beside & RIGHT].max() * share + lowest[beside & ~RIGHT].max() * (1 - share)
    behind = angle > BESIDE[0]
    ends = np.repeat(np.random.default_rng(0).uniform(-RAGGED, 0, COLUMNS // LOCK), LOCK)  # locks are not cut to a line
    result[:, behind] = np.clip(length + ends - row, -1.0, 1.0)[:, behind]
    return result


def _blurred(values: Float64s) -> Float64s:
    """Values [R, C] averaged with their neighbours; columns go around, and the crown is one point."""
    around = np.hstack([values[:, -1:], values, values[:, :1]])
    across = (around[:, :-2] + 2 * around[:, 1:-1] + around[:, 2:]) / 4
    padded = np.vstack([across[:1], across, across[-1:]])
    mixed = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    mixed[0] = mixed[0].mean()
    return np.asarray(mixed)


def _largest(cover: Float64s) -> Float64s:
    """The largest piece of the cover [R, C], without small holes."""
    cover = _in_one_piece(cover)
    bare = without_small(cover <= 0, LARGEST_HOLE)
    return np.where(cover > 0, cover, np.where(bare, np.minimum(cover, -0.1), 0.1))


def _in_one_piece(cover: Float64s) -> Float64s:
    """The largest piece of the cover [R, C]; elsewhere it is below zero."""
    return np.where((cover <= 0) | without_small(cover > 0, cover.size), cover, -0.1)


def with_other_side(values: Floats, weight: Floats) -> tuple[Float64s, Float64s]:
    """Values and weights [R, C], with those of the other side of the head where a side is not seen."""
    more = OTHER_SIDE * mirrored(weight) * (1 - weight)
    total = weight + more
    return np.asarray((weight * values + more * mirrored(values)) / np.maximum(total, 1e-9)), np.asarray(total)


def _thickness(frame: HairFrame, view: HairView) -> Float64s:
    """Metres [R, C] that hair stands out: measured where a direction crosses its outline, smooth in between."""
    steps = np.arange(-INNER, REACH, STEP)
    across = frame.direction @ view.towards
    near = np.abs(across) < 2 * OUTLINE
    origin, direction, skin = frame.origin[near], frame.direction[near], frame.skin[near]
    first, last = (view.places(origin + (skin + end)[:, None] * direction) for end in steps[[0, -1]])
    found, shown, inside = (np.empty(len(first)) for _ in range(3))
    maps = np.pad(np.dstack([view.odds, view.known]), ((1, 1), (1, 1), (0, 0)))
    _outlines(maps, first + 1, last + 1, len(steps), (found, shown, inside))
    thickness, weight = np.zeros(across.shape), np.zeros(across.shape)
    thickness[near] = np.where(found >= 0, np.maximum(steps[0] + (found + 0.5) * STEP, 0), 0)
    weight[near] = np.exp(-((across[near] / OUTLINE) ** 2)) * (inside > 0.5) * (0.15 + 0.85 * shown)
    thickness, weight = with_other_side(thickness, weight)
    trusted = 0.7 * weight + FAINT
    smooth = diffuse_grid((0.7 * weight * thickness + FAINT * USUAL) / trusted, trusted).astype(np.float64)
    for _ in range(SMOOTHINGS):
        smooth = _blurred(smooth)
    return np.maximum(smooth, 0)


@compiled
def _outlines(maps: Any, first: Any, last: Any, count: Any, results: Any) -> None:
    """Find the last step with hair between two places of the maps, for each of N pairs.

    Args:
        maps: [W, W, 2] log odds of hair, and how far they are known; both zero at the edges as beyond them.
        first: [N, 2] places of the first step, x and y.
        last: [N, 2] places of the last step.
        count: steps.
        results: filled in, [N] each: the last step with hair, -1 for none; how far the photograph is known a little
            beyond that; and how far it is known at the first step.
    """
    found, shown, inside = results
    for n in range(len(first)):
        (left, top), (right, bottom) = first[n], last[n]
        total, most, best = 0.0, -np.inf, 0
        for k in range(count):
            share = k / (count - 1.0)
            x, y = left + share * (right - left), top + share * (bottom - top)
            within = 0 <= x < maps.shape[1] - 1 and 0 <= y < maps.shape[0] - 1
            odds, known = (between(maps, x, y, 0), between(maps, x, y, 1)) if within else (0.0, 0.0)
            total += known * min(max(odds, -MOST_ODDS), MOST_ODDS)
            if k == 0:
                inside[n] = known
            if total > most:
                most, best = total, k
            if k <= best + BEYOND:
                shown[n] = known
        found[n] = best if most > 0 else -1


def _from_edge(inside: Bools, points: Float64s) -> Float64s:
    """Metres [R, C] from nodes ``inside`` hair to the nearest node outside, about; 0 outside.

    Args:
        inside: the nodes [R, C] with hair.
        points: [R, C, 3] their places.
    """
    rim = ~inside & (cv2.dilate(np.hstack([inside, inside]).astype(np.uint8), np.ones((3, 3)))[:, :COLUMNS] > 0)
    distance = np.where(inside, 1.0, 0.0)
    if rim.any():
        others = points[rim]
        away = points[inside] - others[nearest(points[inside], others)]
        distance[inside] = np.sqrt(squared_lengths(away))
    return distance
