"""The compiled rasteriser against a plain one, and the cases that make rasterisers crash or leak."""

import numpy as np
import pytest

from unveil.geometry.rasterize import INSIDE_TOLERANCE, Raster, interpolate, nearest_depth, rasterize
from unveil.typing import Float64s, Int64s

HEIGHT, WIDTH = 40, 56


def reference(vertices: Float64s, faces: Int64s, height: int, width: int) -> Raster:
    """Every pixel against every triangle by solving for the barycentrics."""
    depth = np.full((height, width), np.inf, dtype=np.float32)
    triangle = np.full((height, width), -1, dtype=np.int32)
    barycentric = np.zeros((height, width, 3), dtype=np.float32)
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    for f, corners in enumerate(vertices[faces]):
        system = np.vstack([corners[:, :2].T, np.ones(3)])
        if not np.isfinite(corners).all() or abs(np.linalg.det(system)) < 1e-12:
            continue
        weights = np.linalg.solve(system, pixels).T.reshape(height, width, 3)
        z = (weights @ corners[:, 2]).astype(np.float32)
        nearer = (weights >= INSIDE_TOLERANCE).all(axis=2) & (z < depth)
        depth[nearer], triangle[nearer], barycentric[nearer] = z[nearer], f, weights[nearer]
    return Raster(depth, triangle, barycentric)


def triangle_soup(seed: int, count: int = 60) -> tuple[Float64s, Int64s]:
    rng = np.random.default_rng(seed)
    # Many of them lie partly or wholly outside the image.
    vertices = rng.uniform([-20, -20, 0], [WIDTH + 20, HEIGHT + 20, 10], (count, 3))
    return vertices, rng.integers(0, count, (2 * count, 3))


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_plain_rasteriser(seed: int) -> None:
    vertices, faces = triangle_soup(seed)
    fast, plain = rasterize(vertices, faces, HEIGHT, WIDTH), reference(vertices, faces, HEIGHT, WIDTH)
    same = fast.triangle == plain.triangle
    assert same.mean() > 0.999  # a pixel exactly on an edge may fall to either side
    assert fast.covered.any()
    np.testing.assert_allclose(fast.depth[same], plain.depth[same], atol=1e-4)
    np.testing.assert_allclose(fast.barycentric[same], plain.barycentric[same], atol=1e-5)


def test_the_depth_alone_is_that_of_the_raster() -> None:
    vertices, faces = triangle_soup(6)
    alone, whole = (draw(vertices, faces, HEIGHT, WIDTH) for draw in (nearest_depth, rasterize))
    np.testing.assert_array_equal(alone, whole.depth)


def test_interpolating_the_vertices_gives_back_pixel_and_depth() -> None:
    vertices, faces = triangle_soup(5)
    raster = rasterize(vertices, faces, HEIGHT, WIDTH)
    points = interpolate(raster, faces, vertices)
    y, x = np.nonzero(raster.covered)
    np.testing.assert_allclose(points[y, x, 0], x, atol=1e-2)
    np.testing.assert_allclose(points[y, x, 1], y, atol=1e-2)
    np.testing.assert_allclose(points[y, x, 2], raster.depth[y, x], atol=1e-3)
    assert not points[~raster.covered].any()


def test_shared_edges_leave_no_cracks() -> None:
    rng = np.random.default_rng(0)
    side = 12
    rows, columns = np.mgrid[:side, :side]
    grid = np.stack([columns, rows], axis=-1) * 6.0 - 5.0 + rng.uniform(-1.5, 1.5, (side, side, 2))
    vertices = np.concatenate([grid.reshape(-1, 2), np.ones((side * side, 1))], axis=1)
    corner = (rows * side + columns)[:-1, :-1].ravel()
    quads = np.stack([corner, corner + 1, corner + side + 1, corner + side], axis=1)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    assert rasterize(vertices, faces, HEIGHT, 50).covered.all()


def test_nearer_triangle_wins_whatever_the_order_and_orientation() -> None:
    near = np.array([[2, 2, 1], [30, 2, 1], [2, 30, 1]], dtype=float)
    vertices = np.concatenate([near, near + np.array([0, 0, 4])])
    for faces in ([[0, 1, 2], [3, 4, 5]], [[5, 4, 3], [2, 1, 0]]):
        raster = rasterize(vertices, faces, HEIGHT, WIDTH)
        assert raster.covered.any()
        assert (raster.depth[raster.covered] == 1).all()


def test_degenerate_non_finite_and_far_triangles_are_harmless() -> None:
    good = [[2, 2, 1], [30, 2, 1], [2, 30, 1]]
    bad = [[np.nan, 2, 0], [30, np.inf, 0], [2, 30, np.nan], [5, 5, 0], [1e300, 1e300, 0], [-1e30, 4, 0]]
    vertices = np.array(good + bad)
    faces = np.array([[0, 1, 2], [0, 1, 3], [0, 4, 2], [0, 1, 5], [6, 6, 6], [6, 7, 8]])
    raster = rasterize(vertices, faces, HEIGHT, WIDTH)
    alone = rasterize(np.array(good), faces[:1], HEIGHT, WIDTH)
    np.testing.assert_array_equal(raster.triangle, alone.triangle)
    np.testing.assert_array_equal(raster.depth, alone.depth)


def test_nothing_to_draw() -> None:
    assert not rasterize(np.zeros((0, 3)), np.zeros((0, 3), dtype=int), HEIGHT, WIDTH).covered.any()


def test_refuses_faces_that_name_no_vertex() -> None:
    with pytest.raises(ValueError, match="faces name vertices outside"):
        rasterize(np.zeros((3, 3)), [[0, 1, 3]], HEIGHT, WIDTH)


def test_rows_of_a_larger_image_are_those_rows_of_it() -> None:
    rng = np.random.default_rng(1)
    points, faces = rng.uniform(-20, 120, (60, 3)), rng.integers(60, size=(80, 3))
    whole = rasterize(points, faces, 100, 90)
    for first, last in ((0, 30), (30, 77), (77, 100)):
        part = rasterize(points, faces, last - first, 90, first)
        for name in ("depth", "triangle", "barycentric"):
            assert np.array_equal(getattr(part, name), getattr(whole, name)[first:last]), name
