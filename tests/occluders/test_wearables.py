from dataclasses import replace

import cv2
import made_up
import numpy as np
import pytest
from made_up_face import CROP, demo, demo_face

from unveil.geometry.camera import to_pixels
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.occluders import WornGlasses, WornMask
from unveil.occluders.base import Face
from unveil.occluders.eyewear.glasses import Spectacles, temple
from unveil.occluders.head_surface import HeadSurface
from unveil.occluders.sheets import Window, depth_of, head_grid, outwards, taut

YAWS = (-40.0, 0.0, 40.0)


def turned(model: MorphableModel, count: int) -> Coefficients:
    """Some people who look to many sides, with expressions [count, M]."""
    rng = np.random.default_rng(5)
    c = model.zero(count)
    pose = np.zeros((count, 6), np.float32)
    pose[:, :3] = rng.uniform(-0.6, 0.6, (count, 3))
    expression = rng.uniform(0, 0.4, c["expression"].shape)
    return c.replace(shape=rng.normal(0, 1, c["shape"].shape), pose=pose, expression=expression)


def test_the_grid_lies_on_any_head() -> None:
    for model in (demo()[1], made_up.model()):
        c = turned(model, 6)
        marks = to_pixels(model.project(model.landmarks68(model.vertices(c)), c), CROP)
        surface = HeadSurface.of(model)
        meshes = surface.place(c, CROP)
        for mesh, truth in zip(meshes, marks, strict=True):
            error = np.linalg.norm(mesh.landmarks68 - truth, axis=-1)  # pixels, of about 1 mm
            assert np.median(error) < 1
            assert error.max() < 8
        single = surface.place(Coefficients(c.layout, c.values[2:3]), CROP)[0]
        np.testing.assert_allclose(single.points, meshes[2].points, atol=1e-3)


def test_axes_and_directions_follow_the_head() -> None:
    c = turned(demo()[1], 4)
    for mesh in demo()[3].place(c, CROP):
        np.testing.assert_allclose(mesh.rotation.T @ mesh.rotation, np.eye(3), atol=1e-6)
        across = mesh.landmarks68[45] - mesh.landmarks68[36]  # outer corners of the eyes: towards the left
        assert across @ mesh.rotation[:, 0] / np.linalg.norm(across) > 0.97
        middle = mesh.points[10:25, 15:46].reshape(-1, 3)
        ahead = (middle - middle.mean(axis=0)) * outwards(mesh)[10:25, 15:46].reshape(-1, 3)
        assert ahead.sum(axis=1).mean() > 0


def test_cloth_is_never_inside_the_head_and_smooth_over_the_mouth() -> None:
    mesh = demo_face().mesh
    assert mesh is not None
    cloth = taut(mesh, np.ones(mesh.points.shape[:2], np.float32), 0.002)
    out = outwards(mesh)
    height = ((cloth - mesh.points) * out).sum(axis=-1) / mesh.scale
    assert height.min() > 0.0015  # metres
    bare, covered = (cv2.Laplacian((points * out).sum(axis=-1), cv2.CV_64F) for points in (mesh.points, cloth))
    assert np.abs(covered[18:27, 22:39]).mean() < 0.75 * np.abs(bare[18:27, 22:39]).mean()


@pytest.mark.parametrize("yaw", YAWS)
def test_a_worn_mask_covers_mouth_and_nose_without_holes(yaw: float) -> None:
    image, face = demo()[0], demo_face(yaw)
    assert face.mesh is not None
    x, y = np.rint(face.mesh.landmarks68[:, :2]).astype(int).T
    for seed in range(5):
        mask = WornMask().apply(image, face, np.random.default_rng(seed)).mask
        assert mask[y[[30, 33, 51, 57, 62]], x[[30, 33, 51, 57, 62]]].all()
        assert mask[y[8] - 2, x[8]]
        assert not mask[y[[37, 38, 43, 44]], x[[37, 38, 43, 44]]].any()
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
        cloth = (labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.uint8)
        contours, _ = cv2.findContours(cloth, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        holes = sum(cv2.contourArea(contour) for contour in contours) - max(map(cv2.contourArea, contours))
        assert holes < 0.02 * cloth.sum() or stats[:, cv2.CC_STAT_WIDTH].max() > 0.9 * CROP  # straps may enclose skin


@pytest.mark.parametrize("yaw", YAWS)
@pytest.mark.parametrize("goggles", [0, 1])
def test_worn_glasses_cover_the_eyes(yaw: float, goggles: int) -> None:
    image, face = demo()[0], demo_face(yaw)
    assert face.mesh is not None
    marks = face.mesh.landmarks68
    for seed in range(4):
        share = 0.35 if goggles else 0.2
        mask = WornGlasses().apply(image, face, np.random.default_rng(seed), share).mask
        near_eye = slice(36, 42) if yaw < 0 else slice(42, 48)
        for eye in (slice(36, 42), slice(42, 48)) if abs(yaw) < 20 else (near_eye,):
            x, y = np.rint(marks[eye, :2].mean(axis=0)).astype(int)
            assert mask[y, x]
        mouth = np.rint(marks[48:68, :2]).astype(int)
        assert not mask[mouth[:, 1], mouth[:, 0]].any()


def test_clear_lenses_hide_nothing() -> None:
    image, face = demo()[0], demo_face()
    assert face.mesh is not None
    x, y = np.rint(face.mesh.landmarks68[36:42, :2].mean(axis=0)).astype(int)
    seen = [WornGlasses(goggles=0).apply(image, face, np.random.default_rng(seed)) for seed in range(20)]
    clear = [result for result in seen if not result.mask[y, x]]
    assert 3 <= len(clear) <= 17
    assert all(result.mask.any() for result in clear)  # the frame does


def test_the_far_temple_is_hidden_by_the_head() -> None:
    mesh = demo_face(40).mesh  # turned to the subject's left: the right ear is seen, the left one is not
    assert mesh is not None
    window = Window(0, 0, CROP, CROP)
    form = Spectacles.of(mesh, np.random.default_rng(1))
    head = depth_of(mesh.points, window)
    right, left = (temple(mesh, form, side, window, head) > 0 for side in (-1, 1))
    well_inside = cv2.erode(np.isfinite(head).astype(np.uint8), np.ones((7, 7))) > 0
    assert (right & well_inside).sum() > 20
    assert not (left & well_inside).any()


def test_what_is_worn_is_as_bright_as_the_face() -> None:
    image, face = demo()[0], demo_face()
    dark = (image * 0.4).astype(np.uint8)
    for occluder in (WornMask(), WornGlasses(goggles=1)):
        day, night = (occluder.apply(photo, face, np.random.default_rng(3)) for photo in (image, dark))
        assert night.image[night.mask].mean() < 0.7 * day.image[day.mask].mean()


def test_wear_outside_the_image_is_cut_off() -> None:
    image, face = demo()[0], demo_face()
    assert face.mesh is not None
    for shift in (0.6 * CROP, 4.0 * CROP):
        mesh = replace(face.mesh, points=face.mesh.points + np.array([shift, 0, 0]))
        moved = Face.of(face.landmarks68 + np.array([shift, 0]), mesh)
        for occluder in (WornMask(), WornGlasses(goggles=0), WornGlasses(goggles=1)):
            for severity in (None, 0.3):
                mask = occluder.apply(image, moved, np.random.default_rng(0), severity).mask
                assert not mask[:, : CROP // 3].any()
                assert mask.any() == (shift < CROP)


def test_coordinates_are_those_of_the_nodes() -> None:
    mesh = demo_face().mesh
    assert mesh is not None
    x, y = head_grid(mesh)
    assert x[0, 0] == -x[0, -1]
    assert x[3, (x.shape[1] - 1) // 2] == 0
    assert (y[:, 0] == np.arange(len(y))).all()
