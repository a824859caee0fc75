"""Learners as ONNX files: what torch says, calibrated, in single precision and in int8."""

import copy
import json
import os
from dataclasses import replace
from pathlib import Path

import made_up
import numpy as np
import onnx
import pytest
import training_folder
from cli_answer import Answer
from extras import needs
from killed import require_whole_or_nothing

torch = needs("torch")

from unveil.heads.face_area import face_area
from unveil.heads.face_points import face_points
from unveil.heads.layout import Coefficients
from unveil.heads.uncertainty import parts_of_uncertainty, vertex_uncertainty
from unveil.models.learner import Learner
from unveil.models.onnx import CoefficientModel
from unveil.occluders.pool import load_pool
from unveil.training.checkpoint import Position, TrainingState, new_learner, settle
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import VALIDATION
from unveil.training.data import TrainingData
from unveil.training.release.calibrate import (
    LEAST,
    Calibration,
    Labels,
    calibrate,
    displacements,
    face_shift,
    labels_of,
    mean_squared_z,
    without_similarity,
)
from unveil.training.release.export import Measured, export_measured
from unveil.training.release.from_onnx import read_learner
from unveil.training.release.predict import clear_and_occluded, predict
from unveil.training.release.to_onnx import Statement, export_onnx
from unveil.training.sampler import Sampler
from unveil.typing import Floats, Images

CONFIG = TrainConfig(
    depth=18, input_size=32, batch_size=4, threads=1, precision="32-true", face_score_weight=0.5, beside=0.2
)
STATEMENT = Statement("tiny", "Apache-2.0", "made-up heads")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return training_folder.load(training_folder.write(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def sampler(data: TrainingData) -> Sampler:
    """A third of the people each to train on, to validate with and to test with."""
    folder = replace(data.folder, split=np.arange(len(data), dtype=np.int8) % 3)
    return Sampler(replace(data, folder=folder), CONFIG, load_pool())


@pytest.fixture(scope="module")
def learner(sampler: Sampler) -> Learner:
    """Untrained, but what it says depends on what it sees."""
    torch.manual_seed(0)
    made = new_learner(CONFIG, sampler.layout_with_statistics())
    assert made.deviation_head is not None
    torch.nn.init.normal_(made.deviation_head.last.weight, std=0.1)
    torch.nn.init.normal_(made.head.weight, std=0.05)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # the statistics of the one batch below
            torch.nn.init.ones_(module.weight)
    images = torch.from_numpy(clear_and_occluded(sampler, np.arange(8)).images).permute(0, 3, 1, 2) / 255
    made.train()(images)
    return made.eval()


@pytest.fixture(scope="module")
def measured(learner: Learner, sampler: Sampler, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """The learner in both kinds of file."""
    path = tmp_path_factory.mktemp("export") / "learner.onnx"
    return export_measured(learner, path, STATEMENT, sampler, int8=True)


@pytest.fixture(scope="module")
def images(sampler: Sampler) -> Images:
    return clear_and_occluded(sampler, np.arange(12)).images


def test_the_file_says_what_torch_says(learner: Learner, measured: Measured, images: Images) -> None:
    path = measured.files[0].path
    told, expected = CoefficientModel(path).predict(images), predict(learner, images)
    error = (told.coefficients.values - expected.coefficients.values) / learner.std.numpy()
    spread = (expected.coefficients.values / learner.std.numpy()).std(axis=0)
    assert spread.min() > 0.05  # else there would be nothing to compare
    assert np.abs(error).max() < 0.05 * spread.mean()  # half precision has 11 bits
    assert told.deviations is not None
    assert expected.deviations is not None
    assert measured.calibration is not None
    for name, factor in measured.calibration.factors.items():
        np.testing.assert_allclose(told.deviations[name], factor * expected.deviations[name], rtol=0.02)
    assert told.occlusion is not None
    assert expected.occlusion is not None
    np.testing.assert_allclose(told.occlusion, expected.occlusion, atol=0.01)
    assert told.face is not None
    assert expected.face is not None
    assert np.ptp(expected.face) > 0.01
    logits, shift = (np.log(face / (1 - face)) for face in (told.face, expected.face)), measured.calibration.face_shift
    told_logits, expected_logits = logits
    np.testing.assert_allclose(told_logits, expected_logits - shift, atol=0.02)
    assert path.stat().st_size < 2.1 * sum(p.numel() for p in learner.parameters())


def test_the_file_says_what_it_is(learner: Learner, measured: Measured) -> None:
    assert measured.calibration is not None
    for file in measured.files:
        model = CoefficientModel(file.path)
        assert (model.name, model.licence, model.data, model.input_size) == ("tiny", "Apache-2.0", "made-up heads", 32)
        assert model.layout == learner.layout
        assert model.layout.groups[0].std == learner.layout.groups[0].std
        np.testing.assert_allclose(model.vertex_scale, measured.calibration.vertex_scale, rtol=1e-3)  # half precision
        metadata = metadata_of(file.path)
        assert "0.485" in metadata["normalisation"]
        calibration = json.loads(metadata["calibration"])
        assert calibration["crops"] == measured.count
        assert calibration["face_shift"] == pytest.approx(measured.calibration.face_shift, abs=1e-4)
        assert calibration["factors"] == pytest.approx(measured.calibration.factors, abs=1e-4)


def metadata_of(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_nearly_all_faces_keep_a_score_of_one_half() -> None:
    faces = 1 / (1 + np.exp(-np.random.default_rng(0).normal(4, 1, 1000)))
    shift = face_shift(faces)
    assert (np.log(faces / (1 - faces)) - shift > 0).mean() == pytest.approx(0.99, abs=0.002)
    assert np.isfinite(face_shift(np.ones(9)))
    assert np.isfinite(face_shift(np.zeros(9)))


def test_a_learner_without_heads_gives_coefficients_alone(learner: Learner, tmp_path: Path) -> None:
    export_onnx(Learner(18, learner.layout, 32), tmp_path / "plain.onnx", STATEMENT)
    told = CoefficientModel(tmp_path / "plain.onnx").predict(np.zeros((2, 32, 32, 3), np.uint8))
    assert told.deviations is None
    assert told.occlusion is None


def test_a_learner_that_knows_mirror_images_is_asked_about_them(learner: Learner, tmp_path: Path) -> None:
    for knows in (False, True):
        export_onnx(learner, tmp_path / "learner.onnx", replace(STATEMENT, mirror_images=knows))
        assert CoefficientModel(tmp_path / "learner.onnx").looks_twice is knows


def test_a_learner_that_tells_classes_gives_both_maps(learner: Learner, images: Images, tmp_path: Path) -> None:
    torch.manual_seed(2)
    made = Learner(18, learner.layout, 32, heads={"class"})
    made.backbone.load_state_dict(learner.backbone.state_dict())
    export_onnx(made, tmp_path / "classes.onnx", STATEMENT)
    told, expected = CoefficientModel(tmp_path / "classes.onnx").predict(images), predict(made, images)
    assert told.classes is not None
    assert told.occlusion is not None
    assert told.classes.shape == (len(images), 9, 56, 56)
    np.testing.assert_allclose(told.classes.sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(told.classes, expected.classes, atol=0.01)
    np.testing.assert_allclose(told.occlusion, expected.occlusion, atol=0.01)
    again = read_learner(tmp_path / "classes.onnx")
    np.testing.assert_allclose(predict(again, images).classes, told.classes, atol=1e-3)


def test_a_learner_that_finds_points_gives_refined_coefficients(sampler: Sampler, tmp_path: Path) -> None:
    torch.manual_seed(1)
    front = torch.from_numpy(face_points(sampler.data.model).front)
    made = new_learner(CONFIG, sampler.layout_with_statistics(), front).eval()
    assert made.refinement is not None
    torch.nn.init.normal_(made.refinement.linear.weight, std=0.05)
    crops = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    export_onnx(made, tmp_path / "points.onnx", STATEMENT)
    said, file = predict(made, crops), CoefficientModel(tmp_path / "points.onnx").predict(crops)
    deviation = made.std.numpy()
    np.testing.assert_allclose(file.coefficients.values / deviation, said.coefficients.values / deviation, atol=0.01)
    again = read_learner(tmp_path / "points.onnx")
    read = predict(again, crops).coefficients.values
    np.testing.assert_allclose(read / deviation, said.coefficients.values / deviation, atol=0.01)
    assert again.refinement is not None
    assert torch.equal(again.refinement.front, made.refinement.front)
    made.refinement = None
    plain = predict(made, crops).coefficients.values
    assert np.abs((plain - said.coefficients.values) / deviation).max() > 0.1


def test_deviations_are_right_on_the_people_they_were_calibrated_on(measured: Measured, sampler: Sampler) -> None:
    batch = clear_and_occluded(sampler, sampler.data.indices(VALIDATION))
    assert measured.count == len(batch.images)
    told = CoefficientModel(measured.files[0].path).predict(batch.images)
    assert told.deviations is not None
    squares = mean_squared_z(told.coefficients, told.deviations, labels_of(batch), sampler.data.model)
    assert squares == pytest.approx(dict.fromkeys(squares, 1.0), rel=0.05)
    assert measured.squared_z.keys() == squares.keys()
    assert measured.squared_z != pytest.approx(squares, rel=0.01)  # those are of other people


def someone(count: int, rng: np.random.Generator) -> tuple[Coefficients, Coefficients]:
    """Heads, and deviations for them that differ from head to head."""
    heads = training_folder.coefficients(count)
    spread = rng.uniform(0.05, 0.5, heads.values.shape).astype(np.float32)
    return heads, Coefficients(heads.layout, spread)


def test_calibration_finds_how_much_too_small_deviations_are() -> None:
    rng = np.random.default_rng(0)
    heads, deviations = someone(400, rng)
    truth = {"shape": 1.5, "expression": 0.8, "pose": 2.0, "camera": 1.0}
    factors = Calibration(truth, np.ones(1, np.float32), 0).factor_of_each(heads.layout)
    labels = every(heads.values + rng.normal(size=heads.values.shape) * deviations.values * factors)
    model = made_up.model()
    found = calibrate(heads, deviations, labels, model)
    assert found.factors == pytest.approx(truth, rel=0.06)
    assert found.count == 400
    right = Coefficients(heads.layout, deviations.values * found.factor_of_each(heads.layout))
    assert mean_squared_z(heads, right, labels, model) == pytest.approx(dict.fromkeys(truth, 1.0), rel=1e-3)
    moved = 1000 * np.linalg.norm(sum(displacements(heads, labels.coefficients, model)), axis=-1)
    stated = vertex_uncertainty(model, right)  # independent errors: propagation is right
    assert np.sqrt((moved**2).mean() / (stated**2).mean()) == pytest.approx(1, rel=0.06)


def every(coefficients: Floats) -> Labels:
    """Labels that are all trusted."""
    return Labels(np.asarray(coefficients, np.float32), np.ones(len(coefficients), np.float32))


def test_calibration_leaves_out_the_form_of_labels_that_are_not_trusted() -> None:
    """Labels of a fit, far off in the shape, change neither the shape's factor nor the vertices."""
    rng = np.random.default_rng(0)
    heads, deviations = someone(40, rng)
    labels = heads.values + rng.normal(size=heads.values.shape) * deviations.values
    labels[20:, heads.layout.slice_of("shape")] += 9
    some = Labels(np.asarray(labels, np.float32), (np.arange(40) < 20).astype(np.float32))
    found = calibrate(heads, deviations, some, made_up.model())
    half = calibrate(
        *(Coefficients(heads.layout, c.values[:20]) for c in (heads, deviations)), every(labels[:20]), made_up.model()
    )
    assert found.factors["shape"] == pytest.approx(half.factors["shape"])
    assert found.factors["pose"] != pytest.approx(half.factors["pose"])
    assert calibrate(heads, deviations, every(labels), made_up.model()).factors["shape"] > 2 * found.factors["shape"]


def test_errors_that_go_together_show_in_the_vertices() -> None:
    """A hundred coefficients that do the same and err alike move vertices ten times as far as independent ones."""
    model = made_up.model()
    same = np.repeat(model.head.shape_basis[:1], 100, axis=0)
    head = replace(model.head, shape_basis=same, expression_basis=0 * model.head.expression_basis)
    heads = training_folder.coefficients(300)
    deviations = Coefficients(heads.layout, np.ones_like(heads.values))
    labels = heads.values + np.random.default_rng(0).normal(size=(300, 1))
    together = calibrate(heads, deviations, every(labels), replace(model, head=head))
    apart = heads.values + np.random.default_rng(0).normal(size=heads.values.shape)
    independent = calibrate(heads, deviations, every(apart), replace(model, head=head))
    assert np.median(together.vertex_scale[0] / independent.vertex_scale[0]) == pytest.approx(10, rel=0.2)


def test_each_vertex_has_the_scale_that_makes_what_is_stated_right() -> None:
    model = made_up.model()
    rng = np.random.default_rng(0)
    heads, deviations = someone(200, rng)
    labels = heads.values + rng.normal(size=(200, 1)) * deviations.values  # all err together
    found = calibrate(heads, deviations, every(labels), model)
    right = Coefficients(heads.layout, deviations.values * found.factor_of_each(heads.layout))
    stated = parts_of_uncertainty(model, right)
    moved = [without_similarity(d, model) for d in displacements(heads, np.asarray(labels, np.float32), model)]
    true = 1000 * np.linalg.norm(np.stack(moved, axis=1), axis=-1)
    scaled = (stated > LEAST).all(axis=0)  # an expression moves only a part of the face
    assert scaled.mean() > 0.5
    said, was = (np.sqrt((part**2).mean(axis=0))[scaled] for part in (stated * found.vertex_scale, true))
    np.testing.assert_allclose(said, was, rtol=1e-2)
    together = np.square(found.vertex_scale * stated).sum(axis=1)
    np.testing.assert_allclose(vertex_uncertainty(model, right, found.vertex_scale) ** 2, together, rtol=1e-3)


def test_displacements_are_those_of_the_heads() -> None:
    model = made_up.model()
    ours, theirs = training_folder.coefficients(70, 1), training_folder.coefficients(70, 2)
    found = sum(displacements(ours, theirs.values, model))
    heads = [model.head.unposed(c["shape"], c["expression"]) for c in (ours, theirs)]
    np.testing.assert_allclose(found, heads[0] - heads[1], atol=1e-6)


def test_a_small_similarity_is_no_displacement() -> None:
    model = made_up.model()
    points = np.asarray(model.head.template, np.float64)
    shifted, grown, turned = (np.full_like(points, 2), 0.02 * points, np.cross([0.01, 0.02, 0.03], points))
    rest = without_similarity(np.stack([shifted, grown, turned]), model)
    np.testing.assert_allclose(rest, 0, atol=1e-5)
    bump = np.zeros_like(points)
    bump[np.argmax(face_area(model))] = 0.01
    assert np.linalg.norm(without_similarity(bump[None], model)[0], axis=-1).argmax() == np.argmax(face_area(model))


def test_int8_is_smaller_and_nearly_the_same(learner: Learner, measured: Measured, images: Images) -> None:
    single, int8 = (file.path for file in measured.files)
    assert int8 == single.with_name("learner_int8.onnx")
    told, expected = CoefficientModel(int8).predict(images), predict(learner, images)
    # Random weights do not average rounding out as trained ones do; what the network sees must still decide.
    pairs = zip(told.coefficients.values.T, expected.coefficients.values.T, strict=True)
    assert np.median([np.corrcoef(pair)[0, 1] for pair in pairs]) > 0.9
    assert int8.stat().st_size < 0.6 * single.stat().st_size


def test_int8_is_in_the_backbone_alone(measured: Measured) -> None:
    graph = onnx.load(measured.files[1].path).graph
    quantized = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    in_int8 = [node for node in convolutions if set(node.input[:2]) <= quantized]
    assert len(in_int8) == 20  # all of the ResNet-18
    assert len(convolutions) == 26  # and those of the occlusion map
    assert not quantized & {name for node in graph.node if node.op_type == "Gemm" for name in node.input}


def test_both_files_are_measured_against_torch(measured: Measured) -> None:
    single, int8 = measured.files
    for file in measured.files:
        assert file.nme_torch == single.nme_torch
        assert file.milliseconds > 0
    assert single.nme == pytest.approx(single.nme_torch, rel=0.01)
    assert 0 < single.moved < int8.moved


def write_run(folder: Path, learner: Learner) -> Path:
    settle(folder, CONFIG, "made up")
    optimizer = torch.optim.AdamW(learner.parameters())
    TrainingState(learner, copy.deepcopy(learner), optimizer, Position()).save(folder)
    return folder


def test_command_line_exports_a_run(
    learner: Learner, sampler: Sampler, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, path = write_run(tmp_path / "run", learner), tmp_path / "mine.onnx"
    options = ["--licence", "Apache-2.0", "--data-statement", "made-up heads"]
    assert "not calibrated" in Answer(capsys, "export", run, path, *options).out
    assert metadata_of(path)["calibration"].startswith("none")
    folder = sampler.data.folder.path
    more = ["--prepared", folder, "--codes", folder / training_folder.CODES]
    lines = Answer(capsys, "export", run, path, *options, *more).out.splitlines()
    assert "8 crops of people held out" in lines[0]  # a quarter of sixteen, clear and occluded
    assert lines[1].startswith(f"{path}: ")
    assert "deviations multiplied: shape" in lines[2]
    assert lines[3].startswith("taken from the logit that there is a face: ")
    assert len(lines) == 4  # this folder keeps nobody for a test
    assert metadata_of(path)["name"] == "mine"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_killed_export_leaves_no_file(learner: Learner, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", learner)
    options = ["--licence", "Apache-2.0", "--data-statement", "made-up heads"]
    require_whole_or_nothing(tmp_path, "export", run, tmp_path / "mine.onnx", *options)


@pytest.mark.parametrize(
    ("file", "more", "reason"),
    [
        ("learner.pt", [], "does not end in .onnx"),
        ("learner.onnx", ["--int8"], "need --prepared and --codes"),
        ("learner.onnx", ["--codes", "codes.npz"], "need --prepared and --codes"),
        ("learner.onnx", [], "train a learner first"),
    ],
)
def test_command_line_refuses_with_one_line(
    tmp_path: Path, file: str, more: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(tmp_path / "run", CONFIG, "made up")
    options = ["--licence", "x", "--data-statement", "y"]
    refused = Answer(capsys, "export", tmp_path / "run", tmp_path / file, *options, *more)
    assert refused.status == 2
    assert reason in refused.err
    assert len(refused.err.splitlines()) == 1
