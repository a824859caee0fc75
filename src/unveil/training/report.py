"""The reports of a training run: its clock, the means of its losses, lines, a log and TensorBoard's curves."""

import atexit
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar, cast

import lightning_fabric
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from torch import Tensor

from unveil.errors import UnveilError, reason_of
from unveil.storage.files import on_terminal, printable
from unveil.training.checkpoint import Position
from unveil.training.config import TrainConfig

LOG_FILE = "log.jsonl"
Item = TypeVar("Item")


class Clock:
    """Seconds of training, those before an interruption included."""

    def __init__(self, before: float) -> None:
        self._start = time.monotonic() - before

    def seconds(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._start


class Meter:
    """Means of the terms over what is trained until the next line of the log, the speed, and the wait for data."""

    def __init__(self, position: Position) -> None:
        self._position, self._step, self._seconds = position, position.step, position.seconds
        self._sums: dict[str, float] = {}
        self._waited = 0.0

    def waiting(self, items: Iterator[Item]) -> Iterator[Item]:
        """The same items; the time until each is there counts as waiting."""
        while True:
            start = time.monotonic()
            item = next(items, None)
            self._waited += time.monotonic() - start
            if item is None:
                return
            yield item

    def add(self, terms: dict[str, Tensor]) -> None:
        """Take in the terms [B] of one step, of this process's share of the batch."""
        for name, term in terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(term.detach().mean())

    def numbers(self, config: TrainConfig, fabric: lightning_fabric.Fabric) -> dict[str, float]:
        """Means over all processes of every term and of the share of the time spent waiting, and images per second.

        Every process must ask.
        """
        steps, seconds = self._position.step - self._step, max(self._position.seconds - self._seconds, 1e-9)
        own = {name: total / max(steps, 1) for name, total in self._sums.items()} | {"waiting": self._waited / seconds}
        means = cast(Tensor, fabric.all_reduce(torch.tensor(list(own.values()), device=fabric.device))).tolist()
        return dict(zip(own, means, strict=True)) | {"images_per_second": steps * config.batch_size / seconds}


class Report:
    """Where the numbers of a run go: readable lines, ``log.jsonl`` and TensorBoard's files in the run's folder."""

    def __init__(
        self,
        run: Path,
        config: TrainConfig,
        position: Position,
        steps_per_epoch: int,
        say: Callable[[str], None],
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter  # slow to import

        self._run, self._config, self._position, self._steps = run, config, position, steps_per_epoch
        self._say = say
        self._progress = _progress_bar()
        if self._progress:
            self._task = self._progress.add_task("", total=steps_per_epoch)
        self._board = SummaryWriter(str(run / "tensorboard"), purge_step=position.step + 1)

    def step(self) -> None:
        """Move the progress bar, if there is one."""
        if self._progress:
            text = f"epoch {self._position.epoch + 1}/{self._config.epochs}, {self.left()}"
            self._progress.update(self._task, completed=self._position.batch, description=text)

    def epoch(self, numbers: dict[str, float]) -> None:
        """One readable line, one line in the log and one point per curve."""
        position = self._position
        done = position.epoch + (position.batch > 0)
        line = {"epoch": done, "step": position.step, "seconds": position.seconds} | numbers
        try:
            with (self._run / LOG_FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            for name, value in numbers.items():
                self._board.add_scalar(name, value, position.step)
            self._board.flush()
        except OSError as error:
            raise UnveilError(
                f"cannot write the log of {self._run}: {reason_of(error)}; make room and give the same command again"
            ) from error
        parts = "  ".join(f"{name} {value:.3f}" for name, value in numbers.items())
        self._say(f"epoch {done}/{self._config.epochs}  step {position.step}  {parts}  {self.left()}")

    def end(self) -> None:
        """One line when the run is over."""
        position = self._position
        self._say(f"{printable(self._run)}: {position.step} steps in {position.seconds / 60:.1f} minutes")

    def left(self) -> str:
        """The time that is left, by steps or by the clock."""
        position, config = self._position, self._config
        steps = min(config.epochs * self._steps, config.max_steps or math.inf)
        left = position.seconds * (steps / max(position.step, 1) - 1)
        if config.max_minutes:
            left = min(left, config.max_minutes * 60 - position.seconds)
        return f"{max(left, 0) / 60:.1f} min left"


def _progress_bar() -> Progress | None:
    """A progress bar on stderr that disappears at the end; none where stderr is not a terminal."""
    if not on_terminal(sys.stderr):
        return None
    progress = Progress(TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True), transient=True)
    progress.start()
    atexit.register(progress.stop)
    return progress
