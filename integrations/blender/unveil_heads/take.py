"""Takes of Live Link Face: ARKit's units and the turn of the head over time. Knows nothing of Blender."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

RATE = 60.0  # frames that the app's timecodes count in a second
HEAD = ("HeadYaw", "HeadPitch", "HeadRoll")


class Take(NamedTuple):
    """What a face does in T frames."""

    seconds: list[float]  # [T] from 0
    units: dict[str, list[float]]  # [T] weights by name, in small letters
    head: list[tuple[float, float, float]]  # [T] radians: yaw, pitch, roll


def read_take(path: Path, rate: float = RATE) -> Take:
    """The take of a CSV file whose timecodes count so many frames in a second; ValueError where it is none."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = [row for row in csv.reader(stream) if row]
    if len(rows) < 2:
        raise ValueError("the file has no frames")
    names = [name.strip().casefold() for name in rows[0]]
    if "timecode" not in names or any(len(row) != len(names) for row in rows):
        raise ValueError("the file is no take of Live Link Face")
    columns = dict(zip(names, zip(*rows[1:], strict=True), strict=True))
    times = [_seconds(code, rate) for code in columns.pop("timecode")]
    columns.pop("blendshapecount", None)
    numbers = {name: [float(value) for value in values] for name, values in columns.items()}
    if not all(math.isfinite(value) for values in numbers.values() for value in values):
        raise ValueError("the file has numbers that are not finite")
    still = [0.0] * len(times)
    head = list(zip(*(numbers.pop(name.casefold(), still) for name in HEAD), strict=True))
    units = {name: values for name, values in numbers.items() if not name.startswith(("lefteye", "righteye"))}
    return Take([time - times[0] for time in times], units, head)


def _seconds(code: str, rate: float) -> float:
    hours, minutes, seconds, frames = (float(part) for part in code.split(":"))
    return 3600 * hours + 60 * minutes + seconds + frames / rate
