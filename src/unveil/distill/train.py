"""Training a learner: it sees clear and occluded crops and learns the teacher's coefficients of the clear ones.

    python -m unveil.distill.train DATA RUN [--occluders DIR] [--config FILE] [--setting value ...]

Stopped at any time, the same command goes on where it was. The order of the samples, their augmentation and their
occluders follow from the seed, so that the losses are those of a run that was not stopped (with ``max_minutes`` the
learning rate follows the clock and they are not).
"""

import argparse
import copy
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Literal, cast

import cv2
import lightning_fabric
import numpy as np
import torch
from torch import Tensor

from unveil.assets.store import packaged
from unveil.distill.batches import batches, to_tensors
from unveil.distill.checkpoint import Position, TrainingState, load_checkpoint, settle_config
from unveil.distill.config import TrainConfig
from unveil.distill.data import TRAIN, VALIDATION, Sampler, TrainingData
from unveil.distill.losses import Objective, box_size, mean_distance
from unveil.distill.mirror import mirror_matrix
from unveil.distill.report import Clock, Meter, log
from unveil.errors import UnveilError, one_line_errors
from unveil.imaging.cutouts import load_pool
from unveil.imaging.occlude import Pool
from unveil.morphable import openhead
from unveil.morphable.model import MorphableModel
from unveil.networks.learner import Learner


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
    position, clock = state.position, Clock(state.position.seconds)

    while position.epoch < config.epochs and not _is_time_up(config, position):
        meter, saved_at = Meter(position), position.seconds
        network.train()
        for images, target, weight in batches(sampler, position, fabric):
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
            log(run, config, position, meter.numbers(config) | _validate(state.average, sampler, objective))
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


def _slowest(fabric: lightning_fabric.Fabric, clock: Clock) -> float:
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
            images, target, _ = to_tensors(sampler.validation_batch(chosen[start : start + 64], occluded=occluded))
            with torch.autocast("cpu", torch.bfloat16, enabled=sampler.config.precision == "bf16-mixed"):
                predicted = learner(images)
            points = objective.landmarks(target)
            errors.append(mean_distance(objective.landmarks(predicted), points) / box_size(points))
        result[name] = 100 * float(torch.cat(errors).mean())
    return result


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
        given = asdict(TrainConfig.load(options.config)) | given
    data = TrainingData.load(options.data)
    train(TrainConfig(**given), data, resolve_model(data.model), load_pool(options.occluders), options.run)


if __name__ == "__main__":
    with one_line_errors():
        main()
