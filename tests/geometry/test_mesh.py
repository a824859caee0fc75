"""Normals of meshes."""

import numpy as np
import pytest
from extras import needs

from tests import made_up
from unveil.geometry.mesh import vertex_normals


def test_normals_of_an_egg_point_outwards_and_are_unit() -> None:
    model = made_up.model()
    vertices = np.asarray(model.head.template, np.float64)
    normals = vertex_normals(vertices, model.faces)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0)
    egg = np.arange(len(vertices)) < 600
    assert ((normals * vertices)[egg].sum(axis=1) > 0).all()


def test_batch_equals_one_by_one_and_torch_numpy() -> None:
    model = made_up.model()
    rng = np.random.default_rng(0)
    batch = np.asarray(model.head.template, np.float64) + rng.normal(0, 1e-3, (3, *model.head.template.shape))
    expected = np.stack([vertex_normals(vertices, model.faces) for vertices in batch])
    assert vertex_normals(batch, model.faces) == pytest.approx(expected)
    torch = needs("torch")
    as_torch = vertex_normals(torch.from_numpy(batch), torch.from_numpy(model.faces))
    assert as_torch.numpy() == pytest.approx(expected)


def test_lonely_vertices_have_no_normal() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5]])
    normals = vertex_normals(vertices, np.array([[0, 1, 2], [3, 3, 3]]))
    assert normals == pytest.approx(np.array([[0, 0, 1.0]] * 3 + [[0, 0, 0]]))
