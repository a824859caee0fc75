"""DECA in torch: crops to coefficients of the layout ``deca-detail``, with the published weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unveil.errors import UnveilError, reason_of
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.models.deca.files import CHECKPOINT, NETWORKS
from unveil.models.deca.head import DETAIL_LAYOUT
from unveil.models.deca.network import DecaNetworks
from unveil.models.encoder import CoefficientsOnly, Prediction, require_crops
from unveil.models.weights import fill, read_checkpoint, unusable
from unveil.photos.crop import CROP_SIZE
from unveil.photos.framing import CANONICAL, Framing
from unveil.typing import Float32s, Images

DISPLACEMENT_SIZE = 256  # texels per side of a displacement map
BATCH = 16  # crops or codes at once: bounds the memory


class TorchDeca(CoefficientsOnly):
    """DECA's networks in torch, loaded from ``deca_model.tar``; a `DecaEncoder`.

    Attributes:
        name: "deca".
        path: the file.
        network: the torch module, in evaluation mode.
        layout: `DETAIL_LAYOUT`.
        input_size: side of the crops it takes, in pixels.

    Args:
        checkpoint: the file.
        device: torch's name of where to compute.

    Raises:
        UnveilError: the file is missing or is no such checkpoint, its parameters are not exactly those of DECA, or the
            device cannot be used.
    """

    name: str = "deca"
    layout: CoefficientLayout = DETAIL_LAYOUT
    input_size: int = CROP_SIZE
    framing: Framing = CANONICAL

    def __init__(self, checkpoint: str | Path, *, device: str = "cpu") -> None:
        self.path = Path(checkpoint)
        network = load_networks(self.path)
        try:
            self.network = network.to(device)
        except (RuntimeError, AssertionError) as error:  # torch raises either, depending on how it was built
            raise UnveilError(f"cannot compute on {device!r} ({reason_of(error)}): choose another device") from error
        self._device = torch.device(device)

    def predict(self, crops: Images) -> Prediction:
        """Coefficients [N, 364] (float32) of RGB crops [N, 224, 224, 3]."""
        require_crops(crops, self.input_size)
        values = self._in_batches(crops, self._encode, (DETAIL_LAYOUT.size,))
        return Prediction(Coefficients(DETAIL_LAYOUT, values))

    def displacement(self, coefficients: Coefficients) -> Float32s:
        """The detail decoder's maps [N, 256, 256] for coefficients [N, 364], metres along the normals.

        The fixed displacement and the masks of the head model are not in them.

        Raises:
            LayoutError: the coefficients are not of the layout ``deca-detail``.
        """
        DETAIL_LAYOUT.require_of(coefficients)
        values = np.asarray(coefficients.values, np.float32)
        return self._in_batches(values, self.network.displacement, (DISPLACEMENT_SIZE,) * 2)

    def _encode(self, crops: Tensor) -> Tensor:  # uint8 [N, S, S, 3] -> [N, 364]
        return self.network(crops.permute(0, 3, 1, 2).float() / 255)  # type: ignore[no-any-return]

    def _in_batches(
        self, inputs: NDArray[Any], function: Callable[[Tensor], Tensor], shape: tuple[int, ...]
    ) -> Float32s:
        results = np.empty((len(inputs), *shape), np.float32)
        # TF32, which torch allows in convolutions on a GPU, keeps three digits only.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            for start in range(0, len(inputs), BATCH):
                part = np.ascontiguousarray(inputs[start : start + BATCH])
                results[start : start + BATCH] = function(torch.from_numpy(part).to(self._device)).cpu().numpy()
        if not np.isfinite(results).all():
            raise unusable(self.path, CHECKPOINT, "gives numbers that are not finite")
        return results


def load_networks(path: Path) -> DecaNetworks:
    """DECA's networks with the weights of a checkpoint, in evaluation mode on the CPU; errors as `TorchDeca`."""
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced
        network = DecaNetworks()
    fill(network, _read_parameters(path), path, CHECKPOINT)
    return network


def _read_parameters(path: Path) -> dict[str, Tensor]:
    """Every tensor of the three networks by its full name, such as ``D_detail.l1.0.weight``."""
    content = read_checkpoint(path, CHECKPOINT)
    absent = [part for part in NETWORKS if not isinstance(content, dict) or not isinstance(content.get(part), Mapping)]
    if absent:
        raise unusable(path, CHECKPOINT, f"has no networks named {', '.join(absent)}")
    return {
        f"{part}.{name}": value
        for part in NETWORKS
        for name, value in content[part].items()
        if isinstance(value, Tensor)
    }
