"""A trained learner as an ONNX file that reconstruction reads without torch.

Weights are stored in half precision, each followed by a Cast, so that the file is half as large and the arithmetic
stays float32; or the backbone is in int8. The file says what its outputs mean, see `unveil.models.onnx`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from unveil.models.learner import IMAGE_MEAN, IMAGE_STD, Learner
from unveil.models.onnx import LEARNED, MIRROR_IMAGES, vertex_scale_text
from unveil.models.onnx_graph import store_in_half_precision, trace, write
from unveil.training.release.calibrate import Calibration
from unveil.training.release.quantize import quantize
from unveil.typing import Images

NORMALISATION = f"in the graph, which takes RGB in [0, 1]: less {IMAGE_MEAN}, over {IMAGE_STD}"


@dataclass(frozen=True)
class Statement:
    """The metadata of the file."""

    name: str
    licence: str
    data: str
    mirror_images: bool = False  # whether it has learned from mirror images of crops too


def export_onnx(learner: Learner, path: Path, statement: Statement, calibration: Calibration | None = None) -> None:
    """Write the learner to ``path``, with calibrated deviations and face score."""
    write(store_in_half_precision(_traced(learner, calibration)), path, _metadata(learner, statement, calibration))


def export_int8(
    learner: Learner,
    path: Path,
    statement: Statement,
    calibration: Calibration | None,
    crops: Images,
) -> None:
    """The same with the backbone in int8; ranges of activations are measured on ``crops`` [N, S, S, 3]."""
    model = quantize(_traced(learner, calibration), crops)
    write(store_in_half_precision(model), path, _metadata(learner, statement, calibration))


def _traced(learner: Learner, calibration: Calibration | None) -> onnx.ModelProto:
    module = _Outputs(learner.float(), calibration)
    images = torch.rand(2, 3, learner.input_size, learner.input_size)
    return trace(module, images, "images", *module.names)


def _metadata(learner: Learner, statement: Statement, calibration: Calibration | None) -> dict[str, str]:
    metadata = {
        "layout": learner.layout.to_json(),
        "input_size": str(learner.input_size),
        "normalisation": NORMALISATION,
        "name": statement.name,
        "licence": statement.licence,
        "data": statement.data,
    }
    if statement.mirror_images:
        metadata[MIRROR_IMAGES] = LEARNED
    if learner.deviation_head is None:
        return metadata
    if calibration is None:
        return metadata | {"calibration": "none: deviations are as learned, too small for people not trained on"}
    factors = {name: round(factor, 4) for name, factor in calibration.factors.items()}
    found: dict[str, object] = {"crops": calibration.count, "factors": factors}
    if learner.face_head is not None:
        found["face_shift"] = round(calibration.face_shift, 4)
    return metadata | {
        "vertex_scale": vertex_scale_text(calibration.vertex_scale),
        "calibration": json.dumps(found),
    }


class _Outputs(nn.Module):
    """A learner with the file's outputs: calibrated deviations, and probabilities instead of logits."""

    factors: Tensor
    face_shift: Tensor

    def __init__(self, learner: Learner, calibration: Calibration | None) -> None:
        super().__init__()
        self.learner = learner
        size = learner.layout.size
        factors = np.ones(size, np.float32) if calibration is None else calibration.factor_of_each(learner.layout)
        self.register_buffer("factors", torch.from_numpy(factors))
        self.register_buffer("face_shift", torch.tensor(0.0 if calibration is None else calibration.face_shift))
        heads = {
            "deviations": learner.deviation_head,
            "occlusion": learner.occlusion_head or learner.class_head,
            "face": learner.face_head,
            "classes": learner.class_head,
        }
        self.names = ("coefficients", *(name for name, head in heads.items() if head is not None))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        prediction = self.learner(images)
        outputs = [prediction.coefficients]
        if prediction.deviations is not None:
            outputs.append(prediction.deviations * self.factors)
        if prediction.occlusion is not None:
            outputs.append(torch.sigmoid(prediction.occlusion))
        if prediction.face is not None:
            outputs.append(torch.sigmoid(prediction.face - self.face_shift))
        if prediction.classes is not None:
            outputs.append(torch.softmax(prediction.classes, dim=1))
        return tuple(outputs)
