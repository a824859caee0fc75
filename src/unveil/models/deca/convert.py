"""DECA's networks as ONNX files, so that DECA runs without torch.

    python -m unveil.models.deca.convert DECA_DATA_FOLDER [--out FOLDER]

The files hold the weights of ``deca_model.tar`` under DECA's licence: they are for whoever may use that file and not
to be passed on. The head model's bases are not in them.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from unveil.models.deca import files
from unveil.models.deca.head import DETAIL_LAYOUT
from unveil.models.deca.network import DecaNetworks
from unveil.models.deca.torch import load_networks
from unveil.models.onnx_graph import trace, write
from unveil.photos.crop import CROP_SIZE

LICENCE = "DECA's licence: non-commercial research, not to be passed on"
DATA = "VGGFace2, BUPT-Balancedface and VoxCeleb2, as DECA's paper states"


class _Displacement(nn.Module):
    """The displacement as a module's forward, which is what torch exports."""

    def __init__(self, network: DecaNetworks) -> None:
        super().__init__()
        self.network = network

    def forward(self, coefficients: Tensor) -> Tensor:
        return self.network.displacement(coefficients)


def export_deca(checkpoint: Path, folder: Path) -> tuple[Path, Path]:
    """Write the encoders and the detail decoder of a ``deca_model.tar`` into a folder and return their paths.

    Both keep to the contracts of `unveil.models.deca.onnx`. Weights stay float32: half precision would cost DECA its
    fourth digit.

    Raises:
        UnveilError: the checkpoint is unusable or the folder cannot be written.
    """
    encoders, decoder = folder / files.ENCODERS.name, folder / files.DETAIL_DECODER.name
    network = load_networks(checkpoint)
    metadata = {"layout": DETAIL_LAYOUT.to_json(), "name": "deca", "licence": LICENCE, "data": DATA}
    images, codes = torch.rand(2, 3, CROP_SIZE, CROP_SIZE), torch.rand(2, DETAIL_LAYOUT.size)
    write(trace(network, images, "images", "coefficients"), encoders, metadata | {"input_size": str(CROP_SIZE)})
    write(trace(_Displacement(network), codes, "coefficients", "displacement"), decoder, metadata)
    return encoders, decoder


def main(arguments: Sequence[str] | None = None) -> None:
    """Export as the command line says."""
    parser = argparse.ArgumentParser(description="Write DECA's networks as ONNX.")
    parser.add_argument("folder", type=Path, help=f"DECA's data folder, with {files.CHECKPOINT.name}")
    parser.add_argument("--out", type=Path, help="folder to write to, by default the data folder")
    options = parser.parse_args(arguments)
    for path in export_deca(options.folder / files.CHECKPOINT.name, options.out or options.folder):
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")  # noqa: T201


if __name__ == "__main__":
    main()
