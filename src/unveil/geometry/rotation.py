"""Rotations as axis-angle vectors, matrices and Euler angles, for NumPy and torch arrays alike."""

from __future__ import annotations

import math
from typing import Any

from unveil.geometry.arrays import array_namespace

Array = Any  # any array of the array API standard: numpy.ndarray or torch.Tensor


def axis_angle_to_matrix(axis_angle: Array) -> Array:
    """Rotation matrices of axis-angle vectors [..., 3] in radians (Rodrigues' formula).

    Returns [..., 3, 3]. Differentiable at zero: near it sin(a)/a and (1 - cos(a))/a^2 are replaced by their
    Taylor series, so that no division by the angle takes place.
    """
    xp = array_namespace(axis_angle)
    squared = xp.sum(axis_angle * axis_angle, axis=-1)  # [...]
    small = squared < 1e-8
    angle = xp.sqrt(xp.where(small, xp.ones_like(squared), squared))
    a = xp.where(small, 1.0 - squared / 6.0, xp.sin(angle) / angle)
    b = xp.where(small, 0.5 - squared / 24.0, (1.0 - xp.cos(angle)) / (angle * angle))
    k = _cross_matrix(axis_angle)  # [..., 3, 3]
    identity = xp.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return identity + a[..., None, None] * k + b[..., None, None] * (k @ k)


def matrix_to_axis_angle(matrix: Array) -> Array:
    """Axis-angle vectors [..., 3] in radians, of length at most pi, of rotation matrices [..., 3, 3].

    Goes through the unit quaternion whose largest component is found first, which stays accurate up to pi.
    """
    xp = array_namespace(matrix)
    m00, m11, m22 = matrix[..., 0, 0], matrix[..., 1, 1], matrix[..., 2, 2]
    xy, xz, yz = (matrix[..., i, j] + matrix[..., j, i] for i, j in ((0, 1), (0, 2), (1, 2)))
    wx = matrix[..., 2, 1] - matrix[..., 1, 2]
    wy = matrix[..., 0, 2] - matrix[..., 2, 0]
    wz = matrix[..., 1, 0] - matrix[..., 0, 1]
    # Each row is 4 * q[i] * (w, x, y, z): all are parallel to the quaternion, the longest is the best conditioned.
    rows = xp.stack(
        [
            xp.stack([1 + m00 + m11 + m22, wx, wy, wz], axis=-1),
            xp.stack([wx, 1 + m00 - m11 - m22, xy, xz], axis=-1),
            xp.stack([wy, xy, 1 - m00 + m11 - m22, yz], axis=-1),
            xp.stack([wz, xz, yz, 1 - m00 - m11 + m22], axis=-1),
        ],
        axis=-2,
    )  # [..., 4, 4]
    length2 = xp.sum(rows * rows, axis=-1)  # [..., 4]
    best = xp.argmax(length2, axis=-1)
    pick = xp.astype(xp.arange(4, device=matrix.device) == best[..., None], matrix.dtype)
    quaternion = xp.sum(rows * pick[..., None], axis=-2)
    quaternion = quaternion / xp.sqrt(xp.sum(quaternion * quaternion, axis=-1))[..., None]
    quaternion = xp.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    squared = xp.sum(quaternion[..., 1:] ** 2, axis=-1)
    tiny = squared < 1e-14
    sine = xp.sqrt(xp.where(tiny, xp.ones_like(squared), squared))  # the root of zero would have no gradient
    scale = xp.where(tiny, xp.full_like(sine, 2.0), 2.0 * xp.atan2(sine, quaternion[..., 0]) / sine)
    return quaternion[..., 1:] * scale[..., None]


def euler_to_matrix(angles: Array) -> Array:
    """Rotation matrices [..., 3, 3] of angles [..., 3] in radians about x, y and z: R = Rx Ry Rz."""
    xp = array_namespace(angles)
    axes = xp.eye(3, dtype=angles.dtype, device=angles.device)
    about = axis_angle_to_matrix(angles[..., :, None] * axes)  # [..., 3, 3, 3]
    return about[..., 0, :, :] @ about[..., 1, :, :] @ about[..., 2, :, :]


def matrix_to_euler(matrix: Array) -> Array:
    """Angles [..., 3] in radians about x, y and z of rotation matrices [..., 3, 3]: the inverse of `euler_to_matrix`.

    The angle about y is within a quarter turn.
    """
    xp = array_namespace(matrix)
    level = xp.sqrt(matrix[..., 0, 0] ** 2 + matrix[..., 0, 1] ** 2)
    about_x = xp.atan2(-matrix[..., 1, 2], matrix[..., 2, 2])
    about_z = xp.atan2(-matrix[..., 0, 1], matrix[..., 0, 0])
    return xp.stack([about_x, xp.atan2(matrix[..., 0, 2], level), about_z], axis=-1)


def rotation_between(start: Array, end: Array) -> Array:
    """The smallest rotations [..., 3, 3] that take directions [..., 3] to others, which are not their opposites."""
    xp = array_namespace(start, end)
    first, second = _unit(start), _unit(end)
    cross = _cross_matrix(xp.linalg.cross(first, second))
    cosine = xp.sum(first * second, axis=-1)[..., None, None]
    identity = xp.eye(3, dtype=start.dtype, device=start.device)
    return identity + cross + cross @ cross / (1.0 + cosine)


def orthonormal_rows(matrix: Array) -> Array:
    """Rotation matrices [..., 3, 3] of the first two rows of matrices [..., 3, 3], made square and of unit length.

    The first row keeps its direction (Gram and Schmidt). Unlike the nearest rotation, which a singular value
    decomposition gives, this has gradients where the matrix is a rotation and a scale.
    """
    xp = array_namespace(matrix)
    first = _unit(matrix[..., 0, :])
    second = matrix[..., 1, :]
    second = _unit(second - xp.sum(second * first, axis=-1)[..., None] * first)
    return xp.stack([first, second, xp.linalg.cross(first, second)], axis=-2)


def matrix_to_euler_degrees(matrix: Array) -> Array:
    """Pitch, yaw and roll [..., 3] in degrees of rotation matrices [..., 3, 3] with R = Ry(yaw) Rx(pitch) Rz(roll).

    Positive pitch looks down, positive yaw turns the face to the subject's left, positive roll tilts the head
    towards the subject's right shoulder (in the frame +x subject's left, +y up, +z out of the face).
    """
    xp = array_namespace(matrix)
    pitch = xp.asin(xp.clip(-matrix[..., 1, 2], -1.0, 1.0))
    yaw = xp.atan2(matrix[..., 0, 2], matrix[..., 2, 2])
    roll = xp.atan2(matrix[..., 1, 0], matrix[..., 1, 1])
    return xp.stack([pitch, yaw, roll], axis=-1) * (180.0 / math.pi)


def _unit(v: Array) -> Array:
    """Vectors [..., 3] of unit length."""
    xp = array_namespace(v)
    return v / xp.sqrt(xp.sum(v * v, axis=-1))[..., None]


def _cross_matrix(v: Array) -> Array:
    """Matrices [..., 3, 3] that take the cross product with vectors [..., 3]."""
    xp = array_namespace(v)
    x, y, z, zero = v[..., 0], v[..., 1], v[..., 2], xp.zeros_like(v[..., 0])
    rows = [xp.stack(row, axis=-1) for row in ([zero, -z, y], [z, zero, -x], [-y, x, zero])]
    return xp.stack(rows, axis=-2)
