"""The landmark fit finds the head whose landmarks it is given, within its bounds and whatever the batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unveil.assets.store import packaged
from unveil.fitting.expression_prior import ExpressionPrior, mirrored_unit
from unveil.fitting.landmark_fit import FitSettings, LandmarkFitter
from unveil.fitting.points import LinearPoints, PointPlacement
from unveil.geometry import camera
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle
from unveil.heads.landmarks import SurfacePoints
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.openhead import head as openhead

SIZE = 224
POINTS = 250
TRUSTING = FitSettings(noise=2e-4, expression=ExpressionPrior(0.1, 0.0, 0.01, 1.0), iterations=30)


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return openhead.load(packaged("openhead.npz"))


@pytest.fixture(scope="module")
def placement(model: MorphableModel) -> PointPlacement:
    """Points spread over the front of the head, on both sides."""
    rng = np.random.default_rng(3)
    centres = model.head.template[model.faces].mean(axis=1)
    front = rng.choice(np.flatnonzero(centres[:, 2] > 0.02), POINTS, replace=False)
    corners = rng.dirichlet(np.ones(3), POINTS)
    return PointPlacement(SurfacePoints(model.faces[front], corners), np.ones(POINTS))


def random_heads(model: MorphableModel, count: int) -> Coefficients:
    """Moderate heads, expressions, turns and framings."""
    rng = np.random.default_rng(7)
    shape = np.zeros((count, 100))
    shape[:, :15] = rng.normal(size=(count, 15))
    expression = rng.uniform(0.1, 0.9, (count, 51)) * (rng.random((count, 51)) < 0.08)
    pose = np.concatenate([rng.normal(scale=(0.15, 0.35, 0.1), size=(count, 3)), np.zeros((count, 3))], axis=1)
    framing = np.stack([rng.uniform(5, 8, count), *rng.normal(scale=0.01, size=(2, count))], axis=1)
    groups = {"shape": shape, "expression": expression, "pose": pose, "camera": framing}
    return Coefficients(model.layout, model.layout.join(groups))


def pixels(model: MorphableModel, placement: PointPlacement, heads: Coefficients) -> np.ndarray:
    """What a perfect source sees: [N, P, 2]."""
    points = placement.points(model.vertices(heads))  # type: ignore[call-arg]
    return camera.to_pixels(model.project(points, heads), SIZE)[..., :2]


def test_own_projections_are_fitted_to_a_fraction_of_a_pixel(model: MorphableModel, placement: PointPlacement) -> None:
    heads = random_heads(model, 6)
    seen = pixels(model, placement, heads)
    fit = LandmarkFitter(model, [placement], TRUSTING).fit([seen], SIZE)
    assert np.linalg.norm(pixels(model, placement, fit.coefficients) - seen, axis=-1).mean() < 0.05
    turned = axis_angle_to_matrix(heads["pose"][:, :3])
    found = axis_angle_to_matrix(fit.coefficients["pose"][:, :3].astype(np.float64))
    apart = np.degrees(np.linalg.norm(matrix_to_axis_angle(np.swapaxes(turned, 1, 2) @ found), axis=1))
    assert apart.max() < 1.5
    between = model.vertices(fit.coefficients) - model.vertices(heads)
    front = model.head.template[:, 2] > 0.02
    assert np.linalg.norm(between[:, front, :2], axis=-1).mean() < 1e-3  # metres


def test_the_true_head_is_found_when_one_component_differs(model: MorphableModel, placement: PointPlacement) -> None:
    truth = model.zero(2)
    shape, expression = np.zeros((2, 100)), np.zeros((2, 51))
    shape[0, 0], expression[1, model.expression_names.index("jawOpen")] = 1.5, 0.6
    truth = truth.replace(shape=shape, expression=expression)
    fit = LandmarkFitter(model, [placement], TRUSTING).fit([pixels(model, placement, truth)], SIZE)
    assert fit.coefficients["shape"][0, 0] == pytest.approx(1.5, abs=0.1)
    assert fit.coefficients["expression"][1].argmax() == model.expression_names.index("jawOpen")
    assert fit.coefficients["expression"][1].max() == pytest.approx(0.6, abs=0.08)


def test_noise_and_outliers_do_little(model: MorphableModel, placement: PointPlacement) -> None:
    rng = np.random.default_rng(11)
    heads = random_heads(model, 4)
    truth = pixels(model, placement, heads)
    seen = truth + rng.normal(scale=0.5, size=truth.shape)
    seen[:, ::20] += rng.choice([-60.0, 60.0], size=seen[:, ::20].shape)  # one point in twenty is far off
    settings = FitSettings(noise=1e-3, iterations=20)
    error = {}
    for huber in (1.0, 1e6):
        fitter = LandmarkFitter(model, [placement], replace(settings, huber=huber))
        drawn = pixels(model, placement, fitter.fit([seen], SIZE).coefficients)
        error[huber] = np.linalg.norm(drawn - truth, axis=-1).mean()
    assert error[1.0] < 1.0  # pixels
    assert error[1.0] < 0.5 * error[1e6]  # least squares is led astray


def test_a_batch_equals_its_crops_one_by_one(model: MorphableModel, placement: PointPlacement) -> None:
    seen = pixels(model, placement, random_heads(model, 5))
    fitter = LandmarkFitter(model, [placement])
    together = fitter.fit([seen], SIZE)
    for index in range(5):
        alone = fitter.fit([seen[index : index + 1]], SIZE)
        np.testing.assert_allclose(together.coefficients.values[index], alone.coefficients.values[0], atol=2e-3)
        np.testing.assert_allclose(together.residuals[0][index], alone.residuals[0][0], atol=1e-5)


def test_expressions_stay_in_their_bounds(model: MorphableModel, placement: PointPlacement) -> None:
    wild = random_heads(model, 3)
    units = wild["expression"].copy()
    units[:, ::5], units[:, 1::5] = 1.8, -0.9
    seen = pixels(model, placement, wild.replace(expression=units))
    fit = LandmarkFitter(model, [placement], TRUSTING).fit([seen], SIZE)
    found = fit.coefficients["expression"]
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    assert (found == 1.0).any()
    assert (found == 0.0).any()


def test_the_fit_is_a_minimum_of_its_stated_objective(model: MorphableModel, placement: PointPlacement) -> None:
    settings = FitSettings(iterations=40)
    prior = settings.expression
    rng = np.random.default_rng(5)
    seen = pixels(model, placement, random_heads(model, 1)) + rng.normal(scale=2.0, size=(1, POINTS, 2))

    def objective(c: Coefficients, scale: float) -> float:
        off = np.linalg.norm(pixels(model, placement, c) - seen, axis=-1)[0] / (scale * SIZE / 2) / settings.noise
        robust = np.where(off < settings.huber, off**2 / 2, settings.huber * (off - settings.huber / 2)).sum()
        unit = dict(zip(model.expression_names, c["expression"][0], strict=True))
        pairs = [(name, mirrored_unit(name)) for name in unit]
        uneven = sum((unit[a] - unit[b]) ** 2 for a, b in pairs if b in unit) / 2
        sparse = sum(v * (prior.reluctance if n in ("cheekPuff", "mouthShrugUpper") else 1) for n, v in unit.items())
        priors = (c["shape"] ** 2).sum() / 2 + prior.ridge * (c["expression"] ** 2).sum() / 2
        return float(robust + priors + prior.evenness * uneven / 2 + prior.sparsity * sparse)

    fit = LandmarkFitter(model, [placement], settings).fit([seen], SIZE)
    best = Coefficients(model.layout, fit.coefficients.values.astype(np.float64))
    lowest = objective(best, best["camera"][0, 0])
    for _ in range(60):
        step = {"shape": rng.normal(scale=0.03, size=(1, 100)), "pose": np.zeros((1, 6)), "camera": np.zeros((1, 3))}
        step["pose"][:, :3], step["camera"][:, 1:] = rng.normal(scale=3e-3, size=3), rng.normal(scale=3e-4, size=2)
        units = np.clip(best["expression"] + rng.normal(scale=0.03, size=(1, 51)), 0, 1)
        moved = best.replace(expression=units, **{name: best[name] + value for name, value in step.items()})
        assert objective(moved, best["camera"][0, 0]) > lowest


def test_missing_points_pull_nowhere(model: MorphableModel, placement: PointPlacement) -> None:
    heads = random_heads(model, 2)
    seen = pixels(model, placement, heads)
    holes = seen.copy()
    holes[:, ::7] = np.nan
    fitter = LandmarkFitter(model, [placement, placement], TRUSTING)
    fit = fitter.fit([holes, np.full_like(seen, np.nan)], SIZE)
    assert np.median(np.linalg.norm(pixels(model, placement, fit.coefficients) - seen, axis=-1)) < 0.1
    assert np.isnan(fit.residuals[0][:, ::7]).all()
    nothing = LandmarkFitter(model, [placement]).fit([np.full_like(seen, np.nan)], SIZE)
    assert np.isfinite(nothing.coefficients.values).all()
    assert np.abs(nothing.coefficients["shape"]).max() < 1e-6


def test_a_jaw_line_that_slides_is_fitted_with_the_rest(model: MorphableModel) -> None:
    inner = PointPlacement(
        SurfacePoints(model.landmarks68.triangles[17:], model.landmarks68.barycentric[17:]), np.ones(51)
    )
    jaw = PointPlacement(model.contour, np.ones(17))
    heads = random_heads(model, 4)
    contour = model.contour68(model.vertices(heads), heads)
    seen = camera.to_pixels(model.project(contour, heads), SIZE)[..., :2]
    fitter = LandmarkFitter(model, [jaw, inner], FitSettings(noise=3e-4, iterations=30))
    fit = fitter.fit([seen[:, :17], seen[:, 17:]], SIZE)
    found = model.contour68(model.vertices(fit.coefficients), fit.coefficients)
    drawn = camera.to_pixels(model.project(found, fit.coefficients), SIZE)[..., :2]
    assert np.linalg.norm(drawn - seen, axis=-1).mean() < 0.5


def test_linear_points_are_the_models_own_before_it_turns(model: MorphableModel) -> None:
    heads = random_heads(model, 3)
    coefficients = np.concatenate([heads["shape"], heads["expression"]], axis=1)
    rotation = axis_angle_to_matrix(heads["pose"][:, :3])
    unposed = model.head.unposed(heads["shape"], heads["expression"])
    for points, expected in (
        (model.landmarks68, model.landmarks68(unposed)),
        (model.contour, model.contour(unposed, rotation)),
    ):
        linear = LinearPoints(model.head, PointPlacement(points, np.ones(expected.shape[1])))
        np.testing.assert_allclose(linear.unturned(linear.rows(rotation), coefficients), expected, atol=1e-6)


def test_units_mirror_in_pairs(model: MorphableModel) -> None:
    assert mirrored_unit("eyeLookInLeft") == "eyeLookOutRight"
    assert mirrored_unit("jawLeft") is None
    for name in model.expression_names:
        partner = mirrored_unit(name)
        assert partner is None or mirrored_unit(partner) == name
