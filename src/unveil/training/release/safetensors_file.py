"""A learner as a safetensors file: its weights as training left them, so that the next learner can start from them.

An ONNX file has its normalisations folded in and its deviations calibrated. This one has every parameter and statistic
under its name in torch, weights in half precision.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save

from unveil.assets.containers import safetensors_shapes
from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout
from unveil.models.learner import Learner, heads_in
from unveil.models.onnx_graph import LARGEST_HALF
from unveil.models.points import FRONT
from unveil.models.weights import require_finite
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable, write_bytes
from unveil.training.release.to_onnx import Statement

SUFFIX = ".safetensors"
KIND = "unveil learner"
START = FileKind("learner to start from", "write one with `unveil export`", 2**34)


def write_state(learner: Learner, path: Path, statement: Statement) -> None:
    """Write a learner whole or not at all; UnveilError where that is impossible, or its weights are not finite."""
    require_finite(learner, f"the learner for {printable(path)}")
    tensors = {name: _stored(tensor) for name, tensor in learner.state_dict().items()}
    content = save(tensors, _about(learner, statement))
    write_bytes(path, content)


def read_state(path: Path) -> Learner:
    """The learner that `write_state` wrote, ready to predict.

    Raises:
        UnveilError: the file is missing, damaged, or no learner of ours.
    """
    safetensors_shapes(path, START)  # says better than the library what is wrong
    with START.checking(path):
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no dictionary
        if about.get("kind") != KIND:
            raise ValueError(f"it says that it is {about.get('kind')!r}")
        learner = Learner(
            int(about["depth"]),
            _layout(about["layout"]),
            int(about["input_size"]),
            heads=heads_in(state),
            front=state.get(FRONT),
        )
        learner.load_state_dict(state)
        return learner.eval()


def _layout(text: str) -> CoefficientLayout:
    try:
        return CoefficientLayout.from_json(text)
    except UnveilError as error:
        raise ValueError(str(error)) from error


def _stored(tensor: torch.Tensor) -> torch.Tensor:
    """Weights in half precision, where they fit; biases and statistics, which have one axis, as they are."""
    halved = tensor.is_floating_point() and tensor.ndim > 1 and bool(tensor.abs().max() <= LARGEST_HALF)
    return (tensor.half() if halved else tensor).contiguous().cpu()


def _about(learner: Learner, statement: Statement) -> dict[str, str]:
    return {
        "kind": KIND,
        "layout": learner.layout.to_json(),
        "depth": str(learner.depth),
        "input_size": str(learner.input_size),
        "name": statement.name,
        "licence": statement.licence,
        "data": statement.data,
    }
