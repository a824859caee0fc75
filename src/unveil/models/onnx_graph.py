"""Torch modules as ONNX graphs, and graphs as files that say what they are."""

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from unveil.errors import UnveilError
from unveil.storage.files import printable, write_bytes

OPSET = 17
SMALLEST_HALVED = 1024  # elements; smaller tensors, the biases and statistics among them, stay float32
LARGEST_HALF = 65504.0
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)


def trace(module: nn.Module, example: Tensor, input_name: str, *output_names: str) -> onnx.ModelProto:
    """The module as torch exports it, for any batch size, normalisations folded into the convolutions.

    Args:
        example: a batch of two or more; the graph takes the sizes after the first from it.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the newer exporter needs another package
        warnings.filterwarnings("ignore", "Converting a tensor to a Python")  # checks of sizes, which the graph fixes
        path = Path(folder) / "traced.onnx"
        torch.onnx.export(
            module.eval(),
            (example,),
            path,
            input_names=[input_name],
            output_names=list(output_names),
            dynamic_axes={name: {0: "batch"} for name in (input_name, *output_names)},
            opset_version=OPSET,
            dynamo=False,
        )
        return onnx.load(path)


def store_in_half_precision(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large float32 weights as float16 with a Cast back to float32 in front of their use."""
    initializers, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if (
            tensor.data_type != TensorProto.FLOAT
            or values.size < SMALLEST_HALVED
            or np.abs(values).max() > LARGEST_HALF
        ):
            initializers.append(tensor)
            continue
        stored = f"{tensor.name}_float16"
        initializers.append(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [tensor.name], to=TensorProto.FLOAT))
    graph = helper.make_graph(
        [*casts, *model.graph.node], model.graph.name, model.graph.input, model.graph.output, initializers
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def write(model: onnx.ModelProto, path: Path, metadata: Mapping[str, str]) -> None:
    """Check the graph and write it with its metadata, whole or not at all.

    Raises:
        UnveilError: a weight is not finite, or the file cannot be written.
    """
    for tensor in model.graph.initializer:
        if tensor.data_type in FLOATS and not np.isfinite(numpy_helper.to_array(tensor)).all():
            raise UnveilError(f"{printable(path)} is not written: weights are not finite ({tensor.name}); train again")
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    write_bytes(path, model.SerializeToString())
