"""Eyeballs in a texture: painted, in the colours that the photograph shows of either eye."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np

from unveil.appearance.atlas import Atlas, eyeball_of
from unveil.geometry.compiled import compiled
from unveil.heads.model import MorphableModel
from unveil.typing import Float32s, Floats, Int64s, UInt8s

IRIS_RADIUS = 0.0059  # metres, of adults; lengths below are in such radii, from the centre of the iris
EVENLY = np.full(3, 1 / 3, np.float32)  # shares of the channels in a grey level

# Colours. They come from the photograph where enough is seen.
WHITE = np.array([214, 205, 200], dtype=np.float32)  # RGB of the white where none is seen
IRIS = np.array([66, 46, 36], dtype=np.float32)  # RGB of the iris where none is seen: that of most people on earth
USUAL_LEVEL, DIMMEST = 140.0, 0.6  # mean grey level of a head in good light; least share of these colours in dim light
ENOUGH = 30.0  # texels that must be seen to take the colour of the white
DOUBT = 2.0  # texels of a usual iris that are averaged with those that are seen
BAND = 0.2  # of the eyeball's radius: half height of the strip about its equator where lids do not shade the white
SHADED = 0.95  # the white has at least this share of the head's mean grey level
RING = (0.5, 0.85)  # where the colour of the iris is taken: pupil and rim are darker
NOT_ABOVE, NOT_BELOW = 0.2, -0.4  # and between these heights: lids shade or hide the rest
DARK_PART = (0.1, 0.5)  # quantiles of red there that are iris, and not lash, reflection, white or lid
LIGHTEST_IRIS = 0.62  # largest share of the brightness of the white

# The pattern that is painted.
PUPIL = 0.38  # radius
PUPIL_GREY = 0.12  # share of the brightness of the iris
LIMBUS = 0.14  # width of the soft rim of the iris
FIBRES = ((7, 0.3), (11, 1.9), (17, 4.0), (29, 2.2))  # waves around the iris: how many, and their phase
FIBRE_CONTRAST, DARK_RING, LIGHT_RING = 0.14, 0.45, 0.25  # of the iris, as shares of its brightness
LID_SHADOW = 0.3  # share of the light that the upper lid takes

# The search for the iris: the disc that is darkest against what is beside it, on a grid of directions.
CELL, REACH = 0.12, 18  # size of a cell, and cells to either side of straight ahead
DISC, BESIDE = 0.9, (1.1, 1.6)  # radius of the disc, and of the ring around it
NOT_BESIDE = 0.7  # height above and below from which the ring is left out: lids and lashes may be there
LEAST_OF_DISC, LEAST_BESIDE = 0.35, 0.25  # how much of disc and ring must be seen, against the best-seen place
USUAL_PLACE = (0.0, 0.1)  # (x, y) of the iris of people who look into the camera
STRAYS, STRAYS_COST = (0.9, 0.25), 0.15  # how far from there others look, and the contrast that outweighs such a step
CLEAR = 0.25  # contrast, as a share of the mean, of an iris that is clearly seen
DARK_WITHIN = 1.3  # around the disc, where dark texels give the place from side to side


@dataclass(frozen=True, eq=False)
class Eyeballs:
    """The vertices and texels of all eyeballs, and where on their ball the texels lie."""

    vertices: Int64s  # [B] rows of the template
    texels: Int64s  # [K] rows of the atlas
    direction: Float32s  # [K, 3] from the centre of the ball, unit length, model space of the template
    twin: Int64s  # [K] rows of the atlas that lie in the same direction on the other ball
    iris: float  # sine of the angle between the axis of the eye and the rim of its iris


NOTHING = np.zeros(0, np.int64)
NO_EYES = Eyeballs(NOTHING, NOTHING, np.zeros((0, 3), np.float32), NOTHING, iris=1.0)


def eyeballs(model: MorphableModel, atlas: Atlas) -> Eyeballs:
    """The eyeballs of a model: the vertices that move with a joint whose name ends in "eye" and no other.

    A model without such vertices, or without texels on them, has no eyeballs.
    """
    template, ball_of = np.asarray(model.head.template), eyeball_of(model)
    triangle, barycentric, faces = atlas.mesh
    vertices, rows, directions, radii = [], [], [], []
    for joint in (j for j, name in enumerate(model.head.joint_names) if name.endswith("eye")):
        of_ball = ball_of == joint
        ball = template[of_ball]
        inside = atlas.eyes_from + np.flatnonzero(of_ball[faces].all(axis=1)[triangle[atlas.eyes_from :]])
        if not len(inside):
            return NO_EYES
        points = np.einsum("nk,nkc->nc", barycentric[inside], template[faces[triangle[inside]]])
        points = points - (ball.min(axis=0) + ball.max(axis=0)) / 2
        radius = np.linalg.norm(points, axis=1, keepdims=True)
        vertices.append(np.flatnonzero(of_ball))
        rows.append(inside)
        directions.append((points / radius).astype(np.float32))
        radii.append(float(radius.mean()))
    return Eyeballs(
        vertices=np.concatenate(vertices),
        texels=np.concatenate(rows),
        direction=np.concatenate(directions),
        twin=_twins(rows, directions),
        iris=IRIS_RADIUS / float(np.mean(radii)),
    )


def _twins(rows: list[Int64s], directions: list[Float32s]) -> Int64s:
    """For each texel [K] of the eyes, the one of the other eye whose direction is nearest."""
    others = list(zip(rows, directions, strict=True))[::-1]
    pairs = zip(directions, others, strict=True)
    return np.concatenate([other[_nearest(mine, where)] for mine, (other, where) in pairs])


def _nearest(directions: Float32s, among: Float32s) -> Int64s:
    """Row of ``among`` [K', 3] nearest to each of ``directions`` [K, 3], of unit length."""
    order = np.argsort(among[:, 1], kind="stable")
    ordered = np.ascontiguousarray(among[order])
    rows = np.searchsorted(ordered[:, 1], directions[:, 1])
    _find_nearest(directions, ordered, rows)
    return np.asarray(order[rows])


@compiled
def _find_nearest(directions: Any, among: Any, rows: Any) -> None:
    """Replace ``rows``, where the search begins, by the nearest ones; ``among`` is sorted by y."""
    for i in range(len(directions)):
        x, y, z = directions[i, 0], directions[i, 1], directions[i, 2]
        best, start = np.float32(8), rows[i]  # more than any squared distance on a ball
        for step in (-1, 1):
            k = start - 1 if step < 0 else start
            while 0 <= k < len(among) and (among[k, 1] - y) ** 2 < best:  # further on, y alone is too far away
                distance = (among[k, 0] - x) ** 2 + (among[k, 1] - y) ** 2 + (among[k, 2] - z) ** 2
                if distance < best:
                    best, rows[i] = distance, k
                k += step


def paint_eyes(values: UInt8s, eyes: Eyeballs, seen: Float32s, level: float) -> Float32s:
    """Paint the eyeballs into ``values`` uint8 [N, 3] and return the colour [3] of their white.

    In a photograph, reflections, lashes and the shadow of the lids lie on an eye, and these must not turn with it. So
    only three things are taken from the photograph: the colour of the white, the colour of the iris, and the gaze,
    which is the same for both eyes. Eyes that are not seen look ahead, and are as bright as the ``level`` of the head
    suggests.

    Args:
        values: colours of all texels, which are changed.
        eyes: the eyeballs.
        seen: [K] how far the photograph shows each of their texels, 0 to 1.
        level: mean grey level of the head.
    """
    light = np.float32(np.clip(level / USUAL_LEVEL, DIMMEST, 1))
    if not len(eyes.texels):
        return light * WHITE
    shown = np.flatnonzero(seen > 0)
    colour, direction, seen = values[eyes.texels[shown]].astype(np.float32), eyes.direction[shown], seen[shown]
    most, red = colour.max(axis=1), colour[:, 0]
    axis, clear = _gaze(direction / eyes.iris, red, seen, eyes.iris)
    front = direction @ axis > 0
    across = (direction - (direction @ axis)[:, None] * axis) / eyes.iris
    radius = np.where(front, np.linalg.norm(across, axis=1), np.float32(1 / eyes.iris))
    band = seen * (np.abs(direction[:, 1]) < BAND) * front
    # Skin at the rim of the lids can be as bright as the white of the eye, but it is redder.
    redness = (most - colour.min(axis=1)) / np.maximum(most, np.float32(1))
    white = _typical(colour, band * (radius > 1.3), redness, light * WHITE)
    # No darker than shaded skin, because grey eyes look blind.
    white = (white + white.mean()) / 2 * np.float32(max(1, SHADED * level / white.mean()))
    ring = (radius > RING[0]) & (radius < RING[1]) & (across[:, 1] < NOT_ABOVE) & (across[:, 1] > NOT_BELOW)
    iris = _iris(colour, clear * seen * ring * front, light * IRIS)
    iris = iris * np.float32(min(1, LIGHTEST_IRIS * white.mean() / max(iris.mean(), 1)))
    painted = np.asarray(white, np.float32), np.asarray(iris, np.float32)
    _paint(values, eyes.texels, eyes.direction, (axis, np.float32(1 / eyes.iris)), painted)
    return painted[0]


@compiled
def _paint(values: Any, texels: Any, direction: Any, gaze: Any, colours: Any) -> None:
    """The colour of each texel of the eyes, by its distance from the centre of the iris and its place on the ball."""
    axis, per_radius = gaze
    white, iris = colours
    one, half = np.float32(1), np.float32(0.5)
    for n in range(len(texels)):
        x, y, z = direction[n, 0], direction[n, 1], direction[n, 2]
        ahead = x * axis[0] + y * axis[1] + z * axis[2]
        p, q, r = x - ahead * axis[0], y - ahead * axis[1], z - ahead * axis[2]
        radius = per_radius * np.sqrt(p * p + q * q + r * r) if ahead > 0 else per_radius
        lid = one - np.float32(LID_SHADOW) * _step((y - np.float32(0.15)) / half) * _step(z / np.float32(0.6))
        rim = _step((radius - one) / np.float32(LIMBUS))
        shade = one
        if rim < 1:
            turn, fibres = np.arctan2(q, p), np.float32(0)
            for count, phase in FIBRES:
                fibres += np.sin(np.float32(count) * turn + np.float32(phase))
            inner = min(radius, one)
            shade += np.float32(FIBRE_CONTRAST / len(FIBRES)) * fibres - np.float32(DARK_RING) * inner**6
            shade += np.float32(LIGHT_RING) * (one - inner)
            pupil = _step((radius - np.float32(PUPIL)) / np.float32(LIMBUS))
            shade *= np.float32(PUPIL_GREY) + np.float32(1 - PUPIL_GREY) * pupil
        for k in range(3):
            value = (rim * white[k] + (one - rim) * shade * iris[k]) * lid
            values[texels[n], k] = np.uint8(min(max(value + half, np.float32(0)), np.float32(255)))


@compiled
def _step(x: Any) -> Any:
    """A smooth step from 0 to 1 around x = 0, of width one."""
    t = min(max(x + np.float32(0.5), np.float32(0)), np.float32(1))
    return t * t * (np.float32(3) - np.float32(2) * t)


def _gaze(place: Float32s, red: Float32s, seen: Float32s, iris: float) -> tuple[Float32s, float]:
    """Direction [3] of the centre of the iris, and how clearly it is seen, in [0, 1].

    Red tells it: skin and white are light in that channel, and irises of all colours are dark.

    Args:
        place: [K, 3] directions of texels, in radii of the iris.
        red: [K] their red.
        seen: [K] how far the photograph shows them, 0 to 1.
        iris: sine of the angle between the axis of the eye and the rim of its iris.
    """
    side = 2 * REACH + 1
    column, row = np.rint(np.array([place[:, 0], -place[:, 1]]) / CELL).astype(int) + REACH
    on = np.flatnonzero((place[:, 2] > 0) & (np.minimum(column, row) >= 0) & (np.maximum(column, row) < side))
    ahead = np.array([0, 0, 1], np.float32)
    if seen[on].sum() < ENOUGH:
        return ahead, 0.0
    at = row[on] * side + column[on]
    weight = np.bincount(at, seen[on], side**2).astype(np.float64).reshape(side, side)
    sums = np.bincount(at, seen[on] * red[on], side**2).astype(np.float64).reshape(side, side)
    mean = sums.sum() / weight.sum()
    (inside, in_disc), (outside, beside) = (_means_around(sums, weight, kernel) for kernel in _kernels())
    x, y = np.meshgrid(CELL * (np.arange(side) - REACH), -CELL * (np.arange(side) - REACH))
    stray = ((x - USUAL_PLACE[0]) / STRAYS[0]) ** 2 + ((y - USUAL_PLACE[1]) / STRAYS[1]) ** 2
    contrast = (outside - inside) / max(mean, 1e-6) - STRAYS_COST * stray
    contrast[(in_disc < LEAST_OF_DISC * in_disc.max()) | (beside < LEAST_BESIDE * beside.max())] = -np.inf
    best = np.unravel_index(contrast.argmax(), contrast.shape)
    near = np.hypot(x - x[best], y - y[best]) < DARK_WITHIN
    dark = np.maximum(0, (inside[best] + outside[best]) / 2 * weight[near] - sums[near])
    clear = float(np.clip(contrast[best] / CLEAR, 0, 1))
    aside = np.array([(dark @ x[near]) / max(float(dark.sum()), 1e-6), y[best], 0]) * clear * iris
    axis = aside + ahead * np.sqrt(max(0.0, 1 - float(aside @ aside)))
    return np.asarray(axis / np.linalg.norm(axis), np.float32), clear


@cache
def _kernels() -> tuple[Float32s, Float32s]:
    """Masks of the disc of an iris and of the ring beside it, on the grid of the search."""
    reach = int(BESIDE[1] / CELL) + 1
    x, y = np.meshgrid(*[CELL * np.arange(-reach, reach + 1)] * 2)
    radius = np.hypot(x, y)
    beside = (radius > BESIDE[0]) & (radius < BESIDE[1]) & (np.abs(y) < NOT_BESIDE)
    return (radius < DISC).astype(np.float32), beside.astype(np.float32)


def _means_around(sums: Floats, weight: Floats, kernel: Float32s) -> tuple[Floats, Floats]:
    """Weighted means [H, W] over a kernel around each cell of a grid, and the weight in it.

    ``sums`` [H, W] are those of weighted values in each cell, ``weight`` [H, W] those of their weights.
    """
    around = [cv2.filter2D(part, -1, kernel, borderType=cv2.BORDER_CONSTANT) for part in (sums, weight)]
    total, count = np.asarray(around, np.float64)
    return total / np.maximum(count, 1e-6), count


def _iris(colour: Float32s, weight: Float32s, usual: Float32s) -> Float32s:
    """Colour [3] of the iris, from weighted colours [K, 3] around its pupil and the ``usual`` one."""
    if not weight.any():
        return usual
    low, high = np.quantile(colour[weight > 0, 0], DARK_PART)
    weight = weight * (colour[:, 0] >= low) * (colour[:, 0] <= high)
    return np.asarray((weight @ colour + DOUBT * usual) / (weight.sum() + DOUBT), np.float32)


def _typical(colour: Float32s, weight: Float32s, key: Float32s, default: Float32s) -> Float32s:
    """Mean of that third of the weighted colours [K, 3] whose ``key`` [K] is least."""
    if weight.sum() < ENOUGH:
        return default
    weight = weight * (key <= np.quantile(key[weight > 0], 1 / 3))
    return np.asarray((weight[:, None] * colour).sum(axis=0) / weight.sum(), dtype=np.float32)
