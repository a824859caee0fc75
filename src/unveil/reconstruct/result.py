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
class Detail:
    """The skin of a head at the resolution of wrinkles: maps in its texture coordinates, and a dense mesh."""

    displacement: Floats  # [256, 256] metres along the normals of the coarse mesh
    normals: NDArray[np.float32]  # [256, 256, 3] unit normals in model space, zero where no texel is
    normal_map: Floats  # [256, 256, 3] the same relative to the coarse mesh: along u, along v, outwards
    vertices: Floats  # [N, 3] model space, with expression and pose
    faces: NDArray[np.integer[Any]]  # [G, 3] triangles, indices of vertices
    uv: Floats  # [N, 2] texture coordinates of the vertices, v up
    name: str = "detail"

    @property
    def uv_faces(self) -> NDArray[np.integer[Any]]:
        """[G, 3] rows of `uv` for the corners of each triangle: every vertex has one."""
        return self.faces


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
    detail: Detail | None = None  # where the model gives details
    albedo: Floats | None = None  # [256, 256, 3] RGB colour of the skin, 0 to 1, where the model gives it

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
