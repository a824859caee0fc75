"""Parts of the face by name: each vertex belongs to the part whose landmarks it is nearest to."""

from __future__ import annotations

import numpy as np

from unveil.heads.landmarks import IBUG68_PARTS
from unveil.heads.model import MorphableModel
from unveil.occluders.head_surface import with_forehead
from unveil.typing import Float64s, Int64s

PARTS = {
    "brows": ("right_brow", "left_brow"),
    "eyes": ("right_eye", "left_eye"),
    "nose": ("nose_bridge", "nose_base"),
    "mouth": ("outer_lips", "inner_lips"),
    "jaw": ("jaw",),
}
REGIONS = (*PARTS, "forehead", "cheeks")
CHEEKS = {31: range(1, 6), 35: range(11, 16)}  # a wing of the nose, and the jaw line across the cheek: half-way there


def regions(model: MorphableModel) -> Int64s:
    """The region [V] of each vertex of a head, its number in `REGIONS`; sensible on the face only."""
    template = np.asarray(model.head.template, np.float64)
    away = [np.linalg.norm(template[:, None] - points, axis=2).min(axis=1) for points in _anchors(model, template)]
    return np.asarray(np.argmin(away, axis=0))


def _anchors(model: MorphableModel, template: Float64s) -> list[Float64s]:
    """Points [K, 3] of each region."""
    marks = np.asarray(model.landmarks68(template), np.float64)
    parts = [np.concatenate([marks[slice(*IBUG68_PARTS[name])] for name in names]) for names in PARTS.values()]
    forehead = (with_forehead(marks)[68:] + marks[17:27]) / 2
    cheeks = [(marks[wing] + marks[k]) / 2 for wing, line in CHEEKS.items() for k in line]
    return [*parts, np.asarray(forehead), np.stack(cheeks)]
