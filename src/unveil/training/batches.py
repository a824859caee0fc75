"""An epoch's batches, prepared by this process or by loader processes, as the tensors a training step takes."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import lightning_fabric
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from unveil.training.checkpoint import Position
from unveil.training.sampler import Sampler
from unveil.training.views.batch import Batch
from unveil.typing import Int64s


class Tensors(NamedTuple):
    """A `Batch` as tensors."""

    images: Tensor  # [B, 3, S, S] in [0, 1]
    coefficients: Tensor  # [B, M]
    weight: Tensor  # [B]
    shape_weight: Tensor  # [B]
    occlusion: Tensor  # [B, 28, 28]
    points: Tensor  # [B, P, 2]
    classes: Tensor  # [B, 56, 56]
    partner: Tensor  # [B]
    face: Tensor  # [B]


def batches(sampler: Sampler, position: Position, fabric: lightning_fabric.Fabric) -> Iterator[Tensors]:
    """This process's share of the epoch's batches from ``position`` on."""
    size = sampler.config.samples_per_step
    order = sampler.order(position.epoch)
    whole = [order[i : i + size] for i in range(0, len(order) - size + 1, size)]  # of all processes together
    data = _EpochData(sampler, position, [batch[fabric.global_rank :: fabric.world_size] for batch in whole])
    loader = DataLoader(data, batch_size=None, num_workers=sampler.config.workers, collate_fn=to_bytes)
    for batch in loader:
        yield to_tensors(batch, fabric.device)


def to_bytes(batch: Any) -> Tensors:
    """A `Batch` as tensors, with images [B, S, S, 3] still as bytes, which is what loader processes hand over."""
    return Tensors(*(torch.from_numpy(array) for array in batch))


def to_tensors(batch: Tensors, device: torch.device | str = "cpu") -> Tensors:
    """The tensors as the network takes them, on a device."""
    moved = Tensors(*(tensor.to(device, non_blocking=True) for tensor in batch))
    return moved._replace(images=moved.images.permute(0, 3, 1, 2).float() / 255)  # channels last in memory


class _EpochData(Dataset[Batch]):
    """The batches of an epoch that are still to be done."""

    def __init__(self, sampler: Sampler, position: Position, batch_samples: list[Int64s]) -> None:
        self.sampler, self.epoch, self.done = sampler, position.epoch, position.batch
        self.batch_samples = batch_samples

    def __len__(self) -> int:
        return len(self.batch_samples) - self.done

    def __getitem__(self, number: int) -> Batch:
        number += self.done
        severity = self.sampler.severity(self.epoch + number / len(self.batch_samples))
        return self.sampler.training_batch(self.epoch, self.batch_samples[number], severity)
