"""Training that goes on from a network's file, and the mean of both networks.

The file has normalisations folded into weights; to be trained, the network needs them back.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from tools.surroundings.network import SurroundingsNetwork
from unveil.errors import UnveilError
from unveil.models.onnx import read_onnx
from unveil.storage.files import printable
from unveil.training.train import move_towards
from unveil.typing import Float32s


@torch.no_grad()
def of_file(path: Path) -> SurroundingsNetwork:
    """The network of a file that `tools.surroundings.train.export` wrote, whose normalisations do nothing any more.

    Raises UnveilError when the file cannot be read or holds another network.
    """
    network, arrays = SurroundingsNetwork().eval(), _weights(onnx.load_from_string(read_onnx(path)))
    if [weight.shape for weight, _ in arrays] != [tuple(layer.weight.shape) for layer in _layers(network)]:
        raise UnveilError(f"{printable(path)} holds another network: give an openhead_surroundings.onnx of this size")
    for layer, (weight, bias) in zip(_layers(network), arrays, strict=True):
        layer.weight.copy_(torch.from_numpy(weight))
        if layer.bias is not None:
            layer.bias.copy_(torch.from_numpy(bias))
    biases = [bias for layer, (_, bias) in zip(_layers(network), arrays, strict=True) if layer.bias is None]
    for (_, normalisation), bias in zip(_blocks(network), biases, strict=True):
        _set(normalisation, torch.zeros(len(bias)), torch.ones(len(bias)), torch.from_numpy(bias))
    return network


@torch.no_grad()
def normalised(network: SurroundingsNetwork, batches: Sequence[Tensor]) -> SurroundingsNetwork:
    """The same network, with normalisations by the statistics of pictures, so that it can be trained.

    Args:
        network: one of `of_file`; it is changed.
        batches: pictures [B, CHANNELS, S, S] each.
    """
    found: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {convolution: [] for convolution, _ in _blocks(network)}

    def keep(layer: nn.Module, _: object, out: Tensor) -> None:
        found[layer].append((out.mean((0, 2, 3)), (out**2).mean((0, 2, 3))))

    hooks = [layer.register_forward_hook(keep) for layer in found]
    for pictures in batches:
        network(pictures)
    for hook in hooks:
        hook.remove()
    for convolution, normalisation in _blocks(network):
        mean, square = (torch.stack(values).mean(0) for values in zip(*found[convolution], strict=True))
        variance = (square - mean**2).clamp(min=normalisation.eps)
        _set(normalisation, mean, variance, normalisation.bias + mean)
    return network.train()


@torch.no_grad()
def mean_of(one: SurroundingsNetwork, other: SurroundingsNetwork, share: float) -> SurroundingsNetwork:
    """A network between two that learned one from the other: so much of the ``other``'s weights, 0 to 1.

    Such a mean keeps what the first knew and has most of what the second learned (Wortsman et al., Robust fine-tuning
    of zero-shot models, CVPR 2022). Normalisations are folded into the weights before.
    """
    mean = _folded(one)
    move_towards(mean, _folded(other), share)
    return mean


def _folded(network: SurroundingsNetwork) -> SurroundingsNetwork:
    """A copy whose normalisations do nothing but add."""
    folded = copy.deepcopy(network).eval()
    for convolution, normalisation in _blocks(folded):
        gain = normalisation.weight / torch.sqrt(normalisation.running_var + normalisation.eps)
        bias = normalisation.bias - normalisation.running_mean * gain
        convolution.weight *= gain[:, None, None, None]
        _set(normalisation, torch.zeros_like(bias), torch.ones_like(bias), bias)
    return folded


def _set(normalisation: nn.BatchNorm2d, mean: Tensor, variance: Tensor, bias: Tensor) -> None:
    """Statistics, and a gain that undoes them."""
    normalisation.running_mean.copy_(mean)
    normalisation.running_var.copy_(variance)
    normalisation.weight.copy_(torch.sqrt(variance + normalisation.eps))
    normalisation.bias.copy_(bias)


def _blocks(network: SurroundingsNetwork) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions and the normalisations after them, in the order of their use."""
    parts = list(network.modules())
    return [
        (part, after)
        for part, after in pairwise(parts)
        if isinstance(part, nn.Conv2d) and isinstance(after, nn.BatchNorm2d)
    ]


def _layers(network: SurroundingsNetwork) -> list[nn.Conv2d | nn.Linear]:
    return [part for part in network.modules() if isinstance(part, nn.Conv2d | nn.Linear)]


def _weights(model: onnx.ModelProto) -> list[tuple[Float32s, Float32s]]:
    """Weights and biases of the layers, in the order of their use; empty where they are no constants."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in arrays:
            arrays[node.output[0]] = arrays[node.input[0]]
    names = [[*node.input[1:3], ""][:2] for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    empty = np.zeros(0, np.float32)
    return [(np.array(arrays.get(a, empty), np.float32), np.array(arrays.get(b, empty), np.float32)) for a, b in names]
