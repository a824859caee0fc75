"""Landmarks of a clear crop to head coefficients, by robust regularised least squares over a batch.

The head is linear in shape and expression, its root joint is the origin and the jaw does not turn, so that a landmark
projects to ``s * (R (T + B c) + t)`` with the scaled orthographic camera. Gauss-Newton on rotation, camera and
coefficients together minimises, with residuals r in units of the landmark noise,

    sum_p w_p huber(|r_p|) + 1/2 |shape|^2 + the expression's prior

with expression in [0, 1]. Huber's loss is handled by his own method (Robust Statistics, 1981, section 7.8): residuals
are cut at the threshold while the curvature stays that of least squares, which makes every crop of a source share one
set of matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from unveil.fitting.expression_prior import ExpressionPrior
from unveil.fitting.points import LinearPoints, PointPlacement
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.reprs import short_repr
from unveil.typing import Float64s, Floats, Ints

RIGID = 6  # turn 3, relative scale 1, shift 2
BATCH = 64  # crops at once: keeps the Jacobians in tens of megabytes
HOLD = 1e9  # added to the curvature of a unit that is to stay where it is
ACTIVE_SET_PASSES = 2


@dataclass(frozen=True)
class FitSettings:
    """Strengths of the priors."""

    noise: float = 4e-3  # metres, of a point of weight 1; generous, as the errors of neighbours go together
    huber: float = 1.0  # in units of the noise: beyond it a point pulls no harder
    expression: ExpressionPrior = field(default_factory=ExpressionPrior)
    iterations: int = 8  # enough for a hundredth of an expression unit


@dataclass(frozen=True, eq=False)
class LandmarkFit:
    """Fitted coefficients of N crops and what is left over."""

    coefficients: Coefficients  # [N, M] in the frame of the crop the landmarks were given in
    residuals: tuple[Floats, ...]  # per source [N, P, 2]: observed minus fitted, metres on the head, x right, y up
    __repr__ = short_repr


@dataclass
class _State:
    """The unknowns of N heads. Image positions have y up and count half crop sides from the crop's centre."""

    rotation: Float64s  # [N, 3, 3]
    scale: Float64s  # [N] half crop sides per metre
    shift: Float64s  # [N, 2] image position of the model's origin
    linear: Float64s  # [N, C] shape, then expression


@dataclass(frozen=True, eq=False)
class _Target:
    """The observation of one source: points of the head and where they should be."""

    points: LinearPoints
    positions: Floats  # [N, P, 2] image positions, NaN where a point was not found

    def compare(self, state: _State) -> tuple[Floats, Floats, Ints]:
        """Observed minus fitted [N, P, 2] in metres on the head; the turned points [N, P, 3]; their tables [N]."""
        rows = self.points.rows(state.rotation)
        turned = self.points.unturned(rows, state.linear) @ np.swapaxes(state.rotation, 1, 2)
        observed = (self.positions - state.shift[:, None]) / state.scale[:, None, None]
        return observed - turned[..., :2], turned, rows


class LandmarkFitter:
    """Fits a head model to the landmarks of one or more sources."""

    def __init__(
        self, model: MorphableModel, placements: Sequence[PointPlacement], settings: FitSettings | None = None
    ) -> None:
        self._layout = model.layout
        self._points = [LinearPoints(model.head, placement) for placement in placements]
        self._shapes = model.head.shape_basis.shape[0]
        self._settings = settings or FitSettings()
        prior = self._settings.expression
        self._curvature = np.eye(RIGID + self._points[0].coefficients, dtype=np.float32)
        self._curvature[:RIGID, :RIGID] *= 1e-3  # per radian or metre: keeps a crop without points solvable
        self._curvature[RIGID + self._shapes :, RIGID + self._shapes :] = prior.curvature(model.expression_names)
        self._sparsity = prior.slope(model.expression_names)  # [E]

    def fit(self, observations: Sequence[Floats], size: int) -> LandmarkFit:
        """Fit N crops of ``size`` pixels, given the points [N, P, 2] of every placement, in the same order.

        Points are pixels with centres at integers, NaN where not found. A crop needs at least a dozen that do not
        lie in a plane; one without any gets the mean head.
        """
        batches = [
            self._fit_batch([points[start : start + BATCH] for points in observations], size)
            for start in range(0, len(observations[0]), BATCH)
        ]
        values = np.concatenate([values for values, _ in batches]).astype(np.float32)
        residuals = tuple(np.concatenate(parts) for parts in zip(*(rest for _, rest in batches), strict=True))
        return LandmarkFit(Coefficients(self._layout, values), residuals)

    def _fit_batch(self, observations: Sequence[Floats], size: int) -> tuple[Floats, list[Floats]]:
        targets = [
            _Target(points, (seen * (2.0 / size) - 1.0) * (1.0, -1.0))
            for points, seen in zip(self._points, observations, strict=True)
        ]
        state = _initial_state(targets)
        for huber in self._thresholds():
            self._step(state, targets, huber)
        return self._coefficients(state), [target.compare(state)[0] for target in targets]

    def _thresholds(self) -> list[float]:
        """The Huber threshold of every step, in metres: halved until it is the one asked for half-way.

        With a low threshold from the start, a wide open mouth would be an outlier for many steps.
        """
        settings = self._settings
        halvings = range(settings.iterations // 2, settings.iterations // 2 - settings.iterations, -1)
        return [settings.noise * settings.huber * 2.0 ** max(0, n) for n in halvings]

    def _step(self, state: _State, targets: Sequence[_Target], huber: float) -> None:
        """One projected Gauss-Newton step, in place."""
        hessian, gradient = self._priors(state)
        for target in targets:
            self._add_data(state, target, huber, (hessian, gradient))
        _move(state, self._bounded_step(state, hessian, gradient))
        units = state.linear[:, self._shapes :]
        np.clip(units, 0.0, 1.0, out=units)

    def _bounded_step(self, state: _State, hessian: Floats, gradient: Floats) -> Floats:
        """The step [N, RIGID + C] to the minimum of the quadratic within the expression's bounds, nearly.

        Active sets: units that leave their bounds are put on them, and the rest is solved again.
        """
        units = slice(RIGID + self._shapes, None)
        value = state.linear[:, self._shapes :].astype(np.float32)
        diagonal: Floats = np.einsum("nii->ni", hessian)
        curvature, slope = diagonal[:, units], gradient[:, units]
        held = ((value <= 0.0) & (slope > 0.0)) | ((value >= 1.0) & (slope < 0.0))
        curvature += HOLD * held
        step = np.linalg.solve(hessian, -gradient[..., None])[..., 0]
        for _ in range(ACTIVE_SET_PASSES):
            beyond = value + step[:, units]
            leaves = ~held & ((beyond < 0.0) | (beyond > 1.0))
            held |= leaves
            curvature += HOLD * leaves
            slope[leaves] = -HOLD * (np.clip(beyond, 0.0, 1.0) - value)[leaves]
            step = np.linalg.solve(hessian, -gradient[..., None])[..., 0]
        return step

    def _priors(self, state: _State) -> tuple[Floats, Floats]:
        """Curvature [N, RIGID + C, RIGID + C] and slope [N, RIGID + C] of the priors."""
        count = len(state.linear)
        gradient = np.concatenate([np.zeros((count, RIGID)), state.linear @ self._curvature[RIGID:, RIGID:]], axis=1)
        gradient[:, RIGID + self._shapes :] += self._sparsity
        return np.tile(self._curvature, (count, 1, 1)), gradient.astype(np.float32)

    def _add_data(self, state: _State, target: _Target, huber: float, system: tuple[Floats, Floats]) -> None:
        """Add one source's curvature and slope, in place; a point that was not found pulls nowhere."""
        hessian, gradient = system
        precision = self._settings.noise**-2
        residual, turned, rows = target.compare(state)
        found = np.asarray(np.isfinite(residual).any(axis=(1, 2)), np.float32)  # [N]
        present = precision * found[:, None, None]
        length = np.linalg.norm(residual, axis=-1, keepdims=True)
        cut = np.nan_to_num(residual * np.minimum(1.0, huber / np.maximum(length, 1e-9)))
        axes = state.rotation[:, :2]
        rigid = _rigid_jacobian(turned)  # [N, RIGID, P, 2]
        weighted = rigid * target.points.weights[:, None]
        cross = present * target.points.pull(rows, axes, rigid)  # [N, RIGID, C]
        hessian[:, :RIGID, :RIGID] += present * np.einsum("nipa,njpa->nij", weighted, rigid, optimize=True)
        hessian[:, :RIGID, RIGID:] += cross
        hessian[:, RIGID:, :RIGID] += np.swapaxes(cross, 1, 2)
        hessian[:, RIGID:, RIGID:] += present * target.points.curvature(rows, axes)
        gradient[:, :RIGID] -= precision * np.einsum("nipa,npa->ni", weighted, cut, optimize=True)
        gradient[:, RIGID:] -= precision * target.points.pull(rows, axes, cut[:, None])[:, 0]

    def _coefficients(self, state: _State) -> Floats:
        """The state as coefficients [N, M] of the model's layout."""
        head = matrix_to_axis_angle(state.rotation)
        return np.asarray(
            self._layout.join(
                {
                    "shape": state.linear[:, : self._shapes],
                    "expression": state.linear[:, self._shapes :],
                    "pose": np.concatenate([head, np.zeros_like(head)], axis=1),
                    "camera": np.concatenate([state.scale[:, None], state.shift / state.scale[:, None]], axis=1),
                }
            )
        )


def _initial_state(targets: Sequence[_Target]) -> _State:
    """The mean head under the affine camera of least squares, made a scaled rotation."""
    template = np.concatenate([t.points.template[len(t.points.template) // 2] for t in targets])  # [P, 3]
    positions = np.concatenate([t.positions for t in targets], axis=1)  # [N, P, 2]
    found = np.isfinite(positions).all(axis=-1).astype(np.float64)  # [N, P]
    design = np.concatenate([template, np.ones((len(template), 1))], axis=1)  # [P, 4]
    normal = np.einsum("np,pi,pj->nij", found, design, design, optimize=True) + 1e-9 * np.eye(4)
    right = np.einsum("np,pi,npx->nix", found, design, np.nan_to_num(positions), optimize=True)
    affine = np.linalg.solve(normal, right)  # [N, 4, 2]
    u, stretch, vt = np.linalg.svd(np.swapaxes(affine[:, :3], 1, 2), full_matrices=False)
    axes = u @ vt  # [N, 2, 3]
    rotation = np.concatenate([axes, np.cross(axes[:, :1], axes[:, 1:])], axis=1)
    linear = np.zeros((len(positions), targets[0].points.coefficients))
    return _State(rotation, np.maximum(stretch.mean(axis=1), 1e-3), affine[:, 3], linear)


def _rigid_jacobian(turned: Floats) -> Floats:
    """Derivative [N, RIGID, P, 2] of turned points [N, P, 3] in metres by turn, relative scale and shift."""
    x, y, z = (turned[..., axis].astype(np.float32) for axis in range(3))
    zero, one = np.zeros_like(x), np.ones_like(x)
    along_x = np.stack([zero, z, -y, x, one, zero], axis=1)  # a small turn w moves a point by w x point
    along_y = np.stack([-z, zero, x, y, zero, one], axis=1)
    return np.stack([along_x, along_y], axis=-1)


def _move(state: _State, step: Floats) -> None:
    """Take a step [N, RIGID + C], in place; turn and scale stay where the linearisation holds."""
    turn, stretch = np.clip(step[:, :3], -0.5, 0.5), np.clip(step[:, 3], -0.3, 0.3)
    state.rotation = axis_angle_to_matrix(turn.astype(np.float64)) @ state.rotation
    state.shift = state.shift + step[:, 4:RIGID] * state.scale[:, None]
    state.scale = state.scale * np.exp(stretch)
    state.linear = state.linear + step[:, RIGID:]
