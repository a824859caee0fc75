"""Texel maps and the smooth completion of values on a mesh."""

import made_up
import numpy as np

from unveil.geometry.diffuse import diffuse, neighbours
from unveil.geometry.uv import texel_map

MODEL = made_up.model()


def test_every_texel_lies_where_its_triangle_and_barycentrics_say() -> None:
    texels = texel_map(MODEL.uv, MODEL.uv_faces, 128)
    corners = MODEL.uv[MODEL.uv_faces[texels.triangle]]  # [N, 3, 2]
    uv = np.einsum("nk,nkc->nc", texels.barycentric, corners)
    row, column = np.divmod(texels.texels, 128)
    np.testing.assert_allclose(uv[:, 0], (column + 0.5) / 128, atol=1e-5)
    np.testing.assert_allclose(uv[:, 1], 1 - (row + 0.5) / 128, atol=1e-5)


def test_spread_keeps_the_islands_and_fills_between_with_the_nearest() -> None:
    texels = texel_map(MODEL.uv, MODEL.uv_faces, 64)
    values = np.random.default_rng(0).integers(0, 256, (len(texels.texels), 3), dtype=np.uint8)
    image = texels.spread(values)
    assert image.shape == (64, 64, 3)
    np.testing.assert_array_equal(image.reshape(-1, 3)[texels.texels], values)
    inside = np.zeros((64, 64), dtype=bool)
    inside.ravel()[texels.texels] = True
    points = np.argwhere(inside)
    for pixel in np.argwhere(~inside)[::97]:
        distance = np.linalg.norm(points - pixel, axis=1)
        nearest = image[tuple(points[distance <= distance.min() + 0.5].T)]
        assert (nearest == image[tuple(pixel)]).all(axis=1).any()


def test_neighbours_are_the_edges() -> None:
    mesh = neighbours(MODEL.faces, len(MODEL.head.template))
    edges = {tuple(edge) for face in MODEL.faces.tolist() for edge in zip(face, face[1:] + face[:1], strict=True)}
    edges |= {(b, a) for a, b in edges}
    found = {(v, n) for v in range(len(mesh.start) - 1) for n in mesh.index[mesh.start[v] : mesh.start[v + 1]].tolist()}
    assert found == edges


def test_diffusion_solves_its_equation() -> None:
    """At the minimum every vertex is the weighted mean of its own value and its neighbours."""
    vertices = MODEL.head.template
    mesh = neighbours(MODEL.faces, len(vertices))
    weights = np.where(vertices[:, 2] > 0.04, 2.0, 0.0)
    values = np.stack([200 * vertices[:, 0], np.sin(60 * vertices[:, 1])], axis=1)
    x = diffuse(values, weights, mesh, [0, 0])
    count = np.diff(mesh.start)
    sums = np.add.reduceat(x[mesh.index], mesh.start[:-1], axis=0)
    expected = (sums + weights[:, None] * values) / (count + weights)[:, None]
    np.testing.assert_allclose(x, expected, atol=0.15)  # of a range of 30
    assert x[:, 1].max() < 1
    assert x[:, 1].min() > -1


def test_parts_without_any_value_keep_the_default() -> None:
    mesh = neighbours(MODEL.faces, len(MODEL.head.template))
    left_eye = MODEL.head.skin_weights[:, 3] > 0.5
    x = diffuse(np.ones((len(left_eye), 1)), ~left_eye, mesh, [7.0])
    np.testing.assert_allclose(x[left_eye], 7, rtol=1e-5)
    np.testing.assert_allclose(x[~left_eye], 1, rtol=1e-5)
