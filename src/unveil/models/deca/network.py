"""DECA's networks (Feng et al. 2021, "Learning an animatable detailed 3D face model from in-the-wild images").

Parameter names are those of the published checkpoint, which therefore loads unchanged: ``E_flame``, ``E_detail`` with
``encoder.*`` and ``layers.*``, ``D_detail`` with ``l1.*`` and ``conv_blocks.*``.
"""

from typing import cast

import torch
from torch import Tensor, nn

from unveil.models.deca.head import DETAIL_LAYOUT, LAYOUT
from unveil.models.resnet import ResNet

HIDDEN_SIZE = 1024
JAW_SIZE, EXPRESSION_SIZE, DETAIL_SIZE = 3, 50, 128
FIRST_CHANNELS, FIRST_SIZE = 128, 8  # the decoder's smallest map
DECODER_CHANNELS = (128, 64, 64, 32, 16)  # after each doubling of the map's side
# The published weights were trained with 0.8 as epsilon in these normalisations, so it takes part in the result.
DECODER_EPSILON = 0.8
DISPLACEMENT_RANGE = 0.01  # metres, what tanh's 1 stands for


class EncoderNetwork(nn.Module):
    """RGB crops in [0, 1] to one of DECA's codes; no mean colour is subtracted.

    Args:
        size: numbers in the code: 236 for the coarse coefficients, 128 for the detail.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.encoder = ResNet(50)
        self.layers = nn.Sequential(
            nn.Linear(self.encoder.feature_size, HIDDEN_SIZE), nn.ReLU(), nn.Linear(HIDDEN_SIZE, size)
        )

    def forward(self, images: Tensor) -> Tensor:  # [N, 3, S, S] -> [N, size]
        return cast(Tensor, self.layers(self.encoder(images)))


class DetailDecoder(nn.Module):
    """Jaw pose, expression and detail code to the displacement of the skin along its normals, in UV space."""

    def __init__(self) -> None:
        super().__init__()
        self.l1 = nn.Sequential(nn.Linear(JAW_SIZE + EXPRESSION_SIZE + DETAIL_SIZE, FIRST_CHANNELS * FIRST_SIZE**2))
        blocks: list[nn.Module] = [nn.BatchNorm2d(FIRST_CHANNELS)]
        channels = FIRST_CHANNELS
        for width in DECODER_CHANNELS:
            blocks += [
                nn.Upsample(scale_factor=2, mode="bilinear"),
                nn.Conv2d(channels, width, 3, padding=1),
                nn.BatchNorm2d(width, DECODER_EPSILON),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            channels = width
        self.conv_blocks = nn.Sequential(*blocks, nn.Conv2d(channels, 1, 3, padding=1), nn.Tanh())

    def forward(self, jaw: Tensor, expression: Tensor, detail: Tensor) -> Tensor:
        """Displacement [N, 256, 256] in metres of jaw [N, 3] (axis-angle), expression [N, 50] and detail [N, 128]."""
        codes = torch.cat([jaw, expression, detail], dim=-1)
        maps = self.l1(codes).reshape(-1, FIRST_CHANNELS, FIRST_SIZE, FIRST_SIZE)
        return cast(Tensor, self.conv_blocks(maps)[:, 0] * DISPLACEMENT_RANGE)


class DecaNetworks(nn.Module):
    """DECA: both encoders and the detail decoder, in terms of coefficients of the layout `DETAIL_LAYOUT`."""

    def __init__(self) -> None:
        super().__init__()
        self.E_flame = EncoderNetwork(LAYOUT.size)
        self.E_detail = EncoderNetwork(DETAIL_SIZE)
        self.D_detail = DetailDecoder()

    def forward(self, images: Tensor) -> Tensor:  # [N, 3, 224, 224] -> [N, 364]
        """Coefficients of RGB crops in [0, 1]."""
        return torch.cat([self.E_flame(images), self.E_detail(images)], dim=-1)

    def displacement(self, coefficients: Tensor) -> Tensor:  # [N, 364] -> [N, 256, 256]
        """The decoder's addition to the fixed displacement, metres along the normals."""
        groups = DETAIL_LAYOUT.split(coefficients)
        jaw = groups["pose"][..., -JAW_SIZE:]
        return cast(Tensor, self.D_detail(jaw, groups["expression"], groups["detail"]))
