"""Batch normalisation over the batches of all processes, so that many processes train as one would.

torch's own SyncBatchNorm needs a GPU.
"""

from typing import Any, cast

import torch
from torch import Tensor, distributed, nn


class SyncedBatchNorm(nn.BatchNorm2d):
    """`BatchNorm2d` whose statistics are those of all processes together, which have batches of one size."""

    def forward(self, x: Tensor) -> Tensor:  # [N, C, H, W]
        """As `BatchNorm2d`; in training, mean and variance are averaged over the processes, gradients included."""
        if not self.training or not distributed.is_initialized() or distributed.get_world_size() == 1:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            mean, variance = self._joint_statistics(x)
            self._remember(mean, variance, count=distributed.get_world_size() * x.numel() // x.shape[1])
            whole = x, self.weight, self.bias, mean, variance + self.eps
            return cast(Tensor, _Normalise.apply(*whole))  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def _joint_statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance [C] of all processes' batches together."""
        own = torch.native_batch_norm(x, self.weight, self.bias, None, None, True, 0.0, self.eps)
        mean, variance = own[1], own[2].reciprocal().square() - self.eps
        moments = torch.stack([mean.double(), variance + mean.double().square()]) / distributed.get_world_size()
        distributed.all_reduce(moments)
        return moments[0].to(mean.dtype), (moments[1] - moments[0].square()).clamp(min=0).to(mean.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, *, count: int) -> None:
        """Move the running statistics, of which the variance is that of a sample."""
        for running, value in ((self.running_mean, mean), (self.running_var, variance * count / max(count - 1, 1))):
            if running is not None and self.momentum is not None:
                running.lerp_(value.to(running.dtype), self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


class _Normalise(torch.autograd.Function):
    """Normalise a batch by statistics of which it is a part."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        inverse = torch.rsqrt(variance)
        ctx.save_for_backward(x, weight, mean, inverse)
        return torch.batch_norm(x, weight, bias, mean, variance, False, 0.0, 0.0, False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """With z normalised and g its gradient, that of x is (g - mean of g - z times the mean of g z) w / deviation.

        What one process puts in moves the statistics of all, so the means are over all (Ioffe and Szegedy 2015).
        """
        x, weight, mean, inverse = ctx.saved_tensors
        channels_last = x.is_contiguous(memory_format=torch.channels_last)
        gradient = gradient.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
        _, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, None, None, mean, inverse, True, 0.0, [False, True, True]
        )
        sums = torch.stack([of_weight, of_bias])
        distributed.all_reduce(sums)
        of_z, of_shift = sums / (distributed.get_world_size() * x.numel() // x.shape[1])
        scale = weight * inverse
        slope = -scale * inverse * of_z
        offset = -scale * of_shift - slope * mean
        result = gradient * _per_channel(scale, x)
        result.addcmul_(x, _per_channel(slope, x)).add_(_per_channel(offset, x))
        return result, of_weight, of_bias, None, None


def _per_channel(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like.dtype)[:, None, None]


def synchronise(module: nn.Module) -> None:
    """Replace every `BatchNorm2d` in a module by a synced one, with the same parameters and names."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            synced = SyncedBatchNorm(child.num_features, child.eps, child.momentum)
            synced.weight, synced.bias = child.weight, child.bias
            synced.load_state_dict(child.state_dict())
            setattr(module, name, synced)
        else:
            synchronise(child)
