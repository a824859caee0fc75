"""Meshes finer than the head's, without gaps."""

import numpy as np
import pytest

from tests import made_up
from unveil.geometry.mesh import face_normals
from unveil.heads.skin.finer import Division, FinerMesh

OCTAHEDRON = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
SIDES = np.array([[0, 1, 2], [1, 3, 2], [3, 4, 2], [4, 0, 2], [1, 0, 5], [3, 1, 5], [4, 3, 5], [0, 4, 5]])


def open_edges(faces: np.ndarray) -> int:
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return int((np.unique(edges, axis=0, return_counts=True)[1] == 1).sum())


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_triangles_are_divided_into_equal_ones(parts: int) -> None:
    model = made_up.model()
    vertices = np.asarray(model.head.template, np.float64)
    fine = Division.of(model.faces, len(vertices), parts)
    assert fine.weights.sum(axis=1) == pytest.approx(1)
    np.testing.assert_array_equal(fine.at(vertices)[: len(vertices)], vertices)
    assert fine.faces.max() == len(fine.corners) - 1
    before, after = face_normals(vertices, model.faces), face_normals(fine.at(vertices), fine.faces)
    shares = after.reshape(len(before), parts**2, 3) * parts**2
    np.testing.assert_allclose(shares, np.repeat(before[:, None], parts**2, axis=1), atol=1e-8)


def test_no_gaps_along_seams_of_the_texture() -> None:
    """Of two sides that a seam cuts apart in the texture, vertices are the same."""
    uv = np.random.default_rng(0).uniform(size=(SIDES.size, 2))
    finer = FinerMesh.of(SIDES, uv, np.arange(SIDES.size).reshape(-1, 3), 4)
    assert open_edges(finer.faces) == 0
    assert len(finer.mesh.corners) == 4 * 4 * len(SIDES) / 2 + 2, "Euler's number of a closed surface"
    assert open_edges(finer.uv_faces) == 3 * 4 * len(SIDES)
    inside = Division.of(np.arange(SIDES.size).reshape(-1, 3), SIDES.size, 4)
    np.testing.assert_allclose(finer.uv[finer.uv_faces], inside.at(uv)[inside.faces], atol=1e-6)


def test_it_is_round_and_raised() -> None:
    finer = FinerMesh.of(SIDES, np.zeros((1, 2)), np.zeros_like(SIDES), 4)
    flat = np.linalg.norm(finer.mesh.at(OCTAHEDRON), axis=1)
    smooth = np.linalg.norm(finer.displaced(OCTAHEDRON, SIDES, np.zeros((8, 8))), axis=1)
    assert flat.min() < 0.62
    assert smooth.min() > 0.8
    assert smooth.max() < 1.1
    raised = np.linalg.norm(finer.displaced(OCTAHEDRON, SIDES, np.full((8, 8), 0.5)), axis=1)
    assert raised == pytest.approx(smooth + 0.5, abs=0.02)
