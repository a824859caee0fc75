import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

import unveil
from unveil.evaluation.mesh_distance import LEAF, MeshTree


def soup(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Triangles anywhere in a unit box, every seventh without area: a line, or a point."""
    rng = np.random.default_rng(seed)
    corners = rng.random((count, 1, 3)) + rng.normal(0, 0.1, (count, 3, 3))
    corners[::7, 2] = corners[::7, 1]
    corners[::14, 1:] = corners[::14, :1]
    return corners.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3)


def plain(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Distances [N] by trying every triangle, with trimesh's arithmetic; triangles without area as segments."""
    flat = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) < 1e-12
    start, end = corners[flat, 0], corners[flat, 1]  # the third corner is one of these
    along = end - start
    length = np.maximum((along**2).sum(axis=1), 1e-300)
    distances = np.empty(len(points))
    for n, point in enumerate(points):
        near = trimesh.triangles.closest_point(corners[~flat], np.tile(point, ((~flat).sum(), 1)))
        share = np.clip(((point - start) * along).sum(axis=1) / length, 0, 1)
        near = np.concatenate([near, start + share[:, None] * along])
        distances[n] = np.linalg.norm(near - point, axis=1).min()
    return distances


@pytest.mark.parametrize("count", [1, LEAF, LEAF + 1, 200])
def test_distances_are_those_of_trying_every_triangle(count: int) -> None:
    vertices, faces = soup(count)
    points = np.random.default_rng(1).normal(0.5, 0.7, (300, 3))
    nearest = MeshTree(vertices, faces).nearest(points)
    np.testing.assert_allclose(nearest.distances, plain(points, vertices[faces]), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(points - nearest.points, axis=1), nearest.distances, rtol=1e-12)
    own = np.concatenate(
        [plain(x[None], vertices[faces[t]][None]) for x, t in zip(nearest.points, nearest.triangles, strict=True)]
    )
    assert own.max() < 1e-9, "the nearest point is on the triangle that is named"


def test_a_guess_changes_nothing() -> None:
    vertices, faces = soup(200)
    points = np.random.default_rng(1).normal(0.5, 0.7, (300, 3))
    surface = MeshTree(vertices, faces)
    guess = np.random.default_rng(2).integers(0, 200, 300)
    np.testing.assert_array_equal(surface.nearest(points, guess).distances, surface.nearest(points).distances)


def test_a_head_measured_point_by_point() -> None:
    model = unveil.load_openhead()
    vertices, faces = model.head.template.astype(np.float64), model.faces
    rng = np.random.default_rng(0)
    points = vertices[rng.integers(0, len(vertices), 40)] + rng.normal(0, 0.01, (40, 3))
    np.testing.assert_allclose(MeshTree(vertices, faces).nearest(points).distances, plain(points, vertices[faces]))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-3, 1e4))
def test_units_do_not_matter(seed: int, unit: float) -> None:
    vertices, faces = soup(30, seed)
    points = np.random.default_rng(seed).normal(0.5, 1, (20, 3))
    small, large = MeshTree(vertices, faces).nearest(points), MeshTree(vertices * unit, faces).nearest(points * unit)
    np.testing.assert_allclose(large.distances, small.distances * unit, rtol=1e-9)


def test_points_of_the_surface_are_on_it() -> None:
    vertices, faces = soup(100)
    inside = np.random.default_rng(0).dirichlet([1, 1, 1], 100)
    points = np.einsum("nk,nkd->nd", inside, vertices[faces])
    assert MeshTree(vertices, faces).nearest(points).distances.max() < 1e-7
