"""TF-slim's ``resnet_v1_50``, written down from its facts over a handful of operations.

`NumpyOperations` computes them in float64; `slim_tensorflow` has them in TensorFlow. Arrays are [N, H, W, C], kernels
[height, width, channels in, channels out], as in TensorFlow.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

UNITS = (3, 4, 6, 3)
SCOPE = "resnet_v1_50"
Array = Any


class Operations(Protocol):
    def convolution(self, x: Array, kernel: Array, stride: int, padding: str) -> Array: ...
    def pad(self, x: Array, before: int, after: int) -> Array: ...
    def max_pool(self, x: Array, padding: str) -> Array: ...
    def relu(self, x: Array) -> Array: ...
    def mean(self, x: Array) -> Array: ...
    def normalised(self, x: Array, mean: Array, variance: Array, beta: Array, gamma: Array) -> Array: ...


def variables(width: int, outputs: int, *, batch_norm: bool, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights under slim's names, of a size at which every layer matters."""
    rng = np.random.default_rng(seed)
    result: dict[str, np.ndarray] = {}

    def layer(name: str, kernel: int, channels_in: int, channels_out: int, *, normalised: bool = batch_norm) -> None:
        scale = np.sqrt(1.5 / (kernel * kernel * channels_in))
        result[f"{SCOPE}/{name}/weights"] = rng.normal(0, scale, (kernel, kernel, channels_in, channels_out))
        if not normalised:
            result[f"{SCOPE}/{name}/biases"] = rng.normal(0, 0.1, channels_out)
            return
        for what, values in (
            ("gamma", rng.uniform(0.7, 1.3, channels_out)),
            ("beta", rng.normal(0, 0.1, channels_out)),
            ("moving_mean", rng.normal(0, 0.1, channels_out)),
            ("moving_variance", rng.uniform(0.5, 2, channels_out)),
        ):
            result[f"{SCOPE}/{name}/BatchNorm/{what}"] = values

    layer("conv1", 7, 3, width)
    channels = width
    for block, count in enumerate(UNITS, 1):
        own = width * 2 ** (block - 1)
        for unit in range(1, count + 1):
            name = f"block{block}/unit_{unit}/bottleneck_v1"
            if unit == 1:
                layer(f"{name}/shortcut", 1, channels, 4 * own)
            layer(f"{name}/conv1", 1, channels, own)
            layer(f"{name}/conv2", 3, own, own)
            layer(f"{name}/conv3", 1, own, 4 * own)
            channels = 4 * own
    layer("logits", 1, channels, outputs, normalised=False)
    return {name: values.astype(np.float32) for name, values in result.items()}


def network(weights: Mapping[str, Array], images: Array, ops: Operations) -> Array:
    """Outputs [N, outputs] for images [N, H, W, 3]."""
    normalised = f"{SCOPE}/conv1/BatchNorm/gamma" in weights

    def convolution(x: Array, name: str, stride: int = 1) -> Array:
        kernel = weights[f"{SCOPE}/{name}/weights"]
        side = int(kernel.shape[0])
        if stride > 1:  # slim's conv2d_same: padding that does not depend on the size of the image
            x = ops.pad(x, (side - 1) // 2, side - 1 - (side - 1) // 2)
        x = ops.convolution(x, kernel, stride, "SAME" if stride == 1 else "VALID")
        if f"{SCOPE}/{name}/biases" in weights:
            return x + weights[f"{SCOPE}/{name}/biases"]
        parts = ("moving_mean", "moving_variance", "beta", "gamma")
        return ops.normalised(x, *(weights[f"{SCOPE}/{name}/BatchNorm/{part}"] for part in parts))

    x = ops.relu(convolution(images, "conv1", 2))
    x = ops.max_pool(x, "SAME" if normalised else "VALID")
    for block, count in enumerate(UNITS, 1):
        for unit in range(1, count + 1):
            name = f"block{block}/unit_{unit}/bottleneck_v1"
            stride = 2 if unit == count and block < len(UNITS) else 1
            shortcut = convolution(x, f"{name}/shortcut", stride) if unit == 1 else x[:, ::stride, ::stride]
            x = ops.relu(convolution(x, f"{name}/conv1"))
            x = ops.relu(convolution(x, f"{name}/conv2", stride))
            x = ops.relu(convolution(x, f"{name}/conv3") + shortcut)
    return convolution(ops.mean(x), "logits")[:, 0, 0]


class NumpyOperations:
    """In float64, by TensorFlow's definition of SAME and VALID."""

    def convolution(self, x: Array, kernel: Array, stride: int, padding: str) -> Array:
        side = kernel.shape[0]
        if padding == "SAME":
            x = self._padded(x, side, stride, 0.0)
        windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))[:, ::stride, ::stride]
        return np.tensordot(windows, kernel.astype(np.float64), axes=([4, 5, 3], [0, 1, 2]))

    def pad(self, x: Array, before: int, after: int) -> Array:
        return np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))

    def max_pool(self, x: Array, padding: str) -> Array:
        if padding == "SAME":
            x = self._padded(x, 3, 2, -np.inf)
        return np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2].max(axis=(4, 5))

    def relu(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def mean(self, x: Array) -> Array:
        return x.mean(axis=(1, 2), keepdims=True)

    def normalised(self, x: Array, mean: Array, variance: Array, beta: Array, gamma: Array) -> Array:
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta

    def _padded(self, x: Array, side: int, stride: int, value: float) -> Array:
        pads = []
        for length in x.shape[1:3]:
            total = max((-(-length // stride) - 1) * stride + side - length, 0)
            pads.append((total // 2, total - total // 2))
        return np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=value)
