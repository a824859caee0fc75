import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.transform import Rotation

import unveil
from unveil.errors import UnveilError
from unveil.evaluation.alignment import Similarity, fit_to_scan, procrustes
from unveil.evaluation.mesh_distance import MeshTree
from unveil.heads.layout import Coefficients

COUNT = 600  # points of the scan
SEVEN = [36, 39, 42, 45, 33, 48, 54]


def points(count: int = 7, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3))


def similarity(seed: int, *, mirrored: bool = False) -> Similarity:
    rotation = Rotation.random(random_state=seed).as_matrix() @ np.diag([-1.0 if mirrored else 1.0, 1, 1])
    return Similarity(0.3 + seed, rotation, np.array([5.0, -3, 8]))


@pytest.mark.parametrize("mirrored", [False, True])
def test_procrustes_finds_a_known_similarity(mirrored: bool) -> None:
    known = similarity(3, mirrored=mirrored)
    found = procrustes(points(), known(points()))
    assert found.scale == pytest.approx(known.scale)
    np.testing.assert_allclose(found.rotation, known.rotation, atol=1e-12)
    np.testing.assert_allclose(found.translation, known.translation, atol=1e-12)
    np.testing.assert_allclose(found.undo(known(points())), points(), atol=1e-12)


def test_procrustes_of_noisy_points_is_scipys() -> None:
    source, target = points(seed=1), points(seed=2)
    _, _, disparity = scipy_procrustes(target, source)  # of the target scaled to unit size
    found = procrustes(source, target)
    size = ((target - target.mean(axis=0)) ** 2).sum()
    assert ((found(source) - target) ** 2).sum() / size == pytest.approx(disparity)


def test_procrustes_keeps_a_given_scale() -> None:
    known = similarity(2)
    found = procrustes(points(), known(points()), 1.5)
    assert found.scale == 1.5
    np.testing.assert_allclose(found.rotation, known.rotation, atol=1e-12)
    np.testing.assert_allclose(found(points()).mean(axis=0), known(points()).mean(axis=0))


def test_landmarks_in_one_place_are_refused() -> None:
    with pytest.raises(UnveilError, match="one place"):
        procrustes(np.ones((7, 3)), points())


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, MeshTree, Similarity]:
    """The face of one person as a scan in mm, another person's head in metres, and how landmarks lay it on."""
    model = unveil.load_openhead()
    values = np.zeros((2, model.layout.size))
    values[:, model.layout.slice_of("shape")] = np.random.default_rng(0).normal(size=(2, 100))
    person, other = np.asarray(model.neutral(Coefficients(model.layout, values)), np.float64)
    front = model.faces[(person[model.faces][..., 2] > 0.04).all(axis=1)]
    rng = np.random.default_rng(1)
    corners = person[front[rng.integers(0, len(front), COUNT)]]
    scan = 1000 * np.einsum("nk,nkd->nd", rng.dirichlet([1, 1, 1], COUNT), corners)
    landmarks = [np.asarray(model.landmarks68(head), np.float64)[SEVEN] for head in (other, person * 1000)]
    return scan, MeshTree(other, model.faces), procrustes(*landmarks)


def squared(x: np.ndarray, scan: np.ndarray, mesh: MeshTree, start: Similarity) -> float:
    """Mean squared distance after a change [7] of the start: degrees, millimetres, per cent."""
    turn = Rotation.from_rotvec(x[:3], degrees=True).as_matrix()
    growth = np.exp(x[6] / 100)
    centre = scan.mean(axis=0)
    moved = Similarity(
        start.scale * growth, turn @ start.rotation, growth * turn @ (start.translation - centre) + centre + x[3:6]
    )
    return float(((mesh.nearest(moved.undo(scan)).distances * moved.scale) ** 2).mean())


@pytest.mark.parametrize("fixed_scale", [False, True])
def test_no_optimiser_gets_closer(pair: tuple[np.ndarray, MeshTree, Similarity], fixed_scale: bool) -> None:
    scan, mesh, start = pair
    fit = fit_to_scan(scan, mesh, start, fixed_scale=fixed_scale)
    reached = float((fit.distances**2).mean())
    free = np.array([1.0, 1, 1, 1, 1, 1, 0 if fixed_scale else 1])
    known = minimize(
        lambda x: squared(x * free, scan, mesh, start), np.zeros(7), method="Powell", options={"ftol": 1e-7}
    )
    assert squared(np.zeros(7), scan, mesh, start) > 1.05 * reached, "landmarks alone are not as good"
    assert reached == pytest.approx(known.fun, rel=1e-3)  # the nearest triangles change: there are hollows everywhere
    assert reached <= known.fun * (1 + 1e-4)
    assert (fit.similarity.scale == start.scale) == fixed_scale


def test_the_start_does_not_matter_nearby(pair: tuple[np.ndarray, MeshTree, Similarity]) -> None:
    scan, mesh, start = pair
    pushed = Similarity(start.scale * 1.03, start.rotation, start.translation + 3)
    one, two = (fit_to_scan(scan, mesh, s).distances for s in (start, pushed))
    assert abs(one - two).max() < 0.02  # mm


def test_a_mesh_that_fits_exactly_stays(pair: tuple[np.ndarray, MeshTree, Similarity]) -> None:
    _, mesh, _ = pair
    known = similarity(1, mirrored=True)
    scan = known(mesh.corners[:500].mean(axis=1))
    fit = fit_to_scan(scan, mesh, known)
    assert fit.distances.max() < 1e-10
    assert fit.similarity.scale == pytest.approx(known.scale)
