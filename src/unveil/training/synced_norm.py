"""Batch normalisation over the batches of all processes, so that many processes train as one would.

torch's own SyncBatchNorm needs a GPU.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn


class SyncedBatchNorm(nn.BatchNorm2d):
    """`BatchNorm2d` whose statistics are those of all processes together, which have batches of one size."""

    def forward(self, x: Tensor) -> Tensor:  # [N, C, H, W]
        """As `BatchNorm2d`; in training, mean and variance are averaged over the processes, gradients included."""
        if not self.training or not distributed.is_initialized() or distributed.get_world_size() == 1:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            wide = x if x.dtype == torch.float64 else x.float()
            return self._normalise(wide).to(x.dtype)

    def _normalise(self, x: Tensor) -> Tensor:
        world = distributed.get_world_size()
        own_variance, own_mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        mean = _sum_over_processes(own_mean) / world
        # Between processes the means differ too: the law of total variance.
        variance = _sum_over_processes(own_variance + (own_mean - mean).square()) / world
        with torch.no_grad():
            count = world * x.numel() // x.shape[1]
            for running, value in (
                (self.running_mean, mean),
                (self.running_var, variance * count / max(count - 1, 1)),
            ):
                if running is not None and self.momentum is not None:
                    running.lerp_(value, self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return x * scale[:, None, None] + (self.bias - mean * scale)[:, None, None]


class _SumOverProcesses(torch.autograd.Function):
    """What one process puts in moves the losses of all, so the gradient is a sum over the processes as well."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def _sum_over_processes(values: Tensor) -> Tensor:
    total: Tensor = _SumOverProcesses.apply(values)  # type: ignore[no-untyped-call]
    return total


def synchronise(module: nn.Module) -> None:
    """Replace every `BatchNorm2d` in a module by one that is synced, with the same parameters and names."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            synced = SyncedBatchNorm(child.num_features, child.eps, child.momentum)
            synced.weight, synced.bias = child.weight, child.bias
            synced.load_state_dict(child.state_dict())
            setattr(module, name, synced)
        else:
            synchronise(child)
