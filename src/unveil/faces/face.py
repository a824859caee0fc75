"""The data of a reconstructed face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unveil.geometry.visibility import behind
from unveil.heads.layout import Coefficients
from unveil.heads.skin.detail import Detail
from unveil.models.classes import CLASSES
from unveil.photos.crop import Crop
from unveil.reprs import short_repr
from unveil.typing import Float32s, Floats, Ints, UInt8s

EYES = slice(36, 48)  # iBUG-68, the right one first
LEAST_SHARE = 1e-3  # of the face, over which a mean is taken


@dataclass(frozen=True, eq=False)
class ReconstructedFace:
    """The head behind one face of a photograph.

    Model space is metres with +x to the subject's left, +y up, +z out of the face; image points are (x, y) in pixels
    of the photograph, pixel centres at integers.
    """

    model: str  # name of the encoder
    coefficients: Coefficients  # [M]
    expression_names: tuple[str, ...]  # names of the entries of the group "expression"
    neutral_vertices: Floats  # [V, 3] model space: the shape alone, without expression and pose
    vertices: Floats  # [V, 3] model space: with expression and pose
    faces: Ints  # [F, 3] triangles, indices of vertices
    landmarks3d: Floats  # [68, 3] iBUG-68 on `vertices`
    landmarks2d: Floats  # [68, 2] image px; the jaw line is the visible outline
    projected: Floats  # [V, 3] vertices in image px and a depth in px, smaller is nearer
    photographed: Floats  # [V, 3] the same by the coefficients of the photograph, where these were changed
    pose_degrees: tuple[float, float, float]  # pitch, yaw, roll of the head
    crop: Crop  # what the encoder saw
    box_ltrb: Floats  # [4] the detector's box, or the landmarks', in image px: left, top, right, bottom
    confidence: float | None  # the detector's score in [0, 1]; None where no detector was used
    timings: Mapping[str, float]  # milliseconds per stage, for all faces of the photograph together
    detector_turn: float | None = None  # degrees to a side, by the detector's eyes; None where no detector was used
    doubtful: bool = False  # whether the detector may have taken something else for a face
    detail: Detail | None = None  # where the model gives details
    albedo: Floats | None = None  # [256, 256, 3] RGB colour of the skin, 0 to 1, where the model gives it
    # What was guessed, where the learner says so.
    occlusion: Float32s | None = None  # [28, 28] probability that an occluder covers the cell of the crop
    classes: Float32s | None = None  # [9, 56, 56] probability that a cell of the crop shows each of `CLASSES`
    hidden: Float32s | None = None  # [V] probability that the learner did not see the vertex
    deviations: Coefficients | None = None  # [M] standard deviations of the coefficients, in their units
    uncertainty_mm: Float32s | None = None  # [V] rms distance to expect between the vertex and its true place
    face_area: Float32s | None = None  # [V] shares of the face's surface, see `heads.face_area`
    __repr__ = short_repr

    @property
    def hidden_share(self) -> float | None:
        """The share of the face that is occluded or turned away, from 0 to 1; None without an occlusion map."""
        return _mean(self.hidden, self.face_area)

    @property
    def occluded_share(self) -> float | None:
        """The part of `hidden_share` that is occluded, or cut off by the edge of the photograph.

        The rest is turned away, or behind another part of the head.
        """
        if self.hidden is None:
            return None
        return _mean(np.where(behind(self.photographed, self.faces), 0, self.hidden), self.face_area)

    @property
    def eyes_hidden(self) -> dict[str, float] | None:
        """How far the subject's right and left eye are hidden, from 0 to 1; None without an occlusion map.

        On the texture, hidden eyes look ahead and have usual colours.
        """
        if self.hidden is None:
            return None
        away = np.linalg.norm(self.landmarks3d[EYES, None] - self.vertices, axis=-1)  # [12, V]
        right, left = self.hidden[away.argmin(axis=1)].reshape(2, -1).mean(axis=1).tolist()
        return {"right": right, "left": left}

    @property
    def class_map(self) -> UInt8s | None:
        """The likeliest of `models.classes.CLASSES` in each cell of the crop, [56, 56], row 0 on top; None if unknown.

        The cells divide the crop as those of ``occlusion`` do.
        """
        return None if self.classes is None else self.classes.argmax(axis=0).astype(np.uint8)

    @property
    def mean_uncertainty_mm(self) -> float | None:
        """Mean uncertainty of the face; None if unknown."""
        return _mean(self.uncertainty_mm, self.face_area)

    @property
    def seen_uncertainty_mm(self) -> float | None:
        """Mean uncertainty of the visible part of the face; None if unknown, or if nothing is visible."""
        return None if self.hidden is None else _mean(self.uncertainty_mm, self.face_area, 1 - self.hidden)

    @property
    def hidden_uncertainty_mm(self) -> float | None:
        """Mean uncertainty of the hidden part of the face; None if unknown, or if nothing is hidden."""
        return _mean(self.uncertainty_mm, self.face_area, self.hidden)

    @property
    def expression(self) -> dict[str, float]:
        """Weight of each expression unit by its name (ARKit's names for openhead)."""
        weights = np.asarray(self.coefficients["expression"], np.float64).tolist()
        return dict(zip(self.expression_names, weights, strict=True))

    def to_json(self) -> dict[str, Any]:
        """A summary of plain numbers and texts for `json.dumps`, without the vertices."""
        pitch, yaw, roll = self.pose_degrees
        return {
            "box_ltrb": _rounded(self.box_ltrb, 2),
            "confidence": _rounded(self.confidence, 4),
            "doubtful": self.doubtful,
            "pose_degrees": {"pitch": _rounded(pitch, 2), "yaw": _rounded(yaw, 2), "roll": _rounded(roll, 2)},
            "detector_turn_degrees": _rounded(self.detector_turn, 2),
            "expression": {name: _rounded(weight, 4) for name, weight in self.expression.items()},
            "landmarks2d": _rounded(self.landmarks2d, 2),
            "crop": {"matrix": self.crop.matrix.tolist(), "size": self.crop.size},
            "hidden_share": _rounded(self.hidden_share, 3),
            "occluded_share": _rounded(self.occluded_share, 3),
            "eyes_hidden": self.eyes_hidden and {side: _rounded(share, 3) for side, share in self.eyes_hidden.items()},
            "uncertainty_mm": {
                "face": _rounded(self.mean_uncertainty_mm, 3),
                "seen": _rounded(self.seen_uncertainty_mm, 3),
                "hidden": _rounded(self.hidden_uncertainty_mm, 3),
            },
            "occlusion": _rounded(self.occlusion, 2),
            "classes": None if self.class_map is None else _rows_of_digits(self.class_map),
        }


def _rows_of_digits(class_map: UInt8s) -> dict[str, Any]:
    """The share of each class in a map [K, K], and the map as rows of digits; a digit is a place among the shares."""
    shares = {name: _rounded((class_map == k).mean(), 4) for k, name in enumerate(CLASSES)}
    return {"shares": shares, "rows": ["".join(map(str, row)) for row in class_map.tolist()]}


def _mean(values: Floats | None, *weights: Floats | None) -> float | None:
    """Mean of values [V] weighted with the product of weights [V]; None where one is missing or all are zero."""
    if values is None or any(weight is None for weight in weights):
        return None
    product = np.prod([weight for weight in weights if weight is not None], axis=0, dtype=np.float64)
    total = float(product.sum())
    return float((values * product).sum()) / total if total > LEAST_SHARE else None


def _rounded(values: Floats | float | None, digits: int) -> Any:
    if values is None:
        return None
    return (np.round(np.asarray(values, np.float64), digits) + 0.0).tolist()  # the sum turns -0.0 into 0.0
