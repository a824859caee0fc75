"""What a photograph shows around a head: hair, or something else.

A learner's class map ends soon above the brows, while hair goes on. So the map says what hair, skin, cloth and
background look like in this photograph, and beyond it pixels are explained by their colours and places.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np

from unveil.appearance.hair.around import explain
from unveil.appearance.hair.cells import FEWEST, WEIGHTS, Sighted, inside
from unveil.appearance.hair.frame import above_hairline
from unveil.appearance.hair.occluders import FAINT, goes_on, hidden, on_scalp
from unveil.appearance.hair.tone import EVEN, LEAST_HAIR, hair_tone
from unveil.appearance.hair.view import FARTHEST, Around, HairView
from unveil.appearance.visibility import OCCLUDED
from unveil.geometry.rasterize import Raster, interpolate, rasterize
from unveil.heads.model import MorphableModel
from unveil.models.classes import BACKGROUND, CLOTH, HAIR, OCCLUDER, SKIN
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Float64s, Floats, Image

SIZE = 88  # pixels a side of the picture that is explained
WIDER, HIGHER = 1.75, 0.06  # sides of the crop that it is as wide as, and that it reaches farther up than down
FLOOR = 0.02  # of probabilities
NEAR_HEAD, BESIDE_HEAD = 0.045, 0.02  # metres around the head within which hair is likely, and the wall is not
GOES_ON = 0.8  # how likely an occluder goes on beyond the class map
HIGHLIGHT = 0.0016  # square metres that one of hair has at most
# Metres above the hairline at which all is scalp, the distance of a and b from the skin's within which it is bare; the
# share of it that has to be seen, from which on somebody is bald there, and that of the forehead up to which it shows
# hair then. A bare scalp is skin, hair, cloth or background so likely.
SCALP, SAME_COLOUR, SHOWN, BALD, FRINGE = 0.012, 9.0, 0.5, 0.3, 0.32
CLEAR = 0.08  # share of the class map that an occluder has at most where that is asked
BARE = np.array([0.9, 0.04, 0.03, 0.03], np.float32)
SHORT = 0.1  # of hair that is seen beside a head, what of it is likely beside one that is bald above
NO_HEAD = np.array([0.0, 0, 1, 0]).reshape(4, 1, 1)  # of skin, hair, cloth or occluder, and background
LEAST_SHOWN = 0.2  # share of the scalp that counts as seen in any case
CHIN = 8  # iBUG-68
# Hair that hangs: how many spreads from its colour it still has it; metres above the chin between which it does so
# beside the mouth and beside the ear; metres from the head between which it does, and from which on there is the wall;
# the share of what is near that it fills; how far from the head it falls, and from its middle.
LIKE_HAIR, HANGS, NEAR, FAR = 2.0, (0.015, 0.055, 0.1), (0.004, 0.03), 0.07
HANGING, FALLS, OF_NECK = 0.6, 0.06, 0.045
# The share of the wall that has the colour of hair, below which that tells hair from it, and from which on it does not.
DISTINCT, INDISTINCT = 0.25, 0.5


def hair_view(head: Sighted, model: MorphableModel) -> HairView | None:
    """Where a photograph shows hair around a head; None where the class map has next to none."""
    view, around = _before_hair(head, model)
    _, seen = head.cells
    if ((head.classes.argmax(axis=0) == HAIR) * seen).mean() < LEAST_HAIR * _shown_of_scalp(view, around):
        return None
    picture = view.crop.warp(head.photograph)
    like, of_wall = _like_hair(picture, view, around)
    classes = _class_map(head, view.crop)
    if view.tone.nodes <= 1 and of_wall is not None and of_wall < DISTINCT:
        classes = _with_hanging_hair(classes, like, view, around)
    near = np.maximum(goes_on(classes, view, around), on_scalp(picture, view, around))
    probability = _explained(picture, classes, near, view, around)
    # Of what an occluder hides, nothing is known; what it may hide is hair or not as if it were not there.
    behind = hidden(classes, probability[2], near)
    hair = np.clip(probability[1] / np.where(behind > 0, 1 - np.minimum(probability[2], 0.99), 1), FLOOR, 1 - FLOOR)
    known = (view.known * (1 - behind)).astype(np.float32)
    if of_wall is not None and of_wall > INDISTINCT:  # nobody can say where hair ends and the wall begins
        known[like & (around.on_head == 0)] = 0
    return replace(view, odds=np.log(hair / (1 - hair)), known=known, wall=np.asarray(probability[3], np.float32))


def _before_hair(head: Sighted, model: MorphableModel) -> tuple[HairView, Around]:
    """The view of a head of which nothing is known of its hair yet, and where its pixels lie."""
    crop = _wider(head.crop)
    nothing = np.zeros((SIZE, SIZE), np.float32)
    raster = rasterize(head.in_crop(crop), model.faces, SIZE, SIZE)
    view = HairView(
        odds=nothing,
        known=inside(crop, head.photograph),
        wall=nothing,
        crop=crop,
        head=np.where(raster.covered, raster.depth, FARTHEST).astype(np.float32),
        tone=hair_tone(head, model.faces),
        to_image=placement(head.projected, head.neutral, model),
    )
    return view, _around(head, view, model, raster)


def _explained(picture: Image, classes: Float32s, near: Float32s, view: HairView, around: Around) -> Float32s:
    """Probability of skin, hair, cloth or occluder, and background [4, W, W] in a picture [W, W, 3].

    ``near`` is how near an occluder that goes on beyond the class map [9, W, W] is [W, W].
    """
    places, typical = _places(classes, near, around)
    bare = _bald(picture, classes, view, around)
    places[:, bare], typical[:, bare] = BARE[:, None], np.eye(4, 1)
    places[1] *= np.where(bare.any() & (around.on_head == 0), SHORT, 1)
    probability, _ = explain(picture, places, typical * view.known)
    shines = _shines(probability, classes, view)
    probability[1] += probability[0] * shines
    probability[0] *= ~shines
    # A bare strip of scalp above what is held before the forehead is more of that.
    more = (near > FAINT) & (around.above_line > SCALP) & (around.on_head > 0) & ~bare
    probability[2] += probability[0] * more
    probability[0] *= ~more
    return probability


def _shown_of_scalp(view: HairView, around: Around) -> float:
    """The share of the scalp that is within the photograph; `LEAST_SHOWN` where its edge leaves less."""
    scalp = (around.on_head > 0) & (around.above_line > 0)
    return max(float((scalp * view.known).sum()) / max(int(scalp.sum()), 1), LEAST_SHOWN)


def _wider(crop: Crop) -> Crop:
    """The crop with more around it, most of all above."""
    scale = SIZE / (WIDER * crop.size)
    middle = np.array([SIZE / 2, (0.5 + HIGHER) * SIZE]) - 0.5
    shift = (crop.matrix[:, 2] - (crop.size - 1) / 2) * scale + middle
    return Crop(np.column_stack([crop.matrix[:, :2] * scale, shift]), SIZE)


def placement(projected: Floats, neutral: Floats, model: MorphableModel) -> Float64s:
    """The affine map [3, 4] from a neutral head [V, 3] to the photograph that shows it at ``projected`` [V, 3].

    It is that of the skull, which no expression moves.
    """
    skull = above_hairline(np.asarray(model.head.template)) > -0.02
    points = np.column_stack([neutral[skull], np.ones(skull.sum())]).astype(np.float64)
    solution, *_ = np.linalg.lstsq(points, projected[skull].astype(np.float64), rcond=None)
    return np.asarray(solution.T)


def _places(classes: Float32s, beyond: Float32s, around: Around) -> tuple[Float32s, Float32s]:
    """What is likely where, and how far it is typical, for skin, hair, cloth or occluder, and background [4, W, W].

    By the class map [9, W, W], by how near an occluder is ``beyond`` that [W, W], and by places.
    """
    on_head, above_line, away, above_chin = around
    near, beside = (np.exp(-((away / reach) ** 2)) for reach in (NEAR_HEAD, BESIDE_HEAD))
    higher = 1 / (1 + np.exp(-np.clip(above_chin / 0.012, -30, 30)))  # than the chin
    bald = 1 / (1 + np.exp(-np.clip(above_line / 0.006, -30, 30)))  # where it would be
    forehead = around.forehead.astype(np.float32)
    hair = np.where(on_head > 0, 0.05 + 0.30 * forehead + 0.65 * bald, 0.02 + (0.3 + 0.4 * higher) * near)
    skin = np.where(on_head > 0, 1 - 0.84 * bald, 0.02)
    other = np.where(on_head > 0, 0.04, 0.04 + 0.8 * (1 - higher))
    wall = np.where(on_head > 0, 0.02, 0.02 + (0.2 + 0.8 * higher) * (1 - 0.7 * beside))
    usual = np.stack([skin, hair, other, wall])
    usual /= usual.sum(axis=0)
    usual = usual * (1 - GOES_ON * beyond) + GOES_ON * beyond * NO_HEAD
    cloth = classes[CLOTH] + classes[OCCLUDER]
    face = classes.sum(axis=0) - classes[HAIR] - cloth - classes[BACKGROUND]
    seen = np.stack([face, classes[HAIR], cloth, classes[BACKGROUND]])
    mapped = classes.sum(axis=0)
    # A fringe is no hair to learners: foreheads count as skin in what they learn from.
    trust = np.where(mapped > 0.5, 0.9 - 0.6 * forehead, 0)
    prior = trust * seen + (1 - trust) * usual + FLOOR
    far = (away > NEAR_HEAD) & (above_chin > 0)
    scalp, low = on_head * (above_line > 0.01), above_chin < -0.03
    elsewhere = np.stack([0 * far, 0.25 * scalp, 0.02 * low, 0.2 + 0.8 * far])
    plain = np.stack([classes[SKIN], *seen[1:]])  # lips and brows are coloured like many kinds of hair
    typical = np.where(mapped > 0.5, np.clip(2 * plain - 1, 0, 1), elsewhere)
    typical[0] *= 1 - forehead
    return (prior / prior.sum(axis=0)).astype(np.float32), typical.astype(np.float32)


def _like_hair(picture: Image, view: HairView, around: Around) -> tuple[Bools, float | None]:
    """Which pixels [W, W] of a picture have the colour of the hair, and the share of the wall that has, if it shows."""
    *_, away, above_chin = around
    lab = to_cielab(picture)
    like = (np.abs(lab - view.tone.hair) < LIKE_HAIR * np.asarray(view.tone.spread)).all(axis=-1)
    like &= view.known > EVEN
    wall = (view.known > EVEN) & (away > FAR) & (above_chin > 0)
    return np.asarray(like), float(like[wall].mean()) if np.count_nonzero(wall) >= FEWEST else None


def _with_hanging_hair(classes: Float32s, like: Bools, view: HairView, around: Around) -> Float32s:
    """The class map [9, W, W] with hair where it hangs beside the mouth in its colour [W, W], and below that.

    Learners see shoulders and walls where long hair falls. It has its colour beside the head, and the wall has not.
    """
    on_head, _, away, above_chin = around
    like = like & (classes[OCCLUDER] < OCCLUDED)
    side, neck, result = view.to_left(), OF_NECK * view.scale * view.crop.scale, classes.copy()
    for one in (side > neck, side < -neck):
        near = one & (on_head == 0) & (view.known > EVEN) & (away > NEAR[0]) & (away < NEAR[1])
        levels = [near & (above_chin > low) & (above_chin < high) for low, high in pairwise(HANGS)]
        if any(np.count_nonzero(level) < FEWEST or like[level].mean() < HANGING for level in levels):
            continue
        hair = (like & one & (on_head == 0) & (away < FALLS) & (above_chin < HANGS[-1])).astype(np.uint8)
        _, labels = cv2.connectedComponents(hair, connectivity=4)
        falls = np.isin(labels, np.setdiff1d(labels[levels[0] & like], 0))
        result[:, falls] = np.eye(len(classes), dtype=np.float32)[HAIR][:, None]
    return result


def _bald(picture: Image, classes: Float32s, view: HairView, around: Around) -> Bools:
    """Which pixels [W, W] of a picture of a head show a scalp without hair; none unless much of the scalp is bare.

    It is coloured like the skin of the face, and may be brighter. So may be hair that shines in warm light; but then
    the class map [9, W, W] has hair at the upper end of the forehead, too.
    """
    on_head, above_line, *_ = around
    scalp = (on_head > 0) & (above_line > SCALP)
    seen = scalp & (view.known > EVEN)
    lab, tone = to_cielab(picture), view.tone
    to_skin, to_hair = (np.square((lab - one) * WEIGHTS).sum(axis=-1) for one in (tone.skin, tone.hair))
    same = np.square((lab - tone.skin)[..., 1:]).sum(axis=-1) < SAME_COLOUR**2
    bare = np.asarray(seen & same & (to_skin < to_hair))
    forehead = around.forehead & (classes.sum(axis=0) > EVEN)
    occluded = classes[OCCLUDER].sum() > CLEAR * classes.sum()  # then class maps tell less of hair
    if occluded or np.count_nonzero(seen) < max(SHOWN * np.count_nonzero(scalp), FEWEST):
        return np.zeros_like(bare)
    fringe = float(classes[HAIR][forehead].sum()) > FRINGE * np.count_nonzero(forehead)
    bald = not fringe and np.count_nonzero(bare) > BALD * np.count_nonzero(seen)
    return bare if bald else np.zeros_like(bare)


def _shines(probability: Float32s, classes: Float32s, view: HairView) -> Bools:
    """Where what is explained as skin [W, W] is a highlight of hair: small, all beyond the class map, in hair."""
    skin = (probability[0] > EVEN).astype(np.uint8)
    _, labels, found, _ = cv2.connectedComponentsWithStats(skin, connectivity=8)
    around = cv2.dilate(skin, np.ones((3, 3))) > skin
    shines = np.zeros(skin.shape, np.bool_)
    most = HIGHLIGHT * (view.scale * view.crop.scale) ** 2
    for label in np.flatnonzero(found[:, cv2.CC_STAT_AREA] < most):
        one = labels == label
        ring = around & (cv2.dilate(one.astype(np.uint8), np.ones((3, 3))) > 0)
        if label and classes.sum(axis=0)[one].max() < EVEN and probability[1][ring].mean() > EVEN:
            shines |= one
    return shines


def _around(head: Sighted, view: HairView, model: MorphableModel, raster: Raster) -> Around:
    """Where pixels lie around a head, of which there is a raster of the view."""
    crop, per_metre = view.crop, view.scale * view.crop.scale
    template = np.asarray(model.head.template)
    above = interpolate(raster, model.faces, np.column_stack([above_hairline(template), template[:, 1]]))
    away = cv2.distanceTransform((~raster.covered).astype(np.uint8), cv2.DIST_L2, 3) / per_metre
    up = view.to_image[:2, 1] @ crop.matrix[:, :2].T
    chin = crop.to_crop(np.asarray(model.landmarks68(head.projected))[CHIN, :2])
    x, y = np.meshgrid(np.arange(SIZE) - chin[0], np.arange(SIZE) - chin[1])
    above_chin = (x * up[0] + y * up[1]) / max(float(np.hypot(*up)), 1e-9) / per_metre
    return Around(raster.covered.astype(np.float32), above[..., 0], np.asarray(away, np.float32), above_chin)


def _class_map(head: Sighted, crop: Crop) -> Float32s:
    """The class map [9, W, W] in another crop; zero beyond its own."""
    cells = len(head.classes[0]) / head.crop.size
    to_map = np.vstack([head.crop.matrix, [0, 0, 1]])
    to_map[:2] = to_map[:2] * cells
    to_map[:2, 2] += cells / 2 - 0.5  # centres of cells are at integers
    matrix = to_map @ np.linalg.inv(np.vstack([crop.matrix, [0, 0, 1]]))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    maps = [cv2.warpAffine(one, matrix[:2], (SIZE, SIZE), flags=flags, borderValue=0) for one in head.classes]
    return np.stack(maps).astype(np.float32)
