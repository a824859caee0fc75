"""The learner: a ResNet and one linear layer to the coefficients of a layout, which is the paper's form.

Five heads are not the paper's. Two say what the coefficients rest on: where something covers the crop, and how far
each coefficient may be off. One says whether there is a face at all, one what each cell of the crop shows, covers among
it (`unveil.models.classes`). The last finds points all over the face and refines the coefficients by them
(`unveil.models.points`).
"""

from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from unveil.heads.layout import CoefficientLayout
from unveil.models.classes import CLASS_SIZE, CLASSES, OCCLUDER
from unveil.models.encoder import OCCLUSION_SIZE
from unveil.models.points import PointHead, Points, Refinement, resized, without_hidden_layers
from unveil.models.resnet import ResNet

# Mean and standard deviation of ImageNet's RGB values in [0, 1]: what published backbone weights expect.
IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)

HEADS = ("occlusion", "deviation", "face", "class")
OCCLUSION_CHANNELS = 32
CLASS_CHANNELS = 48
DEVIATION_FEATURES = 128
LOG_DEVIATIONS = (-5.0, 3.0)  # of a standardised coefficient: bounds that keep a young head finite


class LearnerOutput(NamedTuple):
    """The prediction of a learner for a batch of crops."""

    coefficients: Tensor  # [N, M] in the units of the layout
    deviations: Tensor | None  # [N, M] standard deviation of each, in the same units
    occlusion: Tensor | None  # [N, 28, 28] logit that something covers the cell, row 0 on top
    features: Tensor  # [N, F] what the linear layer sees
    points: Points | None = None  # P points of the face
    face: Tensor | None = None  # [N] logit that this is a face, however it is framed
    classes: Tensor | None = None  # [N, 9, 56, 56] logits of `CLASSES`, row 0 on top


class Learner(nn.Module):
    """RGB crops in [0, 1] to the coefficients of one layout.

    The linear layer gives standardised coefficients; the layout's mean and standard deviation, kept as buffers, turn
    them into the layout's units, so that every output is learned at the same scale.

    Args:
        depth: of the ResNet, 18, 34 or 50.
        layout: with the statistics of the training set; without them the outputs are the coefficients themselves.
        input_size: side of the crops in pixels. The network takes others too, but has learned this one.
        heads: which of `HEADS` it has: where something covers the crop, how far each coefficient may be off, whether
            there is a face, and what each cell shows, which says where something covers the crop as well.
        front: [P, 2] where the template has the points that it finds in a crop, see `Refinement`; None: it finds none.
    """

    mean: Tensor
    std: Tensor
    image_mean: Tensor
    image_std: Tensor

    def __init__(
        self,
        depth: int,
        layout: CoefficientLayout,
        input_size: int,
        *,
        heads: Container[str] = (),
        front: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.depth, self.layout, self.input_size = depth, layout, input_size
        self.backbone = ResNet(depth)
        self.head = nn.Linear(self.backbone.feature_size, layout.size)
        nn.init.normal_(self.head.weight, std=1e-3)  # the first guess is the mean head
        nn.init.zeros_(self.head.bias)
        self.occlusion_head = OcclusionHead(self.backbone.stage_channels) if "occlusion" in heads else None
        self.deviation_head = DeviationHead(self.backbone.feature_size, layout.size) if "deviation" in heads else None
        self.face_head = nn.Linear(self.backbone.feature_size, 1) if "face" in heads else None
        self.class_head = ClassHead(self.backbone.stage_channels) if "class" in heads else None
        self.point_head = None if front is None else PointHead(self.backbone.stage_channels, len(front))
        self.refinement = None if front is None else Refinement(layout.size, front)
        mean, std = layout.statistics(torch.zeros(layout.size))
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.register_buffer("image_mean", torch.tensor(IMAGE_MEAN).reshape(3, 1, 1))
        self.register_buffer("image_std", torch.tensor(IMAGE_STD).reshape(3, 1, 1))

    def forward(self, images: Tensor) -> LearnerOutput:  # [N, 3, S, S]
        """Coefficients in the units of the layout, float32 also under autocast."""
        stages = self.backbone.stages((images - self.image_mean) / self.image_std)
        points: Points | None = None if self.point_head is None else self.point_head(stages)
        with torch.autocast(images.device.type, enabled=False):  # bfloat16 would round poses to half a degree
            features = torch.flatten(functional.adaptive_avg_pool2d(stages[-1].float(), 1), 1)
            standard = self.head(features)
            if self.refinement is not None:
                standard = standard + self.refinement(points)
            coefficients: Tensor = standard * self.std + self.mean
            deviations = None if self.deviation_head is None else self.deviation_head(features) * self.std
            face = None if self.face_head is None else self.face_head(features).squeeze(1)
        classes: Tensor | None = None if self.class_head is None else self.class_head(stages).float()
        occlusion = None if classes is None else occlusion_of(classes)
        if self.occlusion_head is not None:
            occlusion = self.occlusion_head(stages).float()
        return LearnerOutput(coefficients, deviations, occlusion, features, points, face, classes)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As any module does, also a state that an earlier version has written."""
        return super().load_state_dict(without_hidden_layers(state_dict), strict, assign)


def heads_in(state: Iterable[str]) -> set[str]:
    """Which of `HEADS` a learner has whose parameters have the names in ``state``."""
    modules = {name.split(".")[0] for name in state}
    return {head for head in HEADS if f"{head}_head" in modules}


class OcclusionHead(nn.Module):
    """The occlusion map, from all four stages: the early ones see edges and cloth, the late ones know faces."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(count, OCCLUSION_CHANNELS, 1) for count in channels)
        self.mix = nn.Conv2d(OCCLUSION_CHANNELS, OCCLUSION_CHANNELS, 3, padding=1)
        self.last = nn.Conv2d(OCCLUSION_CHANNELS, 1, 1)

    def forward(self, stages: list[Tensor]) -> Tensor:  # -> [N, 28, 28] logits
        x = functional.relu(sum_of_stages(self.laterals, stages, OCCLUSION_SIZE))
        logits: Tensor = self.last(functional.relu(self.mix(x)))
        return logits.squeeze(1)


class ClassHead(nn.Module):
    """The classes of each cell, from all four stages, as in a feature pyramid (Lin et al. 2017).

    It works at half the cells per side and predicts four cells from each (Shi et al. 2016).
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(count, CLASS_CHANNELS, 1) for count in channels)
        self.conv1 = nn.Conv2d(CLASS_CHANNELS, CLASS_CHANNELS, 3, padding=1)
        self.conv2 = nn.Conv2d(CLASS_CHANNELS, CLASS_CHANNELS, 3, padding=1)
        self.last = nn.Conv2d(CLASS_CHANNELS, 4 * len(CLASSES), 1)

    def forward(self, stages: list[Tensor]) -> Tensor:  # -> [N, 9, 56, 56] logits
        x = functional.relu(sum_of_stages(self.laterals, stages, CLASS_SIZE // 2))
        x = functional.relu(self.conv2(functional.relu(self.conv1(x))))
        return functional.pixel_shuffle(self.last(x), 2)


def sum_of_stages(laterals: Iterable[nn.Module], stages: list[Tensor], size: int) -> Tensor:
    """The sum of a backbone's stages, each through its lateral layer and resized, [N, C, size, size]."""
    maps = [resized(lateral(stage), size) for lateral, stage in zip(laterals, stages, strict=True)]
    return torch.stack(maps).sum(dim=0)


def occlusion_of(classes: Tensor) -> Tensor:
    """The occlusion map [N, 28, 28], logits, in logits of classes [N, 9, 56, 56]: the mean log odds of four cells."""
    others = torch.cat([classes[:, :OCCLUDER], classes[:, OCCLUDER + 1 :]], dim=1)
    odds = classes[:, OCCLUDER] - torch.logsumexp(others, dim=1)
    return functional.avg_pool2d(odds[:, None], CLASS_SIZE // OCCLUSION_SIZE).squeeze(1)


class DeviationHead(nn.Module):
    """Standard deviations of standardised coefficients.

    It reads the features without moving them: what the coefficients are worth must not change what they are.
    """

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, DEVIATION_FEATURES)
        self.last = nn.Linear(DEVIATION_FEATURES, size)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, features: Tensor) -> Tensor:  # [N, F] -> [N, M]
        logarithm = self.last(functional.relu(self.hidden(features.detach())))
        return torch.exp(logarithm.clamp(*LOG_DEVIATIONS))
