import numpy as np
import pytest
import rerendered

from tools.known_heads.form import compare_points, scan_to_mesh
from tools.known_heads.people import euclidean, form_vectors, in_fives, roc_area
from unveil.heads.face_area import face_area

RNG = np.random.default_rng(2)
FACE = face_area(rerendered.model()) > 0
MEAN = np.asarray(rerendered.model().head.template, np.float64)


def heads(count: int) -> np.ndarray:
    return np.asarray(rerendered.model().head.neutral(RNG.normal(size=(count, 100))), np.float64)


def test_the_true_head_is_no_distance_away() -> None:
    head = heads(1)[0]
    assert scan_to_mesh(rerendered.model(), 1.1 * head + 0.01, head) < 0.02  # mm, whatever its size and place
    assert scan_to_mesh(rerendered.model(), MEAN, head) > 0.3


def test_slope_and_correlation_tell_a_timid_guess_from_a_wrong_one() -> None:
    truth = heads(6)
    distance, slope, correlation = compare_points(truth, truth, MEAN, FACE)
    assert distance == pytest.approx(0, abs=1e-6)
    assert (slope, correlation) == pytest.approx((1, 1))
    _, slope, correlation = compare_points(MEAN + 0.4 * (truth - MEAN), truth, MEAN, FACE)
    assert slope == pytest.approx(0.4, abs=0.02)
    assert correlation > 0.98
    _, slope, correlation = compare_points(heads(6), truth, MEAN, FACE)
    assert abs(correlation) < 0.5


def test_people_are_told_apart_by_what_differs_between_them() -> None:
    person = np.repeat(np.arange(8), 10)
    faces = RNG.normal(size=(8, 12))[person] + 0.2 * RNG.normal(size=(80, 12))
    assert roc_area(faces, person, euclidean) > 0.95
    assert abs(roc_area(RNG.normal(size=(80, 12)), person, euclidean) - 0.5) < 0.1
    means, people = in_fives(faces, person)
    assert means.shape == (16, 12)
    assert people.tolist() == np.repeat(np.arange(8), 2).tolist()


def test_the_size_of_a_face_tells_nobody() -> None:
    faces = RNG.normal(size=(3, 20, 3))
    np.testing.assert_allclose(form_vectors(2 * faces + 1), form_vectors(faces), atol=1e-9)
