"""Convert MediaPipe's selfie segmentation from its wheel to the ONNX file that the package carries.

The network is Google's, under Apache-2.0: a MobileNetV3 with a decoder that says which pixels are of a person.

    python -m venv convert && convert/bin/pip install tflite==2.18.0 onnx==1.23.2
    convert/bin/pip download mediapipe==0.10.21 --no-deps --only-binary=:all: \
        --python-version 311 --platform manylinux_2_28_x86_64
    convert/bin/python -m tools.convert_selfie_segmentation --package mediapipe-0.10.21-*.whl

The ONNX graph takes `pictures` uint8 [N, H, W, 3] RGB, H and W multiples of 32 and best 256, and gives `person`
float32 [N, H, W], the probability that a pixel is of a person.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto

from tools.tflite_to_onnx import Converter, main, options_of, require

MEMBER = "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite"
LAST = "Convolution2DTransposeBias"  # MediaPipe's own operator: the last layer, which doubles the size


class SelfieSegmentationConverter(Converter):
    """Writes the network for pictures of any size."""

    def convert(self) -> onnx.ModelProto:
        """The whole network as a checked ONNX model."""
        self._node("Cast", ["pictures"], "float_pictures", to=TensorProto.FLOAT)
        self._node("Mul", ["float_pictures", self._constant("scale", np.float32(1 / 255))], "scaled_pictures")
        self._node("Transpose", ["scaled_pictures"], f"t{self.graph.Inputs(0)}", perm=[0, 3, 1, 2])
        self._constant("twice", np.array([1, 1, 2, 2], np.float32))
        self.walk()
        only = self._constant("channel", np.array([1], np.int64))
        self._node("Squeeze", [f"t{self.graph.Outputs(0)}", only], "person")
        return self.finish(
            "selfie_segmentation",
            "MediaPipe selfie segmentation",
            MEMBER,
            [("pictures", TensorProto.UINT8, ["N", "H", "W", 3])],
            [("person", TensorProto.FLOAT, ["N", "H", "W"])],
        )

    def _conv_2d(self, operator: Any, source: int, kernel: int, bias: int, output: int) -> None:
        options = options_of(operator, tflite.Conv2DOptions)
        weights = self.half_weights[kernel].transpose(0, 3, 1, 2)  # out, high, wide, in -> out, in, high, wide
        self._convolve(options, [source, bias, output], weights, groups=1)

    def _depthwise_conv_2d(self, operator: Any, source: int, kernel: int, bias: int, output: int) -> None:
        options = options_of(operator, tflite.DepthwiseConv2DOptions)
        require(options.DepthMultiplier() == 1)
        weights = self.half_weights[kernel].transpose(3, 0, 1, 2)  # 1, high, wide, channel -> channel, 1, high, wide
        self._convolve(options, [source, bias, output], weights, groups=len(weights))

    def _convolve(self, options: Any, tensors: list[int], weights: np.ndarray, *, groups: int) -> None:
        source, bias, output = tensors
        require(options.DilationHFactor() == options.DilationWFactor() == 1)
        kernel_shape = list(weights.shape[2:])
        strides, pads = self._window(options, source, kernel_shape)
        inputs = [
            f"t{source}",
            self._weights(f"w{output}", weights),
            self._weights(f"b{output}", self.half_weights[bias]),
        ]
        attributes = {"kernel_shape": kernel_shape, "strides": strides, "pads": pads, "group": groups}
        self._activated("Conv", options, inputs, output, **attributes)

    def _average_pool_2d(self, operator: Any, source: int, output: int) -> None:
        """The mean of the whole picture."""
        options = options_of(operator, tflite.Pool2DOptions)
        sides = self.graph.Tensors(source).ShapeAsNumpy()[1:3].tolist()
        require(sides == [options.FilterHeight(), options.FilterWidth()])
        self._activated("GlobalAveragePool", options, [f"t{source}"], output)

    def _add(self, operator: Any, first: int, second: int, output: int) -> None:
        names = [f"t{first}", self._operand(second, output)]
        self._activated("Add", options_of(operator, tflite.AddOptions), names, output)

    def _mul(self, operator: Any, first: int, second: int, output: int) -> None:
        names = [f"t{first}", self._operand(second, output)]
        self._activated("Mul", options_of(operator, tflite.MulOptions), names, output)

    def _operand(self, index: int, output: int) -> str:
        """The second tensor of a sum or a product, and what else it needs for an ``output``."""
        return f"t{index}"

    def _activated(self, kind: str, options: Any, inputs: list[str], output: int, **attributes: Any) -> None:
        """A node, with the activation that TFLite has in the operator's options."""
        activation = options.FusedActivationFunction()
        require(activation in (tflite.ActivationFunctionType.NONE, tflite.ActivationFunctionType.RELU))
        plain = activation == tflite.ActivationFunctionType.NONE
        self._node(kind, inputs, f"t{output}" if plain else f"before{output}", **attributes)
        if not plain:
            self._node("Relu", [f"before{output}"], f"t{output}")

    def _hard_swish(self, _: Any, source: int, output: int) -> None:
        self._node("HardSwish", [f"t{source}"], f"t{output}")

    def _logistic(self, _: Any, source: int, output: int) -> None:
        self._node("Sigmoid", [f"t{source}"], f"t{output}")

    def _resize_bilinear(self, operator: Any, source: int, _: int, output: int) -> None:
        options = options_of(operator, tflite.ResizeBilinearOptions)
        require(options.HalfPixelCenters() and not options.AlignCorners())
        self._node("Resize", [f"t{source}", "", "twice"], f"t{output}", mode="linear")

    def _custom(self, operator: Any, source: int, kernel: int, bias: int, output: int) -> None:
        require(self._code(operator).CustomCode().decode() == LAST)
        weights = self.half_weights[kernel].transpose(3, 0, 1, 2)  # out, high, wide, in -> in, out, high, wide
        inputs = [
            f"t{source}",
            self._weights(f"w{output}", weights),
            self._weights(f"b{output}", self.half_weights[bias]),
        ]
        self._node("ConvTranspose", inputs, f"t{output}", kernel_shape=[2, 2], strides=[2, 2])


if __name__ == "__main__":
    main(
        __doc__,
        MEMBER,
        lambda member: SelfieSegmentationConverter(member).convert(),
        packaged="selfie_segmentation.onnx",
    )
