from dataclasses import replace

import cv2
import numpy as np
import pytest
from made_up_face import CROP, demo, demo_face, landmarks, photo

from unveil.models.classes import OCCLUDER, SKIN
from unveil.occluders import Hat
from unveil.occluders.base import Face, Occlusion, Pool, hidden_share
from unveil.occluders.drawn import DrawnHat
from unveil.occluders.head_surface import FaceMesh, centre_of
from unveil.occluders.headwear import forms, hats
from unveil.occluders.headwear.around import HeadAround
from unveil.training.views.batch import SampleLabels, batch_of
from unveil.typing import Image

YAWS = (-40.0, 0.0, 40.0)
ZOOM = 0.55  # of the crop, so that the head and a tall hat are in it


def smaller(yaw: float | None = None) -> tuple[Image, Face, FaceMesh]:
    """The photograph's face so small that a hat is in the picture, on a ground of two colours."""
    face = demo_face(yaw).scaled(ZOOM)
    assert face.mesh is not None
    shift = np.array([CROP * (1 - ZOOM) / 2, CROP * (1 - ZOOM) * 0.9])
    mesh = replace(face.mesh, points=face.mesh.points + np.array([*shift, 0]))
    image = np.full((CROP, CROP, 3), (90, 140, 200), np.uint8)
    return image, Face.of(face.landmarks68 + shift, mesh), mesh


def only(monkeypatch: pytest.MonkeyPatch, make: hats.Maker) -> hats.Kind:
    (kind,) = (kind for kind in hats.KINDS if kind.make is make)
    monkeypatch.setattr(hats, "KINDS", (kind._replace(odds=1.0),))
    return kind


def pixel(points: np.ndarray) -> tuple[int, int]:
    """Row and column."""
    x, y = np.rint(points[:2]).astype(int)
    return int(y), int(x)


def test_the_grid_goes_around_the_head() -> None:
    mesh = demo_face().mesh
    assert mesh is not None
    head = HeadAround.of(mesh)
    rows, columns = mesh.points.shape[:2]
    skip = (len(head.azimuth) - columns) // 2
    np.testing.assert_allclose(head.pixels(head.points)[-rows:, skip:-skip], mesh.points, atol=1e-3)
    np.testing.assert_allclose(head.points[:, 0], head.points[:, -1], atol=1e-3)
    _, model, c, _ = demo()
    calm = c.replace(pose=np.zeros((1, 6), np.float32), expression=np.zeros_like(c["expression"]))
    vertices = np.asarray(model.vertices(calm)[0], np.float64)
    skull = vertices - centre_of(np.asarray(model.landmarks68(vertices), np.float64))
    low = 0.06  # metres above the nose: higher than ears
    grid = head.points.reshape(-1, 3)
    for end in (np.min, np.max):  # as wide, high and deep as the head model, which has a whole skull
        here, there = (end(points[points[:, 1] > low], axis=0) for points in (grid, skull))
        np.testing.assert_allclose(here, there, atol=0.012)


@pytest.mark.parametrize("yaw", YAWS)
@pytest.mark.parametrize("kind", hats.KINDS, ids=lambda kind: kind.make.__name__)
def test_the_top_of_the_head_is_covered_and_the_face_is_not(
    kind: hats.Kind, yaw: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, kind.make)
    image, face, mesh = smaller(yaw)
    head = HeadAround.of(mesh)
    above = pixel(head.pixels(head.points[np.abs(head.elevation - 77).argmin(), len(head.azimuth) // 2]))
    for seed in range(3):
        mask = Hat().apply(image, face, np.random.default_rng(seed)).mask
        assert mask[above]
        for mark in (30, 33, 51, 57):  # nose and mouth
            assert not mask[pixel(mesh.landmarks68[mark])]


def test_a_scarf_goes_around_the_cheeks_and_under_the_chin(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, forms.scarf)
    image, face, mesh = smaller(0.0)
    for seed in range(4):
        mask = Hat().apply(image, face, np.random.default_rng(seed), 0.7).mask
        chin, nose = mesh.landmarks68[8], mesh.landmarks68[33]
        assert mask[pixel(chin + 0.5 * (chin - nose))]
        assert mask[pixel(mesh.landmarks68[0] - [8, 0, 0])]
        assert mask[pixel(mesh.landmarks68[16] + [8, 0, 0])]


def test_a_hat_may_hide_little_and_never_much_of_the_face() -> None:
    image, face, _ = smaller(0.0)
    for seed in range(12):
        shares = [
            hidden_share(Hat().apply(image, face, np.random.default_rng(seed), wanted).mask, face)
            for wanted in (0.03, 0.1, 0.7)
        ]
        assert shares[0] <= shares[1] + 0.01 <= shares[2] + 0.02
        assert shares[0] < 0.2
        assert shares[2] < 0.6
    assert hidden_share(Hat().apply(image, face, np.random.default_rng(1), 0.7).mask, face) > 0.08


def test_the_generator_decides_and_only_what_is_near_changes() -> None:
    image, face, mesh = smaller()
    for seed in range(8):
        one, same, other = (Hat().apply(image, face, np.random.default_rng(k), 0.2) for k in (seed, seed, seed + 50))
        np.testing.assert_array_equal(one.image, same.image)
        np.testing.assert_array_equal(one.mask, same.mask)
        assert (one.image != other.image).any()
        assert (one.image[one.mask] != image[one.mask]).mean() > 0.8
        below_chin = pixel(mesh.landmarks68[8] + [0, 4, 0])[0]
        drawn = (one.image != image).any(axis=2) & ~one.mask
        assert drawn[:below_chin].mean() < 0.25  # shadows
    assert (image == (90, 140, 200)).all()


def test_a_hat_is_lit_as_the_face_is() -> None:
    _, face, _ = smaller()
    day, night = (np.full((CROP, CROP, 3), grey, np.uint8) for grey in (200, 60))
    light, dark = (Hat().apply(image, face, np.random.default_rng(3)) for image in (day, night))
    assert dark.image[dark.mask].mean() < 0.7 * light.image[light.mask].mean()


def test_cloth_may_be_cut_out_of_a_picture() -> None:
    image, face, _ = smaller()
    red = np.full((40, 40, 3), (250, 0, 0), np.uint8)
    plain, printed = (
        [Hat(source).apply(image, face, np.random.default_rng(seed)).image for seed in range(30)]
        for source in (None, lambda rng: red)
    )
    differing = [(a.astype(int) - b)[..., 0].max() for a, b in zip(printed, plain, strict=True) if (a != b).any()]
    assert 1 <= len(differing) < 15
    assert max(differing) > 20


def test_hair_is_under_the_hat(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, forms.beanie)
    image, face, mesh = smaller(0.0)
    head = HeadAround.of(mesh)
    skull = head.pixels(head.points[head.elevation > 0]).reshape(-1, 3)[:, :2].astype(np.float32)
    outline = cv2.convexHull(skull)[:, 0]
    bald, tufted = image.copy(), image.copy()
    cv2.fillConvexPoly(bald, np.rint(outline).astype(np.int32), (60, 40, 30))
    raised = np.concatenate([outline, outline - [0, 0.03 * mesh.scale]]).astype(np.float32)
    cv2.fillConvexPoly(tufted, cv2.convexHull(np.rint(raised).astype(np.int32)), (60, 40, 30))
    assert head.hair(bald)[0] < 0.01
    assert head.hair(tufted)[0] == pytest.approx(0.03, abs=0.012)
    tall, flat = (
        np.flatnonzero(Hat().apply(picture, face, np.random.default_rng(1)).mask.any(axis=1))[0]
        for picture in (tufted, bald)
    )
    assert tall < flat - 2


def test_what_is_outside_the_image_is_cut_off() -> None:
    image, face, mesh = smaller()
    for shift in (0.6 * CROP, 4.0 * CROP):
        moved = Face.of(
            face.landmarks68 + np.array([shift, 0]), replace(mesh, points=mesh.points + np.array([shift, 0, 0]))
        )
        for seed in range(6):
            mask = Hat().apply(image, moved, np.random.default_rng(seed), 0.3).mask
            assert mask.any() == (shift < CROP)


def test_without_a_mesh_a_hat_is_drawn_flat() -> None:
    face = Face.of(landmarks())
    for occluder in (Hat(), DrawnHat()):
        shares = []
        for severity in (0.02, 0.1, 0.9):
            result = occluder.apply(photo(), face, np.random.default_rng(2), severity)
            shares.append(hidden_share(result.mask, face))
            x, y = np.rint(landmarks()[27:]).astype(int).T
            assert not result.mask[y, x].any()
            assert result.kind == "hat"
        assert shares[0] < shares[1] < shares[2]


def test_pixels_of_a_hat_are_learned_as_a_cover_above_the_face_too() -> None:
    image, face, _ = smaller()
    front = Pool((Hat(),), (1.0,), second=0.0).apply(image, face, np.random.default_rng(4), 0.2)
    zeros = np.zeros(1, np.float32)
    labels = SampleLabels(np.zeros((1, 1), np.float32), zeros, zeros, np.zeros((1, 0, 2), np.float32))
    maps = [np.full((56, 56), SKIN, np.uint8)]
    (classes,), (clear,) = (batch_of(labels, [one], maps, []).classes for one in (front, Occlusion.of_nothing(image)))
    assert (clear == SKIN).all()
    rows = np.linspace(0, CROP - 1, 56).round().astype(int)
    assert ((classes == OCCLUDER) == front.mask[rows][:, rows]).mean() > 0.97
    hairline = face.outline[:, 1].min() * 56 / CROP
    assert (classes[: int(hairline)] == OCCLUDER).sum() > 50
