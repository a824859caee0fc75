"""Networks in int8: smaller and faster than in single precision, at a loss that has to be measured."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from unveil.typing import Float32s, Images

BACKBONE_END = "GlobalAveragePool"
QUANTIZED = ("Conv", "Relu", "Add", "MaxPool")  # what a ResNet is made of


def quantize(model: onnx.ModelProto, crops: Images) -> onnx.ModelProto:
    """The network with its backbone in int8: one scale per channel of the weights, one per tensor of activations.

    What follows the pooled features stays as it is: the coefficients have too different sizes for one scale, and the
    heads are small.

    Args:
        model: takes ``images`` [N, 3, S, S] in [0, 1].
        crops: [N, S, S, 3] what it will see, for the ranges of the activations; a hundred will do.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.onnx", Path(folder) / "int8.onnx"
        quant_pre_process(model, source, skip_symbolic_shape=True)
        quantize_static(
            source,
            target,
            _Crops(crops),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED),
            nodes_to_quantize=_backbone(onnx.load(source)),
            per_channel=True,
            # Weights of 7 bits: processors without VNNI instructions add two products in 16 bits, where 8 overflow.
            reduce_range=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return onnx.load(target)


def _backbone(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that lead from the images to the pooled features."""
    makers = {output: node for node in model.graph.node for output in node.output}
    waiting = [node for node in model.graph.node if node.op_type == BACKBONE_END]
    found = {}
    while waiting:
        for name in waiting.pop().input:
            if name in makers and name not in found:
                found[name] = makers[name]
                waiting.append(makers[name])
    return [node.name for node in found.values() if node.op_type in QUANTIZED]


class _Crops(CalibrationDataReader):  # type: ignore[misc]  # the library is untyped
    """Crops one by one, as the network's input."""

    def __init__(self, crops: Images) -> None:
        self._crops = iter(crops)

    def get_next(self) -> dict[str, Float32s] | None:
        """The next input, or None after the last."""
        crop = next(self._crops, None)
        return None if crop is None else {"images": crop.transpose(2, 0, 1)[None].astype(np.float32) / 255}
