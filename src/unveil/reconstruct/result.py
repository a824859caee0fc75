"""What a reconstruction gives back: one frozen object per face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unveil.imaging.crop import Crop
from unveil.morphable.layout import Coefficients

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The head behind one face of a photograph.

    Model space is metres with +x to the subject's left, +y up, +z out of the face; image points are (x, y) in pixels
    of the photograph, pixel centres at integers.
    """

    model: str  # name of the learner
    coefficients: Coefficients  # [M]
    expression_names: tuple[str, ...]  # names of the entries of the group "expression"
    neutral_vertices: Floats  # [V, 3] model space: the identity alone, without expression and pose
    vertices: Floats  # [V, 3] model space: with expression and pose
    faces: NDArray[np.integer[Any]]  # [F, 3] triangles, indices of vertices
    landmarks3d: Floats  # [68, 3] iBUG-68 on `vertices`
    landmarks2d: Floats  # [68, 2] image px; the jaw line follows the visible contour
    projected: Floats  # [V, 3] vertices in image px and a depth in px, smaller is nearer
    photographed: Floats  # [V, 3] the same as the photograph shows them, where the coefficients were changed since
    pose_degrees: tuple[float, float, float]  # pitch, yaw, roll of the head
    crop: Crop  # what the learner saw
    box_ltrb: Floats  # [4] the detector's box in image px: left, top, right, bottom
    confidence: float  # the detector's score in [0, 1]
    timings: Mapping[str, float]  # milliseconds per stage, for all faces of the photograph together

    @property
    def expression(self) -> dict[str, float]:
        """Weight of each expression unit by its name (ARKit's names for openhead)."""
        weights = np.asarray(self.coefficients["expression"], np.float64).tolist()
        return dict(zip(self.expression_names, weights, strict=True))

    def to_json(self) -> dict[str, Any]:
        """A summary of plain numbers and texts that `json.dumps` takes; vertices are left to the mesh files."""
        pitch, yaw, roll = self.pose_degrees
        return {
            "box_ltrb": _rounded(self.box_ltrb, 2),
            "confidence": _rounded(self.confidence, 4),
            "pose_degrees": {"pitch": _rounded(pitch, 2), "yaw": _rounded(yaw, 2), "roll": _rounded(roll, 2)},
            "expression": {name: _rounded(weight, 4) for name, weight in self.expression.items()},
            "landmarks2d": _rounded(self.landmarks2d, 2),
            "crop": {"matrix": self.crop.matrix.tolist(), "size": self.crop.size},
        }


def _rounded(values: Floats | float, digits: int) -> Any:
    return (np.round(np.asarray(values, np.float64), digits) + 0.0).tolist()  # the sum turns -0.0 into 0.0
