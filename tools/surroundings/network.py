"""The network that says what is around a head: a small U-Net, at half the picture's size inside."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from unveil.heads.surroundings import CHANNELS, SURROUNDINGS

WIDTHS = (64, 96, 160)  # channels at a half, a quarter and an eighth of the size


class SurroundingsNetwork(nn.Module):
    """Logits [B, 5, S, S] of `SURROUNDINGS` at the pixels of pictures [B, CHANNELS, S, S]; S is a multiple of 8."""

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = WIDTHS
        self.first = nn.Sequential(_block(4 * CHANNELS, fine), _block(fine, fine))
        self.second = nn.Sequential(_block(fine, middle, 2), _block(middle, middle))
        self.third = nn.Sequential(_block(middle, coarse, 2), _block(coarse, coarse))
        self.whole = nn.Sequential(nn.Linear(coarse, coarse), nn.ReLU())
        self.deepest = nn.Sequential(_block(coarse, coarse), _block(coarse, coarse))
        self.to_second, self.to_first = _block(coarse + middle, middle), _block(middle + fine, fine)
        self.last = nn.Conv2d(fine, 4 * len(SURROUNDINGS), 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        first = self.first(functional.pixel_unshuffle(pictures, 2))
        second = self.second(first)
        third = self.third(second)
        deepest = self.deepest(third + self.whole(third.mean((2, 3)))[:, :, None, None])
        second = self.to_second(torch.cat([_twice(deepest), second], dim=1))
        first = self.to_first(torch.cat([_twice(second), first], dim=1))
        return functional.pixel_shuffle(self.last(first), 2)


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _twice(values: Tensor) -> Tensor:
    return functional.interpolate(values, scale_factor=2, mode="bilinear")
