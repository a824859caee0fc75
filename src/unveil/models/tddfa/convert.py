"""3DDFA_V2's networks as the ONNX files that its authors hand out elsewhere, so that they run without torch."""

from pathlib import Path

import torch

from unveil.models.onnx_graph import trace, write
from unveil.models.tddfa.framing import INPUT_SIZE
from unveil.models.tddfa.torch import load_network


def export_tddfa(checkpoint: Path, path: Path | None = None) -> Path:
    """Write the network of ``mb1_120x120.pth`` or ``mb05_120x120.pth`` as ONNX, and return the path.

    Args:
        checkpoint: what its authors publish.
        path: the file to write; beside the checkpoint, with its name, if left out.

    Raises:
        UnveilError: the checkpoint is unusable or the folder cannot be written.
    """
    path = path or checkpoint.with_suffix(".onnx")
    images = torch.rand(2, 3, INPUT_SIZE, INPUT_SIZE)
    write(trace(load_network(checkpoint), images, "input", "output"), path, {"licence": "MIT"})
    return path
