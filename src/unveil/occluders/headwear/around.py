"""A whole head as a regular grid of points, posed and seen in a crop: the front as it is, the rest as skulls are.

Hats lie where the grid of the face (`head_surface`) does not reach. So it is continued to the crown and around the
back by an ellipsoid, scaled to go on where the grid ends. Rows go from the crown down, columns from the middle of the
back over the subject's right side, the face and the left side to the back again.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unveil.occluders.head_surface import AZIMUTH, ELEVATION, STEP, FaceMesh, centre_of, towards
from unveil.typing import Float64s, Floats, Image

ABOVE, BEYOND = 7, 21  # rows above the grid of the face, and columns on either side of it
CROWN, BACK = 89.5, 180.0  # degrees of elevation of the first row, and of azimuth of the first and last columns
# The skull as an ellipsoid in widths of the jaw, from the centre of the grid: a fit to openhead's mean above its ears.
MIDDLE, AXES = (0.0, 0.48, -0.06), (0.565, 0.587, 0.674)
NECK = 0.45  # radius in the same unit
FADING = 12.0  # degrees beyond the grid of the face over which its size turns into that of the skull
SKULL = 40.0  # degrees of elevation from which the grid of the face says how large the skull is
BLURS = (9, 7, 5, 3)  # nodes over which something that is put over the head is stretched, in turn

# How high hair stands, by its colour.
ALIKE = 20.0  # of CIELAB: how far the colours of one head of hair are apart
HIGHEST, STEPS = 0.055, 12  # metres above the skull that are looked at, and places on the way
LEANINGS = np.radians((-35, 0, 35)), np.radians((-85, 85))  # from up: over the crown, and beside the head


@dataclass(frozen=True, eq=False)
class HeadAround:
    """The grid on one head, along the head's axes."""

    azimuth: Float64s  # [C] degrees, 0 in front, 90 on the subject's left
    elevation: Float64s  # [R] degrees above the height of the nose
    points: Float64s  # [R, C, 3] metres from the centre
    mesh: FaceMesh
    centre: Float64s  # [3] pixels

    @classmethod
    def of(cls, mesh: FaceMesh) -> HeadAround:
        """The grid around the head whose face is given."""
        axes, scale = mesh.rotation, mesh.scale
        centre = centre_of(mesh.landmarks68 @ axes / scale) * scale @ axes.T
        front = (mesh.points - centre) @ axes / scale
        rows = np.arange(ABOVE + mesh.points.shape[0])
        elevation = ELEVATION[0] + STEP * (ABOVE - rows)
        elevation[0] = CROWN
        azimuth = -AZIMUTH + STEP * (np.arange(mesh.points.shape[1] + 2 * BEYOND) - BEYOND)
        azimuth[[0, -1]] = -BACK, BACK
        jaw = mesh.landmarks68[[0, 16]]
        width = float(np.linalg.norm(jaw[1] - jaw[0])) / scale
        size = np.linalg.norm(front, axis=-1)
        ratio = size / _skull(front / np.maximum(size, 1e-9)[..., None], width)
        usual = float(np.median(ratio[elevation[ABOVE:] > SKULL]))
        away = np.maximum(np.abs(azimuth) - AZIMUTH, 0) + np.maximum(elevation - ELEVATION[0], 0)[:, None]
        padded = np.pad(ratio, ((ABOVE, 0), (BEYOND, BEYOND)), "edge")
        directions = towards(azimuth, elevation[:, None])
        grown = usual + (padded - usual) * np.exp(-away / FADING)
        points = directions * (_skull(directions, width) * grown)[..., None]
        points[ABOVE:, BEYOND:-BEYOND] = front
        return cls(azimuth, elevation, points, mesh, centre)

    def stretched(self, lift: Floats) -> Float64s:
        """Points [R, C, 3] of what is stretched over the head, so many metres [R, C] above it; smooth over hollows."""
        size = np.linalg.norm(self.points, axis=-1)
        radius = np.concatenate([size[:, :-1][:, -BEYOND:], size, size[:, 1:][:, :BEYOND]], axis=1).astype(np.float32)
        for blur in BLURS:
            radius = np.maximum(radius, cv2.GaussianBlur(radius, (blur, blur), 0))
        grown = radius[:, BEYOND:-BEYOND] + lift
        return np.asarray(self.points * (grown / np.maximum(size, 1e-9))[..., None], np.float64)

    def pixels(self, points: Floats) -> Float64s:
        """Points [..., 3] in metres along the head's axes, as x, y and depth in pixels."""
        return np.asarray(points @ self.mesh.rotation.T * self.mesh.scale + self.centre)

    def hair(self, image: Image) -> tuple[float, float]:
        """Metres by which hair stands above the crown and beside the head in an image, guessed from its colour."""
        lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
        skull = self.pixels(self.points[self.elevation > SKULL]).reshape(-1, 3)[:, :2]
        up = self.mesh.rotation[:2, 1]
        up = up / max(float(np.hypot(*up)), 1e-9)
        top, beside = ([_rise(lab, skull, up, turn, self.mesh.scale) for turn in turns] for turns in LEANINGS)
        return float(np.median(top)), float(np.min(beside))


def _skull(directions: Floats, width: float) -> Float64s:
    """Distance [...] from the centre to the skull, or the neck, in directions [..., 3] of a head of this width."""
    along, start = directions / AXES, -np.array(MIDDLE) / AXES
    a, b, c = (along**2).sum(axis=-1), along @ start, float(start @ start) - 1
    ellipsoid = (-b + np.sqrt(np.maximum(b * b - a * c, 0))) / a
    level = np.hypot(directions[..., 0], directions[..., 2])
    neck = np.where(directions[..., 1] < 0, NECK / np.maximum(level, 0.3), 0)
    return np.asarray(width * np.maximum(ellipsoid, neck))


def _rise(lab: Floats, skull: Floats, up: Floats, turn: float, scale: float) -> float:
    """Metres that the colour at the outline of a skull [N, 2] continues outside it, in a direction turned from up."""
    cos, sin = np.cos(turn), np.sin(turn)
    way = np.array([cos * up[0] - sin * up[1], sin * up[0] + cos * up[1]])
    height = skull @ way
    edge = skull[height.argmax()]
    places = edge + np.linspace(-0.4, 1, STEPS + 6)[:, None] * HIGHEST * scale * way
    x, y = np.rint(places).astype(int).T
    there = (x >= 0) & (y >= 0) & (x < lab.shape[1]) & (y < lab.shape[0])
    if there[:6].sum() < 3:
        return 0.0
    inside = np.median(lab[y[:6][there[:6]], x[:6][there[:6]]], axis=0)
    x, y = np.clip(x[6:], 0, lab.shape[1] - 1), np.clip(y[6:], 0, lab.shape[0] - 1)
    other = (np.linalg.norm(lab[y, x] - inside, axis=-1) > ALIKE) | ~there[6:]
    return HIGHEST * float(other.argmax() if other.any() else STEPS) / STEPS
