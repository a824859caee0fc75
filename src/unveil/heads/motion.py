"""Heads over time: the person stays, expression and pose change.

A head moves by its expression, its jaw and its rotation. So to move one person as another, these groups of coefficients
are exchanged. Both people's coefficients must have one layout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from unveil.errors import UnveilError
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle
from unveil.geometry.smooth_step import smooth_step
from unveil.heads.layout import Coefficients, require_coefficients
from unveil.heads.model import MorphableModel
from unveil.typing import Float64s, Floats

YAW, PITCH = np.radians(35.0), np.radians(12.0)  # how far `look_around` turns
GESTURES = ("Open mouth", "Smile", "Surprise", "Kiss", "Blink")  # shown by `gestures` for ARKit's units
STATISTICAL_GESTURES = 3  # for a statistical basis: its first directions, which move most
STRENGTH = 2.0  # units to either side, for each of those
JAW_OPEN = 0.25  # radians by which `gestures` opens a jaw joint
HOLD = 0.5  # share of the time of an expression in which it is held


@dataclass(frozen=True, eq=False)
class Motion:
    """One head in T keyframes at equal distances in time."""

    coefficients: Coefficients  # [T, M]
    frames_per_second: float

    def __post_init__(self) -> None:
        require_coefficients(self.coefficients)
        if self.coefficients.values.ndim != 2 or len(self) == 0 or not self.frames_per_second > 0:
            raise ValueError("a motion needs coefficients [T, M] of at least one frame, and a positive rate")

    def __len__(self) -> int:
        return len(self.coefficients.values)


def transfer_expression(
    model: MorphableModel, identity: Coefficients, expression: Coefficients, *, head_pose: bool = False
) -> Coefficients:
    """The person of ``identity`` [M] with the expression and the jaw of ``expression`` [..., M]: [..., M].

    Shape, skin, camera and light, and detail where the layout has it, stay those of ``identity``.

    Args:
        model: the head model of both.
        identity: who it is.
        expression: what the face does, of the same person or another.
        head_pose: take over the rotation of the head as well.

    Raises:
        LayoutError: the two belong to different models.
    """
    require_coefficients(identity)
    identity.layout.require_of(expression)
    values = np.broadcast_to(identity.values, expression.values.shape)
    person = Coefficients(identity.layout, values).replace(expression=expression["expression"])
    turns = model.placement.joint_turns(expression)
    if not head_pose:
        del turns["root"]
    return model.placement.with_joint_turns(person, turns) if turns else person


def look_around(model: MorphableModel, start: Coefficients, frames: int) -> Coefficients:
    """The head of ``start`` [M] turning left, right, up and down and back to where it was: [frames, M]."""
    phase = 2 * np.pi * np.arange(frames) / frames
    turns = np.stack([PITCH * np.sin(2 * phase), YAW * np.sin(phase), np.zeros(frames)], axis=-1)
    moved = _repeated(start, frames)
    root = np.asarray(model.placement.joint_turns(moved)["root"])
    at_first = axis_angle_to_matrix(root.astype(np.float64))
    turned = matrix_to_axis_angle(axis_angle_to_matrix(turns) @ at_first).astype(root.dtype)
    return model.placement.with_joint_turns(moved, {"root": turned})


def gestures(model: MorphableModel, start: Coefficients, frames: int) -> Coefficients:
    """The head of ``start`` [M] making one face after another, each from and back to its own: [G * frames, M].

    With ARKit's names the faces are `GESTURES`; a statistical basis shows an opening jaw, where there is one, and its
    first directions.
    """
    rise = (1 - np.cos(2 * np.pi * np.arange(frames) / frames)) / 2  # [frames] 0, up to 1, towards 0
    if model.expression_names:
        parts = [_raised(start, rise, _aim(model, expression_units(name))) for name in GESTURES]
        return Coefficients(start.layout, np.concatenate([part.values for part in parts]))
    swing = np.sin(2 * np.pi * np.arange(frames) / frames)
    size = start["expression"].shape[-1]
    parts = [_opened(model, start, rise)] if "jaw" in model.placement.joint_turns(start) else []
    parts += [_shifted(start, swing, STRENGTH * np.eye(size)[k]) for k in range(min(size, STATISTICAL_GESTURES))]
    return Coefficients(start.layout, np.concatenate([part.values for part in parts]))


def expressing(model: MorphableModel, start: Coefficients, units: Mapping[str, float], frames: int) -> Coefficients:
    """The whole head of ``start`` [M] going from rest to an expression, holding it, and going back: [frames, M].

    Args:
        model: the head model, with ARKit's names.
        start: whose head it is; its own expression is left out.
        units: weights by unit.
        frames: keyframes.
    """
    whole, start = model.complete(start)
    at = np.arange(frames) / max(1, frames - 1)
    weight = smooth_step(np.minimum(at, 1 - at), 0, (1 - HOLD) / 2)
    at_rest = start.replace(expression=np.zeros_like(start["expression"]))
    return _shifted(at_rest, weight, _aim(whole, units))


def turntable(model: MorphableModel, start: Coefficients, frames: int) -> Coefficients:
    """The head of ``start`` [M], upright, turning once around: [frames, M]."""
    angle = 2 * np.pi * np.arange(frames) / max(1, frames - 1)
    turns = np.stack([np.zeros(frames), angle, np.zeros(frames)], axis=-1).astype(start.values.dtype)
    return model.placement.with_joint_turns(_repeated(start, frames), {"root": turns})


def _aim(model: MorphableModel, units: Mapping[str, float]) -> Float64s:
    """Weights [E] of a model's expression by those of its units."""
    return np.array([units.get(name, 0.0) for name in model.expression_names])


def _repeated(start: Coefficients, frames: int) -> Coefficients:
    return Coefficients(start.layout, np.tile(start.values, (frames, 1)))


def _raised(start: Coefficients, weight: Floats, aim: Floats) -> Coefficients:
    """Raise the units of an expression to at least ``aim`` [E], without going beyond it."""
    now = start["expression"]
    return _shifted(start, weight, np.where(aim > 0, np.maximum(aim - now, 0), 0))


def _shifted(start: Coefficients, weight: Floats, shift: Floats) -> Coefficients:
    moved = _repeated(start, len(weight))
    return moved.replace(expression=(moved["expression"] + weight[:, None] * shift).astype(start.values.dtype))


def _opened(model: MorphableModel, start: Coefficients, weight: Floats) -> Coefficients:
    moved = _repeated(start, len(weight))
    jaw = np.array(model.placement.joint_turns(moved)["jaw"])
    jaw[:, 0] += JAW_OPEN * weight
    return model.placement.with_joint_turns(moved, {"jaw": jaw})


@lru_cache(maxsize=1)
def named_expressions() -> Mapping[str, Mapping[str, float]]:
    """Weights by unit of each named expression; the page in the browser uses the same table."""
    table: dict[str, dict[str, float]] = json.loads(files("unveil.heads").joinpath("expressions.json").read_bytes())
    return table


def expression_units(name: str) -> Mapping[str, float]:
    """The weights of a named expression; capitals do not matter.

    Raises:
        UnveilError: there is no expression of this name.
    """
    table = {known.casefold(): units for known, units in named_expressions().items()}
    if name.casefold() not in table:
        raise UnveilError(f"unknown expression {name!r}: choose from {', '.join(table)}")
    return table[name.casefold()]
