"""ONNX files of strangers: what reaches outside of the file, or is of no size, comes to no runtime."""

import contextlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import GraphProto, ModelProto, SparseTensorProto, TensorProto, helper, numpy_helper

from unveil.assets import onnx_file
from unveil.assets.onnx_file import read_onnx, require_plain
from unveil.assets.registry import PACKAGED
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.models.onnx import open_session
from unveil.photos.detect import FaceDetector


def outside(location: str = "near.bin") -> TensorProto:
    tensor = TensorProto(name="c", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def constant(tensor: TensorProto, domain: str = "") -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["y"], value=tensor, domain=domain)


def model(*nodes: onnx.NodeProto, initializer: TensorProto | None = None) -> ModelProto:
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(list(nodes), "g", [], [output], [] if initializer is None else [initializer])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def inside(graph: GraphProto) -> ModelProto:
    """A model with a graph in a branch."""
    condition = constant(numpy_helper.from_array(np.array(True)))
    condition.output[0] = "which"
    other = model(constant(numpy_helper.from_array(np.float32([1])))).graph  # twice the same would double at every call
    return model(condition, helper.make_node("If", ["which"], ["y"], then_branch=graph, else_branch=other))


def sparse() -> ModelProto:
    made = model(helper.make_node("Identity", ["c"], ["y"]))
    indices = numpy_helper.from_array(np.arange(4), "i")
    made.graph.sparse_initializer.append(SparseTensorProto(values=outside(), indices=indices, dims=[4]))
    return made


def function() -> ModelProto:
    made = model(helper.make_node("own", [], ["y"], domain="own"))
    made.functions.append(
        helper.make_function("own", "own", [], ["y"], [constant(outside())], [helper.make_opsetid("", 17)])
    )
    return made


def training() -> ModelProto:
    made = model(constant(numpy_helper.from_array(np.float32([1]))))
    made.training_info.add(initialization=model(constant(outside())).graph)
    return made


def wordless() -> ModelProto:
    """A tensor whose place is elsewhere, though no elsewhere is named."""
    made = model(helper.make_node("Identity", ["c"], ["y"]), initializer=outside())
    del made.graph.initializer[0].external_data[:]
    return made


REACHING_OUT = {
    "initializer": model(helper.make_node("Identity", ["c"], ["y"]), initializer=outside()),
    "file above": model(helper.make_node("Identity", ["c"], ["y"]), initializer=outside("../near.bin")),
    "address": model(helper.make_node("Identity", ["c"], ["y"]), initializer=outside("*/_ORT_MEM_ADDR_/*")),
    "attribute": model(constant(outside())),
    "branch": inside(model(constant(outside())).graph),
    "branch in a branch": inside(inside(model(constant(outside())).graph).graph),
    "sparse": sparse(),
    "function": function(),
    "training": training(),
    "wordless": wordless(),
}


@pytest.mark.parametrize("name", REACHING_OUT)
def test_nothing_is_read_from_elsewhere(tmp_path: Path, name: str) -> None:
    np.ones(4, np.float32).tofile(tmp_path / "near.bin")
    path = tmp_path / "a.onnx"
    path.write_bytes(REACHING_OUT[name].SerializeToString())
    with pytest.raises(UnveilError, match=r"a\.onnx is no usable ONNX file \(it (keeps numbers outside|holds what)"):
        open_session(path)
    with pytest.raises(UnveilError, match=r"it (keeps numbers outside|holds what)"):
        FaceDetector(path.read_bytes())


def test_whole_files_pass() -> None:
    for name in PACKAGED:
        if name.endswith(".onnx"):
            assert read_onnx(packaged(name)) == packaged(name).read_bytes()
    own = function()
    own.functions[0].node[0].CopyFrom(constant(numpy_helper.from_array(np.float32([1]))))
    require_plain(own.SerializeToString(), "own")


def test_operators_of_others_are_refused() -> None:
    one = numpy_helper.from_array(np.float32([1]))
    for made in (model(constant(one, "evil")), inside(model(constant(one, "evil")).graph)):
        with pytest.raises(UnveilError, match="needs operators of 'evil', which onnxruntime does not have"):
            require_plain(made.SerializeToString(), "a.onnx")


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = model(constant(numpy_helper.from_array(np.float32([1]))))
    large.metadata_props.add(key="name", value="x" * onnx_file.LARGEST_METADATA)
    with pytest.raises(UnveilError, match="bytes of metadata"):
        require_plain(large.SerializeToString(), "a.onnx")
    deep = model(constant(numpy_helper.from_array(np.float32([1]))))
    for _ in range(20):
        deep = inside(deep.graph)
    with pytest.raises(UnveilError, match="too deep"):
        require_plain(deep.SerializeToString(), "a.onnx")
    with pytest.raises(UnveilError, match="more parts"):
        require_plain(b"\x08\x07" * (onnx_file.MOST_FIELDS + 1), "a.onnx")
    with (tmp_path / "a.onnx").open("wb") as file:
        file.truncate(onnx_file.ONNX.largest + 1)
    with pytest.raises(UnveilError, match="more than 1024 MB"):
        read_onnx(tmp_path / "a.onnx")


def test_a_file_of_the_runtimes_own_format_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.ort").write_bytes(b"\x1c\0\0\0ORTM" + bytes(100))
    with pytest.raises(UnveilError, match="no usable ONNX file"):
        open_session(tmp_path / "a.ort")


def test_damaged_files_pass_or_get_one_line() -> None:
    whole, rng = inside(model(constant(outside())).graph).SerializeToString(), np.random.default_rng(0)
    for _ in range(2000):
        found = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            found[rng.integers(len(found))] = rng.integers(256)
        with contextlib.suppress(UnveilError):
            require_plain(bytes(found[: rng.integers(len(found) + 1)]), "a.onnx")
