"""What is asked of the maps of points in training, without ever holding the maps of a whole batch.

Maps of some 260 points of a batch have a hundred times the numbers of the features that they are made of, and fit no
processor's cache. So each image's maps are made, summed up and dropped, and made again for the gradient. On one core
that takes a fifth of the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor


class Maps(NamedTuple):
    """Maps of P points in C x C cells, as the features that they are made of and the layer that makes them."""

    features: Tensor  # [N, K, C * C], row 0 on top
    weight: Tensor  # [P, K]
    bias: Tensor  # [P]

    @property
    def cells(self) -> int:
        """C, the cells per side."""
        return math.isqrt(self.features.shape[-1])

    def logits(self) -> Tensor:
        """The maps [N, P, C * C] themselves, float32 at least."""
        return _logits(self.features, self.weight, self.bias)


def cell_centres(cells: int, like: Tensor) -> Tensor:
    """Where the cells of a row lie in the crop's [-1, 1] frame, [C], of the type and on the device of ``like``."""
    return (torch.arange(cells, device=like.device, dtype=like.dtype) + 0.5) * (2 / cells) - 1


def moments(maps: Maps) -> Tensor:
    """The expected x, y and x^2 + y^2 [N, P, 3] under each map, y down."""
    with _in_full(maps.features):
        return cast(Tensor, _Moments.apply(*_alike(maps)))  # type: ignore[no-untyped-call]


def cross_entropies(maps: Maps, rows: Tensor, columns: Tensor) -> Tensor:
    """Cross entropy [N, P] of each map with the spot that is the product of ``rows`` and ``columns`` [N, P, C].

    Each of the two sums to 1 over its cells.
    """
    with _in_full(maps.features):
        return cast(Tensor, _CrossEntropies.apply(*_alike(maps), rows, columns))  # type: ignore[no-untyped-call]


def moments_of(logits: Tensor) -> Tensor:
    """The same as `moments` of maps with logits [..., C * C]."""
    return torch.softmax(logits, dim=-1) @ _basis(math.isqrt(logits.shape[-1]), logits)


def _in_full(like: Tensor) -> torch.autocast:
    """No automatic precision: bfloat16 would round positions to half a pixel."""
    return torch.autocast(like.device.type, enabled=False)


def _basis(cells: int, like: Tensor) -> Tensor:
    """x, y and x^2 + y^2 of every cell, [C * C, 3]."""
    at = cell_centres(cells, like)
    y, x = torch.meshgrid(at, at, indexing="ij")
    return torch.stack([x, y, x.square() + y.square()], dim=-1).flatten(0, 1)


def _alike(maps: Maps) -> tuple[Tensor, Tensor, Tensor]:
    """The features, with the layer in their precision."""
    features = maps.features.contiguous()
    return features, maps.weight.to(features.dtype), maps.bias.to(features.dtype)


def _logits(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    logits = torch.baddbmm(bias[:, None], weight.expand(len(features), -1, -1), features)
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def _slices(features: Tensor) -> Iterator[slice]:
    """Images whose maps are made at once: one on a processor, whose cache is small, else all."""
    step = 1 if features.device.type == "cpu" else len(features)
    return (slice(start, start + step) for start in range(0, len(features), step))


class _Gradients:
    """Sums up the gradients of features, weight and bias, slice by slice."""

    def __init__(self, features: Tensor, weight: Tensor) -> None:
        exact = torch.promote_types(weight.dtype, torch.float32)
        self.of_layer = features, weight
        self.features = torch.empty_like(features)
        self.weight, self.bias = weight.new_zeros(weight.shape, dtype=exact), weight.new_zeros(len(weight), dtype=exact)

    def add(self, part: slice, logits: Tensor) -> None:
        """Add what the gradient [n, P, C * C] of a slice's logits makes of them."""
        features, weight = self.of_layer
        self.bias += logits.sum(dim=(0, 2))
        logits = logits.to(features.dtype)
        self.features[part] = weight.T @ logits
        self.weight += torch.einsum("npl,nkl->pk", logits, features[part])

    def all(self) -> tuple[Tensor, Tensor, Tensor]:
        """Those of features, weight and bias, in their precision."""
        dtype = self.features.dtype
        return self.features, self.weight.to(dtype), self.bias.to(dtype)


class _Moments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        found = torch.cat([moments_of(_logits(features[part], weight, bias)) for part in _slices(features)])
        ctx.save_for_backward(features, weight, bias, found)
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Of a map m with basis b and moments s, the logits' gradient is m (b - s) g."""
        features, weight, bias, found = ctx.saved_tensors
        basis = _basis(math.isqrt(features.shape[-1]), gradient)
        constant = -(gradient * found).sum(dim=-1, keepdim=True)
        gradients = _Gradients(features, weight)
        for part in _slices(features):
            maps = torch.softmax(_logits(features[part], weight, bias), dim=-1)
            gradients.add(part, maps.mul_((gradient[part] @ basis.T).add_(constant[part])))
        return gradients.all()


class _CrossEntropies(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        entropies = []
        for part in _slices(features):
            logits = _logits(features[part], weight, bias)
            expected = torch.linalg.vecdot(logits, _spots(rows[part], columns[part]))
            entropies.append(torch.logsumexp(logits, dim=-1) - expected)
        ctx.save_for_backward(features, weight, bias, rows, columns)
        return torch.cat(entropies)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Of a map m with the spot t, the logits' gradient is (m - t) g."""
        features, weight, bias, rows, columns = ctx.saved_tensors
        gradients = _Gradients(features, weight)
        for part in _slices(features):
            maps = torch.softmax(_logits(features[part], weight, bias), dim=-1)
            gradients.add(part, maps.sub_(_spots(rows[part], columns[part])).mul_(gradient[part][..., None]))
        return *gradients.all(), None, None


def _spots(rows: Tensor, columns: Tensor) -> Tensor:
    """Spots [n, P, C * C] of their rows and columns [n, P, C]."""
    return (rows[..., :, None] * columns[..., None, :]).flatten(-2)
