"""Pictures of meshes, and the overlay that puts four of them together."""

from types import SimpleNamespace
from typing import cast

import made_up
import numpy as np
import pytest

from unveil.drawing.render import Skin, _cavities, over, render_head, render_mesh
from unveil.faces.overlay import LANDMARK, PANEL, draw_overlay
from unveil.faces.reconstruction import Reconstruction
from unveil.faces.whole import to_photograph
from unveil.geometry.camera import to_pixels
from unveil.geometry.mesh import vertex_normals
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.geometry.uv import texel_map
from unveil.heads.skin.dense import unit
from unveil.photos.crop import Crop
from unveil.typing import Float64s, Image

MODEL = made_up.model()
TEMPLATE = MODEL.head.template


def centred(size: int) -> Float64s:
    scale = size / 0.3
    return TEMPLATE * [scale, -scale, -scale] + [(size - 1) / 2, (size - 1) / 2, 0]


def test_the_mesh_is_where_its_vertices_are_with_smooth_edges() -> None:
    picture = render_mesh(centred(200), MODEL.faces, 200, 200)
    alpha = picture[..., 3]
    assert alpha[100, 100] == 255
    assert alpha[5, 5] == 0
    covered = (alpha / 255).sum() * (0.3 / 200) ** 2  # square metres
    assert covered == pytest.approx(np.pi * made_up.RADII[0] * made_up.RADII[1], rel=0.02)
    assert ((alpha > 0) & (alpha < 255)).sum() > 100


def test_light_comes_from_the_upper_left() -> None:
    picture = render_mesh(centred(200), MODEL.faces, 200, 200)[..., :3].mean(axis=2)
    upper_left, lower_right = picture[75, 80], picture[145, 115]
    assert upper_left > lower_right + 20


def test_only_what_rises_around_a_point_darkens_it() -> None:
    """A ball is shaded alike up to its outline; the bottom of a groove is dark."""
    row, column = np.mgrid[-1:1:160j, -1:1:160j].astype(np.float32)
    inside = row**2 + column**2 < 0.9
    height = np.sqrt(np.maximum(1 - row**2 - column**2, 0))
    ball = np.where(inside, -80 * height, np.inf).astype(np.float32)
    normals = np.dstack([column, row, -height]) * inside[..., None]
    assert _cavities(ball[::2, ::2], normals[::2, ::2], 2, ball.shape).max() < 0.05
    groove = np.where(np.abs(column) < 0.03, 3, 0).astype(np.float32)
    flat = np.broadcast_to(np.array([0, 0, -1], dtype=np.float32), normals.shape)
    darkness = _cavities(groove[::2, ::2], flat[::2, ::2], 2, groove.shape)
    assert darkness[80, 80] > 0.2
    assert darkness[:, :60].max() == 0


def test_a_turned_head_is_the_same_head_from_the_side() -> None:
    quarter = axis_angle_to_matrix(np.array([0.0, np.pi / 2, 0.0]))
    front, side = (render_head(TEMPLATE, MODEL.faces, 160, r) for r in (None, quarter))
    width = [(p.min(axis=2) < 250).any(axis=0).sum() for p in (front, side)]
    assert width[1] / width[0] == pytest.approx((made_up.RADII[2] + 0.096) / (2 * made_up.RADII[0]), rel=0.05)


def test_textured_heads_show_their_texture() -> None:
    blue = np.full((16, 16, 3), [30, 60, 200], dtype=np.uint8)
    picture = render_head(TEMPLATE, MODEL.faces, 120, skin=Skin(blue, MODEL.uv, MODEL.uv_faces))
    red, green, channel = picture[60, 60].astype(int)
    assert channel > green + 60 > red


def test_laying_over_respects_alpha_and_opacity() -> None:
    picture = np.zeros((1, 2, 4), dtype=np.uint8)
    picture[0, 0] = [200, 100, 0, 255]
    white = np.full((1, 2, 3), 255, dtype=np.uint8)
    assert over(picture, white).tolist() == [[[200, 100, 0], [255, 255, 255]]]
    assert over(picture, white, 0.5)[0, 0].tolist() == [228, 178, 128]


def face_in(crop: Crop, detail: object = None) -> Reconstruction:
    """The made-up head as a crop shows it."""
    coefficients = MODEL.zero()
    vertices = MODEL.vertices(coefficients)
    in_crop = [
        to_pixels(MODEL.project(points, coefficients), 224) for points in (vertices, MODEL.landmarks68(vertices))
    ]
    projected, landmarks = (to_photograph(points, crop) for points in in_crop)
    face = SimpleNamespace(
        vertices=vertices,
        projected=projected,
        faces=MODEL.faces,
        landmarks2d=landmarks[:, :2],
        coefficients=coefficients,
        crop=crop,
        detail=detail,
        pose_degrees=(0.0, 5.0, 0.0),
        doubtful=False,
        occlusion=None,
        uncertainty_mm=None,
    )
    return cast(Reconstruction, face)


def panels_of(face: Reconstruction, side: int = 224) -> list[Image]:
    """The four panels of its overlay, in a grey photograph [side, side, 3]."""
    texture = np.full((32, 32, 3), 120, dtype=np.uint8)
    overlay = draw_overlay(np.full((side, side, 3), 90, dtype=np.uint8), face, MODEL, texture)
    assert overlay.shape == (PANEL, 4 * PANEL, 3)
    return np.split(overlay, 4, axis=1)


@pytest.mark.parametrize("scale", [0.4, 3.0])
def test_overlay_lays_mesh_and_landmarks_where_the_face_is(scale: float) -> None:
    """Four panels; the pixels of the photograph's marked landmarks lie under the drawn ones."""
    face = face_in(Crop(np.eye(2, 3) / scale, 224))
    landmarks, projected = face.landmarks2d, face.projected
    photo, fitted, alone, other = panels_of(face, round(224 * scale))
    marks = np.argwhere(np.abs(fitted.astype(int) - LANDMARK).max(axis=2) < 30)[:, ::-1]
    mesh = np.argwhere(alone.min(axis=2) < 250)[:, ::-1]
    # Both as shares of the head's extent, the same in the photograph and in the panel.
    low, high = mesh.min(axis=0), mesh.max(axis=0)
    expected = (landmarks - projected[:, :2].min(axis=0)) / np.ptp(projected[:, :2], axis=0)
    found = (marks - low) / (high - low)
    np.testing.assert_allclose(found.min(axis=0), expected.min(axis=0), atol=0.02)
    np.testing.assert_allclose(found.max(axis=0), expected.max(axis=0), atol=0.02)
    assert (photo[PANEL // 2, PANEL // 2] == 90).all()
    assert (other.min(axis=2) < 250).mean() > 0.2


def test_the_mesh_is_shaded_with_its_wrinkles() -> None:
    """In a crop that is turned: normals of the mesh itself as those of wrinkles change nothing, and others do."""
    crop = Crop(np.eye(2, 3), 224).turned(35, (112, 112))
    grid = texel_map(MODEL.uv, MODEL.uv_faces, 256)
    corners = vertex_normals(np.asarray(TEMPLATE, np.float64), MODEL.faces)[MODEL.faces[grid.triangle]]
    own = grid.spread(unit(np.einsum("nk,nkc->nc", grid.barycentric, corners)).astype(np.float32))
    bare = panels_of(face_in(crop))[2].astype(float)
    for normals, changes in ((own, False), (own * np.array([-1, 1, 1], np.float32), True)):
        difference = np.abs(panels_of(face_in(crop, SimpleNamespace(normals=normals)))[2] - bare).mean()
        assert (difference > 5) == changes, difference
        assert (difference < 0.5) != changes, difference
