"""Where hair is around a head and how far it stands out, from where a photograph shows hair."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unveil.appearance.hair.frame import COLUMNS, ROWS, HairFrame, above_hairline, smoothed
from unveil.appearance.hair.view import HairView
from unveil.typing import Bools, Float64s, Floats

REACH, INNER, STEP = 0.11, 0.02, 0.003  # metres outwards and inwards of the skin to look for the outline; steps
OUTLINE = 0.22  # sine of the angle to the image plane up to which a direction says where the outline is
THIN = 0.006  # metres that hair stands out where nothing is known
NATURAL = 0.012  # metres over which hair begins
PRIOR = 0.06  # weight of what is usual against what is seen
LEAST_SHARE = 0.12  # of the scalp that is seen which shows hair, or there is none
CLEAR = 0.0012  # metres between skin and hair
EAR = 0.004  # metres that ears stand out more than
SMOOTHINGS = 3  # of the grid
BESIDE = (60, 120)  # degrees from the front: hair that hangs beside the face
ROUND = 0.02  # metres over which hair rises at its edge


@dataclass(frozen=True, eq=False)
class HairShape:
    """Hair in a frame."""

    cover: Float64s  # [R, C] above zero where there is hair
    distance: Float64s  # [R, C] of its surface
    seen: Float64s  # [R, C] how far the photograph tells


def hair_shape(frame: HairFrame, view: HairView) -> HairShape | None:
    """The hair of a head; None where the photograph shows none."""
    thickness, told = _outline(frame, view)
    inside = frame.at(frame.skin + 0.5 * thickness)
    odds, known = view.sample(inside)
    visible = smooth_step(frame.direction @ view.towards, -0.12, 0.25) * known * ~view.behind_head(inside)
    usual = np.tanh(above_hairline(frame.at(frame.skin) - frame.middle) / NATURAL)
    scalp = (usual > 0.5) * visible
    share = float((scalp * (odds > 0)).sum() / max(scalp.sum(), 1e-6))
    if share < LEAST_SHARE:
        return None
    cover = _cover(odds, visible, usual)
    cover = _cover(odds, visible, np.maximum(usual, _as_long(cover)))
    ears = _ears(frame)
    over = ears & _over_ears(frame, view, ears)
    cover = np.where(ears & ~over, np.minimum(cover, -0.2), cover)
    away = _from_edge(cover > 0, frame.at(frame.skin + thickness))
    rise = np.clip(away / np.maximum(ROUND, 1.2 * thickness), 0, 1)
    profile = np.sqrt(np.maximum(1 - (1 - rise) ** 2, 0))
    distance = frame.skin + CLEAR + np.maximum(thickness - CLEAR, 0) * profile
    distance = np.where(over, np.maximum(distance, frame.ears + CLEAR), distance)
    distance[0] = distance[1].mean()
    return HairShape(cover, distance, told)


def _cover(odds: Floats, visible: Floats, usual: Floats) -> Float64s:
    """Where hair is [R, C], above zero, from what the photograph says where it is ``visible`` and what is usual."""
    weight = visible + PRIOR
    cover = smoothed((visible * odds + PRIOR * usual) / weight, 4 * weight)
    for _ in range(SMOOTHINGS):
        cover = _blurred(cover)
    return _largest(cover)


def _ears(frame: HairFrame) -> Bools:
    """The nodes [R, C] of ears, the hollow in them included."""
    flags = (frame.ears > frame.skin + EAR).astype(np.uint8)
    return np.asarray(cv2.dilate(cv2.morphologyEx(flags, cv2.MORPH_CLOSE, np.ones((7, 7))), np.ones((3, 3))) > 0)


def _over_ears(frame: HairFrame, view: HairView, ears: Bools) -> Bools:
    """The side [R, C] of the head on which hair covers the ear; a side that is not seen is as the other."""
    odds, known = view.sample(frame.at(frame.ears))
    weight = ears * known * smooth_step(frame.direction @ view.towards, -0.15, 0.1)
    right = np.arange(COLUMNS) < COLUMNS // 2
    sides = [(weight * side, odds) for side in (right, ~right)]
    told = [float((w * o).sum()) if w.sum() > 1 else None for w, o in sides]
    covered = [(told[1 - k] if told[k] is None else told[k]) or 0 for k in (0, 1)]
    return np.broadcast_to(np.where(right, covered[0] > 0, covered[1] > 0), ears.shape)


def _as_long(cover: Float64s) -> Float64s:
    """-1 to 1 [R, C], 1 where hair hangs behind the head if it hangs as low as on its sides."""
    angle = np.abs(360 * np.arange(COLUMNS) / COLUMNS - 180)
    row = np.arange(ROWS)[:, None]
    result = np.full(cover.shape, -1.0)
    lowest = np.where(cover > 0, row, 0).max(axis=0)
    beside = (angle > BESIDE[0]) & (angle < BESIDE[1])
    first = np.arange(COLUMNS) < COLUMNS // 2  # the right side of the head
    share = 0.5 + np.clip((180 - angle) / 90, 0, 1) * np.where(first, 0.5, -0.5)
    length = lowest[beside & first].max() * share + lowest[beside & ~first].max() * (1 - share)
    behind = angle > BESIDE[0]
    result[:, behind] = np.where(row <= length, 1.0, -1.0)[:, behind]
    return result


def _blurred(values: Float64s) -> Float64s:
    """Values [R, C] mixed with their neighbours'."""
    around = np.hstack([values[:, -1:], values, values[:, :1]])
    across = (around[:, :-2] + 2 * around[:, 1:-1] + around[:, 2:]) / 4
    padded = np.vstack([across[:1], across, across[-1:]])
    mixed = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    mixed[0] = mixed[0].mean()
    return np.asarray(mixed)


def _largest(cover: Float64s) -> Float64s:
    """The cover [R, C] with its largest piece only."""
    twice = np.hstack([cover, cover]) > 0  # columns go around
    count, labels, *_ = cv2.connectedComponentsWithStats(twice.astype(np.uint8), connectivity=4)
    if count < 2:
        return cover
    sizes = np.bincount(labels.ravel(), minlength=count)[1:]
    best = labels == 1 + sizes.argmax()
    kept = best[:, :COLUMNS] | best[:, COLUMNS:]
    return np.where(kept | (cover <= 0), cover, -0.1)


def _outline(frame: HairFrame, view: HairView) -> tuple[Float64s, Float64s]:
    """How far hair stands out [R, C], and how far the photograph tells [R, C]: at the outline, elsewhere between."""
    steps = np.arange(-INNER, REACH, STEP)
    across = frame.direction @ view.towards
    near = np.abs(across) < 2 * OUTLINE
    origin, direction, skin = frame.origin[near], frame.direction[near], frame.skin[near]
    points = origin[:, None] + (skin[:, None] + steps)[..., None] * direction[:, None]
    odds, known = view.sample(points)
    score = np.cumsum(odds * known, axis=-1)
    best = score.argmax(axis=-1)
    found = score.max(axis=-1) > 0
    shown = np.take_along_axis(known, np.minimum(best + 3, len(steps) - 1)[:, None], -1)[:, 0]
    thickness, weight = np.zeros(across.shape), np.zeros(across.shape)
    thickness[near] = np.where(found, np.maximum(steps[best] + STEP / 2, 0), 0)
    weight[near] = np.exp(-((across[near] / OUTLINE) ** 2)) * (known[:, 0] > 0.5) * (0.15 + 0.85 * shown)
    smooth = smoothed(thickness, 0.7 * weight + 1e-4)
    for _ in range(SMOOTHINGS):
        smooth = _blurred(smooth)
    return np.maximum(smooth, 0), weight


def _from_edge(inside: Bools, points: Float64s) -> Float64s:
    """Distance [R, C] in metres, nearly, from the nodes [R, C, 3] that are not ``inside`` [R, C]."""
    rim = ~inside & (cv2.dilate(np.hstack([inside, inside]).astype(np.uint8), np.ones((3, 3)))[:, :COLUMNS] > 0)
    distance = np.where(inside, 1.0, 0.0)
    if rim.any():
        there, others = points[inside], points[rim]
        square = (there**2).sum(axis=1)[:, None] - 2 * there @ others.T + (others**2).sum(axis=1)
        distance[inside] = np.sqrt(np.maximum(square.min(axis=1), 0))
    return distance


def smooth_step(x: Floats, low: float, high: float) -> Float64s:
    """From 0 at ``low`` to 1 at ``high``."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
