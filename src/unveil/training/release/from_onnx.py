"""A learner's ONNX file read back into torch, so that an exported learner can be trained on.

The file holds the convolutions of the backbone with their normalisations folded in, in the order in which they run, and
every other parameter under its own name (`unveil.training.release.to_onnx`).
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from unveil.assets.onnx_file import read_onnx
from unveil.errors import UnveilError, reason_of
from unveil.models.learner import Learner, heads_in
from unveil.models.onnx import CoefficientModel
from unveil.models.points import FRONT
from unveil.models.resnet import STAGE_BLOCKS, ResNet
from unveil.storage.files import printable

PREFIX = "learner."  # of parameters that kept their names
CALIBRATION = {"factors", "face_shift"}  # of the deviations and of the face score
EPSILON = nn.BatchNorm2d(1).eps


def read_learner(path: Path) -> Learner:
    """The learner that ``unveil export`` wrote to ``path``, with exactly the weights that the file has.

    Its normalisations add the bias that was folded into the convolutions and do nothing else; `unfold_normalisation`
    makes it trainable again. What calibration changed is left out: the next export measures it anew.

    Raises:
        UnveilError: it is no learner's file, or one in int8 or of another network than ours.
    """
    contract = CoefficientModel(path, threads=1)
    graph = onnx.load_model_from_string(read_onnx(path)).graph
    arrays = _arrays(graph)
    state = {name.removeprefix(PREFIX): arrays.pop(name) for name in list(arrays) if name.startswith(PREFIX)}
    folded = [node.input[1:] for node in graph.node if node.op_type == "Conv" and not node.input[1].startswith(PREFIX)]
    front = state.get(FRONT)
    depth = next((depth for depth in STAGE_BLOCKS if len(_convolutions(depth, front)) == len(folded)), None)
    others = arrays.keys() - CALIBRATION - {name for pair in folded for name in pair}
    # What the export computed from the template's points beforehand is of their number.
    if depth is None or any(front is None or arrays[name].shape != front.shape[:1] for name in others):
        raise _foreign(path, f"it has {len(folded)} convolutions and {len(arrays)} arrays of its own")
    for (convolution, normalisation), pair in zip(_convolutions(depth, front), folded, strict=True):
        weight, bias = (arrays[name] for name in pair)
        state[f"{convolution}.weight"] = weight
        state |= {f"{normalisation}.{name}": value for name, value in _identity(bias).items()}
    learner = Learner(depth, contract.layout, contract.input_size, heads=heads_in(state), front=front)
    try:
        learner.load_state_dict(state)
    except RuntimeError as error:
        raise _foreign(path, reason_of(error)) from error
    return learner.eval()


@torch.no_grad()
def unfold_normalisation(network: nn.Module, images: Tensor) -> None:
    """Give batch normalisations the statistics of ``images`` [N, 3, S, S], and scales that undo them.

    In evaluation mode the network gives what it gave before. In training mode, where statistics are those of the batch,
    it says nearly the same; with the identity for a normalisation it would lose the scale of every channel.
    """

    def measure(module: nn.Module, inputs: tuple[Tensor]) -> None:
        layer = cast(nn.BatchNorm2d, module)
        running_mean, running_variance = layer.get_buffer("running_mean"), layer.get_buffer("running_var")
        scale = layer.weight / (running_variance + layer.eps).sqrt()
        shift = layer.bias - running_mean * scale
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
        running_mean.copy_(mean)
        running_variance.copy_(variance)
        layer.weight.copy_(scale * (variance + layer.eps).sqrt())
        layer.bias.copy_(shift + scale * mean)

    layers = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [layer.register_forward_pre_hook(measure) for layer in layers]
    was_training = network.training
    network.eval()(images)
    network.train(was_training)
    for hook in hooks:
        hook.remove()


def _arrays(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """The graph's weights in single precision, under the names by which its layers know them.

    Those in half precision go through a Cast (`store_in_half_precision`); of two that are equal, one is stored.
    """
    arrays = {each.name: torch.from_numpy(numpy_helper.to_array(each).astype(np.float32)) for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in arrays:
            arrays[node.output[0]] = arrays.pop(node.input[0])
        elif node.op_type == "Identity" and node.input[0] in arrays:
            arrays[node.output[0]] = arrays[node.input[0]]
    return arrays


def _convolutions(depth: int, front: Tensor | None) -> list[tuple[str, str]]:
    """Names of a learner's convolutions with a normalisation, each with it, in the order in which they run."""
    with torch.device("meta"):
        names = [name for name, module in ResNet(depth).named_modules() if isinstance(module, nn.Conv2d)]
    # A block computes its shortcut first, though it is the last of its modules; "conv1" sorts before "layer1.0".
    names.sort(key=lambda name: (name.split(".")[:2], "downsample" not in name))
    names = [f"backbone.{name}" for name in names]
    if front is not None:
        names += ["point_head.conv1", "point_head.conv2"]
    return [(name, name.replace("conv", "bn").replace("downsample.0", "downsample.1")) for name in names]


def _identity(bias: Tensor) -> dict[str, Tensor]:
    """A batch normalisation that adds ``bias`` [C]: it divides by the root of the variance and epsilon, which is 1."""
    return {
        "weight": torch.ones_like(bias),
        "bias": bias,
        "running_mean": torch.zeros_like(bias),
        "running_var": torch.full_like(bias, 1 - EPSILON),
        "num_batches_tracked": torch.tensor(0),
    }


def _foreign(path: Path, found: str) -> UnveilError:
    depths = ", ".join(map(str, STAGE_BLOCKS))
    return UnveilError(
        f"{printable(path)} is no learner with a ResNet of {depths} layers in single precision ({found}): "
        "give a file by `unveil export`, not its int8 twin"
    )
