"""Heads over time: whose face it is stays, expression and pose change.

What moves a head is its expression, its jaw and its turn, so moving one person as another moves is an exchange of
these groups of coefficients. Both must be coefficients of one layout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.typing import Floats

YAW, PITCH = np.radians(35.0), np.radians(12.0)  # how far `look_around` turns
JAW_OPEN = 0.25  # radians that `gestures` opens a jaw joint
STRENGTH = 2.0  # units of a statistical expression basis that `gestures` goes to either side
STATISTICAL_GESTURES = 3  # the first directions of such a basis, which move most
# What `gestures` shows of a basis with ARKit's names; each entry is raised and lowered together.
ARKIT_GESTURES: tuple[dict[str, float], ...] = (
    {"jawOpen": 0.7},
    {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "cheekSquintLeft": 0.5, "cheekSquintRight": 0.5},
    {"browInnerUp": 0.9, "browOuterUpLeft": 0.7, "browOuterUpRight": 0.7},
    {"mouthPucker": 0.9},
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
)


@dataclass(frozen=True, eq=False)
class Motion:
    """One head in T keyframes at equal distances in time."""

    coefficients: Coefficients  # [T, M]
    frames_per_second: float

    def __post_init__(self) -> None:
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
        head_pose: take over the turn of the head as well.

    Raises:
        LayoutError: the two belong to different models.
    """
    identity.layout.require(expression.layout)
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

    With ARKit's names the faces are `ARKIT_GESTURES`; a statistical basis shows an opening jaw, where there is one, and
    its first directions.
    """
    rise = (1 - np.cos(2 * np.pi * np.arange(frames) / frames)) / 2  # [frames] 0, up to 1, towards 0
    swing = np.sin(2 * np.pi * np.arange(frames) / frames)
    size = model.layout.slice_of("expression").stop - model.layout.slice_of("expression").start
    number = {name: k for k, name in enumerate(model.expression_names)}
    parts = []
    for gesture in ARKIT_GESTURES if number else ():
        aim = np.zeros(size)
        for name in gesture.keys() & number.keys():
            aim[number[name]] = gesture[name]
        parts.append(_raised(start, rise, aim))
    if not number:
        parts += [_opened(model, start, rise)] if "jaw" in model.placement.joint_turns(start) else []
        parts += [_shifted(start, swing, STRENGTH * np.eye(size)[k]) for k in range(min(size, STATISTICAL_GESTURES))]
    return Coefficients(start.layout, np.concatenate([part.values for part in parts]))


def _repeated(start: Coefficients, frames: int) -> Coefficients:
    return Coefficients(start.layout, np.tile(start.values, (frames, 1)))


def _raised(start: Coefficients, weight: Floats, aim: Floats) -> Coefficients:
    """Units of an expression go from what they are to at least ``aim`` [E]: they do not add up beyond it."""
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
