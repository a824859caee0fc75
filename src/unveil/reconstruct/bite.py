"""Close the jaw of a head whose photograph shows closed teeth: a learner opens the jaw wherever lips are far apart.

In a broad smile the lips part while the teeth stay closed, and they look much like the lips of an open mouth. What
tells the two apart is the dark gap that only open teeth leave. So where the photograph shows less of a gap than the
head has, the jaw is closed. The units that draw down the lower lip keep it where it was, as far as they reach.

Closing the jaw also raises the chin. The shape makes up for part of that: other frames of the same people show that
the learner makes faces a little too short in such smiles.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from unveil.faces.reconstruction import Reconstruction
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.reconstruct.squint import TURNED, is_hidden
from unveil.typing import Bools, Floats, Image, Int64s

LIPS = slice(48, 68)  # iBUG-68, as the next two
UPPER, LOWER = slice(61, 64), slice(65, 68)  # middle of the inner edge of each lip
JAW, LIP = "jawOpen", ("mouthLowerDownLeft", "mouthLowerDownRight")
# Lengths are in millimetres on the face.
SIDE, STEP = 40.0, 0.25  # square of the photograph around the mouth: its side, and the size of its pixels
ACROSS = 10.0  # width of the strip in its middle that is averaged to a column of colours
LEAST_GAP = 2.0  # between the lips; nearer ones are not looked at
LEAST_RESOLUTION = 0.4  # pixels of the photograph per millimetre
UPPER_LIP, LOWER_LIP = (1.0, 4.0), (1.5, 4.5)  # where the colour of each lip is taken, from its inner edge outwards
EDGE_ERROR = 1.0  # by which the lips of the head may miss those of the photograph
DARK = 0.7  # a gap has at most this share of the lightness of the darker lip
PALER = 6.0  # teeth against the lower lip, in CIELAB: half of how much lighter plus how much less red they are
MOSTLY_TEETH = 0.5  # least share of teeth in what is seen between the lips
# By how much the dark gap of the head exceeds that of the photograph: at least, to close the jaw, and when it is
# closed.
WORTH_IT, REMAINING = 1.5, 0.5
LIP_RISE = 1.0  # by which the lower lip may rise when nothing is left to draw it down with
INCISORS, FRONT = 8.0, 6.0  # teeth this near to the middle of the face, and this little behind the foremost one
CHIN = slice(3, 14)  # landmarks of the jaw line that rise with the chin
CHIN_SHARE = 0.3  # of that rise, which the shape makes up for
CHIN_ERROR, OTHERS_ERROR = 0.5, 1.0  # by which the shape may then move these landmarks and the others wrongly
DEPTH_ERROR = 3.0  # how many times as wrongly in depth, which is hardly seen


class Jaw(NamedTuple):
    """What a head model does when its jaw closes by one unit."""

    teeth: float  # how far the lower row rises
    lip: float  # how far the lower lip rises
    drawn: float  # weight of `LIP`, on either side, that draws it down again
    shape: Floats  # [S] change of the shape that leaves the chin where it was


def biting(image: Image, face: Reconstruction, model: MorphableModel) -> Coefficients | None:
    """The coefficients [M] with the jaw closed as far as in the photograph.

    None where nothing has to change, and where the photograph does not show it.
    """
    known = face.occlusion is not None and model.whole is not None and {JAW, *LIP} <= set(model.unit_names)
    if not known or abs(face.pose_degrees[1]) > TURNED:
        return None
    apart, dark = gap_of_teeth(face, model)
    if dark < WORTH_IT or is_hidden(image, face, LIPS):
        return None
    seen = between_lips(image, face)
    if seen is None or dark - seen < WORTH_IT:
        return None
    jaw, *lip = [model.unit_names.index(unit) for unit in (JAW, *LIP)]
    closing = closing_jaw(model)
    expression = np.array(face.coefficients["expression"])
    room = max(0.0, float(1 - expression[lip].max())) / closing.drawn
    less = min(
        (apart - seen - REMAINING) / closing.teeth, room + LIP_RISE / closing.lip, max(0.0, float(expression[jaw]))
    )
    expression[jaw] -= less
    expression[lip] += min(less, room) * closing.drawn
    shape = np.asarray(model.shape(face.coefficients)) + CHIN_SHARE * less * closing.shape
    return face.coefficients.replace(**{model.shape_group: shape.astype(expression.dtype), "expression": expression})


def gap_of_teeth(face: Reconstruction, model: MorphableModel) -> tuple[float, float]:
    """How far apart a head's teeth are below its upper lip, and how much of that no lip hides, both in millimetres."""
    whole, complete = model.complete(face.coefficients)
    rows = whole.head.take(incisors(model))
    teeth = 1e3 * np.asarray(rows.unposed(whole.shape(complete), complete["expression"]), np.float64)[:, 1]
    lips = 1e3 * (np.asarray(face.landmarks3d) @ np.asarray(model.rotation(face.coefficients)))[:, 1]
    top = min(float(teeth[0]), float(lips[UPPER].mean()))
    return top - float(teeth[1]), top - max(float(teeth[1]), float(lips[LOWER].mean()))


def between_lips(image: Image, face: Reconstruction) -> float | None:
    """Height of the dark gap in the middle of a mouth in the photograph, in millimetres.

    None where the lips hardly open, where what is seen between them is not mostly teeth, and where pixels are too
    large.
    """
    marks, placed = face.landmarks2d, 1e3 * face.landmarks3d
    corners = marks[54] - marks[48]
    width = float(np.linalg.norm(corners))
    millimetre = width / float(np.linalg.norm((placed[54] - placed[48])[:2]))  # pixels
    if not LEAST_RESOLUTION <= millimetre < np.inf:
        return None
    edges = np.stack([marks[UPPER].mean(axis=0), marks[LOWER].mean(axis=0)])
    count = round(SIDE / STEP)
    square = Crop.along(corners / width, edges.mean(axis=0), (count / 2, count / 2), STEP * millimetre, count)
    half = round(ACROSS / STEP / 2)
    strip = square.warp(image)[:, count // 2 - half : count // 2 + half].mean(axis=1)
    upper, lower = STEP * square.to_crop(edges)[:, 1]
    return dark_rows(strip, float(upper), float(lower))


def dark_rows(strip: Floats, upper: float, lower: float) -> float | None:
    """Height of the dark gap between lips, in millimetres; None where `between_lips` says so.

    Args:
        strip: [R, 3] colours down the middle of a mouth, RGB from 0 to 255, one every `STEP` millimetres.
        upper: where the upper lip ends, in millimetres from the top of the strip.
        lower: where the lower lip begins.
    """
    down = STEP * np.arange(len(strip))
    above, below = _within(upper - down, UPPER_LIP), _within(down - lower, LOWER_LIP)
    if lower - upper < LEAST_GAP or not (above.any() and below.any()):
        return None
    lightness, red, _ = to_cielab(strip).T
    dark = lightness < DARK * min(np.median(lightness[above]), np.median(lightness[below]))
    paler = (lightness - np.median(lightness[below])) / 2 - (red - np.median(red[below]))
    if ((paler > PALER) & ~dark)[_within(down, (upper, lower))].mean() < MOSTLY_TEETH:
        return None
    inside = dark & _within(down, (upper - EDGE_ERROR, lower + EDGE_ERROR))
    ends = np.flatnonzero(np.diff(inside.astype(int), prepend=0, append=0))
    return STEP * float(np.diff(ends)[::2].max(initial=0))


@lru_cache(maxsize=2)
def closing_jaw(model: MorphableModel) -> Jaw:
    """What a head model with jaw and teeth does when its jaw closes by one unit."""
    units, marks = model.unit_names, model.landmark_model()
    expression, shape = [
        1e3 * np.asarray(marks.landmarks68(np.asarray(basis, np.float64)))
        for basis in (marks.head.expression_basis, marks.head.shape_basis)
    ]  # [E, 68, 3], [S, 68, 3]
    jaw, *lip = [expression[units.index(unit)] for unit in (JAW, *LIP)]
    rows = np.asarray((model.whole or model).head.take(incisors(model)).expression_basis)
    falls = -float(jaw[LOWER, 1].mean())
    off = np.full((68, 3), OTHERS_ERROR)
    off[CHIN] = CHIN_ERROR
    off[:, 2] *= DEPTH_ERROR
    target = np.zeros((68, 3))
    target[CHIN] = jaw[CHIN]
    moves = (shape / off).reshape(len(shape), -1)  # the likeliest shape: as few standard deviations as possible
    longer = np.linalg.solve(moves @ moves.T + np.eye(len(shape)), moves @ (target / off).ravel())
    return Jaw(
        teeth=-1e3 * float(rows[units.index(JAW), 1, 1]),
        lip=falls,
        drawn=-falls / float(sum(one[LOWER, 1].mean() for one in lip)),
        shape=longer,
    )


@lru_cache(maxsize=2)
def incisors(model: MorphableModel) -> Int64s:
    """The vertices [2] of a whole head at the biting edges of its upper and lower incisors."""
    whole = model.whole or model
    if whole.parts is None:
        raise ValueError(f"{model.name} has no teeth")
    ends, template = [], 1e3 * np.asarray(whole.head.template)
    for name, down in (("upper_teeth", 1), ("lower_teeth", -1)):
        row = np.unique(whole.faces[whole.parts.faces_of(name)])
        row = row[np.abs(template[row, 0]) < INCISORS]
        row = row[template[row, 2] > template[row, 2].max() - FRONT]
        ends.append(row[(down * template[row, 1]).argmin()])
    return np.array(ends)


def _within(values: Floats, limits: tuple[float, float]) -> Bools:
    return np.asarray((values > limits[0]) & (values < limits[1]))
