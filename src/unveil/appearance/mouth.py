"""The inside of the mouth in a texture, and the teeth that a photograph shows between the lips."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.appearance.view import View
from unveil.geometry.diffuse import Neighbours
from unveil.heads.model import MorphableModel
from unveil.photos.cielab import to_cielab
from unveil.typing import Float32s, Floats, Image, Int64s

LIPS, INNER_LIPS = slice(48, 68), slice(60, 68)  # iBUG-68

# How teeth are told from lips, in CIELAB.
PALER = 12.0  # half of how much lighter plus how much less red than the lips, at least
LIGHTER = 4.0  # how much lighter, at least
ENOUGH = 20  # pixels of lips, to know their colour
BEYOND, BLURRED = 0.07, 0.04  # shares of the mouth's width: how far teeth reach beyond the head's inner lips, and blur

NEAR_LIPS = 0.01  # metres from the landmarks of the inner lips: cavities that begin so near are the mouth
RIM, DARKENS = 0.003, 0.012  # metres behind the inner lips from which the mouth gets dark, and over which
TEETH_DEPTH, TEETH_RADIUS = 0.006, 0.03  # metres: the dental arch behind the lips, and its radius
FACES_CAMERA = 2.0  # a cosine above one marks a vertex as facing the camera however its triangles are turned


def mouth_inside(model: MorphableModel, openness: Float32s, edges: Neighbours) -> Int64s:
    """The vertices inside the mouth: those in cavities (``openness`` [V] below 1) that are connected with the lips."""
    template = np.asarray(model.head.template)
    lips = model.landmarks68(template)[INNER_LIPS]
    nearest = np.linalg.norm(template[:, None] - lips, axis=2).min(axis=1)
    cavity = openness < 1
    queue = np.flatnonzero(cavity & (nearest < NEAR_LIPS)).tolist()
    inside = set(queue)
    while queue:
        v = queue.pop()
        reached = [n for n in edges.index[edges.start[v] : edges.start[v + 1]].tolist() if cavity[n]]
        queue += [n for n in reached if n not in inside]
        inside.update(reached)
    return np.array(sorted(inside), dtype=np.int64)


def darkness(model: MorphableModel, inside: Int64s) -> Float32s:
    """How dark [K] vertices ``inside`` the mouth are by their depth behind the lips: 0 at the rim, 1 deep inside."""
    template = np.asarray(model.head.template)
    lips = model.landmarks68(template)[INNER_LIPS, 2].mean()
    return np.asarray(np.clip((lips - template[inside, 2] - RIM) / DARKENS, 0, 1), np.float32)


def onto_teeth(points: Float32s, model: MorphableModel, inside: Int64s) -> Float32s:
    """The vertices with those inside the mouth moved to where teeth are.

    A head model without teeth has a surface deep in its throat instead. Past which lip a camera sees it depends on the
    camera's place; teeth stay where they are. So the vertices inside the mouth are moved forwards, onto a dental arch
    close behind the lips.

    Args:
        points: [V, 4] vertices in pixels (x, y, depth), and the cosine between normal and camera.
        model: the head model.
        inside: rows of the vertices inside the mouth.
    """
    template = np.asarray(model.head.template, dtype=np.float64)
    finite = np.isfinite(points).all(axis=1)
    centred = template[finite] - template[finite].mean(axis=0)
    # By least squares; the rows are the head's axes, in pixels per metre.
    axes = np.linalg.solve(centred.T @ centred, centred.T @ points[finite, :3].astype(np.float64))
    if np.linalg.matrix_rank(axes) < 3:
        return points
    lips = model.landmarks68(points[:, :3])[INNER_LIPS].mean(axis=0)
    across, _, forward = ((points[inside, :3] - lips) @ np.linalg.inv(axes)).T
    arch = -TEETH_DEPTH - across**2 / (2 * TEETH_RADIUS)
    moved: NDArray[Any] = points.copy()
    moved[inside, :3] += np.maximum(0, arch - forward)[:, None] * axes[2]
    moved[inside, 3] = FACES_CAMERA
    return np.asarray(moved, dtype=np.float32)


def without_teeth(view: View, model: MorphableModel) -> View:
    """The view with teeth marked as hidden: the head's lips never fit so well that none would be painted on them."""
    marks = np.asarray(model.landmarks68(view.points[:, :3]), np.float64)[LIPS, :2]
    outer, inner = np.split(marks, [12])
    rows, columns = view.pixels.shape[:2]
    if not (np.isfinite(marks).all() and (marks > 0).all() and (marks < [columns, rows]).all()):
        return view
    width = float(np.linalg.norm(inner[4] - inner[0]))
    beyond, blurred = round(BEYOND * width), max(1, round(BLURRED * width))
    reach = beyond + 2 * blurred
    left, top = np.clip(outer.min(axis=0) - reach, 0, [columns, rows]).astype(int)
    right, bottom = np.clip(outer.max(axis=0) + reach + 1, 0, [columns, rows]).astype(int)
    part = np.s_[top:bottom, left:right]
    teeth = _teeth(view.pixels[part], outer - [left, top], inner - [left, top], beyond)
    free = view.free.copy()
    free[part] *= 1 - cv2.blur(cv2.dilate(teeth, _disc(blurred)).astype(np.float32), (2 * blurred + 1,) * 2)
    return replace(view, free=free)


def _teeth(pixels: Image, outer: Floats, inner: Floats, reach: int) -> Image:
    """Which pixels [H, W] show teeth, 1 or 0: those between the lips or connected with such.

    Args:
        pixels: RGB [H, W, 3].
        outer: [12, 2] outline of the lips, in these pixels.
        inner: [8, 2] their inner edge.
        reach: pixels beyond the inner edge where teeth may be.
    """
    lips, inside = np.zeros((2, *pixels.shape[:2]), np.uint8)
    for mask, outline in ((lips, outer), (inside, inner)):
        cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
    lips[inside > 0] = 0
    if np.count_nonzero(lips) < ENOUGH:
        return np.zeros_like(inside)
    lab = to_cielab(pixels)
    lighter, redder, _ = np.moveaxis(lab - np.median(lab[lips > 0], axis=0), -1, 0)
    alike = (lighter / 2 - redder > PALER) & (lighter > LIGHTER) & (cv2.dilate(inside, _disc(reach)) > 0)
    _, labels = cv2.connectedComponents(alike.astype(np.uint8))
    within = np.unique(labels[(inside > 0) & alike])
    return np.isin(labels, within[within > 0]).astype(np.uint8)


def _disc(radius: int) -> Image:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)
