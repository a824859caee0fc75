"""Meshes that are cut along a line."""

import numpy as np
import pytest

from unveil.geometry.cut import cut_mesh
from unveil.geometry.mesh import face_normals


def grid(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, 3] of the unit square, and its triangles [F, 3]."""
    y, x = np.mgrid[:count, :count] / (count - 1)
    a = np.arange(count * count).reshape(count, count)[:-1, :-1].ravel()
    faces = np.concatenate([np.stack([a, a + 1, a + count], 1), np.stack([a + 1, a + count + 1, a + count], 1)])
    return np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1), faces


def test_what_is_left_ends_at_the_line_and_has_its_area() -> None:
    points, faces = grid(6)
    value = 1.3 * points[:, 0] + points[:, 1] - 0.77
    cut = cut_mesh(faces, value)
    left, at_corners = cut.at(points), cut.at(value[:, None])
    assert at_corners.min() == pytest.approx(0, abs=1e-12)
    assert (face_normals(left, cut.faces)[:, 2] > 0).all()
    area = face_normals(left, cut.faces)[:, 2].sum() / 2
    assert area == pytest.approx(1 - 0.77**2 / (2 * 1.3))


def test_what_is_above_stays_and_what_is_below_goes() -> None:
    points, faces = grid(4)
    whole = cut_mesh(faces, np.ones(len(points)))
    np.testing.assert_array_equal(whole.at(points)[whole.faces], points[faces])
    assert len(cut_mesh(faces, np.zeros(len(points))).faces) == 0


def test_triangles_of_the_same_corners_are_cut_alike() -> None:
    """A mesh and its texture coordinates, which have more rows along a seam, are cut in the same order."""
    points, faces = grid(5)
    value = np.sin(7 * points[:, 0]) + points[:, 1] - 0.4
    own = np.arange(faces.size).reshape(-1, 3)
    shared, apart = cut_mesh(faces, value), cut_mesh(own, value[faces].ravel())
    there = apart.at(points[faces].reshape(-1, 3))[apart.faces]
    np.testing.assert_allclose(there, shared.at(points)[shared.faces], atol=1e-12)
    assert len(shared.ends) < len(apart.ends)
