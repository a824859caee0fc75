"""A learner without weights, for tests: whatever it sees, it answers an upright head that fills the crop.

It keeps to the contract of `unveil.reconstruct.onnx`, so that everything around a learner can be tested without one.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from unveil.imaging.crop import LANDMARK_MARGIN, MARGIN
from unveil.morphable.layout import CoefficientLayout
from unveil.morphable.model import MorphableModel


def fitting_coefficients(model: MorphableModel) -> NDArray[np.float32]:
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
    values: NDArray[np.float32],
    *,
    gain: NDArray[np.float32] | None = None,
    size: int = 224,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a learner that answers ``values`` [M], plus ``gain`` [M] times the mean of the crop in [0, 1].

    ``metadata`` replaces what the file says about itself.
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
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, size, size])],
        [helper.make_tensor_value_info("coefficients", TensorProto.FLOAT, ["n", m])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    described = {"layout": layout.to_json(), "input_size": str(size), "name": "constant", "licence": "Apache-2.0"}
    helper.set_model_props(model, described if metadata is None else metadata)
    onnx.save(model, path)
    return path
