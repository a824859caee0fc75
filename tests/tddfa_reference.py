"""What 3DDFA_V2's network computes, written plainly in float64 from the published names, without the package."""

from collections.abc import Mapping

import numpy as np
from extras import needs

torch = needs("torch")

from unveil.typing import Float64s, Images

HALVING = ("dw2_2", "dw3_2", "dw4_2", "dw5_6")
BLOCKS = ("dw2_1", "dw2_2", "dw3_1", "dw3_2", "dw4_1", "dw4_2", *(f"dw5_{k}" for k in range(1, 7)), "dw6")


def outputs(state: Mapping[str, torch.Tensor], crops: Images) -> Float64s:
    """Outputs [N, 62] of RGB crops [N, 120, 120, 3]."""
    values = {name.removeprefix("module."): value.numpy().astype(np.float64) for name, value in state.items()}

    def normed(name: str, x: Float64s) -> Float64s:
        mean, variance, weight, bias = (
            values[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return np.maximum((x - mean) / np.sqrt(variance + 1e-5) * weight + bias, 0)

    x = (crops[..., [2, 1, 0]].transpose(0, 3, 1, 2) - 127.5) / 128
    x = sum(np.einsum("oc,ncyx->noyx", kernel, part) for kernel, part in _parts(values["conv1.weight"], x, 2))
    x = normed("bn1", x)
    for block in BLOCKS:
        parts = _parts(values[f"{block}.conv_dw.weight"], x, 2 if block in HALVING else 1)
        x = normed(f"{block}.bn_dw", sum(kernel[:, 0, None, None] * part for kernel, part in parts))
        x = np.einsum("oc,ncyx->noyx", values[f"{block}.conv_sep.weight"][:, :, 0, 0], x)
        x = normed(f"{block}.bn_sep", x)
    return np.asarray(x.mean(axis=(2, 3)) @ values["fc_param.weight"].T + values["fc_param.bias"])


def _parts(kernel: Float64s, x: Float64s, stride: int) -> list[tuple[Float64s, Float64s]]:
    """For each of the nine places in a kernel [O, C, 3, 3] its weights [O, C] and what it meets [N, C, H', W']."""
    height, width = (-(-side // stride) for side in x.shape[2:])
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return [
        (kernel[:, :, i, j], padded[:, :, i : i + stride * height : stride, j : j + stride * width : stride])
        for i in range(3)
        for j in range(3)
    ]
