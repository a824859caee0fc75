import numpy as np
import rerendered

from unveil.geometry.camera import to_pixels
from unveil.photos.crop import CROP_SIZE
from unveil.training.crops.prepared import canonical_crop
from unveil.training.rerender.placing import as_photographed, place, seen_from


def test_coefficients_say_where_the_head_is() -> None:
    model, head = rerendered.model(), rerendered.placed(np.random.default_rng(1).normal(size=100), 0.4)
    again = as_photographed(model, head.coefficients, rerendered.SIZE)
    np.testing.assert_allclose(again.pixels, head.pixels, atol=1e-6)
    np.testing.assert_allclose(again.vertices, head.vertices, atol=1e-9)
    to_canonical = canonical_crop(rerendered.SIZE, CROP_SIZE)
    flat = to_pixels(np.asarray(model.project(head.vertices, head.coefficients)), CROP_SIZE)
    np.testing.assert_allclose(to_canonical.to_crop(head.pixels[:, :2]), flat[:, :2], atol=1e-6)


def test_a_head_is_framed_by_its_landmarks() -> None:
    model, head = rerendered.model(), rerendered.placed(yaw=0.5)
    marks = np.asarray(model.contour68(head.vertices, head.coefficients))
    marks = to_pixels(np.asarray(model.project(marks, head.coefficients)), CROP_SIZE)[:, :2]
    np.testing.assert_allclose((marks.min(axis=0) + marks.max(axis=0)) / 2, CROP_SIZE / 2, atol=1e-6)


def test_a_near_camera_enlarges_what_is_near() -> None:
    model = rerendered.model()
    far, near = (place(model, rerendered.coefficients(), 96, distance) for distance in (np.inf, 0.4))
    nose, ear = (np.asarray(model.landmarks68(head.pixels))[[30, 0]] for head in (far, near))
    assert np.linalg.norm(ear[1, :2] - ear[0, :2]) < np.linalg.norm(nose[1, :2] - nose[0, :2])
    told = as_photographed(model, near.coefficients, 96)  # the camera without perspective that comes nearest
    marks = (np.asarray(model.landmarks68(head.pixels))[17:, :2] for head in (near, told))
    assert np.linalg.norm(np.subtract(*marks), axis=1).mean() < 1.5


def test_perspective_leaves_the_middle_where_it_is() -> None:
    points = np.random.default_rng(0).normal(0, 0.05, (20, 3))
    middle = points.mean(axis=0)
    np.testing.assert_allclose(seen_from(points, middle, np.inf), points, atol=1e-12)
    flat = points * [1, 1, 0] + [0, 0, middle[2]]
    np.testing.assert_allclose(seen_from(flat, middle, 0.5), flat, atol=1e-12)


def test_what_a_head_has_beside_its_coefficients_turns_with_it() -> None:
    model, added = rerendered.model(), np.zeros((len(rerendered.model().head.template), 3))
    added[:, 2] = 0.01  # forward
    turned = rerendered.coefficients(yaw=np.pi / 2)
    there = place(model, turned, 96, added=added).vertices - place(model, turned, 96).vertices
    np.testing.assert_allclose(there[0], [0.01, 0, 0], atol=1e-6)
