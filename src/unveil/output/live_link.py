"""Takes of Live Link Face: ARKit's units and the turn of the head over time, as the CSV file that the app writes.

A row is a frame: ``Timecode`` (HH:MM:SS:FF.fff, in frames of the recording's rate and thousandths of one),
``BlendShapeCount``, 52 units from 0 to 1, and nine turns in radians, of the head and of both eyes. We take the head's
as the tools do that feed Unreal: yaw about +y, pitch about -x, roll about +z in model space, applied in the order
pitch, yaw, roll. The turns of the eyes are left alone, because the units ``eyeLook...`` say the same.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unveil.errors import UnveilError
from unveil.geometry.rotation import axis_angle_to_matrix, matrix_to_axis_angle
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.heads.motion import Motion
from unveil.storage.file_kind import FileKind
from unveil.storage.files import write_text
from unveil.storage.text import read_text
from unveil.typing import Float64s

TAKE = FileKind("take of Live Link Face", "export the CSV file from the app again", 2**26)
_EYE = "eyeBlink eyeLookDown eyeLookIn eyeLookOut eyeLookUp eyeSquint eyeWide"
_MIDDLE = (
    "jawForward jawRight jawLeft jawOpen mouthClose mouthFunnel mouthPucker mouthRight mouthLeft mouthSmileLeft "
    "mouthSmileRight mouthFrownLeft mouthFrownRight mouthDimpleLeft mouthDimpleRight mouthStretchLeft "
    "mouthStretchRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthPressLeft mouthPressRight "
    "mouthLowerDownLeft mouthLowerDownRight mouthUpperUpLeft mouthUpperUpRight "
    "browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft "
    "cheekSquintRight noseSneerLeft noseSneerRight tongueOut"
)
# In the order of the file.
UNITS = (*(unit + side for side in ("Left", "Right") for unit in _EYE.split()), *_MIDDLE.split())
HEAD = ("HeadYaw", "HeadPitch", "HeadRoll")
EYES = tuple(f"{side}Eye{turn}" for side in ("Left", "Right") for turn in ("Yaw", "Pitch", "Roll"))
AXES = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # in model space, of yaw, pitch and roll
RATE = 30.0  # frames per second of what a take moves: a blink takes a tenth of a second
RATES = (60, 30, 24, 25, 50)  # frames per second that a timecode may count in; the app's own first


@dataclass(frozen=True, eq=False)
class Take:
    """The motion of a face in T frames."""

    seconds: Float64s  # [T] from 0, rising
    units: Float64s  # [T, 52] of `UNITS`, 0 to 1
    head: Float64s  # [T, 3] radians: yaw, pitch, roll

    def at(self, rate: float) -> Take:
        """The take at ``rate`` frames per second, linear in between."""
        wanted = np.arange(int(np.floor(self.seconds[-1] * rate + 1e-6)) + 1) / rate
        parts = [
            np.stack([np.interp(wanted, self.seconds, column) for column in values.T], axis=1)
            for values in (self.units, self.head)
        ]
        return Take(wanted, *parts)


def read_take(path: Path) -> Take:
    """The take of a CSV file; columns are found by their names, units that it lacks are at rest.

    Raises:
        UnveilError: the file is missing or too large, or is no take.
    """
    text = read_text(path, TAKE)
    with TAKE.checking(path):
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
        if len(rows) < 2:
            raise ValueError("it has no frames")
        column = {name.strip().casefold(): k for k, name in enumerate(rows[0])}
        if not column.keys() & {unit.casefold() for unit in UNITS}:
            raise ValueError("its first line names none of ARKit's units")
        for number, row in enumerate(rows[1:], start=2):
            if len(row) != len(rows[0]):
                raise ValueError(f"line {number} has {len(row)} columns, the first has {len(rows[0])}")
        units, head = (_columns(rows[1:], column, names) for names in (UNITS, HEAD))
        at = column.get("timecode")
        seconds = np.arange(len(units)) / RATES[0] if at is None else _seconds([row[at] for row in rows[1:]])
        return Take(seconds, units.clip(0, 1), head)


def _columns(rows: Sequence[Sequence[str]], column: dict[str, int], names: Sequence[str]) -> Float64s:
    """The numbers [T, N] of the columns of these names, 0 where there is none."""
    values = np.zeros((len(rows), len(names)))
    for k, name in enumerate(names):
        if (at := column.get(name.casefold())) is not None:
            values[:, k] = [float(row[at]) for row in rows]
    if not np.isfinite(values).all():
        raise ValueError("it has numbers that are not finite")
    return values


def _seconds(timecodes: Sequence[str]) -> Float64s:
    """Seconds [T] since the first frame.

    The file does not say in which rate its timecodes count frames. It is the one with the most even steps.
    """
    parts = []
    for code in timecodes:
        found = re.fullmatch(r"\s*(\d{1,2}):(\d{1,2}):(\d{1,2}):(\d{1,3}(?:\.\d{1,6})?)\s*", code)
        if found is None:
            raise ValueError(f"{code[:20]!r} is no timecode")
        parts.append([float(part) for part in found.groups()])
    hours, minutes, seconds, frames = np.array(parts).T
    whole = 3600 * hours + 60 * minutes + seconds
    whole = whole + 86400 * np.cumsum(np.diff(whole, prepend=whole[0]) < -43200)  # past midnight
    possible = [whole + frames / rate for rate in RATES if rate > frames.max()]
    if not possible:
        raise ValueError(f"its timecodes count {frames.max():g} frames in a second")
    uneven = [round(float(np.diff(times).std()), 6) if len(times) > 1 else 0.0 for times in possible]
    times = possible[int(np.argmin(uneven))]  # the first of those that are as good
    if not (np.diff(times) > 0).all():
        raise ValueError("its timecodes do not rise")
    return np.asarray(times - times[0])


def driven(model: MorphableModel, coefficients: Coefficients, take: Take, rate: float, *, head_pose: bool) -> Motion:
    """A head of coefficients [M] doing what a take says, with all units of its whole head, the tongue's too.

    Raises:
        UnveilError: the head model does not have ARKit's units.
    """
    name = model.name
    model, start = model.complete(model.upright(coefficients))
    column = {k: UNITS.index(name) for k, name in enumerate(model.unit_names) if name in UNITS}
    if not column:
        raise UnveilError(f"{name} does not have ARKit's units, which a take moves: use openhead")
    frames = take.at(rate)
    moved = Coefficients(start.layout, np.tile(start.values, (len(frames.units), 1)))
    expression = np.array(moved["expression"])
    expression[:, list(column)] = frames.units[:, list(column.values())]
    moved = moved.replace(expression=expression)
    if head_pose:
        moved = model.placement.with_joint_turns(moved, {"root": _turn(frames.head).astype(start.values.dtype)})
    return Motion(moved, rate)


def _turn(head: Float64s) -> Float64s:
    """The turn from upright [T, 3], axis times angle, of heads with yaw, pitch and roll [T, 3]."""
    yaw, pitch, roll = (axis_angle_to_matrix(angle[:, None] * axis) for angle, axis in zip(head.T, AXES, strict=True))
    return np.asarray(matrix_to_axis_angle(roll @ yaw @ pitch))


def take_of(model: MorphableModel, motion: Motion) -> Take | None:
    """The motion that the model's coefficients describe; None where the model does not have ARKit's units."""
    whole, coefficients = model.complete(motion.coefficients)
    number = {name: k for k, name in enumerate(whole.unit_names)}
    if not number.keys() & set(UNITS):
        return None
    expression = np.asarray(coefficients["expression"], np.float64)
    at_rest = np.zeros(len(motion))
    units = np.stack([expression[:, number[unit]] if unit in number else at_rest for unit in UNITS], axis=1)
    turn = np.asarray(whole.placement.joint_turns(coefficients)["root"], np.float64)
    return Take(np.arange(len(motion)) / motion.frames_per_second, units.clip(0, 1), _head(turn))


def _head(turn: Float64s) -> Float64s:
    """Yaw, pitch and roll [T, 3] of heads by their turn from upright [T, 3]; the inverse of `_turn`."""
    rotation = axis_angle_to_matrix(turn)  # Rz(roll) Ry(yaw) Rx(-pitch)
    pitch = -np.arctan2(rotation[:, 2, 1], rotation[:, 2, 2])
    yaw = np.arcsin((-rotation[:, 2, 0]).clip(-1, 1))
    roll = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    return np.stack([yaw, pitch, roll], axis=1)


def write_take(path: Path, take: Take) -> None:
    """Write a take as the app does, with timecodes from 0 that count 60 frames in a second."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Timecode", "BlendShapeCount", *(unit[0].upper() + unit[1:] for unit in UNITS), *HEAD, *EYES])
    writer.writerows(_rows(take))
    write_text(path, text.getvalue())


def _rows(take: Take) -> Iterator[list[str]]:
    count = str(len(UNITS) + len(HEAD) + len(EYES))
    for seconds, units, head in zip(take.seconds, take.units, take.head, strict=True):
        thousandths = round(float(seconds) * RATES[0] * 1000)
        whole, rest = divmod(thousandths, RATES[0] * 1000)
        clock = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
        yield [clock, count, *(f"{value:.8f}" for value in (*units, *head)), *("0.00000000" for _ in EYES)]
