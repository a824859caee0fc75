"""Which part of the head each point of its surface belongs to, worked out once for a head model."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unveil.geometry.rasterize import Raster, interpolate
from unveil.heads.face_points import face_points
from unveil.heads.landmarks import IBUG68_PARTS
from unveil.occluders.base import fill_polygon
from unveil.training.rerender.surface import Surface
from unveil.typing import Bools, Float32s, Float64s, Floats, Int64s, UInt8s

DRAWN = ("lips", "brows", "edge_of_brows", "near_brows", "below_nose", "bare")
PER_METRE = 2000  # pixels of the front view in which parts are drawn
HALF_WIDTH, TOP, BOTTOM = 0.1, 0.12, -0.16  # metres from the origin to the edges of that view
# Lengths in metres on the template.
BROW_HEIGHT = 0.0025  # half the height of a brow
BROW_EDGE = 0.002  # by which it may be higher
BROW_ROOM = 0.006  # around it, where labels are unsure
HAIRLINE = 0.068  # above the origin, in front
HAIRLINE_SLOPE, FOREHEAD_BACK = 1.1, 0.05  # how the hairline falls towards the nape
EAR_BACK, EAR_TOP = -0.035, 0.03  # where ears end
BARE_MARGIN, PART_MARGIN = 0.014, 0.004  # between bare skin and the edge of the face, and eyes or lips
POINT_REACH, POINT_FADING = 0.012, 0.06  # over which a face point moves a vertex, and over which that fades
NEAREST = 6  # face points that move a vertex
NOSE_BOTTOM = 33  # iBUG-68


@dataclass(frozen=True, eq=False)
class Parts:
    """Which pixels [H, W] of a picture show which part of the head."""

    head: Bools  # anything of it, without the neck
    neck: Bools
    face: Bools  # without what follows, forehead included
    scalp: Bools
    ears: Bools
    eyes: Bools
    mouth: Bools
    lips: Bools
    brows: Bools  # where they most likely are
    edge_of_brows: Bools  # and where they may be, these included
    near_brows: Bools
    below_nose: Bools  # where beards grow
    bare: Bools  # where skin is seldom anything but bare


@dataclass(frozen=True, eq=False)
class HeadParts:
    """The parts of a head model."""

    surface: Surface
    values: Float32s  # [V, 7] place on the template, and how far eyeball, mouth, head and ear
    drawn: UInt8s  # [H, W] of the front view, a bit for each of `DRAWN`
    points: Int64s  # [P] vertices whose places may be known better
    pull: Float32s  # [V, P] how each moves the vertices around it

    @classmethod
    def of(cls, surface: Surface) -> HeadParts:
        """The parts of a head model."""
        template = np.asarray(surface.model.head.template, np.float64)
        ears = surface.ears & (template[:, 2] > EAR_BACK) & (template[:, 1] < EAR_TOP)
        flags = np.column_stack([surface.eyes, surface.mouth, surface.head, ears])
        points = face_points(surface.model).vertices
        values = np.column_stack([template, flags]).astype(np.float32)
        drawn = _drawn(surface, template)
        bits = sum(drawn[name].astype(np.uint8) << k for k, name in enumerate(DRAWN))
        return cls(surface, values, np.asarray(bits, np.uint8), points, _pull(template, points))

    def moved(self, pixels: Floats, known: Floats) -> Floats:
        """Vertices [V, 3] in pixels, moved so that the face points lie where they are known to be [P, 2]."""
        moved = np.array(pixels, np.float64)
        moved[:, :2] += self.pull @ (known - moved[self.points, :2]).astype(np.float32)
        return moved

    def shown(self, raster: Raster) -> Parts:
        """The parts that the pixels of a raster show."""
        at = interpolate(raster, self.surface.faces, self.values)
        x, y, z, eye, mouth, head, ear = np.moveaxis(at, -1, 0)
        seen = raster.covered
        on_head = seen & (head > 0.5)
        eyes, mouths, ears = on_head & (eye > 0.5), on_head & (mouth > 0.6), on_head & (ear > 0.5)
        column = np.clip((x + HALF_WIDTH) * PER_METRE, 0, 2 * HALF_WIDTH * PER_METRE - 1).astype(np.int32)
        row = np.clip((TOP - y) * PER_METRE, 0, (TOP - BOTTOM) * PER_METRE - 1).astype(np.int32)
        front = on_head & (z > 0) & ~(eyes | mouths | ears)
        bits = self.drawn[row, column] * front
        drawn = {name: bits & (1 << k) > 0 for k, name in enumerate(DRAWN)}
        scalp = on_head & ~ears & (y - HAIRLINE + HAIRLINE_SLOPE * (FOREHEAD_BACK - z) * (z < FOREHEAD_BACK) > 0)
        return Parts(
            head=on_head,
            neck=seen & ~on_head,
            face=on_head & ~(scalp | ears | eyes | mouths),
            scalp=scalp,
            ears=ears,
            eyes=eyes,
            mouth=mouths,
            **drawn,
        )


def _pull(template: Float64s, points: Int64s) -> Float32s:
    """Weights [V, P] of the nearest points; they sum to less than one where these are far."""
    apart = np.linalg.norm(template[:, None] - template[points], axis=2)
    weight = np.exp(-((apart / POINT_REACH) ** 2) / 2) + 1e-12 * (apart == apart.min(axis=1, keepdims=True))
    weight *= weight >= np.sort(weight, axis=1)[:, -NEAREST, None]
    near = np.exp(-np.maximum(apart.min(axis=1) - POINT_REACH, 0) / POINT_FADING)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True) * near[:, None], np.float32)


def _drawn(surface: Surface, template: Float64s) -> dict[str, Bools]:
    """The parts `DRAWN`, drawn on the front view."""
    marks = np.asarray(surface.model.landmarks68(template), np.float64)
    shape = (round((TOP - BOTTOM) * PER_METRE), round(2 * HALF_WIDTH * PER_METRE))
    flat = (marks[:, :2] * [1, -1] + [HALF_WIDTH, TOP]) * PER_METRE
    part = {name: flat[slice(*ends)] for name, ends in IBUG68_PARTS.items()}
    lines, thickness = np.zeros(shape, np.uint8), round(2 * BROW_HEIGHT * PER_METRE)
    for name in ("right_brow", "left_brow"):
        cv2.polylines(lines, [np.rint(part[name]).astype(np.int32)], False, 1, thickness)
    brows, lips = lines > 0, _filled(part["outer_lips"], shape)
    eyes = _filled(part["right_eye"], shape) | _filled(part["left_eye"], shape)
    below_nose = np.broadcast_to(np.arange(shape[0])[:, None] > flat[NOSE_BOTTOM, 1], shape)
    near_brows, beside = _wider(brows, BROW_ROOM), _wider(~_filled(_hull(flat), shape), BARE_MARGIN)
    features = near_brows | _wider(eyes, PART_MARGIN) | _wider(lips, PART_MARGIN)
    nose = _filled(_hull(np.concatenate([part["nose_bridge"], part["nose_base"]])), shape)
    return {
        "lips": lips,
        "brows": brows,
        "edge_of_brows": _wider(brows, BROW_EDGE),
        "near_brows": near_brows,
        "below_nose": below_nose,
        "bare": ~(beside | below_nose | features) | nose,
    }


def _hull(points: Floats) -> Floats:
    return np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0], np.float64)


def _filled(outline: Floats, shape: tuple[int, int]) -> Bools:
    return np.asarray(fill_polygon(outline, shape) > 0.5)


def _wider(area: Bools, metres: float) -> Bools:
    """An area of the front view, dilated by a distance."""
    side = 2 * round(metres * PER_METRE) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(area.astype(np.uint8), brush) > 0)
