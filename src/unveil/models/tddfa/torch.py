"""3DDFA_V2 (Guo et al. 2020) in torch: crops to coefficients of the layout ``tddfa``, with its weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unveil.assets.model_file import ModelFile
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.models.encoder import CoefficientsOnly, Prediction
from unveil.models.tddfa.files import FILES, HALF_CHECKPOINT
from unveil.models.tddfa.framing import FRAMING, INPUT_SIZE, network_input
from unveil.models.tddfa.head import read_statistics
from unveil.models.tddfa.network import STEM, MobileNet
from unveil.models.weights import fill, read_checkpoint, unusable
from unveil.photos.framing import Framing
from unveil.typing import Images

PREFIX = "module."  # of every name, from parallel training
UNUSED = "fc_lm."  # a second output, of landmarks, which only training had a use for
NAMES = {STEM: "3ddfa-mb1", STEM // 2: "3ddfa-mb05"}  # by the width of the first convolution
BATCH = 32  # crops at once: bounds the memory


class TorchTddfa(CoefficientsOnly):
    """3DDFA_V2's network in torch, loaded from one of its checkpoints; a `models.encoder.Encoder`.

    Attributes:
        name: "3ddfa-mb1" or "3ddfa-mb05", from the width of the network.
        path: the file.
        network: the torch module, in evaluation mode.
        layout: `models.tddfa.head.LAYOUT`, with the statistics.
        input_size: 120 pixels.
        framing: how its authors cut faces out.

    Args:
        checkpoint: ``mb1_120x120.pth`` or ``mb05_120x120.pth``.
        statistics: ``param_mean_std_62d_120x120.pkl``.

    Raises:
        UnveilError: a file is missing or is no such file, or the parameters are not exactly those of the network.
    """

    input_size: int = INPUT_SIZE
    framing: Framing = FRAMING

    def __init__(self, checkpoint: Path, statistics: Path) -> None:
        self.path = checkpoint
        self.layout: CoefficientLayout = read_statistics(statistics)
        self.network = load_network(checkpoint)
        self.name = NAMES[self.network.conv1.out_channels]

    def predict(self, crops: Images) -> Prediction:
        """Coefficients [N, 62] (float32) of RGB crops [N, 120, 120, 3]."""
        images = network_input(crops)
        outputs = np.empty((len(images), self.layout.size), np.float32)
        with torch.inference_mode():
            for start in range(0, len(images), BATCH):
                part = slice(start, start + BATCH)
                outputs[part] = self.network(torch.from_numpy(images[part])).numpy()
        if not np.isfinite(outputs).all():
            raise unusable(self.path, _file(self.path), "gives numbers that are not finite")
        return Prediction(Coefficients(self.layout, self.layout.destandardize(outputs)))


def load_network(path: Path) -> MobileNet:
    """The network of a checkpoint, in evaluation mode on the CPU; errors as `TorchTddfa`."""
    file = _file(path)
    content = read_checkpoint(path, file)
    state = content.get("state_dict") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping):
        raise unusable(path, file, "has no state_dict")
    parameters = {
        name.removeprefix(PREFIX): value
        for name, value in state.items()
        if isinstance(value, Tensor) and not name.removeprefix(PREFIX).startswith(UNUSED)
    }
    stem = parameters.get("conv1.weight")
    if stem is None or stem.ndim != 4 or len(stem) not in NAMES:
        raise unusable(path, file, "does not begin with a convolution of 16 or 32 channels")
    with torch.device("meta"):
        network = MobileNet(len(stem))
    fill(network, parameters, path, file)
    return network


def _file(path: Path) -> ModelFile:
    """The registry's entry of a checkpoint, by its name."""
    return next((file for file in FILES if file.name == path.name), HALF_CHECKPOINT)
