"""The learner: a ResNet and one linear layer to the coefficients of a layout, which is the paper's form."""

import torch
from torch import Tensor, nn

from unveil.morphable.layout import CoefficientLayout
from unveil.networks.resnet import ResNet

# Mean and standard deviation of ImageNet's RGB values in [0, 1]: what published backbone weights expect.
IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)


class Learner(nn.Module):
    """RGB crops in [0, 1] to the coefficients of one layout.

    The linear layer gives standardised coefficients; the layout's mean and standard deviation, kept as buffers, turn
    them into the layout's units, so that every output is learned at the same scale.

    Args:
        depth: of the ResNet, 18, 34 or 50.
        layout: with the statistics of the training set; without them the outputs are the coefficients themselves.
        input_size: side of the crops in pixels. The network takes others too, but has learned this one.
    """

    mean: Tensor
    std: Tensor
    image_mean: Tensor
    image_std: Tensor

    def __init__(self, depth: int, layout: CoefficientLayout, input_size: int) -> None:
        super().__init__()
        self.depth, self.layout, self.input_size = depth, layout, input_size
        self.backbone = ResNet(depth)
        self.head = nn.Linear(self.backbone.feature_size, layout.size)
        nn.init.normal_(self.head.weight, std=1e-3)  # the first guess is the mean head
        nn.init.zeros_(self.head.bias)
        mean, std = layout.statistics(torch.zeros(layout.size))
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.register_buffer("image_mean", torch.tensor(IMAGE_MEAN).reshape(3, 1, 1))
        self.register_buffer("image_std", torch.tensor(IMAGE_STD).reshape(3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:  # [N, 3, S, S] -> [N, M]
        """Coefficients in the units of the layout, float32 also under autocast."""
        features = self.backbone((images - self.image_mean) / self.image_std)
        with torch.autocast(images.device.type, enabled=False):  # bfloat16 would round poses to half a degree
            standardized: Tensor = self.head(features.float())
            return standardized * self.std + self.mean
