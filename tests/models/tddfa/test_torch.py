"""3DDFA_V2's network: equal to a float64 evaluation, strict about files, and as accurate as it should be."""

import tarfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_up_tddfa
import numpy as np
import onnx
import pytest
import shared_data
import tddfa_reference
from extras import needs

torch = needs("torch")

from unveil.errors import UnveilError
from unveil.evaluation.landmarks.scores import point_errors
from unveil.geometry.camera import to_pixels
from unveil.models.tddfa import head as bfm
from unveil.models.tddfa.convert import export_tddfa
from unveil.models.tddfa.framing import FRAMING
from unveil.models.tddfa.onnx import TddfaModel, open_network
from unveil.models.tddfa.torch import BATCH, TorchTddfa, load_network
from unveil.photos.decode import decode_rgb


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up_tddfa.write_folder(tmp_path_factory.mktemp("3ddfa"), "mb1", "mb05")


@pytest.fixture(scope="module", params=["mb05", "mb1"])
def teacher(request: pytest.FixtureRequest, folder: Path) -> TorchTddfa:
    return TorchTddfa(folder / f"{request.param}_120x120.pth", folder / made_up_tddfa.STATISTICS)


@pytest.fixture(scope="module")
def model(folder: Path) -> TddfaModel:
    """The half network as the ONNX file of a single crop that its authors hand out."""
    path = folder / "published" / "mb05_120x120.onnx"
    path.parent.mkdir()
    network = load_network(folder / "mb05_120x120.pth")
    example = torch.zeros(1, 3, 120, 120)
    with warnings.catch_warnings(action="ignore"):  # the newer exporter needs another package
        torch.onnx.export(network, (example,), path, input_names=["input"], output_names=["output"], dynamo=False)
    return TddfaModel(path, folder / made_up_tddfa.STATISTICS)


def crops(count: int) -> np.ndarray:
    """Pictures of coarse noise of different brightness, which tells rows from columns and colours apart."""
    rng = np.random.default_rng(count)
    noise = rng.integers(0, 256, (count, 10, 20, 3)) * rng.uniform(0.2, 1, (count, 1, 1, 3))
    return noise.repeat(12, axis=1).repeat(6, axis=2).astype(np.uint8)


def expected(network: str, images: np.ndarray) -> np.ndarray:
    """Outputs [N, 62] in standard deviations."""
    return tddfa_reference.outputs(made_up_tddfa.checkpoint(network)["state_dict"], images)


def standardised(values: np.ndarray) -> np.ndarray:
    statistics = made_up_tddfa.statistics()
    return (values - statistics["mean"]) / statistics["std"]


def test_coefficients_equal_the_float64_evaluation(teacher: TorchTddfa) -> None:
    images = crops(2)
    reference = expected(teacher.name.removeprefix("3ddfa-"), images)
    assert np.abs(reference[0] - reference[1]).mean() > 1e-2  # crops do make a difference
    predicted = teacher.predict(images).coefficients
    assert predicted.layout == bfm.LAYOUT
    np.testing.assert_allclose(standardised(predicted.values), reference, atol=1e-4 * np.abs(reference).max())


def test_published_and_converted_onnx_files_give_the_same(model: TddfaModel, folder: Path) -> None:
    images = crops(3)
    reference = expected("mb05", images)
    converted = TddfaModel(export_tddfa(folder / "mb05_120x120.pth"), folder / made_up_tddfa.STATISTICS)
    for network in (model, converted):
        values = network.predict(images).coefficients.values
        np.testing.assert_allclose(standardised(values), reference, atol=1e-4 * np.abs(reference).max())
        assert (network.name, network.input_size) == ("3ddfa-mb05", 120)


def test_both_are_encoders_with_their_own_framing(teacher: TorchTddfa, model: TddfaModel) -> None:
    for encoder in (teacher, model):
        assert encoder.framing is FRAMING
        assert encoder.predict(crops(0)).coefficients.values.shape == (0, 62)


def test_batch_equals_one_by_one(teacher: TorchTddfa) -> None:
    images = crops(BATCH + 1)
    together = standardised(teacher.predict(images).coefficients.values)
    np.testing.assert_allclose(together[-1:], standardised(teacher.predict(images[-1:]).coefficients.values), atol=1e-4)


@pytest.mark.parametrize(
    "wrong", [np.zeros((1, 112, 112, 3), np.uint8), np.zeros((1, 120, 120, 3)), np.zeros((120, 120, 3), np.uint8)]
)
def test_other_crops_are_refused(teacher: TorchTddfa, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 crops \(N, 120, 120, 3\)"):
        teacher.predict(wrong)


def refusal(path: Path, folder: Path) -> str:
    with pytest.raises(UnveilError) as caught:
        TorchTddfa(path, folder / made_up_tddfa.STATISTICS)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert "assets get" in message  # how to get it
    return message


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A checkpoint that differs from the made-up one."""
    content = made_up_tddfa.checkpoint("mb05")
    state = dict(content["state_dict"])
    change(state)
    torch.save(content | {"state_dict": state}, path)
    return path


def test_missing_and_unexpected_parameters_are_named(tmp_path: Path, folder: Path) -> None:
    def change(state: dict[str, Any]) -> None:
        state["module.fc.weight"] = state.pop("module.fc_param.weight")
        del state["module.dw6.bn_sep.running_var"]
        state["module.fc_param.bias"] = torch.zeros(101)

    message = refusal(rewritten(tmp_path / "other.pth", change), folder)
    assert "missing: dw6.bn_sep.running_var, fc_param.weight;" in message
    assert "unexpected: fc.weight;" in message
    assert "of another shape: fc_param.bias (101,) instead of (62,)" in message


@pytest.mark.parametrize("channels", [None, 8, 24])
def test_networks_of_another_width_are_refused(tmp_path: Path, folder: Path, channels: int | None) -> None:
    def change(state: dict[str, Any]) -> None:
        weight = state.pop("module.conv1.weight")
        if channels:
            state["module.conv1.weight"] = weight[:1].repeat(channels, 1, 1, 1)

    assert "16 or 32 channels" in refusal(rewritten(tmp_path / "other.pth", change), folder)


def test_without_counts_prefix_and_landmark_output(tmp_path: Path, folder: Path) -> None:
    """As the same weights are found after training on one GPU, or saved again."""

    def change(state: dict[str, Any]) -> None:
        for name in list(state):
            value = state.pop(name)
            if not name.endswith("tracked") and "fc_lm" not in name:
                state[name.removeprefix("module.")] = value

    again = TorchTddfa(rewritten(tmp_path / "again.pth", change), folder / made_up_tddfa.STATISTICS)
    np.testing.assert_allclose(
        standardised(again.predict(crops(1)).coefficients.values), expected("mb05", crops(1)), atol=1e-3
    )


def test_weights_that_are_not_finite_are_noticed(tmp_path: Path, folder: Path) -> None:
    def change(state: dict[str, Any]) -> None:
        state["module.fc_param.bias"] = torch.full((62,), torch.nan)

    path = rewritten(tmp_path / "nan.pth", change)
    with pytest.raises(UnveilError, match="not finite"):
        TorchTddfa(path, folder / made_up_tddfa.STATISTICS).predict(crops(1))


class Attack:
    """What a pickle must not be able to do."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path("run_by_a_pickle"),)  # type: ignore[return-value]


def test_nothing_in_the_file_is_run(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {}, "epoch": Attack()}, tmp_path / "bad.pth")
    assert "no whole checkpoint" in refusal(tmp_path / "bad.pth", folder)
    assert not (tmp_path / "run_by_a_pickle").exists()


def test_what_is_no_checkpoint_is_refused(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "mb05_120x120.pth"
    assert "does not exist" in refusal(path, folder)
    whole = (folder / path.name).read_bytes()
    for content in (b"", b"<!DOCTYPE html><html>sign in</html>", whole[:100_000]):
        path.write_bytes(content)
        assert "no whole checkpoint" in refusal(path, folder)
    torch.save([1, 2], path)
    assert "has no state_dict" in refusal(path, folder)


def test_onnx_files_of_other_networks_are_refused(model: TddfaModel, tmp_path: Path) -> None:
    graph = onnx.load(model.path)
    graph.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 112
    path = tmp_path / "mb05_120x120.onnx"
    for content in (b"", model.path.read_bytes()[:5000], graph.SerializeToString()):
        path.write_bytes(content)
        with pytest.raises(UnveilError, match=r"mb05_120x120\.onnx"):
            open_network(path)
    with pytest.raises(UnveilError, match="no model file"):
        open_network(tmp_path / "mb1_120x120.onnx")


def test_the_real_network_finds_the_landmarks_of_real_frames() -> None:
    """On frames with annotated landmarks it has a mean error of 3.9 % of the root of their box's area."""
    files, frames = shared_data.folder("3ddfa"), shared_data.folder("faces")
    teacher = TorchTddfa(files / "mb05_120x120.pth", files / made_up_tddfa.STATISTICS)
    model, every = bfm.load_landmarks(files), 60
    truth = np.load(frames / "ytfaces-landmarks68.npy").astype(np.float64)[::every]
    with tarfile.open(frames / "ytfaces-landmarks68.tar") as archive:
        members = [member for member in archive if member.isfile()][::every]
        images = [decode_rgb(archive.extractfile(member).read(), member.name) for member in members]  # type: ignore[union-attr]
    framed = [FRAMING.of_landmarks(points, teacher.input_size) for points in truth]
    seen = teacher.predict(
        np.stack([crop.warp(image) for crop, image in zip(framed, images, strict=True)])
    ).coefficients
    pixels = to_pixels(model.project(model.vertices(seen), seen), teacher.input_size)
    found = np.stack([crop.to_image(points[:, :2]) for crop, points in zip(framed, pixels, strict=True)])
    assert point_errors(found, truth).mean() == pytest.approx(3.9, abs=0.3)
