"""Narrow the eyes of a head whose photograph shows them narrow: a learner leaves them as open as eyes usually are.

What is dark between the lids (the iris, the lashes and the shadow of the lid) is as high as the eye is open. Only
narrow eyes are changed. In wide ones, the shadow under the upper lid makes that height unreliable.
"""

from __future__ import annotations

import numpy as np

from unveil.appearance.eyes import IRIS_RADIUS
from unveil.faces.reconstruction import Reconstruction
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.photos.crop import Crop
from unveil.typing import Floats, Image

EYES = {"Right": slice(36, 42), "Left": slice(42, 48)}  # iBUG-68, from one corner along the upper lid to the other
UNIT = "eyeSquint"  # raises the lower lid
# Lengths are in radii of the iris.
ROWS, STEP = 73, 0.05  # square of the photograph around an eye: pixels a side, and their size
ABOVE = 2.4  # from its upper edge to the lower lid of the head
COLUMNS = 26  # of that square, about as wide as an iris
SKIN = (0.3, 0.9)  # below the lower lid, where skin is seen
AT_LIDS = 0.1  # beyond the lids of the head, within which the darkest row is looked for
# Opening of an eye = these times (opening on the head, height of what is dark, 1). Least squares over 93 people whose
# lids are annotated, in photographs of 224 px. In five-fold cross-validation, where it makes eyes narrower, their error
# falls from 0.22 to 0.17.
OPENING = (0.63, 0.5, -0.265)
LEAST, MOST = 0.05, 0.35  # smallest change of an opening that is made, and largest
DARK = 0.6  # the darkest row has at most this share of the brightness of the skin below
LEAST_RADIUS = 2.5  # pixels of the photograph
TURNED = 25.0  # degrees of yaw beyond which eyes are not looked at
HIDDEN = 0.3  # probability of an occluder above which a part of the face is not looked at


def squinting(image: Image, face: Reconstruction, model: MorphableModel) -> Coefficients | None:
    """The coefficients [M] with eyes as narrow as in the photograph; None where they are not narrower, or not seen."""
    units = [f"{UNIT}{side}" for side in EYES]
    if face.occlusion is None or abs(face.pose_degrees[1]) > TURNED or not set(units) <= set(model.unit_names):
        return None
    narrower = [narrowing(image, face, eye) for eye in EYES.values() if not is_hidden(image, face, eye)]
    seen = [change for change in narrower if change is not None]
    change = min(float(np.mean(seen)) if seen else 0.0, MOST)
    if change < LEAST:
        return None
    expression = np.array(face.coefficients["expression"])
    for unit, eye in zip(units, EYES.values(), strict=True):
        row = model.unit_names.index(unit)
        rises = opening(model.landmarks68(-np.asarray(model.head.expression_basis[row]))[eye, :2], np.array([0.0, -1]))
        expression[row] = min(1.0, expression[row] + change * IRIS_RADIUS / rises)
    return face.coefficients.replace(expression=expression)


def narrowing(image: Image, face: Reconstruction, eye: slice) -> float | None:
    """By how many iris radii an eye is less open in the photograph than on the head; None where that is not seen."""
    marks, placed = face.landmarks2d[eye], face.landmarks3d[eye]
    corners = marks[3] - marks[0]
    width = float(np.linalg.norm(corners))
    radius = IRIS_RADIUS * width / float(np.linalg.norm((placed[3] - placed[0])[:2]))  # pixels
    if not LEAST_RADIUS <= radius < np.inf:
        return None
    across = corners / width
    down = np.array([-across[1], across[0]])
    head = opening(marks, down) / radius
    middle = (marks[0] + marks[3]) / 2
    lid = middle + down * ((marks[4:6].mean(axis=0) - middle) @ down)
    red = Crop.along(across, lid, (ROWS // 2, ABOVE / STEP), STEP * radius, ROWS).warp(image)[..., 0]
    rows = STEP * np.arange(ROWS) - ABOVE
    between = (rows > -head - AT_LIDS) & (rows < AT_LIDS)
    if not between.any():
        return None
    windows = np.lib.stride_tricks.sliding_window_view(red, COLUMNS, axis=1).mean(axis=2)  # [rows, places]
    profile = windows[:, windows[between].mean(axis=0).argmin()]
    skin = float(np.median(profile[(rows > SKIN[0]) & (rows < SKIN[1])]))
    darkest = np.flatnonzero(between)[profile[between].argmin()]
    if profile[darkest] > DARK * skin:
        return None
    dark = profile < (profile[darkest] + skin) / 2
    above, below = np.flatnonzero(~dark[: darkest + 1]), np.flatnonzero(~dark[darkest:])
    if not (len(above) and len(below)):
        return None
    height = (darkest + below[0] - above[-1] - 1) * STEP
    return float(head - np.dot(OPENING, [head, height, 1]))


def opening(marks: Floats, down: Floats) -> float:
    """How far the lower lid is below the upper one along ``down`` [2], given the landmarks [6, 2] of an eye."""
    return float((marks[4:6].mean(axis=0) - marks[1:3].mean(axis=0)) @ down)


def is_hidden(image: Image, face: Reconstruction, part: slice) -> bool:
    """Whether an occluder covers any landmark of a part of the face, or it lies outside the photograph."""
    marks, occlusion = face.landmarks2d[part], np.asarray(face.occlusion)
    cells = np.rint(face.crop.of_cells(len(occlusion)).to_crop(marks)).astype(int)
    outside = (marks < 0).any() or (marks > np.array(image.shape[1::-1]) - 1).any()
    column, row = np.clip(cells, 0, len(occlusion) - 1).T
    return bool(outside or occlusion[row, column].max() > HIDDEN)
