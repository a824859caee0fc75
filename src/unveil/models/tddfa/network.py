"""MobileNet-V1 (Howard et al. 2017, "MobileNets", table 1) as 3DDFA_V2 (Guo et al. 2020) trained it.

Parameter names are those of the published checkpoints without the prefix ``module.`` of their parallel training.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

# Name, channels out at full width, and stride of each block.
BLOCKS = (
    ("dw2_1", 64, 1),
    ("dw2_2", 128, 2),
    ("dw3_1", 128, 1),
    ("dw3_2", 256, 2),
    ("dw4_1", 256, 1),
    ("dw4_2", 512, 2),
    *((f"dw5_{k}", 512, 1) for k in range(1, 6)),
    ("dw5_6", 1024, 2),
    ("dw6", 1024, 1),
)
STEM = 32  # channels of the first convolution at full width
OUTPUTS = 62


class SeparableBlock(nn.Module):
    """A 3 x 3 convolution of each channel by itself and a 1 x 1 convolution of all of them."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(channels_in, channels_in, 3, stride, padding=1, groups=channels_in, bias=False)
        self.bn_dw = nn.BatchNorm2d(channels_in)
        self.conv_sep = nn.Conv2d(channels_in, channels_out, 1, bias=False)
        self.bn_sep = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:  # [N, C, H, W] -> [N, C', H / stride, W / stride]
        x = functional.relu(self.bn_dw(self.conv_dw(x)), inplace=True)
        return functional.relu(self.bn_sep(self.conv_sep(x)), inplace=True)


class MobileNet(nn.Module):
    """Images to 62 numbers in standard deviations from their means.

    Args:
        stem: channels of the first convolution, 32 at full width and 16 at half of it.
    """

    def __init__(self, stem: int = STEM) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        channels = stem
        for name, full, stride in BLOCKS:
            width = full * stem // STEM
            self.add_module(name, SeparableBlock(channels, width, stride))
            channels = width
        self.fc_param = nn.Linear(channels, OUTPUTS)

    def forward(self, images: Tensor) -> Tensor:  # [N, 3, 120, 120] -> [N, 62]
        """Outputs for BGR images with (pixel - 127.5) / 128."""
        x = functional.relu(self.bn1(self.conv1(images)), inplace=True)
        for name, _, _ in BLOCKS:
            x = self.get_submodule(name)(x)
        return cast(Tensor, self.fc_param(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1)))
