"""How each file of MGCNet is inspected."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from unveil.assets.containers import require_whole_checkpoint, require_whole_hdf5, safetensors_shapes
from unveil.models.inspection import Inspection
from unveil.models.mgcnet import files, head


def inspections() -> Mapping[str, Inspection]:
    """How a file is inspected, by its name; of those that are only converted, whether they are whole."""
    return {
        files.WEIGHTS.name: Inspection(_network, safetensors_shapes),
        files.MODEL.name: Inspection(head.read_face),
        files.CHECKPOINT.name: Inspection(require_whole_checkpoint),
        files.PUBLISHED_MODEL.name: Inspection(require_whole_hdf5),
    }


def _network(path: Path) -> None:
    from unveil.models.mgcnet.torch import load_network

    load_network(path)
