"""How 3DDFA_V2 places a face: by an affine matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unveil.geometry.arrays import array_namespace
from unveil.geometry.rotation import Array, axis_angle_to_matrix, matrix_to_axis_angle, orthonormal_rows
from unveil.heads.layout import Coefficients


@dataclass(frozen=True)
class AffineMatrix:
    """``pose`` is a matrix [3, 4], row by row, from micrometres of the unposed head to pixels of a crop.

    These pixels have y up and count from one, as 3DDFA_V2's do. The matrix need not be a rotation and a scale. The
    rotation of its first two rows turns the head, which so keeps its shape; the rest of the matrix is the camera.
    """

    size: int = 120  # pixels per side of that crop

    @property
    def facing_camera(self) -> Mapping[str, tuple[float, ...]]:
        """The groups pose and camera of a head that faces the camera."""
        scale, middle = 3e-4, self.size / 2
        return {"pose": (scale, 0.0, 0.0, middle + 1, 0.0, scale, 0.0, middle, 0.0, 0.0, scale, 0.0)}

    @property
    def mirrored(self) -> Mapping[str, tuple[float, ...]]:
        """Nothing: the shift of the matrix counts from the crop's corner."""
        return {}

    def joint_turns(self, coefficients: Coefficients) -> dict[str, Array]:
        """Axis-angles [..., 3] by joint."""
        return {"root": matrix_to_axis_angle(orthonormal_rows(_matrix(coefficients)[..., :3]))}

    def with_joint_turns(self, coefficients: Coefficients, turns: Mapping[str, Array]) -> Coefficients:
        """The same head with this turn, in what the matrix has besides its rotation."""
        xp = array_namespace(coefficients.values)
        matrix = _matrix(coefficients)
        turn = axis_angle_to_matrix(turns.get("root", self.joint_turns(coefficients)["root"]))
        return _with_matrix(
            coefficients, xp.concat([_without_rotation(matrix[..., :3]) @ turn, matrix[..., 3:]], axis=-1)
        )

    def project(self, points: Array, coefficients: Coefficients) -> Array:
        """Points [..., N, 3] in the crop's [-1, 1] frame."""
        xp = array_namespace(points, coefficients.values)
        matrix = _matrix(coefficients)
        linear = _without_rotation(matrix[..., :3]) * 1e6  # from metres
        pixels = points @ xp.matrix_transpose(linear) + matrix[..., None, :, 3]
        half = self.size / 2
        return xp.stack(
            [(pixels[..., 0] - 1.0) / half - 1.0, 1.0 - pixels[..., 1] / half, -pixels[..., 2] / half], axis=-1
        )

    def scale(self, coefficients: Coefficients) -> Array:
        """Halves of the crop's side [...] that a metre has, the mean over right and up."""
        xp = array_namespace(coefficients.values)
        first, second = (xp.sum(_matrix(coefficients)[..., row, :3] ** 2, axis=-1) for row in (0, 1))
        return (first * second) ** 0.25 * (1e6 / (self.size / 2))

    def moved(
        self, coefficients: Coefficients, similarity: Array, old_size: int, new_size: int, root: Array
    ) -> Coefficients:
        """The same head after its crop has gone through a similarity, exactly: pixels are affine in the matrix."""
        xp = array_namespace(coefficients.values)
        matrix = _matrix(coefficients)
        constant = xp.asarray([0.0, 0.0, 0.0, 1.0], dtype=matrix.dtype, device=matrix.device)
        # Rows that give pixels counted from zero, with y down.
        right, down = matrix[..., 0, :] - constant, self.size * constant - matrix[..., 1, :]
        linear, shift = similarity[..., :2], similarity[..., 2:] * (self.size / new_size)
        zoom = old_size / new_size
        moved = zoom * linear @ xp.stack([right, down], axis=-2) + shift * constant  # [..., 2, 4]
        growth = zoom * xp.sqrt(linear[..., 0, 0] ** 2 + linear[..., 1, 0] ** 2)
        away = growth[..., None] * matrix[..., 2, :]
        rows = xp.stack([moved[..., 0, :] + constant, self.size * constant - moved[..., 1, :], away], axis=-2)
        return _with_matrix(coefficients, rows)


def _matrix(coefficients: Coefficients) -> Array:
    """[..., 3, 4] of the group ``pose``."""
    pose = coefficients["pose"]
    return array_namespace(pose).reshape(pose, (*pose.shape[:-1], 3, 4))


def _with_matrix(coefficients: Coefficients, matrix: Array) -> Coefficients:
    """Coefficients whose group ``pose`` is the matrix [..., 3, 4]."""
    return coefficients.replace(pose=array_namespace(matrix).reshape(matrix, (*matrix.shape[:-2], 12)))


def _without_rotation(linear: Array) -> Array:
    """The rest of matrices [..., 3, 3] once the rotation in them has turned the head."""
    return linear @ array_namespace(linear).matrix_transpose(orthonormal_rows(linear))
