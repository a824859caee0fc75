"""Random poses, expressions and cameras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle, matrix_to_euler_degrees
from unveil.typing import Floats

# Poses, in degrees.
FAR_TURNS = 0.45  # share of the heads that get any pose; the others stay near the photograph's
YAW, PITCH = 75.0, 40.0  # largest
PITCH_SPREAD = 16.0  # standard deviation of those poses
MOST_TURN = (25.0, 42.0)  # largest change of pitch and yaw: a photograph shows too little of heads turned farther
SIDEWAYS = 8.0  # yaw from which a face is only turned farther to the same side, since the other cannot be seen
NEAR_TURN = (5.0, 8.0, 3.0)  # standard deviations of the change of pitch, yaw and roll of the others
# Expressions.
AT_REST, OF_OTHERS = 0.15, 0.25  # shares of faces without expression, and with that of another photograph
STRENGTH = (0.4, 1.3)  # factor of another photograph's expression
UNITS = (1, 10)  # number of units that are drawn at once
STRENGTHS = (1.2, 1.0)  # parameters of the beta distribution of their weights; half are above 0.56
ONE_SIDED = 0.2  # share of units that differ between left and right
DIRECTIONS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")  # of one movement, not sides: two undo each other
GAZE, LOOKS_LEFT = "eyeLook", ("eyeLookOutLeft", "eyeLookInRight")
# Cameras.
NEAREST, FARTHEST = 0.45, 3.0  # metres
PERSPECTIVE = 0.6  # share of cameras with perspective, at these distances


def draw_turn(rotation: Floats, rng: np.random.Generator, far_turns: float = FAR_TURNS) -> Floats:
    """The axis-angle [3], in radians, of a head whose photograph shows it with rotation [3, 3]."""
    pitch, yaw, roll = (float(angle) for angle in matrix_to_euler_degrees(rotation))
    if rng.random() < far_turns:
        side = np.sign(yaw) if abs(yaw) > SIDEWAYS else rng.choice([-1.0, 1.0])
        goal = np.clip(rng.normal(0, PITCH_SPREAD), -PITCH, PITCH), side * rng.uniform(0, YAW)
        pitch += float(np.clip(goal[0] - pitch, -MOST_TURN[0], MOST_TURN[0]))
        yaw += float(np.clip(goal[1] - yaw, -MOST_TURN[1], MOST_TURN[1]))
        roll += rng.normal(0, NEAR_TURN[2])
    else:
        pitch, yaw, roll = np.array([pitch, yaw, roll]) + rng.normal(0, NEAR_TURN)
    about_x, about_y, about_z = (
        np.asarray(axis_angle_to_matrix(axis * np.radians(angle)))
        for axis, angle in zip(np.eye(3), (pitch, yaw, roll), strict=True)
    )
    return np.asarray(matrix_to_axis_angle(about_y @ about_x @ about_z))


def draw_expression(names: Sequence[str], others: Floats, rng: np.random.Generator) -> Floats:
    """Units [E] in [0, 1]: none, those of one of ``others`` [N, E], or random ones over a weak one of these."""
    what = rng.random()
    if what < AT_REST:
        return np.zeros(len(names))
    found = others[rng.integers(len(others))].astype(np.float64)
    if what < AT_REST + OF_OTHERS:
        return np.asarray(np.clip(found * rng.uniform(*STRENGTH), 0, 1))
    units = found * rng.uniform(0, 0.5)
    kinds = [_kind(name) for name in names]
    for chosen in rng.choice(sorted(set(kinds)), rng.integers(UNITS[0], UNITS[1] + 1), replace=False):
        strength = rng.beta(*STRENGTHS)
        for k in np.flatnonzero([kind == chosen for kind in kinds]):
            one_sided = not chosen.startswith(GAZE) and rng.random() < ONE_SIDED
            units[k] = strength * (rng.random() if one_sided else 1)
    return np.asarray(np.clip(units, 0, 1))


def _kind(name: str) -> str:
    """The units drawn together with one: its mirror image, and for eyes the other eye, as far as eyes move together."""
    if name in DIRECTIONS:
        return name
    if name.startswith((f"{GAZE}In", f"{GAZE}Out")):  # an eye looks inwards where the other looks outwards
        return f"{GAZE}Left" if name in LOOKS_LEFT else f"{GAZE}Right"
    return name.removesuffix("Left").removesuffix("Right")


def draw_distance(rng: np.random.Generator) -> float:
    """Metres between camera and face; infinite for a camera without perspective."""
    if rng.random() > PERSPECTIVE:
        return float("inf")
    return float(1 / rng.uniform(1 / FARTHEST, 1 / NEAREST))
