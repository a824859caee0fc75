"""The processes of a run: how they start, and which of them reports."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, cast

import cv2
import lightning_fabric
import torch

from unveil.errors import UnveilError
from unveil.training.config import TrainConfig

PATIENCE = 10.0  # seconds in which a process that fails like others of its run has ended


def launch(config: TrainConfig) -> lightning_fabric.Fabric:
    """Start the processes of the run."""
    cv2.setNumThreads(0)
    if config.threads:
        torch.set_num_threads(config.threads)
    if config.accelerator == "cuda" and torch.cuda.device_count() < config.processes:
        raise UnveilError(
            f"{config.processes} GPUs are asked for, but torch sees {torch.cuda.device_count()}: "
            "set fewer --processes, or --accelerator cpu"
        )
    accelerator = config.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # not what it chose by itself
    fabric = lightning_fabric.Fabric(
        accelerator=accelerator,
        devices=config.processes,
        num_nodes=config.nodes,
        strategy="ddp" if config.world_size > 1 else "auto",
        precision=cast(Literal["bf16-mixed", "32-true"], config.precision),
    )
    fabric.launch()
    return fabric


@contextmanager
def said_once(local_rank: int) -> Iterator[None]:
    """Report once, not once a process, an error that ends the whole run or follows from the end of the first process.

    The first process of a machine starts the others. Where it ends, it has said why. Where it does not, what is wrong
    is only here, and is raised.
    """
    first, alone = os.getppid(), not local_rank
    try:
        yield
    except (Exception, SystemExit) as error:
        if alone or not _ends(first):
            raise
        raise SystemExit(UnveilError.exit_status) from error


def _ends(parent: int) -> bool:
    """Whether the parent of this process ends soon."""
    until = time.monotonic() + PATIENCE
    while os.getppid() == parent:
        if time.monotonic() > until:
            return False
        time.sleep(PATIENCE / 100)
    return True
