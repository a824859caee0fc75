"""What DECA's networks compute, written plainly in float64.

These references know the networks by the published names alone and share no code with the package.
"""

from collections.abc import Mapping

import numpy as np
from extras import needs

torch = needs("torch")

from unveil.typing import Float32s, Float64s

State = Mapping[str, torch.Tensor]

STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))  # of ResNet-50: blocks and width of their 3 x 3 convolutions


def encode_reference(state: State, images: Float32s) -> Float64s:
    """Codes [N, size] of RGB images [N, 3, S, S] in [0, 1]."""
    weights = _Weights(state)
    x = _relu(weights.norm("encoder.bn1", weights.conv("encoder.conv1", images.astype(np.float64), 2)))
    x = _max_pool(x)
    for stage, (blocks, _) in enumerate(STAGES, 1):
        for block in range(blocks):
            name = f"encoder.layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            y = _relu(weights.norm(f"{name}.bn1", weights.conv(f"{name}.conv1", x)))
            y = _relu(weights.norm(f"{name}.bn2", weights.conv(f"{name}.conv2", y, stride)))
            y = weights.norm(f"{name}.bn3", weights.conv(f"{name}.conv3", y))
            if block == 0:
                x = weights.norm(f"{name}.downsample.1", weights.conv(f"{name}.downsample.0", x, stride))
            x = _relu(x + y)
    hidden = _relu(weights.linear("layers.0", x.mean(axis=(2, 3))))
    return weights.linear("layers.2", hidden)


def decode_reference(state: State, jaw: Float64s, expression: Float64s, detail: Float64s) -> Float64s:
    """Displacement [N, 256, 256] in metres."""
    weights = _Weights(state)
    codes = np.concatenate([jaw, expression, detail], axis=1).astype(np.float64)
    x = weights.norm("conv_blocks.0", weights.linear("l1.0", codes).reshape(-1, 128, 8, 8))
    for index in (2, 6, 10, 14, 18):
        x = weights.conv(f"conv_blocks.{index}", _double(x))
        x = weights.norm(f"conv_blocks.{index + 1}", x, epsilon=0.8)
        x = np.where(x > 0, x, 0.2 * x)
    return 0.01 * np.tanh(weights.conv("conv_blocks.21", x)[:, 0])


class _Weights:
    """The layers of a state dict in float64, by name."""

    def __init__(self, state: State) -> None:
        self._values = {name: value.numpy().astype(np.float64) for name, value in state.items()}

    def linear(self, name: str, x: Float64s) -> Float64s:
        return x @ self._values[f"{name}.weight"].T + self._values[f"{name}.bias"]

    def norm(self, name: str, x: Float64s, epsilon: float = 1e-5) -> Float64s:
        weight, bias, mean, variance = (
            self._values[f"{name}.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + epsilon) * weight + bias

    def conv(self, name: str, x: Float64s, stride: int = 1) -> Float64s:
        """A convolution that keeps the size at stride 1: for each offset in the kernel a product over channels."""
        kernel = self._values[f"{name}.weight"]  # [O, C, K, K]
        size = kernel.shape[-1]
        padded = np.pad(x, ((0, 0), (0, 0), (size // 2, size // 2), (size // 2, size // 2)))
        height, width = -(-x.shape[2] // stride), -(-x.shape[3] // stride)
        out = np.zeros((len(x), len(kernel), height * width))
        for row in range(size):
            for column in range(size):
                part = padded[:, :, row : row + stride * height : stride, column : column + stride * width : stride]
                part = part[:, :, :height, :width].reshape(len(x), x.shape[1], -1)
                out += kernel[:, :, row, column] @ part
        bias = self._values.get(f"{name}.bias", np.zeros(len(kernel)))
        return (out + bias[:, None]).reshape(len(x), len(kernel), height, width)


def _relu(x: Float64s) -> Float64s:
    return np.maximum(x, 0)


def _max_pool(x: Float64s) -> Float64s:
    """The largest of 3 x 3 at every second place."""
    height, width = x.shape[2] // 2, x.shape[3] // 2
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    parts = [
        padded[:, :, row : row + 2 * height : 2, column : column + 2 * width : 2]
        for row in range(3)
        for column in range(3)
    ]
    return np.max(parts, axis=0)


def _double(x: Float64s) -> Float64s:
    """Bilinear to twice the size, pixel centres at half integers: 3/4 of the nearer and 1/4 of the next, per axis."""
    for axis in (2, 3):
        before = np.concatenate([x.take([0], axis), x.take(range(x.shape[axis] - 1), axis)], axis)
        after = np.concatenate([x.take(range(1, x.shape[axis]), axis), x.take([-1], axis)], axis)
        pair = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
        x = pair.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])
    return x
