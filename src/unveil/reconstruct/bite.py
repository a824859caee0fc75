"""Rows of teeth that are closed in a photograph: a learner opens the jaw wherever lips are far apart.

A smile draws the lips from the teeth, an open jaw takes the lower lip along, and the lips look alike. But only between
open rows of teeth it is dark. So where a photograph shows less dark there than the head does, the jaw closes. The lower
lip stays where it is, as far as lips can be drawn down. Of what the chin rises by then, the shape makes up for a part:
a learner makes it a little too short in such smiles, as other frames of the same people say.
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

LIPS, UPPER, LOWER = slice(48, 68), slice(61, 64), slice(65, 68)  # iBUG-68, the latter two of the inner lips
JAW, LIP = "jawOpen", ("mouthLowerDownLeft", "mouthLowerDownRight")
# A square of the photograph around the middle of the mouth, and the strip of it that is looked at. All in millimetres,
# as all lengths here.
SIDE, STEP, ACROSS = 40.0, 0.25, 10.0
LEAST_GAP, SMALLEST = 2.0, 0.4  # between lips that are looked at; pixels of the photograph a millimetre
UPPER_LIP, LOWER_LIP = (1.0, 4.0), (1.5, 4.5)  # where they are, from their inner edges
OFF = 1.0  # how far these edges may be off
DARK = 0.7  # of the lightness of the darker lip, at most
PALER = 6.0  # in CIELAB: half of what teeth are lighter than the lower lip, and what they are less red
MOSTLY = 0.5  # least share of teeth in what is seen between the lips
WORTH_IT, LEFT = 1.5, 0.5  # how much more is dark on a head than in the photograph: to begin with, and afterwards
GIVE = 1.0  # by which the lower lip may rise
INCISORS, FRONT = 8.0, 6.0  # from the middle of a face, and behind the foremost
# Landmarks that rise with the chin, and the share of it that the shape makes up for; how far these landmarks and the
# others may be off then, and how many times as much in depth, which is hardly seen.
CHIN, SHAPE, CHIN_OFF, OTHERS_OFF, DEPTH = slice(3, 14), 0.3, 0.5, 1.0, 3.0


class Jaw(NamedTuple):
    """What a head model does when its jaw closes by one unit."""

    teeth: float  # how far the lower row rises
    lip: float  # how far the lower lip rises
    drawn: float  # units that draw it down again, on either side
    shape: Floats  # [S] that leaves the chin where it was


def biting(image: Image, face: Reconstruction, model: MorphableModel) -> Coefficients | None:
    """The coefficients [M] with the jaw as far closed as the photograph shows it; None where it is, or is not seen."""
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
    less = min((apart - seen - LEFT) / closing.teeth, room + GIVE / closing.lip, max(0.0, float(expression[jaw])))
    expression[jaw] -= less
    expression[lip] += min(less, room) * closing.drawn
    shape = np.asarray(model.shape(face.coefficients)) + SHAPE * less * closing.shape
    return face.coefficients.replace(**{model.shape_group: shape.astype(expression.dtype), "expression": expression})


def gap_of_teeth(face: Reconstruction, model: MorphableModel) -> tuple[float, float]:
    """How far a head's teeth are apart below its upper lip, and what of that no lip hides, both in millimetres."""
    whole, complete = model.complete(face.coefficients)
    rows = whole.head.take(incisors(model))
    teeth = 1e3 * np.asarray(rows.unposed(whole.shape(complete), complete["expression"]), np.float64)[:, 1]
    lips = 1e3 * (np.asarray(face.landmarks3d) @ np.asarray(model.rotation(face.coefficients)))[:, 1]
    top = min(float(teeth[0]), float(lips[UPPER].mean()))
    return top - float(teeth[1]), top - max(float(teeth[1]), float(lips[LOWER].mean()))


def between_lips(image: Image, face: Reconstruction) -> float | None:
    """How high it is dark in the middle of a mouth in the photograph, in millimetres.

    None where teeth are not most of what is seen there, where lips hardly open, and where pixels are too large.
    """
    marks, placed = face.landmarks2d, 1e3 * face.landmarks3d
    corners = marks[54] - marks[48]
    width = float(np.linalg.norm(corners))
    millimetre = width / float(np.linalg.norm((placed[54] - placed[48])[:2]))  # pixels
    if not SMALLEST <= millimetre < np.inf:
        return None
    edges = np.stack([marks[UPPER].mean(axis=0), marks[LOWER].mean(axis=0)])
    count = round(SIDE / STEP)
    square = Crop.along(corners / width, edges.mean(axis=0), (count / 2, count / 2), STEP * millimetre, count)
    half = round(ACROSS / STEP / 2)
    strip = square.warp(image)[:, count // 2 - half : count // 2 + half].mean(axis=1)
    upper, lower = STEP * square.to_crop(edges)[:, 1]
    return dark_rows(strip, float(upper), float(lower))


def dark_rows(strip: Floats, upper: float, lower: float) -> float | None:
    """How high it is dark between lips, in millimetres; None as `between_lips`.

    Args:
        strip: [R, 3] colours down the middle of a mouth, RGB of 0 to 255, one every `STEP` millimetres.
        upper: where on it the upper lip ends, in millimetres.
        lower: where the lower lip begins.
    """
    down = STEP * np.arange(len(strip))
    above, below = _within(upper - down, UPPER_LIP), _within(down - lower, LOWER_LIP)
    if lower - upper < LEAST_GAP or not (above.any() and below.any()):
        return None
    lightness, red, _ = to_cielab(strip).T
    dark = lightness < DARK * min(np.median(lightness[above]), np.median(lightness[below]))
    paler = (lightness - np.median(lightness[below])) / 2 - (red - np.median(red[below]))
    if ((paler > PALER) & ~dark)[_within(down, (upper, lower))].mean() < MOSTLY:
        return None
    inside = dark & _within(down, (upper - OFF, lower + OFF))
    ends = np.flatnonzero(np.diff(inside.astype(int), prepend=0, append=0))
    return STEP * float(np.diff(ends)[::2].max(initial=0))


@lru_cache(maxsize=2)
def closing_jaw(model: MorphableModel) -> Jaw:
    """What a head model with jaw and teeth does when its jaw closes."""
    units, marks = model.unit_names, model.landmark_model()
    expression, shape = [
        1e3 * np.asarray(marks.landmarks68(np.asarray(basis, np.float64)))
        for basis in (marks.head.expression_basis, marks.head.shape_basis)
    ]  # [E, 68, 3], [S, 68, 3]
    jaw, *lip = [expression[units.index(unit)] for unit in (JAW, *LIP)]
    rows = np.asarray((model.whole or model).head.take(incisors(model)).expression_basis)
    falls = -float(jaw[LOWER, 1].mean())
    off = np.full((68, 3), OTHERS_OFF)
    off[CHIN] = CHIN_OFF
    off[:, 2] *= DEPTH
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
    """The vertices [2] of a whole head where its upper incisors end, and where its lower ones do."""
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
