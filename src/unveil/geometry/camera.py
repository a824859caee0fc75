"""The scaled orthographic camera: model space in metres to the [-1, 1] square of a crop, and on to its pixels.

Camera coefficients are (s, tx, ty). The projected frame has x to the right, y down and z away from the viewer,
so that a smaller z is nearer, as in image space.
"""

from __future__ import annotations

from array_api_compat import array_namespace

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
    head_rotation: Array, camera: Array, similarity: Array, old_size: int, new_size: int
) -> tuple[Array, Array]:
    """What head rotation and camera become when the crop goes through a similarity.

    Valid for models whose root joint is the origin of model space, as openhead's is: the rotation then turns the
    head about the point the translation moves.

    Args:
        head_rotation: [..., 3] axis-angle radians.
        camera: [..., 3] (s, tx, ty).
        similarity: [..., 2, 3], old crop pixels to new crop pixels: a scale times a rotation, and a shift.
        old_size, new_size: sides of the two crops in pixels.

    Returns:
        The head rotation and camera [..., 3] that project the head to the moved pixels.
    """
    xp = array_namespace(head_rotation, camera, similarity)
    linear, shift = similarity[..., :2], similarity[..., 2]  # [..., 2, 2], [..., 2]
    scale = xp.sqrt(linear[..., 0, 0] ** 2 + linear[..., 1, 0] ** 2)
    angle = xp.atan2(linear[..., 1, 0], linear[..., 0, 0])  # clockwise on screen, as pixels have y down
    zero = xp.zeros_like(angle)
    turn = axis_angle_to_matrix(xp.stack([zero, zero, -angle], axis=-1))  # [..., 3, 3]
    turned = matrix_to_axis_angle(turn @ axis_angle_to_matrix(head_rotation))

    s = camera[..., 0]
    origin = xp.stack([s * camera[..., 1] + 1.0, 1.0 - s * camera[..., 2]], axis=-1) * (old_size / 2)  # old pixels
    moved = xp.sum(linear * origin[..., None, :], axis=-1) + shift  # new pixels
    new_s = s * scale * (old_size / new_size)
    normalised = moved * (2.0 / new_size) - 1.0
    return turned, xp.stack([new_s, normalised[..., 0] / new_s, -normalised[..., 1] / new_s], axis=-1)
