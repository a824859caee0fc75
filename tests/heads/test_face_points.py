"""Points spread over the face, by which learners tell where things are."""

from dataclasses import replace

import made_up
import numpy as np

from unveil.heads.face_area import face_area
from unveil.heads.face_points import face_points


def test_points_lie_on_the_face_and_are_the_same_on_both_sides() -> None:
    model = made_up.model()
    points = face_points(model)
    assert len(set(points.vertices.tolist())) == len(points.vertices) > 50
    assert (face_area(model)[points.vertices] > 0).all()
    np.testing.assert_array_equal(model.mirror_vertices[points.vertices], points.vertices[points.mirror])
    np.testing.assert_array_equal(points.mirror[points.mirror], np.arange(len(points.vertices)))


def test_the_front_is_the_template_at_size_one() -> None:
    model = made_up.model()
    points = face_points(model)
    template = np.asarray(model.head.template)[points.vertices]
    assert np.corrcoef(points.front[:, 0], template[:, 0])[0, 1] > 0.999
    assert np.corrcoef(points.front[:, 1], template[:, 1])[0, 1] < -0.999  # y down
    np.testing.assert_allclose(points.front.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose((points.front**2).sum(axis=1).mean(), 1, rtol=1e-5)


def test_a_model_without_sides_has_points_too() -> None:
    model = replace(made_up.model(), mirror_vertices=np.zeros(0, np.int64))
    points = face_points(model)
    np.testing.assert_array_equal(points.mirror, np.arange(len(points.vertices)))
