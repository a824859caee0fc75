"""MGCNet (Shang et al. 2020) in torch: crops to coefficients of the layout ``mgcnet``, with its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from unveil.assets.containers import safetensors_shapes
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.models.encoder import CoefficientsOnly, Prediction, require_crops
from unveil.models.mgcnet.files import WEIGHTS
from unveil.models.mgcnet.framing import FRAMING, INPUT_SIZE
from unveil.models.mgcnet.head import LAYOUT
from unveil.models.mgcnet.network import SlimResNet50
from unveil.models.weights import fill, unusable
from unveil.photos.framing import Framing
from unveil.storage.file_kind import FileKind
from unveil.typing import Images

SAFETENSORS = FileKind(f"whole safetensors file of {WEIGHTS.what}", WEIGHTS.how_to_get, 2**34)
BATCH = 16  # crops at once: bounds the memory


class TorchMgcnet(CoefficientsOnly):
    """MGCNet's network in torch, loaded from ``mgcnet.safetensors``; a `models.encoder.Encoder`.

    Attributes:
        name: "mgcnet".
        path: the file.
        network: the torch module, in evaluation mode.
        layout: `models.mgcnet.head.LAYOUT`, whose groups are the network's outputs in their order.
        input_size: 224 pixels.
        framing: how its authors cut faces out.

    Args:
        weights: the file, which ``unveil assets convert mgcnet`` makes.

    Raises:
        UnveilError: the file is missing or is no such file, or the parameters are not exactly those of the network.
    """

    name: str = "mgcnet"
    layout: CoefficientLayout = LAYOUT
    input_size: int = INPUT_SIZE
    framing: Framing = FRAMING

    def __init__(self, weights: str | Path) -> None:
        self.path = Path(weights)
        self.network = load_network(self.path)

    def predict(self, crops: Images) -> Prediction:
        """Coefficients [N, 257] (float32) of RGB crops [N, 224, 224, 3]."""
        require_crops(crops, self.input_size)
        outputs = np.empty((len(crops), LAYOUT.size), np.float32)
        with torch.inference_mode():
            for start in range(0, len(crops), BATCH):
                images = torch.from_numpy(np.ascontiguousarray(crops[start : start + BATCH]))
                outputs[start : start + BATCH] = self.network(images.permute(0, 3, 1, 2).float() / 255).numpy()
        if not np.isfinite(outputs).all():
            raise unusable(self.path, WEIGHTS, "gives numbers that are not finite")
        return Prediction(Coefficients(LAYOUT, outputs))


def load_network(path: Path) -> SlimResNet50:
    """The network of ``mgcnet.safetensors``, in evaluation mode on the CPU; errors as `TorchMgcnet`."""
    parameters = _read_parameters(path)
    try:
        network = SlimResNet50.shaped_like(parameters)
    except KeyError as error:
        raise unusable(path, WEIGHTS, f"does not hold {WEIGHTS.what} (missing: {error})") from error
    fill(network, parameters, path, WEIGHTS)
    if (outputs := len(parameters["logits.convolution.bias"])) != LAYOUT.size:
        raise unusable(path, WEIGHTS, f"gives {outputs} numbers instead of {LAYOUT.size}")
    return network


def _read_parameters(path: Path) -> dict[str, Tensor]:
    safetensors_shapes(path, SAFETENSORS)  # says better than the library what is wrong
    with SAFETENSORS.checking(path):
        return load_file(path)
