"""How each file of 3DDFA_V2 is inspected."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from unveil.assets.torch_file import checkpoint_keys
from unveil.errors import UnveilError
from unveil.models.inspection import Inspection
from unveil.models.tddfa import files, head
from unveil.models.tddfa.onnx import open_network


def inspections() -> Mapping[str, Inspection]:
    """How a file is inspected, by its name."""
    checkpoint, network = Inspection(_network, _state_dict), Inspection(partial(open_network, threads=1))
    without_triangles = partial(head.read_face, triangles=np.zeros((3, 0), np.int64))
    return {
        files.HALF_CHECKPOINT.name: checkpoint,
        files.FULL_CHECKPOINT.name: checkpoint,
        files.FULL_ONNX.name: network,
        files.HALF_ONNX.name: network,
        files.STATISTICS.name: Inspection(head.read_statistics),
        files.MODEL.name: Inspection(without_triangles),  # its own are of another mesh
        files.TRIANGLES.name: Inspection(head.read_triangles),
        files.SLIM_MODEL.name: Inspection(head.read_face),
    }


def _network(path: Path) -> None:
    from unveil.models.tddfa.torch import load_network

    load_network(path)


def _state_dict(path: Path) -> None:
    if "state_dict" not in checkpoint_keys(path):
        raise UnveilError("has no state_dict")
