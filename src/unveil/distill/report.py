"""What a training run tells about itself: its clock, the means of its losses, a line per epoch and a log."""

import json
import time
from pathlib import Path

from torch import Tensor

from unveil.distill.checkpoint import Position
from unveil.distill.config import TrainConfig

LOG_FILE = "log.jsonl"


class Clock:
    """Seconds of training, those before an interruption included."""

    def __init__(self, before: float) -> None:
        self._start = time.monotonic() - before

    def seconds(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._start


class Meter:
    """Means of the terms over what is trained until the next line of the log, and the speed."""

    def __init__(self, position: Position) -> None:
        self._position, self._step, self._seconds = position, position.step, position.seconds
        self._sums: dict[str, float] = {}

    def add(self, terms: dict[str, Tensor]) -> None:
        """Take in the terms [B] of one step."""
        for name, term in terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(term.detach().mean())

    def numbers(self, config: TrainConfig) -> dict[str, float]:
        """The mean of every term, and images per second."""
        steps, seconds = self._position.step - self._step, self._position.seconds - self._seconds
        means = {name: total / max(steps, 1) for name, total in self._sums.items()}
        return means | {"images_per_second": steps * config.batch_size / max(seconds, 1e-9)}


def log(run: Path, config: TrainConfig, position: Position, numbers: dict[str, float]) -> None:
    """One readable line on the terminal, and all numbers in the log of the folder ``run``."""
    done = position.epoch + (position.batch > 0)
    left = position.seconds * (config.epochs / max(done, 1) - 1)
    if config.max_minutes:
        left = min(left, config.max_minutes * 60 - position.seconds)
    with (run / LOG_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"epoch": done, "step": position.step, "seconds": position.seconds, **numbers}) + "\n")
    parts = "  ".join(f"{name} {value:.3f}" for name, value in numbers.items())
    line = f"epoch {done}/{config.epochs}  step {position.step}  {parts}  {max(left, 0) / 60:.1f} min left"
    print(line, flush=True)  # noqa: T201
