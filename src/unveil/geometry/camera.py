"""The scaled orthographic camera: model space in metres to the [-1, 1] square of a crop, and on to its pixels.

Camera coefficients are (s, tx, ty). The projected frame has x to the right, y down and z away from the viewer,
so that a smaller z is nearer, as in image space.
"""

from __future__ import annotations

from unveil.geometry.arrays import array_namespace
from unveil.geometry.rotation import Array, axis_angle_to_matrix, matrix_to_axis_angle


def project(points: Array, camera: Array) -> Array:
    """Project points [..., V, 3] (model space) with cameras [..., 3] into the crop's [-1, 1] frame [..., V, 3].

    ``s * (x + tx), -s * (y + ty), -s * z``.
    """
    xp = array_namespace(points, camera)
    s = camera[..., None, 0]
    return xp.stack(
        [
            s * (points[..., 0] + camera[..., None, 1]),
            -s * (points[..., 1] + camera[..., None, 2]),
            -s * points[..., 2],
        ],
        axis=-1,
    )


def to_pixels(projected: Array, size: int) -> Array:
    """Crop pixels of points in the [-1, 1] frame [..., 3]: xy = (xy + 1) * size / 2, and z in the same scale."""
    xp = array_namespace(projected)
    shift = xp.asarray([1.0, 1.0, 0.0], dtype=projected.dtype, device=projected.device)
    return (projected + shift) * (size / 2)


def move_with_crop(
    head_rotation: Array,
    camera: Array,
    similarity: Array,
    old_size: int,
    new_size: int,
    pivot: Array | None = None,
) -> tuple[Array, Array]:
    """The head rotation and camera after the crop has gone through a similarity.

    The turn is put into the head rotation, which turns the head about its root joint, and the camera is such that this
    joint lands where the similarity takes it.

    Args:
        head_rotation: [..., 3] axis-angle radians.
        camera: [..., 3] (s, tx, ty).
        similarity: [..., 2, 3], old crop pixels to new crop pixels: a scale times a rotation, and a shift.
        old_size, new_size: sides of the two crops in pixels.
        pivot: [..., 3] the root joint in model space, metres; the origin if left out.

    Returns:
        The head rotation and camera [..., 3] that project the head to the moved pixels.
    """
    xp = array_namespace(head_rotation, camera, similarity)
    linear, shift = similarity[..., :2], similarity[..., 2]  # [..., 2, 2], [..., 2]
    scale = xp.sqrt(linear[..., 0, 0] ** 2 + linear[..., 1, 0] ** 2)
    angle = clockwise_angle(similarity)
    zero = xp.zeros_like(angle)
    turn = axis_angle_to_matrix(xp.stack([zero, zero, -angle], axis=-1))  # [..., 3, 3]
    turned = matrix_to_axis_angle(turn @ axis_angle_to_matrix(head_rotation))

    s, shift_in_space = camera[..., 0], camera[..., 1:]
    joint = xp.zeros_like(shift_in_space) if pivot is None else pivot[..., :2]  # [..., 2] x and y, up
    seen = joint + shift_in_space
    place = xp.stack([1.0 + s * seen[..., 0], 1.0 - s * seen[..., 1]], axis=-1) * (old_size / 2)  # old pixels
    moved = xp.sum(linear * place[..., None, :], axis=-1) + shift  # new pixels
    new_s = s * scale * (old_size / new_size)
    normalised = moved * (2.0 / new_size) - 1.0
    new_seen = xp.stack([normalised[..., 0] / new_s, -normalised[..., 1] / new_s], axis=-1)
    return turned, xp.concat([new_s[..., None], new_seen - joint], axis=-1)


def clockwise_angle(similarity: Array) -> Array:
    """The angle [...] in radians by which similarities [..., 2, 3] of pixels turn a picture clockwise, as y is down."""
    xp = array_namespace(similarity)
    return xp.atan2(similarity[..., 1, 0], similarity[..., 0, 0])
