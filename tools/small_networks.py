"""Training of the small networks beside the learner. A stopped run continues where it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from unveil.training.train import schedule, update_average

# Metadata of networks that were trained on photographs.
RESEARCH = {
    "licence": "non-commercial research",
    "data": "photographs released for non-commercial research: UTKFace, All-Age-Faces, YouTube Faces",
}
LARGEST_GRADIENT = 1.0
KEPT_EVERY = 250  # steps
Network = TypeVar("Network", bound=nn.Module)
Batch = TypeVar("Batch")


class Course(NamedTuple):
    """How a network is trained."""

    rate: float  # peak learning rate
    warm: float  # share of the steps over which the learning rate rises
    decay: float  # weight decay
    averaged: float  # decay per step of the averaged weights


def fit(
    make: Callable[[], Network],
    draw: Callable[[np.random.Generator], Batch],
    loss: Callable[[Network, Batch], Tensor],
    course: Course,
    kept: Path,
    *,
    steps: int,
    seed: int,
    note: Callable[[str], None] = print,
) -> Network:
    """The trained network, its weights averaged over steps.

    Args:
        make: gives an untrained network.
        draw: gives a batch; the next one is drawn in another thread during a step.
        loss: of a network for a batch.
        course: the settings of the training.
        kept: file of the state, read if an earlier run has left it, and written every `KEPT_EVERY` steps.
        steps: in all, including those of earlier runs.
        seed: of the initial weights and of the batches.
        note: is given a line on the progress.
    """
    torch.manual_seed(seed)
    network, averaged = (make().to(memory_format=torch.channels_last) for _ in range(2))
    averaged.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), course.rate, weight_decay=course.decay)
    first = 0
    if kept.is_file():
        state = torch.load(kept, weights_only=True)
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    total = 0.0
    for step, batch in zip(range(first, steps), _drawn(draw, range(first, steps), seed), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = course.rate * schedule(step / steps, course.warm)
        found = loss(network, batch)
        optimizer.zero_grad()
        found.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        optimizer.step()
        update_average(averaged, network, course.averaged, step)
        total += found.item()
        if (step + 1) % KEPT_EVERY == 0 or step + 1 == steps:
            networks = {"network": network.state_dict(), "averaged": averaged.state_dict()}
            torch.save(networks | {"optimizer": optimizer.state_dict(), "step": step + 1}, kept)
            note(f"{step + 1} of {steps} steps: {total / (step % KEPT_EVERY + 1):.3f}")
            total = 0.0
    return averaged


def _drawn(draw: Callable[[np.random.Generator], Batch], steps: range, seed: int) -> Iterator[Batch]:
    """The batches of these steps, each drawn while the one before is used."""
    with ThreadPoolExecutor(1) as other:
        coming = [other.submit(draw, np.random.default_rng((seed, step))) for step in steps[:1]]
        for step in steps:
            batch = coming.pop().result()
            if step + 1 < steps.stop:
                coming.append(other.submit(draw, np.random.default_rng((seed, step + 1))))
            yield batch
