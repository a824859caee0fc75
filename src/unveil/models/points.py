"""Points of the face in a crop, and what their places add to the coefficients.

Pooled features know which face it is, but lose a pixel or two of where things are, and a pixel makes one nose another.
Maps keep it: each point is the expected position under a map of its own (integral regression, Sun et al. 2018), and a
linear layer reads coefficients from the places of all points.

The maps of 64 crops of 144 pixels fill 87 MB, more than any cache. So in training the maps of each image are made,
summed up and dropped, and made again for the gradient. On one core this takes a fifth of the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

FRONT = "refinement.front"  # the template's points in the state of a learner that finds points
CHANNELS = 64
LEAST_SPREAD, SPREAD_MIDDLE = 1e-3, 2.5  # least spread whose logarithm is taken, and what is added to the logarithm
OFFSET_SCALE, PLACE_SCALE = 8.0, 3.0  # scale the inputs of the refinement to about 1
LARGEST = 6.0  # bound of an offset, for wild first guesses


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


class Points(NamedTuple):
    """Points of the face in the crop's [-1, 1] frame, y down."""

    positions: Tensor  # [N, P, 2]
    spread: Tensor  # [N, P] standard deviation of their maps
    maps: Maps


class PointHead(nn.Module):
    """Points from all stages of the backbone: the late ones know which part it is, the early ones where it ends.

    Their maps are as fine as the first stage, with C = a quarter of the crop's side.
    """

    def __init__(self, channels: tuple[int, ...], points: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(count, CHANNELS, 1) for count in channels)
        self.conv1 = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(CHANNELS)
        self.conv2 = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(CHANNELS)
        self.last = nn.Conv2d(CHANNELS, points, 1)

    def forward(self, stages: list[Tensor]) -> Points:
        x = self.laterals[-1](stages[-1])
        for lateral, stage in zip(list(self.laterals)[-2::-1], stages[-2::-1], strict=True):
            x = lateral(stage) + resized(x, stage.shape[-1])
        x = functional.relu(self.bn1(self.conv1(functional.relu(x))))
        x = functional.relu(self.bn2(self.conv2(x)))
        maps = Maps(x.flatten(2), self.last.weight.flatten(1), cast(Tensor, self.last.bias))
        if self.training:
            return Points(*expectation(moments(maps)), maps)
        logits = self.last(x).flatten(2).float()  # the same as a layer, which an exported learner has in 8 bits
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 would round positions to half a pixel
            return Points(*expectation(moments_of(logits)), maps)


def expectation(moments: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [N, P, 2] and standard deviation [N, P] of positions under maps with moments [N, P, 3]."""
    mean, square = moments[..., :2], moments[..., 2]
    variance = square - mean.square().sum(dim=-1)
    return mean, torch.sqrt(variance.clamp(min=0) + 1e-6)


class Refinement(nn.Module):
    """The contribution of points to standardised coefficients; at first nothing.

    It does not move the points: they are to be where they are, not where they help.

    Args:
        coefficients: M.
        front: [P, 2] the points of the head model's template from the front, around their middle, y down.
    """

    front: Tensor

    def __init__(self, coefficients: int, front: Tensor) -> None:
        super().__init__()
        self.register_buffer("front", front.float().clone())
        self.linear = nn.Linear(3 * len(front) + 4, coefficients)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, points: Points) -> Tensor:  # -> [N, M]
        added: Tensor = self.linear(self.seen(points))
        return added

    def seen(self, points: Points) -> Tensor:
        """The input of the layer: form, spreads and place of the points [N, 3 P + 4]."""
        place, offsets = self._laid_onto_front(points.positions.detach())
        spread = torch.log(points.spread.detach().clamp(min=LEAST_SPREAD)) + SPREAD_MIDDLE
        return torch.cat([offsets.flatten(1), spread, place], dim=1)

    def _laid_onto_front(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Place, size and turn [N, 4] of points [N, P, 2] in the image, and how they differ from the template without.

        The similarity is that of least squares, from the template to the points.
        """
        x, y = self.front[:, 0], self.front[:, 1]
        middle = positions.mean(dim=1)
        u, v = (positions - middle[:, None]).unbind(dim=-1)
        size = (x.square() + y.square()).sum()
        cos, sin = (u @ x + v @ y) / size, (v @ x - u @ y) / size
        squared = (cos.square() + sin.square()).clamp(min=1e-4)[:, None]
        back = torch.stack([u * cos[:, None] + v * sin[:, None], v * cos[:, None] - u * sin[:, None]], dim=-1)
        unit = torch.sqrt((x.square() + y.square()).mean() / 2)
        offsets = (back / squared[..., None] - self.front) * (OFFSET_SCALE / unit)
        place = PLACE_SCALE * torch.cat([middle, cos[:, None], sin[:, None]], dim=1)
        return place, offsets.clamp(-LARGEST, LARGEST)


def resized(x: Tensor, size: int) -> Tensor:
    """Maps [N, C, H, W] at ``size`` cells a side, bilinear."""
    return functional.interpolate(x, (size, size), mode="bilinear", align_corners=False)


def without_hidden_layers(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The state of a learner, with a linear layer where files of earlier versions have a refinement of three layers.

    All units of its second layer had died in training, so what it said is the bias of its last.
    """
    bias = state.get("refinement.last.bias")
    if bias is None:
        return state
    layers = tuple(f"refinement.{name}." for name in ("one", "two", "last"))
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(layers)}
    seen = 3 * len(state[FRONT]) + 4
    return kept | {"refinement.linear.weight": bias.new_zeros(len(bias), seen), "refinement.linear.bias": bias}


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
