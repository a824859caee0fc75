"""Frames of spectacles: thin lines around the eyes, over skin that is clear.

A learner calls clear lenses nothing that hides the face. Their frame crosses the bridge of the nose, where a face has
no dark line from side to side, though knitted brows come near. Rims also run below both eyes, where a face has folds.
Where the first is clear, or both are there, the lines around the eyes that are as dark are taken for the frame. A thin
one of metal shines in part: it is darker or lighter than the skin.
"""

from __future__ import annotations

import cv2
import numpy as np

from unveil.appearance.hair.sighted import on_face
from unveil.heads.landmarks import IBUG68_PARTS
from unveil.models.classes import BROWS
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.photos.detection import eyes_nose_mouth
from unveil.typing import Bools, Float32s, Floats, Image, Int32s

SIZE = 224  # pixels a side of the crop that is looked at
LINE = 13  # pixels: lines are no wider
# Of CIELAB's lightness, how much darker than the skin a frame is: on the bridge, all the way across it; if it has rims
# below the eyes, there, and in the mean of these, of which no place counts for more; the same of one that shines, and
# is darker or lighter than the skin; and the rest of it, in that of the bridge, and at least.
DARK, SHINES, MOST = (8.0, 4.5, 3.5), (np.inf, 7.5, 4.0), 8.0
FRAME = 0.3, 4.0
# In distances of the eyes, from the middle between them and from the inner corners: half the width of the bridge, and
# from where to where it may be crossed; half the width of a frame, and from where to where down the face it lies.
ACROSS, CROSSED = 0.14, (-0.22, 0.25)
WIDTH, HEIGHT = 1.15, (-0.38, 0.55)
BELOW, AWAY = (15, 165), (0.24, 0.56)  # degrees between which rims are below an eye, and how far from its middle
NOSE = 0.12, 0.3  # half the width of the nose, and where down the face it begins: nostrils are dark
TEMPLES, ARMS = 0.95, (-0.3, 0.2)  # from which half width on there are only arms, and where
SHORTEST = 0.2  # of a line
OF_BROW = 0.13  # how thick a brow is
INNER = (39, 42)  # iBUG-68: corners of the eyes beside the nose
EYE, WIDER = 7, 5  # pixels around the eye, and of the lines


def spectacle_frames(photograph: Image, landmarks68: Floats, classes: Float32s | None, crop: Crop) -> Bools:
    """Which pixels [H, W] of a photograph show the frame of spectacles.

    Args:
        photograph: [H, W, 3].
        landmarks68: [68, 2] of the face, in its pixels.
        classes: [9, K, K] the class map of the crop: what it calls brows is no frame.
        crop: of the face.
    """
    fine = crop.resized(SIZE)
    marks = fine.to_crop(np.asarray(landmarks68, np.float64))
    light = cv2.GaussianBlur(to_cielab(fine.warp(photograph))[..., 0], (0, 0), 0.7)
    found = _differing(np.asarray(light, np.float32), marks)
    if found is None:
        return np.zeros(photograph.shape[:2], np.bool_)
    differs, least = found
    right, left = eyes_nose_mouth(marks)[:2]
    lines = _long((differs > least) & _beside_eyes(marks, classes), SHORTEST * float(np.hypot(*(left - right))))
    frame = np.asarray(cv2.dilate(lines, np.ones((WIDER, WIDER))) * 255, np.uint8)
    return np.asarray(fine.warp_back(frame, photograph.shape) > 127)


def _differing(light: Float32s, marks: Floats) -> tuple[Float32s, float] | None:
    """How far lines [S, S] differ from the skin in lightness [S, S], and from which on they are of a frame.

    None where there is no frame around the eyes of landmarks [68, 2].
    """
    eyes = eyes_nose_mouth(marks)[:2]
    along = eyes[1] - eyes[0]
    axes, between = np.stack([along, [-along[1], along[0]]]), (marks[INNER[0]] + marks[INNER[1]]) / 2
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (LINE, LINE))
    darker = np.asarray(cv2.morphologyEx(light, cv2.MORPH_CLOSE, brush) - light, np.float32)
    other = np.maximum(darker, light - cv2.morphologyEx(light, cv2.MORPH_OPEN, brush)).astype(np.float32)
    for differs, least in ((darker, DARK), (other, SHINES)):
        bridge = _crossing(differs, between, axes)
        rims = min(_rim(differs, eye, axes) for eye in eyes)
        if bridge >= least[0] or (bridge >= least[1] and rims >= least[2]):
            return differs, max(FRAME[0] * bridge, FRAME[1])
    return None


def _beside_eyes(marks: Floats, classes: Float32s | None) -> Bools:
    """Where a frame may be [S, S]: around the eyes, but not on them, nor on brows."""
    eyes = eyes_nose_mouth(marks)[:2]
    y, x = np.mgrid[:SIZE, :SIZE]
    across, down = on_face(np.stack([x, y], axis=-1), eyes)
    parts = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(parts, [_outline(marks, name) for name in ("right_eye", "left_eye")], 1)
    parts = np.asarray(cv2.dilate(parts, np.ones((EYE, EYE))), np.uint8)
    thick = max(1, round(OF_BROW * float(np.hypot(*(eyes[1] - eyes[0])))))
    brows = [_outline(marks, name) for name in ("right_brow", "left_brow")]
    cv2.polylines(parts, brows, isClosed=False, color=1, thickness=thick)
    area = _around_eyes(np.abs(across), down) & (parts == 0)
    if classes is not None:
        area &= cv2.resize(classes[BROWS], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) < 0.5
    return np.asarray(area)


def _outline(marks: Floats, name: str) -> Int32s:
    """The landmarks of a part [N, 2] in whole pixels."""
    return np.rint(marks[slice(*IBUG68_PARTS[name])]).astype(np.int32)


def _crossing(differs: Float32s, middle: Floats, axes: Floats) -> float:
    """How far at least the clearest line across the bridge of the nose differs, around a place [2] between the eyes.

    Axes [2, 2] go to the left of the subject and down the face, as long as the eyes are apart.
    """
    columns, rows = np.linspace(-ACROSS, ACROSS, 15), np.linspace(*CROSSED, 36)
    at = (middle + columns[None, :, None] * axes[0] + rows[:, None, None] * axes[1]).astype(np.float32)
    strip = cv2.remap(differs, at[..., 0], at[..., 1], cv2.INTER_LINEAR)
    best = strip[:, 0]
    for column in strip.T[1:]:  # a line goes up or down by a row at most
        padded = np.pad(best, 1, constant_values=-1)
        best = np.minimum(np.max([padded[:-2], best, padded[2:]], axis=0), column)
    return float(best.max())


def _rim(differs: Float32s, eye: Floats, axes: Floats) -> float:
    """How far the clearest line below an eye [2] differs in the mean, from one side of it to the other."""
    angle, away = np.radians(np.linspace(*BELOW, 31)), np.linspace(*AWAY, 34)[:, None]
    at = eye + (away * np.cos(angle))[..., None] * axes[0] + (away * np.sin(angle))[..., None] * axes[1]
    at = at.astype(np.float32)
    strip = np.minimum(cv2.remap(differs, at[..., 0], at[..., 1], cv2.INTER_LINEAR), MOST)
    total = strip[:, 0]
    for column in strip.T[1:]:  # it goes nearer or farther by two steps at most
        padded = np.pad(total, 2, constant_values=-np.inf)
        total = np.max([padded[k : k + len(total)] for k in range(5)], axis=0) + column
    return float(total.max() / strip.shape[1])


def _around_eyes(across: Floats, down: Floats) -> Bools:
    """Where a frame may be [H, W], by distances from the middle of the face and down from between the eyes."""
    area = (across < WIDTH) & (down > HEIGHT[0]) & (down < HEIGHT[1])
    nose, arms = (across < NOSE[0]) & (down > NOSE[1]), (down > ARMS[0]) & (down < ARMS[1])
    return np.asarray(area & ~nose & ((across < TEMPLES) | arms))


def _long(lines: Bools, shortest: float) -> Image:
    """The lines [H, W] that reach so far, over gaps of a pixel, as 1."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(lines.astype(np.uint8), np.ones((3, 3))))
    kept = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) > shortest
    kept[0] = False
    return np.asarray(lines & kept[labels], np.uint8)
