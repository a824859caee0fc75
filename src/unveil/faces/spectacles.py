"""Frames of spectacles with clear lenses: thin lines around the eyes.

A learner does not call clear lenses an occluder, so their frame is looked for here. It crosses the bridge of the nose,
where a face has no dark line from side to side, though knitted brows come near. Its rims run below both eyes, where a
face has folds. A clear line across the bridge is enough, and so is a fainter one with rims. Then lines around the eyes
that are about as dark are taken for the frame. Thin metal frames shine in places, so their lines may also be lighter
than the skin; for these, both are required.
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
WIDEST_LINE = 13  # pixels
EYE_BRUSH, LINE_BRUSH = 7, 5  # pixels a side of the brushes with which eyes and lines are widened
INNER_CORNERS = (39, 42)  # iBUG-68, of the eyes

# By how much lines differ from the skin in CIELAB lightness. There is a frame where the line across the bridge reaches
# the first number, and where it reaches the second while the mean along the rims below both eyes reaches the third.
DARK = (8.0, 4.5, 3.5)  # of lines that are darker than the skin
SHINY = (np.inf, 7.5, 4.0)  # of lines that are darker or lighter
RIM_CAP = 8.0  # more does not count in the mean along a rim: one dark place does not make a rim
OF_BRIDGE, FAINTEST = 0.3, 4.0  # lines are of the frame from this share of the bridge's difference, and from this one

# Lengths in distances between the eyes: across from the middle of the face, and down it from between the eyes.
BRIDGE_ACROSS, BRIDGE_DOWN = 0.14, (-0.22, 0.25)  # half the width, and where frames cross it
FRAME_ACROSS, FRAME_DOWN = 1.15, (-0.38, 0.55)  # half the width of the widest frames, and where they lie
ARMS_FROM, ARMS_DOWN = 0.95, (-0.3, 0.2)  # beyond this half width there are only the arms, and where these lie
NOSE_ACROSS, NOSE_FROM = 0.12, 0.3  # half the width of the nose below the frame, which is left out: nostrils are dark
RIM_DEGREES, RIM_RADII = (15, 165), (0.24, 0.56)  # where a rim is seen from the middle of an eye: 90 degrees is below
SHORTEST = 0.2  # line
BROW_HEIGHT = 0.13


def spectacle_frames(photograph: Image, landmarks68: Floats, classes: Float32s | None, crop: Crop) -> Bools:
    """Which pixels [H, W] of a photograph show the frame of spectacles.

    Args:
        photograph: RGB uint8 [H, W, 3].
        landmarks68: [68, 2] of the face, in pixels of the photograph.
        classes: [9, K, K] the class map of the crop: what it calls brows is no frame.
        crop: the learner's, around the face.
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
    frame = np.asarray(cv2.dilate(lines, np.ones((LINE_BRUSH, LINE_BRUSH))) * 255, np.uint8)
    return np.asarray(fine.warp_back(frame, photograph.shape) > 127)


def _differing(light: Float32s, marks: Floats) -> tuple[Float32s, float] | None:
    """How far lines differ from the skin [S, S] in lightness, and from which difference on they belong to a frame.

    None where no frame is found. ``light`` [S, S] is the CIELAB lightness, ``marks`` [68, 2] are the landmarks.
    """
    eyes = eyes_nose_mouth(marks)[:2]
    along = eyes[1] - eyes[0]
    axes, between = np.stack([along, [-along[1], along[0]]]), (marks[INNER_CORNERS[0]] + marks[INNER_CORNERS[1]]) / 2
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (WIDEST_LINE, WIDEST_LINE))
    darker = np.asarray(cv2.morphologyEx(light, cv2.MORPH_CLOSE, brush) - light, np.float32)
    other = np.maximum(darker, light - cv2.morphologyEx(light, cv2.MORPH_OPEN, brush)).astype(np.float32)
    for differs, least in ((darker, DARK), (other, SHINY)):
        bridge = _crossing(differs, between, axes)
        rims = min(_rim(differs, eye, axes) for eye in eyes)
        if bridge >= least[0] or (bridge >= least[1] and rims >= least[2]):
            return differs, max(OF_BRIDGE * bridge, FAINTEST)
    return None


def _beside_eyes(marks: Floats, classes: Float32s | None) -> Bools:
    """Where a frame may be [S, S]: around the eyes, but not on them, nor on brows."""
    eyes = eyes_nose_mouth(marks)[:2]
    y, x = np.mgrid[:SIZE, :SIZE]
    across, down = on_face(np.stack([x, y], axis=-1), eyes)
    parts = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(parts, [_outline(marks, name) for name in ("right_eye", "left_eye")], 1)
    parts = np.asarray(cv2.dilate(parts, np.ones((EYE_BRUSH, EYE_BRUSH))), np.uint8)
    thick = max(1, round(BROW_HEIGHT * float(np.hypot(*(eyes[1] - eyes[0])))))
    brows = [_outline(marks, name) for name in ("right_brow", "left_brow")]
    cv2.polylines(parts, brows, isClosed=False, color=1, thickness=thick)
    area = _around_eyes(np.abs(across), down) & (parts == 0)
    if classes is not None:
        area &= cv2.resize(classes[BROWS], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) < 0.5
    return np.asarray(area)


def _outline(marks: Floats, name: str) -> Int32s:
    """The landmarks [N, 2] of a part of the face, in whole pixels."""
    return np.rint(marks[slice(*IBUG68_PARTS[name])]).astype(np.int32)


def _crossing(differs: Float32s, middle: Floats, axes: Floats) -> float:
    """The least difference along the clearest line across the bridge of the nose, around ``middle`` [2].

    ``axes`` [2, 2] point to the subject's left and down the face, as long as the eyes are apart.
    """
    columns, rows = np.linspace(-BRIDGE_ACROSS, BRIDGE_ACROSS, 15), np.linspace(*BRIDGE_DOWN, 36)
    at = (middle + columns[None, :, None] * axes[0] + rows[:, None, None] * axes[1]).astype(np.float32)
    strip = cv2.remap(differs, at[..., 0], at[..., 1], cv2.INTER_LINEAR)
    best = strip[:, 0]
    for column in strip.T[1:]:  # a line goes up or down by a row at most
        padded = np.pad(best, 1, constant_values=-1)
        best = np.minimum(np.max([padded[:-2], best, padded[2:]], axis=0), column)
    return float(best.max())


def _rim(differs: Float32s, eye: Floats, axes: Floats) -> float:
    """The mean difference along the clearest line that runs below an eye [2], from one side of it to the other."""
    angle, away = np.radians(np.linspace(*RIM_DEGREES, 31)), np.linspace(*RIM_RADII, 34)[:, None]
    at = eye + (away * np.cos(angle))[..., None] * axes[0] + (away * np.sin(angle))[..., None] * axes[1]
    at = at.astype(np.float32)
    strip = np.minimum(cv2.remap(differs, at[..., 0], at[..., 1], cv2.INTER_LINEAR), RIM_CAP)
    total = strip[:, 0]
    for column in strip.T[1:]:  # it goes nearer or farther by two steps at most
        padded = np.pad(total, 2, constant_values=-np.inf)
        total = np.max([padded[k : k + len(total)] for k in range(5)], axis=0) + column
    return float(total.max() / strip.shape[1])


def _around_eyes(across: Floats, down: Floats) -> Bools:
    """Where a frame may be [H, W], by distances from the middle of the face and down from between the eyes."""
    area = (across < FRAME_ACROSS) & (down > FRAME_DOWN[0]) & (down < FRAME_DOWN[1])
    nose = (across < NOSE_ACROSS) & (down > NOSE_FROM)
    arms = (down > ARMS_DOWN[0]) & (down < ARMS_DOWN[1])
    return np.asarray(area & ~nose & ((across < ARMS_FROM) | arms))


def _long(lines: Bools, shortest: float) -> Image:
    """The lines [H, W] that are longer than ``shortest`` pixels, over gaps of one pixel; 1 on them, 0 elsewhere."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(lines.astype(np.uint8), np.ones((3, 3))))
    kept = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) > shortest
    kept[0] = False
    return np.asarray(lines & kept[labels], np.uint8)
