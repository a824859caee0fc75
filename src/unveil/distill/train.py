"""Training a learner: it sees clear and occluded crops and learns the teacher's coefficients of the clear ones.

    python -m unveil.distill.train DATA RUN [--occluders DIR] [--config FILE] [--setting value ...]

Stopped at any time, the same command goes on where it was. The order of the samples, their augmentation and their
occluders follow from the seed, so that the losses are those of a run that was not stopped (with ``max_minutes`` the
learning rate follows the clock and they are not).
"""

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, cast

import cv2
import lightning_fabric
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from unveil.assets.store import packaged
from unveil.distill.checkpoint import Position, TrainingState, load_checkpoint, settle_config
from unveil.distill.config import TrainConfig
from unveil.distill.data import TRAIN, VALIDATION, Batch, Sampler, TrainingData
from unveil.distill.losses import Objective, box_size, mean_distance
from unveil.distill.mirror import mirror_matrix
from unveil.errors import UnveilError
from unveil.imaging.cutouts import load_pool
from unveil.imaging.occlude import Pool
from unveil.morphable import openhead
from unveil.morphable.model import MorphableModel
from unveil.networks.learner import Learner

LOG_FILE = "log.jsonl"
Tensors = tuple[Tensor, Tensor, Tensor]  # images [B, 3, S, S] in [0, 1], coefficients [B, M], weight [B]


def train(config: TrainConfig, data: TrainingData, model: MorphableModel, pool: Pool, run: Path) -> Position:
    """Train until the epochs or the minutes are used up; the result is the checkpoint in the folder ``run``.

    Raises:
        UnveilError: the data are of another layout than the model or too few for a batch, or ``run`` is of a run with
            other settings.
    """
    model.layout.require(data.layout)
    batches_per_epoch = len(data.indices(TRAIN)) // config.batch_size
    if batches_per_epoch == 0:
        raise UnveilError(f"{len(data.indices(TRAIN))} training samples do not fill one batch of {config.batch_size}")
    fabric = _launch(config)
    if fabric.is_global_zero:
        settle_config(run, config)
    fabric.barrier()
    sampler = Sampler(data, config, pool, mirror_matrix(model))
    state = _start_or_resume(config, sampler, run)
    objective = Objective.of(config, state.learner.layout, model)
    network, optimizer = fabric.setup(state.learner, state.optimizer)
    position, clock = state.position, _Clock(state.position.seconds)

    while position.epoch < config.epochs and not _is_time_up(config, position):
        meter, saved_at = _Meter(position), position.seconds
        network.train()
        for images, target, weight in _batches(sampler, position, fabric):
            rate = config.learning_rate * schedule(_progress(config, position, batches_per_epoch), config.warmup)
            for group in optimizer.param_groups:
                group["lr"] = rate
            terms = objective.terms(network(images), target)
            loss = (objective.total(terms) * weight).mean()
            optimizer.zero_grad()
            fabric.backward(loss)
            fabric.clip_gradients(network, optimizer, max_norm=config.gradient_norm, error_if_nonfinite=False)
            optimizer.step()
            position.step, position.batch = position.step + 1, position.batch + 1
            update_average(state.average, state.learner, config.ema, position.step)

            meter.add(terms | {"loss": loss})
            position.seconds = _slowest(fabric, clock)
            if _is_time_up(config, position):
                break
            if position.seconds - saved_at > config.checkpoint_minutes * 60 and fabric.is_global_zero:
                state.save(run)
                saved_at = position.seconds
        if position.batch >= batches_per_epoch:
            position.epoch, position.batch = position.epoch + 1, 0
        if fabric.is_global_zero:
            state.save(run)
            _log(run, config, position, meter.numbers(config) | _validate(state.average, sampler, objective))
        fabric.barrier()
    return position


def schedule(progress: float, warmup: float) -> float:
    """Share of the peak learning rate at ``progress`` 0 to 1: a linear rise, then half a cosine down to zero."""
    if progress < warmup:
        return max(progress / warmup, 1e-3)
    return 0.5 * (1 + math.cos(math.pi * min((progress - warmup) / max(1 - warmup, 1e-9), 1.0)))


@torch.no_grad()
def update_average(average: torch.nn.Module, learner: torch.nn.Module, decay: float, step: int) -> None:
    """Move the average towards the learner; early on faster, so that the first weights are forgotten."""
    decay = min(decay, (1 + step) / (10 + step))
    for old, new in zip(average.state_dict().values(), learner.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)


def resolve_model(name: str) -> MorphableModel:
    """The head model that labels name; UnveilError when unveil has none of that name."""
    if name != "openhead":
        raise UnveilError(f"the labels are of the head model {name!r}; training knows openhead")
    return openhead.load(packaged("openhead.npz"))


def _launch(config: TrainConfig) -> lightning_fabric.Fabric:
    """Start the processes of the run."""
    cv2.setNumThreads(0)
    if config.threads:
        torch.set_num_threads(config.threads)
    fabric = lightning_fabric.Fabric(
        accelerator="cpu",
        devices=config.processes,
        strategy="ddp" if config.processes > 1 else "auto",
        precision=cast(Literal["bf16-mixed", "32-true"], config.precision),
    )
    fabric.launch()
    return fabric


def _start_or_resume(config: TrainConfig, sampler: Sampler, run: Path) -> TrainingState:
    """A fresh state that depends on the seed alone, or the saved one."""
    saved = load_checkpoint(run)
    layout = saved["layout"] if saved else sampler.layout_with_statistics()
    torch.manual_seed(config.seed)
    learner = Learner(config.depth, layout, config.input_size)
    learner.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(_parameter_groups(learner, config.weight_decay), config.learning_rate)
    state = TrainingState(learner, copy.deepcopy(learner).requires_grad_(False), optimizer, Position())
    if saved:
        state.restore(saved)
    return state


def _parameter_groups(learner: Learner, weight_decay: float) -> list[dict[str, object]]:
    """Convolutions and the linear layer decay; normalisations and biases, which have one axis, do not."""
    parameters = list(learner.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


class _Clock:
    """Seconds of training, those before an interruption included."""

    def __init__(self, before: float) -> None:
        self._start = time.monotonic() - before

    def seconds(self) -> float:
        return time.monotonic() - self._start


class _Meter:
    """Means of the terms over what is trained until the next line of the log, and the speed."""

    def __init__(self, position: Position) -> None:
        self._position, self._step, self._seconds = position, position.step, position.seconds
        self._sums: dict[str, float] = {}

    def add(self, terms: dict[str, Tensor]) -> None:
        for name, term in terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(term.detach().mean())

    def numbers(self, config: TrainConfig) -> dict[str, float]:
        steps, seconds = self._position.step - self._step, self._position.seconds - self._seconds
        means = {name: total / max(steps, 1) for name, total in self._sums.items()}
        return means | {"images_per_second": steps * config.batch_size / max(seconds, 1e-9)}


class _EpochData(Dataset[Batch]):
    """The batches of an epoch, by number."""

    def __init__(self, sampler: Sampler, epoch: int, parts: list[NDArray[np.int64]]) -> None:
        self.sampler, self.epoch, self.parts = sampler, epoch, parts

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, number: int) -> Batch:
        return self.sampler.training_batch(self.epoch, self.parts[number])


def _batches(sampler: Sampler, position: Position, fabric: lightning_fabric.Fabric) -> Iterator[Tensors]:
    """This process's share of the epoch's batches from ``position`` on."""
    size = sampler.config.batch_size
    order = sampler.order(position.epoch)
    parts = [order[i : i + size] for i in range(position.batch * size, len(order) - size + 1, size)]
    parts = [part[fabric.global_rank :: fabric.world_size] for part in parts]
    data = _EpochData(sampler, position.epoch, parts)
    yield from DataLoader(data, batch_size=None, num_workers=sampler.config.workers, collate_fn=_to_tensors)


def _to_tensors(batch: Any) -> Tensors:
    images = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 255  # channels last in memory
    return images, torch.from_numpy(batch.coefficients), torch.from_numpy(batch.weight)


def _slowest(fabric: lightning_fabric.Fabric, clock: _Clock) -> float:
    """The largest of the processes' clocks, so that all of them stop after the same step."""
    return float(cast(Tensor, fabric.all_reduce(torch.tensor(clock.seconds()), reduce_op="max")))


def _is_time_up(config: TrainConfig, position: Position) -> bool:
    return config.max_minutes > 0 and position.seconds >= config.max_minutes * 60


def _progress(config: TrainConfig, position: Position, batches_per_epoch: int) -> float:
    """Share of the run that is over, by steps or by the clock, whichever is further."""
    steps = position.step / (config.epochs * batches_per_epoch)
    return max(steps, position.seconds / (config.max_minutes * 60)) if config.max_minutes else steps


@torch.no_grad()
def _validate(learner: Learner, sampler: Sampler, objective: Objective) -> dict[str, float]:
    """NME in percent between the learner's and the teacher's landmarks on validation samples, clear and occluded."""
    indices = sampler.data.indices(VALIDATION)
    if not len(indices):
        return {}
    count = min(len(indices), sampler.config.validation_samples)
    chosen = np.random.default_rng(sampler.config.seed).choice(indices, count, replace=False)
    learner.eval()
    result = {}
    for name, occluded in (("nme_clear", False), ("nme_occluded", True)):
        errors = []
        for start in range(0, count, 64):
            images, target, _ = _to_tensors(sampler.validation_batch(chosen[start : start + 64], occluded=occluded))
            with torch.autocast("cpu", torch.bfloat16, enabled=sampler.config.precision == "bf16-mixed"):
                predicted = learner(images)
            points = objective.landmarks(target)
            errors.append(mean_distance(objective.landmarks(predicted), points) / box_size(points))
        result[name] = 100 * float(torch.cat(errors).mean())
    return result


def _log(run: Path, config: TrainConfig, position: Position, numbers: dict[str, float]) -> None:
    """One readable line on the terminal, and all numbers in the log."""
    done = position.epoch + (position.batch > 0)
    left = position.seconds * (config.epochs / max(done, 1) - 1)
    if config.max_minutes:
        left = min(left, config.max_minutes * 60 - position.seconds)
    with (run / LOG_FILE).open("a", encoding="utf-8") as log:
        log.write(json.dumps({"epoch": done, "step": position.step, "seconds": position.seconds, **numbers}) + "\n")
    parts = "  ".join(f"{name} {value:.3f}" for name, value in numbers.items())
    line = f"epoch {done}/{config.epochs}  step {position.step}  {parts}  {max(left, 0) / 60:.1f} min left"
    print(line, flush=True)  # noqa: T201


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a learner on labelled crops.")
    parser.add_argument("data", type=Path, help="folder with crops.npy and labels.npz")
    parser.add_argument("run", type=Path, help="folder for checkpoint, log and settings; an old one is continued")
    parser.add_argument("--occluders", type=Path, help="folder with pictures of occluders")
    parser.add_argument("--config", type=Path, help="JSON file with settings")
    for field in fields(TrainConfig):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=field.type, dest=field.name)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    options = _arguments(arguments)
    given = {f.name: v for f in fields(TrainConfig) if (v := getattr(options, f.name)) is not None}
    if options.config:
        loaded = json.loads(TrainConfig.load(options.config).to_json())
        given = loaded | given
    data = TrainingData.load(options.data)
    train(TrainConfig(**given), data, resolve_model(data.model), load_pool(options.occluders), options.run)


if __name__ == "__main__":
    main()
