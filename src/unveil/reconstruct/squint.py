"""Eyes that squint in a photograph: fits to whole faces leave them open as eyes usually are.

What is dark between the lids, iris, lashes and the lids' shadow, is as high as an eye is open. Only narrow eyes are
changed: of wide ones a dark shadow above says as much as the iris.
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
# An eye is looked at in a square that begins so far above the lower lid of the head, with so many rows of one step;
# columns that an iris fills; and where skin is below the lid. In iris radii, as all lengths here.
ABOVE, ROWS, STEP, COLUMNS, SKIN = 2.4, 73, 0.05, 26, (0.3, 0.9)
AT_LIDS = 0.1  # beyond the lids of the head in which the darkest row is
# The opening of an eye by that of the head, the height of what is dark, and 1: least squares over 93 people whose lids
# are marked, in photographs of 224 px. Where it says narrower, 0.17 is left of an error of 0.22 (five-fold).
OPENING = (0.63, 0.5, -0.265)
LEAST, MOST = 0.05, 0.35  # change of an opening that is worth it, and that is believed
DARK = 0.6  # of the brightness of the skin below, at most
SMALLEST = 2.5  # pixels
TURNED = 25.0  # degrees of yaw from which on eyes are not looked at
HIDDEN = 0.3  # probability from which on eyes are not looked at


def squinting(image: Image, face: Reconstruction, model: MorphableModel) -> Coefficients | None:
    """The coefficients of a face whose eyes are narrower in the photograph; None where they are not, or not seen."""
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
    """By how many iris radii an eye is less open in the photograph than in the head; None where that is not seen."""
    marks, placed = face.landmarks2d[eye], face.landmarks3d[eye]
    corners = marks[3] - marks[0]
    width = float(np.linalg.norm(corners))
    radius = IRIS_RADIUS * width / float(np.linalg.norm((placed[3] - placed[0])[:2]))  # pixels
    if not SMALLEST <= radius < np.inf:
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
    """How far the lower lid is below the upper one, along ``down`` [2], of marks [6, 2] of an eye."""
    return float((marks[4:6].mean(axis=0) - marks[1:3].mean(axis=0)) @ down)


def is_hidden(image: Image, face: Reconstruction, part: slice) -> bool:
    """Whether something covers a part of the landmarks, or the photograph ends there."""
    marks, occlusion = face.landmarks2d[part], np.asarray(face.occlusion)
    cells = np.rint(face.crop.of_cells(len(occlusion)).to_crop(marks)).astype(int)
    outside = (marks < 0).any() or (marks > np.array(image.shape[1::-1]) - 1).any()
    column, row = np.clip(cells, 0, len(occlusion) - 1).T
    return bool(outside or occlusion[row, column].max() > HIDDEN)
