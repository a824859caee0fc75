"""ResNet feature extractors (He et al. 2015, "Deep residual learning", table 1), without the classification layer.

Parameter names are torchvision's, so that its published state dicts load after their ``fc.*`` entries are dropped.
As there, a bottleneck strides in its 3 x 3 convolution.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

STAGE_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels_in, width, stride)

    def forward(self, x: Tensor) -> Tensor:  # [N, C, H, W] -> [N, width, H / stride, W / stride]
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        return functional.relu(self.bn2(self.conv2(x)) + shortcut, inplace=True)


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions, the last four times as wide, and a shortcut."""

    expansion = 4

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.downsample = _shortcut(channels_in, width * self.expansion, stride)

    def forward(self, x: Tensor) -> Tensor:  # [N, C, H, W] -> [N, 4 * width, H / stride, W / stride]
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        x = functional.relu(self.bn2(self.conv2(x)), inplace=True)
        return functional.relu(self.bn3(self.conv3(x)) + shortcut, inplace=True)


class ResNet(nn.Module):
    """Images to one feature vector each: the network up to and including the global average.

    Args:
        depth: 18, 34 or 50 layers.

    Raises:
        ValueError: for another depth.
    """

    def __init__(self, depth: int = 50) -> None:
        super().__init__()
        if depth not in STAGE_BLOCKS:
            raise ValueError(f"no ResNet of depth {depth}; choose one of {sorted(STAGE_BLOCKS)}")
        block = Bottleneck if depth >= 50 else BasicBlock
        self.stage_channels = tuple(64 * 2**stage * block.expansion for stage in range(4))
        self.feature_size = self.stage_channels[-1]
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for stage, count in enumerate(STAGE_BLOCKS[depth]):
            width = 64 * 2**stage
            blocks = []
            for index in range(count):
                stride = 2 if index == 0 and stage > 0 else 1
                blocks.append(block(channels, width, stride))
                channels = width * block.expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self._initialise()

    def forward(self, images: Tensor) -> Tensor:  # [N, 3, H, W] -> [N, feature_size]
        """Features of normalised images whose sides are at least 32 pixels."""
        return torch.flatten(functional.adaptive_avg_pool2d(self.stages(images)[-1], 1), 1)

    def stages(self, images: Tensor) -> list[Tensor]:
        """The output of each of the four stages, [N, stage_channels[k], H / 2^(k + 2), W / 2^(k + 2)]."""
        x = functional.relu(self.bn1(self.conv1(images)), inplace=True)
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        maps = []
        for stage in range(1, 5):
            x = cast(nn.Sequential, self.get_submodule(f"layer{stage}"))(x)
            maps.append(x)
        return maps

    def _initialise(self) -> None:
        """He's initialisation, and zero for the last normalisation of each block.

        A block then begins as its shortcut (Goyal et al. 2017), which lets a short run use a high learning rate.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)
            elif isinstance(module, Bottleneck):
                nn.init.zeros_(module.bn3.weight)


def _shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Sequential | None:
    """A projection where the shape changes, nothing where it does not."""
    if stride == 1 and channels_in == channels_out:
        return None
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out))
