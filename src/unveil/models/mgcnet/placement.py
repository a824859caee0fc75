"""How MGCNet places a face: in front of a camera with perspective."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from unveil.geometry.arrays import array_namespace
from unveil.geometry.rotation import (
    Array,
    axis_angle_to_matrix,
    euler_to_matrix,
    matrix_to_axis_angle,
    matrix_to_euler,
    rotation_between,
)
from unveil.heads.layout import Coefficients


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
    def facing_camera(self) -> Mapping[str, tuple[float, ...]]:
        """No group: a pose of zeros is a head that faces the camera."""
        return {}

    @property
    def mirrored(self) -> Mapping[str, tuple[float, ...]]:
        """Nothing: the pose at rest is not quite symmetrical."""
        return {}

    def joint_turns(self, coefficients: Coefficients) -> dict[str, Array]:
        """Axis-angles [..., 3] by joint."""
        return {"root": matrix_to_axis_angle(_model_and_camera(self._to_camera(self._pose(coefficients))))}

    def with_joint_turns(self, coefficients: Coefficients, turns: Mapping[str, Array]) -> Coefficients:
        """The same head with this turn, at the same place."""
        turn = axis_angle_to_matrix(turns.get("root", self.joint_turns(coefficients)["root"]))
        return self._with_pose(coefficients, _model_and_camera(turn), self._pose(coefficients)[..., 3:])

    def project(self, points: Array, coefficients: Coefficients) -> Array:
        """Points [..., N, 3] in the crop's [-1, 1] frame; a plane has depths that are linear in x and y there."""
        xp = array_namespace(points, coefficients.values)
        shift = self._pose(coefficients)[..., None, 3:]
        seen = _model_and_camera(points[..., None])[..., 0] * 1e3 + shift  # millimetres
        scale = self.focal_length / self.centre
        depth = seen[..., 2]
        return scale * xp.stack([seen[..., 0] / depth, seen[..., 1] / depth, 1.0 - shift[..., 2] / depth], axis=-1)

    def scale(self, coefficients: Coefficients) -> Array:
        """Halves of the crop's side [...] that a metre has as far away as the head's origin."""
        return 1e3 * self.focal_length / self.centre / self._pose(coefficients)[..., 5]

    def moved(
        self, coefficients: Coefficients, similarity: Array, old_size: int, new_size: int, root: Array
    ) -> Coefficients:
        """The same head after its crop has gone through a similarity, as nearly as a camera of one focal length can.

        A turn of the picture is a turn about the line of sight, and exact. A shift is a turn of the camera about
        itself, which moves near and far alike. A scale is another distance, which is right at the depth of the head's
        origin; vertices ``depth`` nearer or farther are off by (scale - 1) * depth / distance of their place. With
        turns to 17 degrees, scales from 0.86 to 1.16 and shifts to a tenth of a crop of 224 pixels, vertices of a
        made-up head land 0.05 pixels off in the mean and 0.27 at most (``tests/heads/test_moved.py``).
        """
        xp = array_namespace(coefficients.values)
        pose = self._pose(coefficients)
        linear, zoom = similarity[..., :2], old_size / new_size
        growth = zoom * xp.sqrt(linear[..., 0, 0] ** 2 + linear[..., 1, 0] ** 2)
        focal = self.focal_length / self.centre
        seen = focal * pose[..., 3:5] / pose[..., 5:]  # [..., 2] the origin in the old crop's [-1, 1] frame
        old_pixels = (seen + 1.0) * (old_size / 2)
        new_pixels = xp.sum(linear * old_pixels[..., None, :], axis=-1) + similarity[..., 2]
        wanted = new_pixels * (2.0 / new_size) - 1.0
        turn = _about_line_of_sight(linear)
        place = xp.sum(turn * pose[..., None, 3:], axis=-1)  # [..., 3] millimetres
        place = xp.concat([place[..., :2], place[..., 2:] / growth[..., None]], axis=-1)
        towards = xp.concat([wanted / focal, xp.ones_like(wanted[..., :1])], axis=-1)
        aim = rotation_between(place, towards)
        return self._with_pose(
            coefficients, aim @ turn @ self._to_camera(pose), xp.sum(aim * place[..., None, :], axis=-1)
        )

    def _pose(self, coefficients: Coefficients) -> Array:
        """Angles about z, y and x, and shift: [..., 6]."""
        pose = coefficients["pose"]
        return pose + array_namespace(pose).asarray(self.rest, dtype=pose.dtype, device=pose.device)

    def _to_camera(self, pose: Array) -> Array:
        """Rotations [..., 3, 3] from the unposed head to the camera, of `_pose`."""
        return euler_to_matrix(array_namespace(pose).flip(pose[..., :3], axis=-1))

    def _with_pose(self, coefficients: Coefficients, to_camera: Array, shift: Array) -> Coefficients:
        """Coefficients with other rotations [..., 3, 3] and shifts [..., 3] into the camera's frame."""
        xp = array_namespace(coefficients.values)
        angles = xp.flip(matrix_to_euler(to_camera), axis=-1)
        pose = xp.concat([angles, shift], axis=-1)
        pose = pose - xp.asarray(self.rest, dtype=pose.dtype, device=pose.device)
        wrapped = (pose[..., :3] + math.pi) % (2 * math.pi) - math.pi
        return coefficients.replace(pose=xp.concat([wrapped, pose[..., 3:]], axis=-1))


def _model_and_camera(vectors: Array) -> Array:
    """Columns [..., 3, K] in the axes of model space to those of a camera, with y down and z away, or back."""
    xp = array_namespace(vectors)
    return vectors * xp.asarray([[1.0], [-1.0], [-1.0]], dtype=vectors.dtype, device=vectors.device)


def _about_line_of_sight(linear: Array) -> Array:
    """Rotations [..., 3, 3] about z of similarities' linear parts [..., 2, 2]."""
    xp = array_namespace(linear)
    angle = xp.atan2(linear[..., 1, 0], linear[..., 0, 0])
    zero = xp.zeros_like(angle)
    return axis_angle_to_matrix(xp.stack([zero, zero, angle], axis=-1))
