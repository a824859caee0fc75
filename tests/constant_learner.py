"""A learner without weights, for tests: whatever it sees, it answers an upright head that fills the crop.

It keeps to the contract of `unveil.models.onnx`, so that everything around a learner can be tested without one.
Where it is to give an occlusion map, whatever is green covers the face.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from unveil.heads.layout import CoefficientLayout
from unveil.heads.model import MorphableModel
from unveil.photos.crop import LANDMARK_MARGIN, MARGIN
from unveil.typing import Float32s


def fitting_coefficients(model: MorphableModel) -> Float32s:
    """The template [M], placed so that its landmarks fill a crop as those of a face do."""
    landmarks = np.asarray(model.landmarks68(model.head.template))[:, :2]
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    scale = 2 / (MARGIN * LANDMARK_MARGIN * np.mean(high - low))
    values = np.zeros(model.layout.size, np.float32)
    values[model.layout.slice_of("camera")] = [scale, *(-(low + high) / 2)]
    return values


def write_learner(
    path: Path,
    layout: CoefficientLayout,
    values: Float32s,
    *,
    gain: Float32s | None = None,
    size: int = 224,
    deviations: Float32s | None = None,
    occlusion: bool = False,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a learner that answers ``values`` [M], plus ``gain`` [M] times the mean of the crop in [0, 1].

    It also gives ``deviations`` [M], where given, and with ``occlusion`` how green each of 28 x 28 cells of the crop
    is; the ``size`` must then be a multiple of 28. ``metadata`` replaces what the file says about itself.
    """
    m = len(values)
    constants = {
        "values": values[None].astype(np.float32),
        "gain": (np.zeros(m) if gain is None else gain)[None].astype(np.float32),
        "pixel_axes": np.array([1, 2, 3]),
        "last_axis": np.array([1]),
    }
    nodes = [
        helper.make_node("ReduceMean", ["images", "pixel_axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last_axis"], ["column"]),
        helper.make_node("Mul", ["column", "gain"], ["change"]),
        helper.make_node("Add", ["change", "values"], ["coefficients"]),
    ]
    outputs = [helper.make_tensor_value_info("coefficients", TensorProto.FLOAT, ["n", m])]
    if deviations is not None:
        constants |= {"nothing": np.zeros((1, m), np.float32), "spread": deviations[None].astype(np.float32)}
        nodes += [
            helper.make_node("Mul", ["column", "nothing"], ["rows"]),
            helper.make_node("Add", ["rows", "spread"], ["deviations"]),
        ]
        outputs.append(helper.make_tensor_value_info("deviations", TensorProto.FLOAT, ["n", m]))
    if occlusion:
        nodes += _green_cells(size // 28)
        green = np.array([-1, 2, -1], np.float32).reshape(1, 3, 1, 1)
        constants |= {"green": green, "least": np.float32(0), "most": np.float32(1)}
        outputs.append(helper.make_tensor_value_info("occlusion", TensorProto.FLOAT, ["n", 28, 28]))
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, size, size])],
        outputs,
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    described = {"layout": layout.to_json(), "input_size": str(size), "name": "constant", "licence": "Apache-2.0"}
    helper.set_model_props(model, described if metadata is None else metadata)
    onnx.save(model, path)
    return path


def _green_cells(side: int) -> list[onnx.NodeProto]:
    """From ``images`` to ``occlusion``: how green each cell of ``side`` x ``side`` pixels is, in [0, 1]."""
    return [
        helper.make_node("Conv", ["images", "green"], ["greenness"]),
        helper.make_node("Clip", ["greenness", "least", "most"], ["green_pixels"]),
        helper.make_node("AveragePool", ["green_pixels"], ["cells"], kernel_shape=[side, side], strides=[side, side]),
        helper.make_node("Squeeze", ["cells", "last_axis"], ["occlusion"]),
    ]
