"""An epoch's batches, prepared by this process or by loader processes, as the tensors a training step takes."""

from collections.abc import Iterator
from typing import Any

import lightning_fabric
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from unveil.distill.checkpoint import Position
from unveil.distill.data import Batch, Sampler

Tensors = tuple[Tensor, Tensor, Tensor]  # images [B, 3, S, S] in [0, 1], coefficients [B, M], weight [B]


def batches(sampler: Sampler, position: Position, fabric: lightning_fabric.Fabric) -> Iterator[Tensors]:
    """This process's share of the epoch's batches from ``position`` on."""
    size = sampler.config.batch_size
    order = sampler.order(position.epoch)
    parts = [order[i : i + size] for i in range(position.batch * size, len(order) - size + 1, size)]
    parts = [part[fabric.global_rank :: fabric.world_size] for part in parts]
    data = _EpochData(sampler, position.epoch, parts)
    yield from DataLoader(data, batch_size=None, num_workers=sampler.config.workers, collate_fn=to_tensors)


def to_tensors(batch: Any) -> Tensors:
    """A `Batch` as tensors."""
    images = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 255  # channels last in memory
    return images, torch.from_numpy(batch.coefficients), torch.from_numpy(batch.weight)


class _EpochData(Dataset[Batch]):
    """The batches of an epoch, by number."""

    def __init__(self, sampler: Sampler, epoch: int, parts: list[NDArray[np.int64]]) -> None:
        self.sampler, self.epoch, self.parts = sampler, epoch, parts

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, number: int) -> Batch:
        return self.sampler.training_batch(self.epoch, self.parts[number])
