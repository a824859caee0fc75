"""How coefficients place a head in its crop: which way it is turned, and the camera that sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from array_api_compat import array_namespace

from unveil.geometry import camera
from unveil.geometry.rotation import Array, euler_to_matrix, matrix_to_axis_angle, orthonormal_rows
from unveil.heads.layout import Coefficients


class Placement(Protocol):
    """What a model family says with its pose and its camera."""

    @property
    def start(self) -> Mapping[str, tuple[float, ...]]:
        """Groups of a head that faces the camera and fills the crop, where they are not zero."""

    def joint_turns(self, coefficients: Coefficients) -> dict[str, Array]:
        """Axis-angles [..., 3] in radians of the joints that turn, by name; ``root`` turns the head."""

    def project(self, points: Array, coefficients: Coefficients) -> Array:
        """Points [..., N, 3] of the posed head in the crop's [-1, 1] frame, y down and z away from the viewer."""

    def upright(self, coefficients: Coefficients) -> Coefficients:
        """The same head facing the camera."""


@dataclass(frozen=True)
class ScaledOrthographic:
    """``pose`` is the axis-angles of head and jaw, ``camera`` is (s, tx, ty) of `geometry.camera.project`."""

    @property
    def start(self) -> Mapping[str, tuple[float, ...]]:
        """The groups pose and camera of a head that faces the camera."""
        return {"camera": (5.0, 0.0, 0.0)}  # a head of 0.25 m spans 1.25 of the crop's 2

    def joint_turns(self, coefficients: Coefficients) -> dict[str, Array]:
        """Axis-angles [..., 3] by joint."""
        pose = coefficients["pose"]
        return {"root": pose[..., :3], "jaw": pose[..., 3:]}

    def project(self, points: Array, coefficients: Coefficients) -> Array:
        """Points [..., N, 3] in the crop's [-1, 1] frame."""
        return camera.project(points, coefficients["camera"])

    def upright(self, coefficients: Coefficients) -> Coefficients:
        """The same head facing the camera."""
        pose = coefficients["pose"]
        xp = array_namespace(pose)
        return coefficients.replace(pose=xp.concat([xp.zeros_like(pose[..., :3]), pose[..., 3:]], axis=-1))


SCALED_ORTHOGRAPHIC = ScaledOrthographic()


@dataclass(frozen=True)
class AffineMatrix:
    """``pose`` is a matrix [3, 4], row by row, from micrometres of the unposed head to pixels of a crop.

    These pixels have y up and count from one, as 3DDFA_V2's do. The matrix need not be a rotation and a scale. The
    rotation of its first two rows turns the head, which so keeps its shape; the rest of the matrix is the camera.
    """

    size: int = 120  # pixels per side of that crop

    @property
    def start(self) -> Mapping[str, tuple[float, ...]]:
        """The groups pose and camera of a head that faces the camera."""
        scale, middle = 3e-4, self.size / 2
        return {"pose": (scale, 0.0, 0.0, middle + 1, 0.0, scale, 0.0, middle, 0.0, 0.0, scale, 0.0)}

    def joint_turns(self, coefficients: Coefficients) -> dict[str, Array]:
        """Axis-angles [..., 3] by joint."""
        return {"root": matrix_to_axis_angle(orthonormal_rows(_matrix(coefficients)[..., :3]))}

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

    def upright(self, coefficients: Coefficients) -> Coefficients:
        """The same head facing the camera."""
        xp = array_namespace(coefficients.values)
        matrix = _matrix(coefficients)
        straight = xp.concat([_without_rotation(matrix[..., :3]), matrix[..., 3:]], axis=-1)
        return coefficients.replace(pose=xp.reshape(straight, coefficients["pose"].shape))


@dataclass(frozen=True)
class Pinhole:
    """``pose`` is added to ``rest``: angles about z, y and x in radians, R = Rx Ry Rz, and a shift in millimetres.

    Both take the unposed head into the frame of a camera that looks along z, with y down. The defaults are MGCNet's
    (Shang et al. 2020).
    """

    rest: tuple[float, ...] = (0.0, 0.0, 3.141593, 0.17440447, 9.1053238, 4994.3359)
    focal_length: float = 4700.0  # pixels of a crop of ``2 * centre``
    centre: float = 112.0  # pixels

    @property
    def start(self) -> Mapping[str, tuple[float, ...]]:
        """No group: a pose of zeros is a head that faces the camera."""
        return {}

    def joint_turns(self, coefficients: Coefficients) -> dict[str, Array]:
        """Axis-angles [..., 3] by joint."""
        pose = self._pose(coefficients)
        xp = array_namespace(pose)
        to_camera = euler_to_matrix(xp.flip(pose[..., :3], axis=-1))
        return {"root": matrix_to_axis_angle(_model_and_camera(to_camera))}

    def project(self, points: Array, coefficients: Coefficients) -> Array:
        """Points [..., N, 3] in the crop's [-1, 1] frame; a plane has depths that are linear in x and y there."""
        xp = array_namespace(points, coefficients.values)
        shift = self._pose(coefficients)[..., None, 3:]
        seen = _model_and_camera(points[..., None])[..., 0] * 1e3 + shift  # millimetres
        scale = self.focal_length / self.centre
        depth = seen[..., 2]
        return scale * xp.stack([seen[..., 0] / depth, seen[..., 1] / depth, 1.0 - shift[..., 2] / depth], axis=-1)

    def upright(self, coefficients: Coefficients) -> Coefficients:
        """The same head facing the camera."""
        pose = coefficients["pose"]
        xp = array_namespace(pose)
        return coefficients.replace(pose=xp.concat([xp.zeros_like(pose[..., :3]), pose[..., 3:]], axis=-1))

    def _pose(self, coefficients: Coefficients) -> Array:
        """Angles about z, y and x, and shift: [..., 6]."""
        pose = coefficients["pose"]
        return pose + array_namespace(pose).asarray(self.rest, dtype=pose.dtype, device=pose.device)


def _model_and_camera(vectors: Array) -> Array:
    """Columns [..., 3, K] in the axes of model space to those of a camera, with y down and z away, or back."""
    xp = array_namespace(vectors)
    return vectors * xp.asarray([[1.0], [-1.0], [-1.0]], dtype=vectors.dtype, device=vectors.device)


def _matrix(coefficients: Coefficients) -> Array:
    """[..., 3, 4] of the group ``pose``."""
    pose = coefficients["pose"]
    return array_namespace(pose).reshape(pose, (*pose.shape[:-1], 3, 4))


def _without_rotation(linear: Array) -> Array:
    """What remains of matrices [..., 3, 3] when the rotation in them has turned the head already."""
    return linear @ array_namespace(linear).matrix_transpose(orthonormal_rows(linear))
