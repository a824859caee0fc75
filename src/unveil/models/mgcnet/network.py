"""TF-slim's ``resnet_v1_50`` (He et al. 2015, "Deep residual learning", table 1), as MGCNet uses it.

It differs from torchvision's ResNet-50: a block strides in its last unit instead of its first, the first pooling is
unpadded, and the classification layer is a convolution. Module names are slim's scopes.
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

UNITS = (3, 4, 6, 3)  # of blocks 1 to 4
EXPANSION = 4  # channels a bottleneck gives for each of its own
EPSILON = 1e-5  # of slim's batch normalisation in ResNets


class Convolution(nn.Module):
    """slim's ``conv2d`` and, for a stride, ``conv2d_same``: as much padding on all sides, whatever the image's size.

    A bias follows or, as in slim's argument scope of ResNets, batch normalisation without one.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, *, batch_norm: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(
            channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=not batch_norm
        )
        self.normalisation = nn.BatchNorm2d(channels_out, EPSILON) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:  # [N, C, H, W] -> [N, C', H / stride, W / stride]
        return cast(Tensor, self.normalisation(self.convolution(x)))


class SlimBottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions beside a shortcut; the 3 x 3 has the stride."""

    def __init__(self, channels_in: int, width: int, stride: int, *, batch_norm: bool) -> None:
        super().__init__()
        channels_out = EXPANSION * width
        self.stride = stride
        self.conv1 = Convolution(channels_in, width, 1, batch_norm=batch_norm)
        self.conv2 = Convolution(width, width, 3, stride, batch_norm=batch_norm)
        self.conv3 = Convolution(width, channels_out, 1, batch_norm=batch_norm)
        self.shortcut = (
            None
            if channels_in == channels_out
            else Convolution(channels_in, channels_out, 1, stride, batch_norm=batch_norm)
        )

    def forward(self, x: Tensor) -> Tensor:  # [N, C, H, W] -> [N, 4 * width, H / stride, W / stride]
        shortcut = x[..., :: self.stride, :: self.stride] if self.shortcut is None else self.shortcut(x)
        x = functional.relu(self.conv1(x))
        x = functional.relu(self.conv2(x))
        return functional.relu(self.conv3(x) + shortcut)


class SlimResNet50(nn.Module):
    """Images [N, 3, H, W], with sides that are multiples of four pixels, to ``outputs`` numbers each.

    Args:
        outputs: numbers per image.
        width: channels of the first convolution, 64 in the published network.
        batch_norm: slim's argument scope of ResNets was used: convolutions have batch normalisation in place of a
            bias, and the first pooling is padded at the right and the bottom.
    """

    def __init__(self, outputs: int, width: int = 64, *, batch_norm: bool = False) -> None:
        super().__init__()
        self.batch_norm = batch_norm
        self.conv1 = Convolution(3, width, 7, 2, batch_norm=batch_norm)
        channels = width
        for number, count in enumerate(UNITS, 1):
            own = width * 2 ** (number - 1)
            block = nn.Module()
            for unit in range(1, count + 1):
                stride = 2 if unit == count and number < len(UNITS) else 1
                block.add_module(f"unit_{unit}", SlimBottleneck(channels, own, stride, batch_norm=batch_norm))
                channels = EXPANSION * own
            self.add_module(f"block{number}", block)
        self.logits = Convolution(channels, outputs, 1, batch_norm=False)

    @classmethod
    def shaped_like(cls, parameters: Mapping[str, Tensor]) -> "SlimResNet50":
        """The network, without memory for its parameters, whose first and last shapes these parameters have.

        Raises:
            KeyError: the first or the last convolution is not among them.
        """
        outputs, width = (len(parameters[f"{name}.convolution.weight"]) for name in ("logits", "conv1"))
        with torch.device("meta"):
            return cls(outputs, width, batch_norm="conv1.normalisation.weight" in parameters)

    def forward(self, images: Tensor) -> Tensor:  # [N, 3, H, W] -> [N, outputs]
        x = functional.relu(self.conv1(images))
        x = functional.max_pool2d(x, 3, stride=2, ceil_mode=self.batch_norm)
        for block in range(1, len(UNITS) + 1):
            for unit in self.get_submodule(f"block{block}").children():
                x = unit(x)
        return cast(Tensor, self.logits(x.mean(dim=(2, 3), keepdim=True))).flatten(1)
