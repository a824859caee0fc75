"""DECA's networks with a made-up checkpoint: equal to the facts evaluated in float64, and strict about the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import deca_reference
import made_up_deca_weights
import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from unveil.errors import UnveilError
from unveil.heads.layout import CoefficientLayout, Coefficients, LayoutError
from unveil.models.deca import convert as deca_to_onnx
from unveil.models.deca import files
from unveil.models.deca.head import DETAIL_LAYOUT, LAYOUT
from unveil.models.deca.onnx import DetailModel
from unveil.models.deca.torch import BATCH, TorchDeca
from unveil.models.onnx import CoefficientModel

GROUPS = {"shape": 100, "texture": 50, "expression": 50, "pose": 6, "camera": 3, "light": 27, "detail": 128}
States = dict[str, dict[str, torch.Tensor]]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("deca") / "deca_model.tar"
    made_up_deca_weights.write_checkpoint(path, seed=7)
    return path


@pytest.fixture(scope="module")
def states(checkpoint: Path) -> States:
    content: States = torch.load(checkpoint, weights_only=True)
    return content


@pytest.fixture(scope="module")
def teacher(checkpoint: Path) -> TorchDeca:
    return TorchDeca(checkpoint)


@pytest.fixture(scope="module")
def exported(checkpoint: Path) -> tuple[CoefficientModel, DetailModel]:
    folder = checkpoint.parent / "onnx"
    deca_to_onnx.main([str(checkpoint.parent), "--out", str(folder)])
    return CoefficientModel(folder / files.ENCODERS.name), DetailModel(folder / files.DETAIL_DECODER.name)


def crops(count: int, seed: int = 0) -> np.ndarray:
    """Pictures of coarse noise of different brightness, which tells rows from columns and colours apart."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (count, 14, 28, 3)) * rng.uniform(0.2, 1, (count, 1, 1, 3))
    return noise.repeat(16, axis=1).repeat(8, axis=2).astype(np.uint8)


def codes(count: int, *, size: float = 1.0) -> Coefficients:
    values = np.random.default_rng(count).normal(0, size, (count, DETAIL_LAYOUT.size))
    return Coefficients(DETAIL_LAYOUT, values.astype(np.float32))


def expected_codes(states: States, images: np.ndarray) -> np.ndarray:
    pixels = images.transpose(0, 3, 1, 2) / 255.0
    return np.concatenate(
        [deca_reference.encode_reference(states[name], pixels) for name in ("E_flame", "E_detail")], axis=1
    )


def expected_displacement(states: States, values: np.ndarray) -> np.ndarray:
    jaw, expression, detail = values[:, 203:206], values[:, 150:200], values[:, 236:]
    return deca_reference.decode_reference(states["D_detail"], jaw, expression, detail)


def assert_groups_equal(values: np.ndarray, expected: np.ndarray) -> None:
    """Every group by itself, so that large numbers of one do not hide errors of another."""
    start = 0
    for size in GROUPS.values():
        ours, theirs = values[:, start : start + size], expected[:, start : start + size]
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).mean())
        start += size


def test_layouts_are_decas() -> None:
    assert [(group.name, group.size) for group in DETAIL_LAYOUT.groups] == [*GROUPS.items()]
    assert LAYOUT.groups == DETAIL_LAYOUT.groups[:-1]
    assert (LAYOUT.name, LAYOUT.size, DETAIL_LAYOUT.name, DETAIL_LAYOUT.size) == ("deca", 236, "deca-detail", 364)


def test_codes_and_displacement_equal_the_float64_evaluation(
    teacher: TorchDeca, exported: tuple[CoefficientModel, DetailModel], states: States
) -> None:
    images = crops(2)
    expected = expected_codes(states, images)
    assert np.abs(expected[0] - expected[1]).mean() > 1e-2  # crops do make a difference
    assert_groups_equal(teacher.predict(images).coefficients.values, expected)
    assert_groups_equal(exported[0].predict(images).coefficients.values, expected)

    coefficients = codes(3)
    maps = expected_displacement(states, coefficients.values)
    assert maps.shape == (3, 256, 256)
    assert 1e-4 < maps.std() < 0.008  # neither flat nor all at the ends of tanh
    for model in (teacher, exported[1]):
        error = np.abs(model.displacement(coefficients) - maps)
        assert error.max() < 1e-4 * np.abs(maps).max()


def test_displacement_depends_on_jaw_expression_and_detail_alone(teacher: TorchDeca) -> None:
    coefficients = codes(1)
    before = teacher.displacement(coefficients)
    for name in GROUPS:
        changed = coefficients.replace(**{name: coefficients[name] + 1})
        assert (np.abs(teacher.displacement(changed) - before).max() > 1e-6) == (
            name in {"pose", "expression", "detail"}
        )
    head_turned = coefficients["pose"].copy()
    head_turned[:, :3] += 1
    np.testing.assert_array_equal(teacher.displacement(coefficients.replace(pose=head_turned)), before)


def test_displacement_stays_within_a_centimetre(teacher: TorchDeca) -> None:
    assert 0.009 < np.abs(teacher.displacement(codes(3, size=1e3))).max() <= 0.01 + 1e-9


def test_batch_equals_one_by_one(teacher: TorchDeca, exported: tuple[CoefficientModel, DetailModel]) -> None:
    images = crops(3)
    for encoder in (teacher, exported[0]):
        single = np.concatenate([encoder.predict(image[None]).coefficients.values for image in images])
        np.testing.assert_allclose(encoder.predict(images).coefficients.values, single, rtol=1e-4, atol=1e-5)
    coefficients = codes(BATCH + 1)
    for decoder in (teacher, exported[1]):
        together = decoder.displacement(coefficients)
        last = decoder.displacement(Coefficients(DETAIL_LAYOUT, coefficients.values[-1:]))
        np.testing.assert_allclose(together[-1:], last, atol=1e-8)


def test_nothing_in_gives_nothing_out(teacher: TorchDeca, exported: tuple[CoefficientModel, DetailModel]) -> None:
    for encoder, decoder in ((teacher, teacher), exported):
        none = encoder.predict(crops(0)).coefficients
        assert none.values.shape == (0, 364)
        assert decoder.displacement(none).shape == (0, 256, 256)


def test_exported_files_say_what_they_are(exported: tuple[CoefficientModel, DetailModel]) -> None:
    encoders, decoder = exported
    assert encoders.layout == decoder.layout == DETAIL_LAYOUT
    assert (encoders.name, encoders.input_size) == ("deca", 224)
    assert "non-commercial" in encoders.licence


def test_coefficients_of_another_layout_are_refused(
    teacher: TorchDeca, exported: tuple[CoefficientModel, DetailModel]
) -> None:
    coarse = Coefficients(LAYOUT, np.zeros((1, 236), np.float32))
    for model in (teacher, exported[1]):
        with pytest.raises(LayoutError, match="deca-detail"):
            model.displacement(coarse)


@pytest.mark.parametrize(
    "wrong", [np.zeros((1, 112, 112, 3), np.uint8), np.zeros((1, 224, 224, 3)), np.zeros((224, 224, 3), np.uint8)]
)
def test_other_crops_are_refused(teacher: TorchDeca, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 crops \(N, 224, 224, 3\)"):
        teacher.predict(wrong)


def refusal(path: Path) -> str:
    with pytest.raises(UnveilError) as caught:
        TorchDeca(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert "github.com/yfeng95/DECA" in message  # where to get it
    return message


def rewritten(path: Path, states: States, change: Callable[[dict[str, Any]], object]) -> Path:
    """A checkpoint that differs from the made-up one."""
    content = {name: dict(state) for name, state in states.items()}
    change(content)
    torch.save(content, path)
    return path


def test_missing_and_unexpected_parameters_are_named(tmp_path: Path, states: States) -> None:
    def change(content: dict[str, Any]) -> None:
        content["E_flame"]["encoder.fc.weight"] = content["E_flame"].pop("layers.2.weight")
        del content["D_detail"]["conv_blocks.19.running_var"]
        content["E_detail"]["layers.2.bias"] = torch.zeros(130)

    message = refusal(rewritten(tmp_path / "other.tar", states, change))
    assert "missing: D_detail.conv_blocks.19.running_var, E_flame.layers.2.weight;" in message
    assert "unexpected: E_flame.encoder.fc.weight;" in message
    assert "of another shape: E_detail.layers.2.bias (130,) instead of (128,)" in message


def test_a_long_list_is_cut(tmp_path: Path, states: States) -> None:
    message = refusal(rewritten(tmp_path / "other.tar", states, lambda content: content["E_detail"].clear()))
    assert "E_detail.encoder.bn1.bias" in message
    assert "more" in message
    assert len(message) < 1000


def test_a_missing_network_is_named(tmp_path: Path, states: States) -> None:
    assert "no networks named D_detail" in refusal(
        rewritten(tmp_path / "other.tar", states, lambda content: content.pop("D_detail"))
    )


def test_counts_of_training_steps_may_be_left_out(tmp_path: Path, states: States, teacher: TorchDeca) -> None:
    def change(content: dict[str, Any]) -> None:
        for name in ("E_flame", "E_detail", "D_detail"):
            content[name] = {key: value for key, value in content[name].items() if not key.endswith("tracked")}

    path = rewritten(tmp_path / "old.tar", states, change)
    np.testing.assert_array_equal(
        TorchDeca(path).predict(crops(1)).coefficients.values, teacher.predict(crops(1)).coefficients.values
    )


def test_weights_that_are_not_finite_are_noticed(tmp_path: Path, states: States) -> None:
    def change(content: dict[str, Any]) -> None:
        content["E_flame"]["layers.2.bias"] = torch.full((236,), torch.nan)

    teacher = TorchDeca(rewritten(tmp_path / "nan.tar", states, change))
    with pytest.raises(UnveilError, match="not finite"):
        teacher.predict(crops(1))


class Attack:
    """What a pickle must not be able to do."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path("run_by_a_pickle"),)  # type: ignore[return-value]


def test_nothing_in_the_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"E_flame": {}, "E_detail": {}, "D_detail": {}, "opt": Attack()}, tmp_path / "bad.tar")
    assert "no whole checkpoint" in refusal(tmp_path / "bad.tar")
    assert not (tmp_path / "run_by_a_pickle").exists()


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>sign in</html>", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "deca_model.tar"
    path.write_bytes(content)
    assert "no whole checkpoint" in refusal(path)


def test_a_cut_download_is_refused(tmp_path: Path, checkpoint: Path) -> None:
    path = tmp_path / "deca_model.tar"
    with checkpoint.open("rb") as stream:
        path.write_bytes(stream.read(1_000_000))
    assert "no whole checkpoint" in refusal(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "deca_model.tar")


def test_another_object_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.tar")
    assert "no networks named E_flame, E_detail, D_detail" in refusal(tmp_path / "list.tar")


def test_unknown_device_is_refused(checkpoint: Path) -> None:
    with pytest.raises(UnveilError, match="cannot compute on 'abacus'"):
        TorchDeca(checkpoint, device="abacus")


def test_a_learner_is_no_detail_decoder(exported: tuple[CoefficientModel, DetailModel], tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="does not map coefficients"):
        DetailModel(exported[0].path)
    with pytest.raises(UnveilError, match="no model file"):
        DetailModel(tmp_path / "none.onnx")


def test_layout_of_a_learner_does_not_pass_for_decas() -> None:
    other = CoefficientLayout("deca-detail", DETAIL_LAYOUT.groups[::-1])
    with pytest.raises(LayoutError):
        DETAIL_LAYOUT.require(other)
