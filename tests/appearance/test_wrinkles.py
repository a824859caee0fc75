"""Wrinkles: where they may be, the relief that explains a shading, and what a photograph shows of them."""

from functools import lru_cache

import numpy as np
import pytest

import unveil
from tools.wrinkles import FINE, Known, angles, render, score
from unveil.appearance.wrinkles.clear_skin import wrinkle_surface
from unveil.appearance.wrinkles.found import LARGEST, find_wrinkles
from unveil.appearance.wrinkles.relief import Grid, find_relief
from unveil.heads.skin.albedo import SIZE
from unveil.heads.skin.dense import dense_mesh
from unveil.heads.skin.detail import Detail
from unveil.typing import Float64s

MODEL = unveil.load_openhead()
SURFACE = wrinkle_surface(MODEL)
TEMPLATE = np.asarray(MODEL.head.template, np.float64)
SKIN = SURFACE.mesh.at_texels(SURFACE.detail_mask)


@lru_cache
def rendered(strength: float) -> Known:
    fine = dense_mesh(MODEL.uv.astype(np.float64), MODEL.uv_faces, MODEL.faces, FINE)
    return render(np.random.default_rng(3), SURFACE, fine, strength=strength)


def grid() -> tuple[Grid, Float64s]:
    normals = SURFACE.mesh.normals(TEMPLATE, MODEL.faces)
    return Grid.of(SURFACE.mesh, SURFACE.mesh.interpolate(TEMPLATE), normals), normals


def bumps() -> Float64s:
    """Displacements [N] in metres of waves of 12 mm."""
    x, y, _ = SURFACE.mesh.interpolate(TEMPLATE).T
    return np.asarray(3e-4 * np.sin(2 * np.pi * x / 0.012) * np.sin(2 * np.pi * y / 0.012))


def test_wrinkles_may_be_in_the_face_but_not_on_brows_eyes_and_lips() -> None:
    places = SURFACE.mesh.interpolate(TEMPLATE)
    marks = MODEL.landmarks68(TEMPLATE)
    near = [np.linalg.norm(places - marks[k], axis=1) < 0.003 for k in (19, 24, 37, 40, 44, 51, 57)]
    assert max(SKIN[some].max() for some in near) < 0.5
    forehead, cheek = marks[27] + [0, 0.04, 0], (marks[3] + marks[31]) / 2
    for place in (forehead, cheek):
        assert SKIN[np.linalg.norm((places - place)[:, :2], axis=1) < 0.004].max() > 0.9
    assert SKIN[places[:, 2] < 0].max() < 0.5
    assert 5000 < (SKIN > 0.5).sum() < 20000


def test_a_surface_without_displacement_has_the_normals_of_the_mesh() -> None:
    flat = SURFACE.normals(TEMPLATE, np.zeros((SIZE, SIZE)))
    np.testing.assert_allclose(flat, SURFACE.mesh.normals(TEMPLATE, MODEL.faces), atol=1e-6)
    maps = Detail(SURFACE, TEMPLATE, np.zeros((SIZE, SIZE))).normal_map
    np.testing.assert_allclose(maps, np.broadcast_to([0, 0, 1], maps.shape), atol=1e-5)


def test_the_grid_turns_normals_as_the_displaced_mesh_does() -> None:
    where, normals = grid()
    clear = SKIN > 0.99
    turned = where.normals(bumps(), normals)
    exact = SURFACE.normals(TEMPLATE, SURFACE.mesh.as_map(bumps()[:, None], 0)[..., 0])
    assert angles(exact, normals)[clear].mean() > 4
    assert angles(turned, exact)[clear].mean() < 0.25 * angles(exact, normals)[clear].mean()


def test_a_relief_explains_its_shading() -> None:
    """What light from above and from a side shows of waves is what the found relief shows again."""
    where, normals = grid()
    gradient = np.tile([0.5, 0.8], (len(normals), 1))
    slope = np.einsum("kni,in->nk", where.slopes, bumps()[where.neighbours])
    shade = -np.sum(gradient * slope, axis=1)
    found = find_relief(shade, (SKIN > 0.5).astype(float), gradient, where)
    again = -np.sum(gradient * np.einsum("kni,in->nk", where.slopes, found[where.neighbours]), axis=1)
    clear = SKIN > 0.99
    assert np.corrcoef(again[clear], shade[clear])[0, 1] > 0.95
    assert not find_relief(0 * shade, np.ones(len(shade)), gradient, where).any()


def test_wrinkles_of_a_rendered_head_are_found_and_smooth_skin_stays_smooth() -> None:
    clear, found, steep, found_steep = score(rendered(1.0), SURFACE)
    assert found_steep < 0.9 * steep
    assert found < 1.1 * clear
    smooth = find_wrinkles(rendered(0.0).image, rendered(0.0).projected, rendered(0.0).fitted, SURFACE)
    wrinkled = find_wrinkles(rendered(1.0).image, rendered(1.0).projected, rendered(1.0).fitted, SURFACE)
    assert np.abs(smooth).mean() < 0.5 * np.abs(wrinkled).mean()


def test_what_is_hidden_has_no_wrinkles() -> None:
    known = rendered(1.0)
    hidden = np.zeros(known.image.shape[:2], bool)
    left, right = known.projected[:, 0].min(), known.projected[:, 0].max()
    hidden[:, : int((left + right) / 2)] = True
    found = SURFACE.mesh.at_texels(find_wrinkles(known.image, known.projected, known.fitted, SURFACE, hidden))
    beyond = SURFACE.mesh.interpolate(known.projected)[:, 0] - (left + right) / 2
    assert np.abs(found[beyond < -15]).max() < 1e-9
    assert np.abs(found[beyond > 0]).max() > 1e-4
    assert not find_wrinkles(known.image, known.projected, known.fitted, SURFACE, hidden | True).any()


@pytest.mark.parametrize("most", [1, 10, 256])
def test_no_photograph_makes_deep_wrinkles(most: int) -> None:
    known = rendered(1.0)
    noise = np.random.default_rng(0).integers(0, most, known.image.shape).astype(np.uint8)
    found = find_wrinkles(noise, known.projected, known.fitted, SURFACE)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= LARGEST
