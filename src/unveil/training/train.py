"""Training a learner: it sees clear and occluded crops and learns the teacher's coefficients of the clear ones.

It may be stopped at any time; the same command continues. The order of the samples, their augmentation and their
occluders follow from the seed, so that the losses are those of a run that was not stopped (with ``max_minutes`` the
learning rate follows the clock and they are not).
"""

import copy
import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import lightning_fabric
import torch
from torch import Tensor

from unveil.errors import UnveilError
from unveil.heads.face_points import face_points
from unveil.models.learner import Learner
from unveil.storage.files import printable
from unveil.storage.outputs import alone_in
from unveil.training.batches import batches, to_bytes, to_tensors
from unveil.training.checkpoint import (
    CHECKPOINT_FILE,
    Position,
    TrainingState,
    load_checkpoint,
    new_learner,
    require_same_run,
    settle,
)
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import TRAIN
from unveil.training.data import TrainingData
from unveil.training.initial_weights import start_from
from unveil.training.launch import launch, said_once
from unveil.training.linear_layer import solve_shape
from unveil.training.losses import Objective
from unveil.training.report import Clock, Meter, Report
from unveil.training.sampler import Sampler, occluders_of
from unveil.training.synced_norm import synchronise
from unveil.training.validation import validate

FIRST_IMAGES = 64  # from which the normalisations of an exported learner get their statistics


def train(config: TrainConfig, data: TrainingData, run: Path, say: Callable[[str], None] = print) -> Position:
    """Train until the epochs or the minutes are used up; the result is the checkpoint in the folder ``run``.

    A line for every epoch goes to ``say``.

    Raises:
        UnveilError: the data are too few for a batch, there is no such occluder, or ``run`` is of a run with other
            settings or other data, or is in use.
    """
    sampler = Sampler(data, config, occluders_of(config))
    _ = _steps_per_epoch(config, data), sampler.crops.class_maps  # now, rather than in a new folder
    fabric = launch(config)
    with said_once(fabric.local_rank), alone_in(run, "train") if fabric.is_global_zero else nullcontext():
        return _train(config, sampler, run, fabric, say)


def _train(
    config: TrainConfig, sampler: Sampler, run: Path, fabric: lightning_fabric.Fabric, say: Callable[[str], None]
) -> Position:
    """Train in one of the processes of a run, the first of which has its folder."""
    if fabric.is_global_zero:
        require_same_run(run, config, sampler.data.fingerprint)
    fabric.barrier()
    steps_per_epoch = _steps_per_epoch(config, sampler.data)
    state = _start_or_resume(config, sampler, run, fabric.device)
    objective = Objective.of(config, state.learner.layout, sampler.data.model, fabric.device)
    network, optimizer = fabric.setup(state.learner, state.optimizer)
    position, clock = state.position, Clock(state.position.seconds)
    if fabric.is_global_zero:  # now that nothing is wrong with what the run starts from
        settle(run, config, sampler.data.fingerprint)
    report = Report(run, config, position, steps_per_epoch, say) if fabric.is_global_zero else None

    while position.epoch < config.epochs and not _is_over(config, position):
        meter, saved_at = Meter(position), position.seconds
        network.train()
        _keep_still(state.learner, config)
        for batch in meter.waiting(batches(sampler, position, fabric)):
            rate = config.learning_rate * schedule(_progress(config, position, steps_per_epoch), config.warmup)
            for group in optimizer.param_groups:
                group["lr"] = rate
            terms = objective.terms(network(batch.images), batch)
            loss = objective.total(terms, batch.weight).mean()
            optimizer.zero_grad()
            fabric.backward(loss)
            if config.gradient_norm:
                fabric.clip_gradients(network, optimizer, max_norm=config.gradient_norm, error_if_nonfinite=False)
            optimizer.step()
            position.step, position.batch = position.step + 1, position.batch + 1
            update_average(state.average, state.learner, config.ema, position.step)

            meter.add(terms | {"loss": loss})
            position.seconds = _seconds_of_all(fabric, clock, loss, run, position.step)
            if report:
                report.step()
            if _is_over(config, position):
                break
            if position.seconds - saved_at > config.checkpoint_minutes * 60 and fabric.is_global_zero:
                state.save(run)
                saved_at = position.seconds
        if position.batch >= steps_per_epoch:
            position.epoch, position.batch = position.epoch + 1, 0
        numbers = meter.numbers(config, fabric)
        if report:
            state.save(run)
            with fabric.autocast():
                report.epoch(numbers | validate(state.average, sampler, objective, fabric.device))
        fabric.barrier()
    if report:
        report.end()
    return position


def _steps_per_epoch(config: TrainConfig, data: TrainingData) -> int:
    steps = len(data.indices(TRAIN)) // config.samples_per_step
    if steps == 0:
        raise UnveilError(
            f"{len(data.indices(TRAIN))} training samples do not fill a batch of {config.samples_per_step}: "
            "give more, or a smaller batch_size"
        )
    return steps


def schedule(progress: float, warmup: float) -> float:
    """Share of the peak learning rate at ``progress`` 0 to 1: a linear rise, then half a cosine down to zero."""
    if progress < warmup:
        return max(progress / warmup, 1e-3)
    return 0.5 * (1 + math.cos(math.pi * min((progress - warmup) / max(1 - warmup, 1e-9), 1.0)))


def update_average(average: torch.nn.Module, learner: torch.nn.Module, decay: float, step: int) -> None:
    """Move the average towards the learner; faster early on, so that the first weights are forgotten."""
    move_towards(average, learner, 1 - min(decay, (1 + step) / (10 + step)))


@torch.no_grad()
def move_towards(network: torch.nn.Module, other: torch.nn.Module, share: float) -> None:
    """Move a network's weights towards those of another like it by a share of the way; counters are copied."""
    for ours, theirs in zip(network.state_dict().values(), other.state_dict().values(), strict=True):
        if ours.is_floating_point():
            ours.lerp_(theirs, share)
        else:
            ours.copy_(theirs)


def _start_or_resume(config: TrainConfig, sampler: Sampler, run: Path, device: torch.device) -> TrainingState:
    """A fresh state that depends on the seed alone, or the saved one."""
    saved = load_checkpoint(run)
    layout = saved["layout"] if saved else sampler.layout_with_statistics()
    torch.manual_seed(config.seed)
    front = torch.from_numpy(face_points(sampler.data.model).front) if config.point_weight else None
    learner = new_learner(config, layout, front)
    if config.start_from and not saved:
        start_from(learner, config.start_from, lambda: _first_images(sampler))
    if config.solve_shape and not saved:
        solve_shape(learner, sampler, config.solve_shape)
    _freeze(learner, config)
    learner.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(learner).requires_grad_(False)
    if config.world_size > 1:
        synchronise(learner)
    optimizer = torch.optim.AdamW(_parameter_groups(learner, config.weight_decay), config.learning_rate)
    state = TrainingState(learner, average, optimizer, Position())
    if saved:
        state.restore(saved)
    return state


def _first_images(sampler: Sampler) -> Tensor:
    """Images [N, 3, S, S] of the first samples of the run, as it will show them."""
    batch = sampler.training_batch(0, sampler.order(0)[:FIRST_IMAGES], sampler.severity(0))
    return to_tensors(to_bytes(batch)).images


def _parameter_groups(learner: Learner, weight_decay: float) -> list[dict[str, object]]:
    """Convolutions and linear layers decay; normalisations and biases, which have one axis, do not."""
    parameters = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _freeze(learner: Learner, config: TrainConfig) -> None:
    """Let only the parts learn that are to be trained."""
    parts = dict(learner.named_children())
    if missing := config.parts_to_train - parts.keys():
        names = ", ".join(sorted(missing))
        raise UnveilError(f"the learner has no {names} to train: give its term a weight, or name others in train_only")
    for name, part in parts.items():
        part.requires_grad_(_is_trained(name, config))


def _keep_still(learner: Learner, config: TrainConfig) -> None:
    """Keep the normalisation statistics of the parts that are not trained."""
    for name, part in learner.named_children():
        part.train(_is_trained(name, config))


def _is_trained(part: str, config: TrainConfig) -> bool:
    return not config.parts_to_train or part in config.parts_to_train


def _seconds_of_all(fabric: lightning_fabric.Fabric, clock: Clock, loss: Tensor, run: Path, step: int) -> float:
    """The largest of the processes' clocks, so that all of them stop after the same step.

    Raises:
        UnveilError: in every process, where the loss of one is not finite.
    """
    own = torch.tensor([clock.seconds(), float(not torch.isfinite(loss))])
    seconds, diverged = cast(Tensor, fabric.all_reduce(own, reduce_op="max")).tolist()
    if diverged:
        raise _diverged(run, step)
    return float(seconds)


def _diverged(run: Path, step: int) -> UnveilError:
    """The error of a run whose loss is no longer finite."""
    fault = f"the loss of {printable(run)} at step {step} is not finite, so the training has failed"
    if not (run / CHECKPOINT_FILE).exists():
        return UnveilError(f"{fault}; it has no checkpoint yet: train in another folder with a smaller --learning-rate")
    return UnveilError(
        f"{fault}; its last checkpoint is kept: train on from it in another folder, with --start-from and a smaller "
        "--learning-rate"
    )


def _is_over(config: TrainConfig, position: Position) -> bool:
    """Whether the minutes or the steps are used up."""
    by_clock = 0 < config.max_minutes * 60 <= position.seconds
    return by_clock or 0 < config.max_steps <= position.step


def _progress(config: TrainConfig, position: Position, steps_per_epoch: int) -> float:
    """Share of the run that is over, by steps or by the clock, whichever is further."""
    steps = config.epochs * steps_per_epoch
    by_steps = position.step / (min(steps, config.max_steps) if config.max_steps else steps)
    return max(by_steps, position.seconds / (config.max_minutes * 60)) if config.max_minutes else by_steps
