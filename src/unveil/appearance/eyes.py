"""Eyeballs in a texture: painted in the colours that the photograph shows of them, in either eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unveil.appearance.atlas import Atlas, eyeball_of
from unveil.geometry.compiled import compiled
from unveil.heads.model import MorphableModel
from unveil.typing import Float32s, Int64s, UInt8s

IRIS_RADIUS = 0.0059  # metres, of adults
PUPIL = 0.38  # radius in iris radii
PUPIL_GREY = 0.12  # of the iris' brightness
LIMBUS = 0.14  # width of the soft rim of the iris, in iris radii
RING, RING_WIDTH = 0.65, 0.2  # where the colour of an iris is looked for, in iris radii: pupil and rim are darker
LIGHTEST_IRIS = 0.62  # of the brightness of the white
FIBRES = ((7, 0.3), (11, 1.9), (17, 4.0), (29, 2.2))  # periods around an iris and phases of its pattern
FIBRE_CONTRAST, DARK_RING, LIGHT_RING = 0.14, 0.45, 0.25  # shares of the brightness
LID_SHADOW = 0.3  # on the upper part of the eyeball
MOST_ASIDE = 0.45  # sine of the angle that the eyes may look aside of where the fit has them
BAND = 0.2  # of the eyeball's radius: height of the strip about the equator in which lids leave the white free
LARGEST_TURN = 0.5  # of the gaze against the fitted one, as the sine of the angle
WHITE = np.array([214, 205, 200], dtype=np.float32)  # RGB where none is seen
IRIS = np.array([84, 62, 48], dtype=np.float32)
USUAL_LEVEL, DIMMEST = 140.0, 0.6  # mean grey level of a head in good light; least brightness against that
SHADED = 0.95  # of the mean grey level, at least, of the white of an eye
EVENLY = np.full(3, 1 / 3, np.float32)  # shares of the channels in a grey level
ENOUGH = 30.0  # texels, to take a colour from the photograph


@dataclass(frozen=True, eq=False)
class Eyeballs:
    """The vertices and texels of all eyeballs, and where on their ball the texels lie."""

    vertices: Int64s  # [B] rows of the template
    texels: Int64s  # [K] rows of the atlas
    direction: Float32s  # [K, 3] from the centre of the ball, unit length, model space of the template
    twin: Int64s  # [K] rows of the atlas that lie in the same direction on the other ball
    iris: float  # sine of the angle between the axis of an eye and the rim of its iris


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
    """For each texel [K] of the eyes the one of the other eye that looks the same way most nearly."""
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
    """Put the nearest in place of the rows where the search begins; ``among`` is in the order of its y."""
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

    A photograph of an eye has lights, lashes and the lids' shadow on it, which are not to turn with the eye. So white
    and iris only take the colours they have where they are ``seen`` [K], in [0, 1], in either eye, and the way they
    look: both the same way. Where neither eye is seen they look ahead and are as bright as the mean grey ``level`` of
    the head lets expect.
    """
    light = np.float32(np.clip(level / USUAL_LEVEL, DIMMEST, 1))
    if not len(eyes.texels):
        return light * WHITE
    shown = np.flatnonzero(seen > 0)
    colour, direction, seen = values[eyes.texels[shown]].astype(np.float32), eyes.direction[shown], seen[shown]
    grey, most = colour @ EVENLY, colour.max(axis=1)
    axis = _gaze(direction, grey, seen)
    front = direction @ axis > 0
    across = direction - (direction @ axis)[:, None] * axis
    radius = np.linalg.norm(across, axis=1) / eyes.iris
    radius[~front] = 1 / eyes.iris
    band = seen * (np.abs(direction[:, 1]) < BAND) * front
    # Skin at the rim of the lids can be as bright as the white of the eye, but it is redder.
    redness = (most - colour.min(axis=1)) / np.maximum(most, np.float32(1))
    white = _typical(colour, band * (radius > 1.3), redness, light * WHITE)
    # No darker than shaded skin: grey would look blind.
    white = (white + white.mean()) / 2 * np.float32(max(1, SHADED * level / white.mean()))
    ring = seen * front * (np.abs(radius - RING) < RING_WIDTH)
    iris = _typical(colour, ring, np.abs(grey - _middle(grey, ring)), light * IRIS)
    iris = iris * np.float32(min(1, LIGHTEST_IRIS * white.mean() / max(iris.mean(), 1)))
    painted = np.asarray(white, np.float32), np.asarray(iris, np.float32)
    _paint(values, eyes.texels, eyes.direction, (axis, np.float32(1 / eyes.iris)), painted)
    return painted[0]


@compiled
def _paint(values: Any, texels: Any, direction: Any, gaze: Any, colours: Any) -> None:
    """The colour of each texel of the eyes, by how far it is from the middle of the iris and where on the ball."""
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


def _gaze(direction: Float32s, grey: Float32s, seen: Float32s) -> Float32s:
    """Direction [3] of the centre of the iris: of what is dark among the seen, near where the fit has it."""
    ahead = np.array([0, 0, 1], dtype=np.float32)
    near = seen * (direction[:, 2] > np.sqrt(1 - LARGEST_TURN**2))
    if near.sum() < ENOUGH:
        return ahead
    typical = float((near * grey).sum() / near.sum())
    dark = near * np.maximum(0, typical - grey)
    aside = (dark @ direction)[:2] / max(float(dark.sum()), 1e-6)
    # Lids hide more of the iris above than below, and lashes are dark: the height is left to the fit.
    x = float(np.clip(aside[0], -MOST_ASIDE, MOST_ASIDE))
    return np.array([x, 0, np.sqrt(1 - x * x)], dtype=np.float32)


def _middle(values: Float32s, weight: Float32s) -> float:
    """Median of the values [K] that have a weight, 0 without any: reflections do not move it."""
    return float(np.median(values[weight > 0])) if weight.any() else 0.0


def _typical(colour: Float32s, weight: Float32s, key: Float32s, default: Float32s) -> Float32s:
    """Mean colour [3] of the third of the weighted colours [K, 3] that has the least ``key`` [K]."""
    if weight.sum() < ENOUGH:
        return default
    weight = weight * (key <= np.quantile(key[weight > 0], 1 / 3))
    return np.asarray((weight[:, None] * colour).sum(axis=0) / weight.sum(), dtype=np.float32)
