"""The linear layers' rows for the shape, solved in closed form before the first step.

Features that know where a face is know more about its form than a linear layer shows that was trained on labels without
form. Gradient descent would take long to use that; least squares does at once, and training goes on from there (Kumar
et al. 2022, "Fine-tuning can distort pretrained features").

It also closes a long training. A layer that saw its pictures many times relies on what is true of these alone; least
squares on pictures that the learner has never seen undoes that.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unveil.models.learner import Learner
from unveil.training.batches import to_bytes, to_tensors
from unveil.training.sampler import Sampler

BATCH = 64
RIDGE = 0.03  # of a feature's variance: what less variance could explain by chance
CONSTANT = 0.05  # between the quantiles of an input that hardly varies; what is read of points varies by about 1
USUAL = (0.05, 0.5, 0.95)  # these quantiles, and the middle one


@torch.no_grad()
def solve_shape(learner: Learner, sampler: Sampler, count: int) -> None:
    """Add to the shape's rows a least-squares fit of the residuals on the first ``count`` crops of the run.

    The layers are that of the pooled features and, where the learner finds points, that of the points. The crops are
    as the run will show them. Those whose label says nothing of the form do not count.
    """
    learner.eval()
    rows = learner.layout.slice_of(sampler.data.model.shape_group)
    seen, lacking, weight = _observe(learner, sampler, count)
    size = learner.backbone.feature_size
    if learner.refinement is not None:
        seen[:, size:] = fold_constants(learner.refinement.linear, seen[:, size:])
        learner.head.bias.add_(learner.refinement.linear.bias)  # one small bias: an export rounds two large ones
        learner.refinement.linear.bias.zero_()
    solved, bias = ridge(seen, lacking[:, rows], weight)
    learner.head.weight[rows] += solved[:, :size]
    learner.head.bias[rows] += bias
    if learner.refinement is not None:
        learner.refinement.linear.weight[rows] += solved[:, size:]
    learner.train()


@torch.no_grad()
def fold_constants(layer: nn.Linear, inputs: Tensor) -> Tensor:
    """Move the contribution of inputs that hardly vary into a layer's bias, and set their weights to zero.

    Points that lie beyond the bound of offsets in nearly every crop are such inputs. Their weights are made by the few
    crops in which they do not, which would get implausible heads.

    Args:
        layer: is changed.
        inputs: [N, F] that it has seen.

    Returns:
        The inputs, with zeros for what hardly varies.
    """
    ordered = inputs.sort(dim=0).values  # torch.quantile takes no more than 2^24 numbers
    low, usual, high = (ordered[round(share * (len(ordered) - 1))] for share in USUAL)
    constant = high - low < CONSTANT
    layer.bias.add_(layer.weight[:, constant] @ usual[constant])
    layer.weight[:, constant] = 0
    return torch.where(constant, 0.0, inputs)


def ridge(inputs: Tensor, outputs: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weights [K, F] and bias [K] that give outputs [N, K] of inputs [N, F], by least squares with a ridge.

    ``weight`` [N] says how much each row counts.
    """
    share = (weight / weight.sum().clamp(min=1e-12)).double()[:, None]
    x, y = inputs.double(), outputs.double()
    mean_x, mean_y = (share * x).sum(dim=0), (share * y).sum(dim=0)
    x, y = x - mean_x, y - mean_y
    variance = (share * x.square()).sum(dim=0)
    system = x.T @ (share * x) + torch.diag(RIDGE * variance + 1e-9)
    solved = torch.linalg.solve(system, x.T @ (share * y)).T
    return solved.to(inputs.dtype), (mean_y - solved @ mean_x).to(inputs.dtype)


def _observe(learner: Learner, sampler: Sampler, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of the first crops: the layers' inputs [N, F], the answers' residuals [N, M], and the shape's weights [N]."""
    order = sampler.order(0)[:count]
    parts = []
    for start in range(0, len(order), BATCH):
        batch = to_tensors(to_bytes(sampler.training_batch(0, order[start : start + BATCH], sampler.severity(0))))
        said = learner(batch.images)
        lacking = (batch.coefficients - said.coefficients) / learner.std
        seen = said.features
        if learner.refinement is not None and said.points is not None:
            seen = torch.cat([seen, learner.refinement.seen(said.points)], dim=1)
        parts.append((seen, lacking, batch.weight * batch.shape_weight))
    seen, lacking, weight = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    return seen, lacking, weight
