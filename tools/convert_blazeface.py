"""Convert BlazeFace short range from mediapipe's wheel to the ONNX file that the package carries.

BlazeFace (Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", 2019) is Google's,
under Apache-2.0:

    python -m venv convert && convert/bin/pip install tflite==2.18.0 onnx==1.23.2
    convert/bin/pip download mediapipe==0.10.21 --no-deps --only-binary=:all: \
        --python-version 311 --platform manylinux_2_28_x86_64
    convert/bin/python -m tools.convert_blazeface --package mediapipe-0.10.21-*.whl

The ONNX graph takes `images` uint8 [N, H, W, 3] RGB and gives `boxes` float32 [N, A, 16] in input pixels relative
to each anchor and `logits` float32 [N, A]. The network is convolutional, so that H and W may be any multiples of 16,
not only the 128 of the original; A is 2 anchors per 8 x 8 pixels, row by row, followed by 6 per 16 x 16 pixels.

ONNX Runtime computes with blocks of 16 channels, and the network has 24, 28, 36, 42 and so on: where pictures of
different widths are added, blocks would be taken apart and put together again. So channels of zeros fill the last
blocks, and where a picture gains a block, nothing is added to the new one. The answers are the same in 0.73 of the
time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto

from tools.tflite_to_onnx import Converter, main, options_of, require

MEMBER = "mediapipe/modules/face_detection/face_detection_short_range.tflite"
BLOCK = 16  # channels


class BlazeFaceConverter(Converter):
    """Writes the network with its channels in whole blocks."""

    def __init__(self, tflite_bytes: bytes) -> None:
        super().__init__(tflite_bytes)
        self.narrower: dict[int, int] = {}  # output of a PAD -> what went in
        self.summands: dict[int, int] = {}  # second summand of an ADD -> the first, as it is before a PAD
        self.answers: set[int] = set()  # what a RESHAPE takes

    def convert(self) -> onnx.ModelProto:
        """The whole network as a checked ONNX model."""
        self._normalise_input()
        for name, operator in self.operators():
            self._look_at(name, operator.InputsAsNumpy(), operator.Outputs(0))
        self.walk()
        boxes, logits = self.graph.OutputsAsNumpy()
        self._node("Identity", [f"t{boxes}"], "boxes")
        self._node("Squeeze", [f"t{logits}", self._constant("last_axis", np.array([2], np.int64))], "logits")
        return self.finish(
            "blazeface_short_range",
            "BlazeFace short range",
            MEMBER,
            [("images", TensorProto.UINT8, ["N", "H", "W", 3])],
            [("boxes", TensorProto.FLOAT, ["N", "A", 16]), ("logits", TensorProto.FLOAT, ["N", "A"])],
        )

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

    def _conv_2d(self, operator: Any, source: int, kernel: int, bias: int, output: int) -> None:
        options = options_of(operator, tflite.Conv2DOptions)
        weights = self.half_weights[kernel].transpose(0, 3, 1, 2)  # out, high, wide, in -> out, in, high, wide
        if source != self.graph.Inputs(0):
            weights = _in_blocks(weights, axis=1)
        if output not in self.answers:
            weights = _in_blocks(weights, axis=0)
        self._convolve(options, [source, bias, output], weights, groups=1)

    def _depthwise_conv_2d(self, operator: Any, source: int, kernel: int, bias: int, output: int) -> None:
        options = options_of(operator, tflite.DepthwiseConv2DOptions)
        require(options.DepthMultiplier() == 1)
        weights = self.half_weights[kernel].transpose(3, 0, 1, 2)  # 1, high, wide, channel -> channel, 1, high, wide
        weights = _in_blocks(weights, axis=0)
        self._convolve(options, [source, bias, output], weights, groups=len(weights))

    def _convolve(self, options: Any, tensors: list[int], weights: np.ndarray, *, groups: int) -> None:
        source, bias, output = tensors
        require(options.FusedActivationFunction() == tflite.ActivationFunctionType.NONE)
        require(options.DilationHFactor() == options.DilationWFactor() == 1)
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
        options = options_of(operator, tflite.Pool2DOptions)
        kernel_shape = [options.FilterHeight(), options.FilterWidth()]
        strides, pads = self._window(options, source, kernel_shape)
        require(not any(pads))
        self._node("MaxPool", [f"t{source}"], f"t{output}", kernel_shape=kernel_shape, strides=strides)

    def _add(self, operator: Any, first: int, second: int, output: int) -> None:
        options = options_of(operator, tflite.AddOptions)
        require(options.FusedActivationFunction() == tflite.ActivationFunctionType.NONE)
        first = self.summands[second]
        if self._width(first) == self._width(second):
            self._node("Add", [f"t{first}", f"t{second}"], f"t{output}")
        else:
            self._node("Add", [f"t{first}", f"t{second}"], f"t{output}_first")
            self._node("Concat", [f"t{output}_first", f"t{second}_rest"], f"t{output}", axis=1)

    def _pad(self, _: Any, source: int, paddings: int, output: int) -> None:
        """More channels of zeros, which the last block has already, or which `_add` leaves out."""
        more = self.graph.Tensors(output).Shape(3) - self.graph.Tensors(source).Shape(3)
        require(self._data(paddings).tolist() == [[0, 0], [0, 0], [0, 0], [0, more]])

    def _reshape(self, operator: Any, source: int, output: int) -> None:
        """Anchors of one grid in reading order: [N, C, H, W] -> [N, H * W * anchors, values]."""
        del operator
        values = int(self.graph.Tensors(output).Shape(2))
        self._node("Transpose", [f"t{source}"], f"r{output}", perm=[0, 2, 3, 1])
        shape = self._constant(f"s{output}", np.array([0, -1, values], np.int64))
        self._node("Reshape", [f"r{output}", shape], f"t{output}")

    def _concatenation(self, _: Any, first: int, second: int, output: int) -> None:
        self._node("Concat", [f"t{first}", f"t{second}"], f"t{output}", axis=1)

    def _width(self, tensor_index: int) -> int:
        """Channels with those that fill the last block."""
        return -(-int(self.graph.Tensors(tensor_index).Shape(3)) // BLOCK) * BLOCK


def _in_blocks(weights: np.ndarray, axis: int) -> np.ndarray:
    """With zeros up to a multiple of a block along the axis."""
    more = [(0, 0)] * weights.ndim
    more[axis] = (0, -weights.shape[axis] % BLOCK)
    return np.pad(weights, more)


if __name__ == "__main__":
    main(__doc__, MEMBER, lambda member: BlazeFaceConverter(member).convert(), packaged="blazeface.onnx")
