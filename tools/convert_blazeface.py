"""Convert BlazeFace short range from mediapipe's wheel to the ONNX file that the package carries.

BlazeFace (Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", 2019) is Google's,
under Apache-2.0. The same wheel always gives the same bytes:

    python -m venv convert && convert/bin/pip install tflite==2.18.0 onnx==1.23.2
    convert/bin/pip download mediapipe==0.10.21 --no-deps --only-binary=:all: \
        --python-version 311 --platform manylinux_2_28_x86_64
    convert/bin/python tools/convert_blazeface.py --wheel mediapipe-0.10.21-*.whl

The ONNX graph takes `images` uint8 [N, H, W, 3] RGB and gives `boxes` float32 [N, A, 16] in input pixels relative
to each anchor and `logits` float32 [N, A]. The network is convolutional, so that H and W may be any multiples of 16,
not only the 128 of the original; A is 2 anchors per 8 x 8 pixels, row by row, followed by 6 per 16 x 16 pixels.
Weights stay in the half precision they come in and are computed with in single precision.

ONNX Runtime computes with blocks of 16 channels, and the network has 24, 28, 36, 42 and so on: where pictures of
different widths are added, blocks would be taken apart and put together again. So channels of zeros fill the last
blocks, and where a picture gains a block, nothing is added to the new one. The answers are the same in 0.73 of the
time.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
MEMBER = "mediapipe/modules/face_detection/face_detection_short_range.tflite"
PACKAGED = Path(__file__).parents[1] / "src/unveil/assets/data/blazeface.onnx"
OPSET, IR_VERSION = 17, 8  # understood by every ONNX Runtime since 1.13
BLOCK = 16  # channels
NUMPY_TYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
OPERATOR_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}


class Converter:
    """Walks the TFLite operators in order and writes their ONNX counterparts, channels first."""

    def __init__(self, tflite_bytes: bytes) -> None:
        self.model = tflite.Model.GetRootAs(tflite_bytes)
        self.graph = self.model.Subgraphs(0)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.half_weights: dict[int, np.ndarray] = {}  # output of a DEQUANTIZE -> what went in
        self.narrower: dict[int, int] = {}  # output of a PAD -> what went in
        self.summands: dict[int, int] = {}  # second summand of an ADD -> the first, as it is before a PAD
        self.answers: set[int] = set()  # what a RESHAPE takes

    def convert(self) -> onnx.ModelProto:
        """The whole network as a checked ONNX model."""
        self._normalise_input()
        operators = [self.graph.Operators(index) for index in range(self.graph.OperatorsLength())]
        named = [(self._name(operator), operator) for operator in operators]
        for name, operator in named:
            self._look_at(name, operator.InputsAsNumpy(), operator.Outputs(0))
        for name, operator in named:
            getattr(self, f"_{name.lower()}")(operator, *operator.InputsAsNumpy(), operator.Outputs(0))
        boxes, logits = self.graph.OutputsAsNumpy()
        self._node("Identity", [f"t{boxes}"], "boxes")
        self._node("Squeeze", [f"t{logits}", self._constant("last_axis", np.array([2], np.int64))], "logits")
        return self._finish()

    def _name(self, operator: Any) -> str:
        return OPERATOR_NAMES[self.model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()]

    def _look_at(self, name: str, inputs: np.ndarray, output: int) -> None:
        """Note what earlier operators have to know of this one."""
        if name == "PAD":
            self.narrower[output] = inputs[0]
        elif name == "ADD":
            self.summands[inputs[1]] = self.narrower.get(inputs[0], inputs[0])
        elif name == "RESHAPE":
            self.answers.add(inputs[0])

    def _normalise_input(self) -> None:
        """From uint8 [N, H, W, 3] to [-1, 1], channels first."""
        self._node("Cast", ["images"], "float_images", to=TensorProto.FLOAT)
        self._node("Mul", ["float_images", self._constant("scale", np.float32(1 / 127.5))], "scaled_images")
        self._node("Sub", ["scaled_images", self._constant("one", np.float32(1))], "signed_images")
        self._node("Transpose", ["signed_images"], f"t{self.graph.Inputs(0)}", perm=[0, 3, 1, 2])

    def _finish(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "blazeface_short_range",
            [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", "H", "W", 3])],
            [
                helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", "A", 16]),
                helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", "A"]),
            ],
            self.initializers,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=opsets, producer_name="unveil")
        source = f"{MEMBER} of mediapipe 0.10.21"
        helper.set_model_props(model, {"name": "BlazeFace short range", "licence": "Apache-2.0", "source": source})
        onnx.checker.check_model(model, full_check=True)
        return model

    # One method per TFLite operator; tensors are named t<index>.

    def _dequantize(self, _: Any, source: int, output: int) -> None:
        self.half_weights[output] = self._data(source)

    def _conv_2d(self, operator: Any, source: int, kernel: int, bias: int, output: int) -> None:
        options = _options(operator, tflite.Conv2DOptions)
        weights = self.half_weights[kernel].transpose(0, 3, 1, 2)  # out, high, wide, in -> out, in, high, wide
        if source != self.graph.Inputs(0):
            weights = _in_blocks(weights, axis=1)
        if output not in self.answers:
            weights = _in_blocks(weights, axis=0)
        self._convolve(options, [source, bias, output], weights, groups=1)

    def _depthwise_conv_2d(self, operator: Any, source: int, kernel: int, bias: int, output: int) -> None:
        options = _options(operator, tflite.DepthwiseConv2DOptions)
        _require(options.DepthMultiplier() == 1)
        weights = self.half_weights[kernel].transpose(3, 0, 1, 2)  # 1, high, wide, channel -> channel, 1, high, wide
        weights = _in_blocks(weights, axis=0)
        self._convolve(options, [source, bias, output], weights, groups=len(weights))

    def _convolve(self, options: Any, tensors: list[int], weights: np.ndarray, *, groups: int) -> None:
        source, bias, output = tensors
        _require(options.FusedActivationFunction() == tflite.ActivationFunctionType.NONE)
        _require(options.DilationHFactor() == options.DilationWFactor() == 1)
        kernel_shape = list(weights.shape[2:])
        biases = self.half_weights[bias]
        biases = np.pad(biases, (0, len(weights) - len(biases)))
        strides, pads = self._window(options, source, kernel_shape)
        attributes = {"kernel_shape": kernel_shape, "strides": strides, "pads": pads, "group": groups}
        added = self._width(self.summands[output]) if output in self.summands else len(weights)
        for name, part in ((f"{output}", slice(added)), (f"{output}_rest", slice(added, None))):
            if len(weights[part]):
                inputs = [self._weights(f"w{name}", weights[part]), self._weights(f"b{name}", biases[part])]
                self._node("Conv", [f"t{source}", *inputs], f"t{name}", **attributes)

    def _max_pool_2d(self, operator: Any, source: int, output: int) -> None:
        options = _options(operator, tflite.Pool2DOptions)
        kernel_shape = [options.FilterHeight(), options.FilterWidth()]
        strides, pads = self._window(options, source, kernel_shape)
        _require(not any(pads))
        self._node("MaxPool", [f"t{source}"], f"t{output}", kernel_shape=kernel_shape, strides=strides)

    def _relu(self, _: Any, source: int, output: int) -> None:
        self._node("Relu", [f"t{source}"], f"t{output}")

    def _add(self, operator: Any, first: int, second: int, output: int) -> None:
        options = _options(operator, tflite.AddOptions)
        _require(options.FusedActivationFunction() == tflite.ActivationFunctionType.NONE)
        first = self.summands[second]
        if self._width(first) == self._width(second):
            self._node("Add", [f"t{first}", f"t{second}"], f"t{output}")
        else:
            self._node("Add", [f"t{first}", f"t{second}"], f"t{output}_first")
            self._node("Concat", [f"t{output}_first", f"t{second}_rest"], f"t{output}", axis=1)

    def _pad(self, _: Any, source: int, paddings: int, output: int) -> None:
        """More channels of zeros, which the last block has already, or which `_add` leaves out."""
        more = self.graph.Tensors(output).Shape(3) - self.graph.Tensors(source).Shape(3)
        _require(self._data(paddings).tolist() == [[0, 0], [0, 0], [0, 0], [0, more]])

    def _reshape(self, operator: Any, source: int, output: int) -> None:
        """Anchors of one grid in reading order: [N, C, H, W] -> [N, H * W * anchors, values]."""
        del operator
        values = int(self.graph.Tensors(output).Shape(2))
        self._node("Transpose", [f"t{source}"], f"r{output}", perm=[0, 2, 3, 1])
        shape = self._constant(f"s{output}", np.array([0, -1, values], np.int64))
        self._node("Reshape", [f"r{output}", shape], f"t{output}")

    def _concatenation(self, _: Any, first: int, second: int, output: int) -> None:
        self._node("Concat", [f"t{first}", f"t{second}"], f"t{output}", axis=1)

    def _window(self, options: Any, source: int, kernel_shape: list[int]) -> tuple[list[int], list[int]]:
        """Strides, and TensorFlow's padding as ONNX writes it: top, left, bottom, right.

        It depends on the input size only through size modulo stride, so it holds for all multiples of 16.
        """
        strides = [options.StrideH(), options.StrideW()]
        if options.Padding() == tflite.Padding.VALID:
            return strides, [0, 0, 0, 0]
        sides = self.graph.Tensors(source).ShapeAsNumpy()[1:3].tolist()
        totals = [
            max((-(-side // stride) - 1) * stride + kernel - side, 0)
            for side, stride, kernel in zip(sides, strides, kernel_shape, strict=True)
        ]
        return strides, [total // 2 for total in totals] + [total - total // 2 for total in totals]

    def _width(self, tensor_index: int) -> int:
        """Channels with those that fill the last block."""
        return -(-int(self.graph.Tensors(tensor_index).Shape(3)) // BLOCK) * BLOCK

    def _data(self, tensor_index: int) -> np.ndarray:
        tensor = self.graph.Tensors(tensor_index)
        data = self.model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(data, NUMPY_TYPES[tensor.Type()]).reshape(tensor.ShapeAsNumpy())

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", **attributes))

    def _constant(self, name: str, value: Any) -> str:
        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _weights(self, name: str, half: np.ndarray) -> str:
        _require(half.dtype == np.float16)
        self._node("Cast", [self._constant(f"{name}_half", np.ascontiguousarray(half))], name, to=TensorProto.FLOAT)
        return name


def _in_blocks(weights: np.ndarray, axis: int) -> np.ndarray:
    """With zeros up to a multiple of a block along the axis."""
    more = [(0, 0)] * weights.ndim
    more[axis] = (0, -weights.shape[axis] % BLOCK)
    return np.pad(weights, more)


def _require(expected: bool, /) -> None:
    """The network is known; a feature it did not use has no conversion here."""
    if not expected:
        raise ValueError("this is not the BlazeFace network that the converter was written for")


def _options(operator: Any, kind: Any) -> Any:
    options = kind()
    options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    return options


def main() -> None:
    """Check the wheel, convert, and say what was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, required=True, help="mediapipe 0.10.21 for CPython 3.11 on Linux x86-64")
    parser.add_argument("--output", type=Path, default=PACKAGED)
    arguments = parser.parse_args()
    digest = hashlib.sha256(arguments.wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        parser.error(f"{arguments.wheel} has sha256 {digest}, not {WHEEL_SHA256}; download it as shown above")
    with zipfile.ZipFile(arguments.wheel) as wheel:
        model = Converter(wheel.read(MEMBER)).convert()
    serialized = model.SerializeToString(deterministic=True)
    arguments.output.write_bytes(serialized)
    print(f"{arguments.output}: {len(serialized)} bytes, sha256 {hashlib.sha256(serialized).hexdigest()}")


if __name__ == "__main__":
    main()
