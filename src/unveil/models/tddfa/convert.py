"""3DDFA_V2's networks as the ONNX files that its authors hand out elsewhere, so that they run without torch."""

from pathlib import Path

import torch

from unveil.models.onnx_graph import trace, write
from unveil.models.tddfa.framing import INPUT_SIZE
from unveil.models.tddfa.torch import load_network


def export_tddfa(checkpoint: Path) -> Path:
    """Write ``mb1_120x120.onnx`` beside ``mb1_120x120.pth``, or the same for ``mb05``, and return its path.

    Raises:
        UnveilError: the checkpoint is unusable or the folder cannot be written.
    """
    path = checkpoint.with_suffix(".onnx")
    images = torch.rand(2, 3, INPUT_SIZE, INPUT_SIZE)
    write(trace(load_network(checkpoint), images, "input", "output"), path, {"licence": "MIT"})
    return path
