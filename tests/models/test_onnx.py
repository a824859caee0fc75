"""The runner of ONNX learners: what it gives, and that it refuses what is no learner."""

import base64
from pathlib import Path

import numpy as np
import onnx
import pytest
from constant_learner import write_learner
from onnx import TensorProto, helper, numpy_helper

from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout, Group
from unveil.models.onnx import LARGEST_BATCH, CoefficientModel

LAYOUT = CoefficientLayout("small", (Group("shape", 3, "1"), Group("camera", 2, "1")))
VALUES = np.arange(5, dtype=np.float32)
GAIN = np.array([0, 1, -2, 0.5, 10], np.float32)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> CoefficientModel:
    path = tmp_path_factory.mktemp("learner") / "small.onnx"
    return CoefficientModel(write_learner(path, LAYOUT, VALUES, gain=GAIN, size=8))


def crops(count: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def test_reads_what_the_file_says(learner: CoefficientModel) -> None:
    assert (learner.name, learner.licence, learner.input_size) == ("constant", "Apache-2.0", 8)
    assert learner.layout == LAYOUT


def test_feeds_pixels_in_the_unit_interval(learner: CoefficientModel) -> None:
    images = crops(2)
    expected = VALUES + GAIN * images.reshape(2, -1).mean(axis=1, keepdims=True) / 255
    coefficients = learner.predict(images).coefficients
    assert coefficients["camera"].shape == (2, 2)
    np.testing.assert_allclose(coefficients.values, expected, atol=1e-5)


@pytest.mark.parametrize("count", [1, LARGEST_BATCH, 2 * LARGEST_BATCH + 1])
def test_batch_equals_one_by_one(learner: CoefficientModel, count: int) -> None:
    images = crops(count)
    single = np.concatenate([learner.predict(image[None]).coefficients.values for image in images])
    np.testing.assert_allclose(learner.predict(images).coefficients.values, single, atol=1e-6)


def test_no_crops_give_no_coefficients(learner: CoefficientModel) -> None:
    assert learner.predict(crops(0)).coefficients.values.shape == (0, 5)


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 9, 9, 3), np.uint8), np.zeros((2, 8, 8, 3), np.float32), np.zeros((8, 8, 3), np.uint8)]
)
def test_refuses_other_crops(learner: CoefficientModel, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 crops \(N, 8, 8, 3\)"):
        learner.predict(wrong)


def test_a_file_with_coefficients_alone_says_no_more(learner: CoefficientModel) -> None:
    prediction = learner.predict(crops(2))
    assert prediction.deviations is None
    assert prediction.occlusion is None
    assert prediction.face is None
    assert learner.vertex_scale == 1


@pytest.mark.parametrize("count", [0, 1, LARGEST_BATCH + 2])
def test_gives_deviations_and_the_map_of_what_covers(tmp_path: Path, count: int) -> None:
    spread = np.arange(5, dtype=np.float32) / 10
    metadata = {"layout": LAYOUT.to_json(), "input_size": "28", "vertex_scale": "1.25"}
    path = write_learner(
        tmp_path / "all.onnx", LAYOUT, VALUES, size=28, deviations=spread, occlusion=True, metadata=metadata
    )
    learner = CoefficientModel(path)
    images = np.zeros((count, 28, 28, 3), np.uint8)
    images[:, 3, 20] = [0, 255, 0]
    prediction = learner.predict(images)
    assert learner.vertex_scale == 1.25
    metadata["vertex_scale"] = base64.b64encode(np.array([[0.5, 2], [3, 4]], "<f2").tobytes()).decode()
    of_each = CoefficientModel(write_learner(tmp_path / "each.onnx", LAYOUT, VALUES, size=28, metadata=metadata))
    assert np.array_equal(of_each.vertex_scale, [[0.5, 2], [3, 4]])
    np.testing.assert_array_equal(prediction.coefficients.values, np.broadcast_to(VALUES, (count, 5)))
    assert prediction.deviations is not None
    np.testing.assert_array_equal(prediction.deviations["camera"], np.broadcast_to(spread[3:], (count, 2)))
    assert prediction.occlusion is not None
    assert prediction.occlusion.shape == (count, 28, 28)
    assert np.argwhere(prediction.occlusion).tolist() == [[k, 3, 20] for k in range(count)]


@pytest.mark.parametrize(
    ("output", "shape", "reason"),
    [
        ("deviations", ["n", 4], "gives deviations of shape [4], which is not the layout 'small'"),
        ("occlusion", ["n", 14, 14], "gives occlusion of shape [14, 14], which is not 28 x 28 cells"),
        ("face", ["n", 1], "gives face of shape [1], which is not one number for each crop"),
    ],
)
def test_refuses_outputs_of_other_shapes(tmp_path: Path, output: str, shape: list[int | str], reason: str) -> None:
    path = write_learner(tmp_path / "odd.onnx", LAYOUT, VALUES, size=28)
    model = onnx.load(path)
    ends = numpy_helper.from_array(np.array([1, *shape[1:]]), "shape")
    model.graph.initializer.extend([numpy_helper.from_array(np.float32([0.5]), "half"), ends])
    model.graph.node.append(helper.make_node("Expand", ["half", "shape"], [output]))
    model.graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, shape))
    onnx.save(model, path)
    assert reason in refusal(path)


def test_refuses_a_map_that_is_no_probability(tmp_path: Path) -> None:
    path = write_learner(tmp_path / "logits.onnx", LAYOUT, VALUES, size=28, occlusion=True)
    model = onnx.load(path)
    del model.graph.initializer[[tensor.name for tensor in model.graph.initializer].index("most")]
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(np.float32(9)), "most"))
    onnx.save(model, path)
    with pytest.raises(UnveilError, match="no probability"):
        CoefficientModel(path).predict(np.full((1, 28, 28, 3), [0, 255, 0], np.uint8))


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "one", "AAA=", "ADwAPAA8", "AH4AfgB+", "1e", "PADAAA"])
def test_refuses_a_vertex_scale_that_is_none(tmp_path: Path, text: str) -> None:
    metadata = {"layout": LAYOUT.to_json(), "input_size": "8", "vertex_scale": text}
    assert "vertex_scale" in refusal(write_learner(tmp_path / "odd.onnx", LAYOUT, VALUES, size=8, metadata=metadata))


def refusal(path: Path) -> str:
    with pytest.raises(UnveilError) as caught:
        CoefficientModel(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    assert "no model file" in refusal(tmp_path / "none.onnx")


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>sign in</html>", b"\x08\x07" + bytes(100)])
def test_refuses_what_is_no_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.onnx"
    path.write_bytes(content)
    assert "no usable ONNX file" in refusal(path)


def test_refuses_a_cut_download(tmp_path: Path) -> None:
    whole = write_learner(tmp_path / "whole.onnx", LAYOUT, VALUES, size=8).read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[: len(whole) // 2])
    assert "no usable ONNX file" in refusal(path)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({}, "does not say what its outputs mean"),
        ({"layout": LAYOUT.to_json()}, "does not say what its outputs mean"),
        ({"layout": "{", "input_size": "8"}, "damaged layout"),
        ({"layout": LAYOUT.to_json(), "input_size": "-8"}, "no size in pixels"),
        ({"layout": LAYOUT.to_json(), "input_size": "99999"}, "no size in pixels"),
        ({"layout": LAYOUT.to_json(), "input_size": "16"}, "states an input_size of 16"),
        (
            {"layout": CoefficientLayout("other", LAYOUT.groups[:1]).to_json(), "input_size": "8"},
            "gives coefficients of shape [5], which is not the layout 'other'",
        ),
    ],
)
def test_refuses_metadata_that_do_not_fit(tmp_path: Path, metadata: dict[str, str], reason: str) -> None:
    assert reason in refusal(write_learner(tmp_path / "odd.onnx", LAYOUT, VALUES, size=8, metadata=metadata))


@pytest.mark.parametrize("text", [b"images", b"licence", b"Apache"])
def test_refuses_text_that_is_no_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes) -> None:
    """onnxruntime prints a box and tries again by itself, if it is allowed to."""
    path = write_learner(tmp_path / "odd.onnx", LAYOUT, VALUES, size=8)
    path.write_bytes(path.read_bytes().replace(text, bytes([0xE1]) + text[1:]))
    assert "is no usable ONNX file (it is no UTF-8 text" in refusal(path)
    assert capsys.readouterr() == ("", "")


def test_refuses_another_network(tmp_path: Path) -> None:
    path = write_learner(tmp_path / "renamed.onnx", LAYOUT, VALUES, size=8)
    model = onnx.load(path)
    model.graph.node[0].input[0] = "pixels"
    model.graph.input[0].name = "pixels"
    onnx.save(model, path)
    assert "maps pixels to coefficients" in refusal(path)


def test_refuses_numbers_that_are_not_finite(tmp_path: Path) -> None:
    learner = CoefficientModel(write_learner(tmp_path / "nan.onnx", LAYOUT, VALUES * np.nan, size=8))
    with pytest.raises(UnveilError, match="not finite"):
        learner.predict(crops(1))


def with_free_output(path: Path, *changes: onnx.NodeProto) -> Path:
    """The file with coefficients of no stated shape, which come out of further nodes."""
    model = onnx.load(path)
    if changes:
        model.graph.node[-1].output[0] = "before"
        model.graph.node.extend(changes)
    for dimension in model.graph.output[0].type.tensor_type.shape.dim:
        dimension.dim_param = f"any{dimension.dim_value}"
    path.write_bytes(model.SerializeToString())
    return path


# How many coefficients are not 0 is known only when the network runs, and so is a shape that depends on it.
COUNTED = helper.make_node("NonZero", ["before"], ["places"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([COUNTED, helper.make_node("Cast", ["places"], ["coefficients"], to=TensorProto.FLOAT)], r"float32 \(2, 8\)"),
        (
            [
                COUNTED,
                helper.make_node("Shape", ["places"], ["counted"]),
                helper.make_node("Reshape", ["before", "counted"], ["coefficients"]),
            ],
            "cannot be run",
        ),
    ],
)
def test_what_comes_out_is_held_against_the_contract(tmp_path: Path, changes: list[onnx.NodeProto], words: str) -> None:
    whole = write_learner(tmp_path / "a.onnx", LAYOUT, VALUES, size=8)
    learner = CoefficientModel(with_free_output(whole, *changes))
    with pytest.raises(UnveilError, match=words) as caught:
        learner.predict(crops(2))
    assert "\n" not in str(caught.value)
    assert str(whole) in str(caught.value)
