"""MGCNet from its published form to coefficients and heads, with a made-up network and face model."""

import json
from pathlib import Path
from types import ModuleType

import made_up_mgcnet
import numpy as np
import pytest
import slim_reference
from cli_answer import Answer
from extras import needs

torch = needs("torch")
safetensors = needs("safetensors.torch")

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.models.check import check_files
from unveil.models.mgcnet.convert import convert_checkpoint, convert_face, network_parameters
from unveil.models.mgcnet.head import LAYOUT
from unveil.models.mgcnet.torch import TorchMgcnet
from unveil.photos.io import read_image, write_image
from unveil.reconstruct.pipeline import Reconstructor

MADE = ("mgcnet.safetensors", "mgcnet_bfm09.npz")


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up_mgcnet.write_converted(tmp_path_factory.mktemp("converted"))


@pytest.fixture(scope="module")
def teacher(converted: Path) -> TorchMgcnet:
    return TorchMgcnet(converted / MADE[0])


@pytest.fixture
def h5py() -> ModuleType:
    return needs("h5py")


@pytest.fixture
def tensorflow() -> ModuleType:
    return needs("tensorflow")


def crops(count: int) -> np.ndarray:
    """Pictures of coarse noise, which tell rows from columns and colours apart."""
    noise = np.random.default_rng(count).integers(0, 256, (count, 14, 28, 3)).astype(np.uint8)
    return noise.repeat(16, axis=1).repeat(8, axis=2)


def write_h5(path: Path, h5py: ModuleType) -> None:
    with h5py.File(path, "w") as file:
        for name, array in made_up_mgcnet.face_file().items():
            file[name] = array


def test_coefficients_are_the_networks_outputs_for_rgb_from_0_to_1(teacher: TorchMgcnet) -> None:
    images = crops(2)
    coefficients = teacher.predict(images).coefficients
    expected = slim_reference.network(made_up_mgcnet.variables(), images / 255, slim_reference.NumpyOperations())
    assert coefficients.layout == LAYOUT
    assert coefficients.values.dtype == np.float32
    np.testing.assert_allclose(coefficients.values, expected, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(coefficients["pose"], coefficients.values[:, 224:230])
    assert teacher.predict(images[:0]).coefficients.values.shape == (0, 257)
    with pytest.raises(ValueError, match="expected uint8 crops"):
        teacher.predict(images[:, :120, :120])


def test_variables_of_others_are_left_out() -> None:
    kept = made_up_mgcnet.variables()
    others = {
        "global_step": np.zeros(()),
        "resnet_v1_50/conv1/weights/Adam_1": np.zeros((7, 7, 3, 4)),
        "resnet_v1_50/conv1/weights/ExponentialMovingAverage": np.zeros((7, 7, 3, 4)),
        "InceptionResnetV1/conv1/weights": np.zeros((1, 1, 1, 1)),
    }
    scoped = {f"tower/{name}": array for name, array in kept.items()}
    expected = network_parameters(kept.items())
    assert network_parameters((scoped | others).items()).keys() == expected.keys()
    with pytest.raises(ValueError, match="another resnet_v1_50"):
        network_parameters((kept | scoped).items())
    with pytest.raises(ValueError, match="no variables of resnet_v1_50"):
        network_parameters(others.items())


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_checkpoint_gives_what_tensorflow_gives(tmp_path: Path, tensorflow: ModuleType, batch_norm: bool) -> None:
    import slim_tensorflow

    variables = slim_reference.variables(8, 257, batch_norm=batch_norm, seed=11)
    images = crops(2)
    expected = slim_tensorflow.save_checkpoint(tmp_path / "model-7", variables, images.astype(np.float32) / 255)
    convert_checkpoint(tmp_path / "model-7.index", tmp_path / MADE[0])
    found = TorchMgcnet(tmp_path / MADE[0]).predict(images).coefficients.values
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert error < 1e-4, f"relative error {error:.2e}"
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_convert_from_beginning_to_end(
    tmp_path: Path, tensorflow: ModuleType, h5py: ModuleType, converted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import slim_tensorflow

    folder = tmp_path / "model"
    folder.mkdir()
    slim_tensorflow.save_checkpoint(folder / "model-400000", made_up_mgcnet.variables(), np.zeros((1, 64, 64, 3), "f"))
    write_h5(folder / "bfm09_trim_exp_uv_presplit.h5", h5py)
    assert Answer(capsys, "assets", "check", "mgcnet", "--assets", tmp_path).status == 2  # not yet converted
    answer = Answer(capsys, "assets", "convert", "mgcnet", "--assets", tmp_path)
    assert answer.status == 0
    assert all(name in answer.out for name in MADE)
    for name in MADE:
        load = safetensors.load_file if name == MADE[0] else np.load
        there, expected = load(folder / name), load(converted / name)
        assert set(there) == set(expected)
        assert all(np.array_equal(np.asarray(there[key]), np.asarray(expected[key])) for key in expected)
    assert Answer(capsys, "assets", "check", "mgcnet", "--assets", tmp_path).status == 0
    (folder / "model-400000.data-00000-of-00001").unlink()
    answer = Answer(capsys, "assets", "convert", "mgcnet", "--assets", tmp_path)
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert "no whole checkpoint" in answer.err


def test_a_face_file_that_is_none(tmp_path: Path, h5py: ModuleType) -> None:
    whole, target = tmp_path / "whole.h5", tmp_path / MADE[1]
    write_h5(whole, h5py)
    damaged = {"text.h5": b"no HDF5", "cut.h5": whole.read_bytes()[:-5000]}
    for name, data in damaged.items():
        (tmp_path / name).write_bytes(data)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["something"] = np.zeros(3)
    for name in (*damaged, "other.h5", "absent.h5"):
        with pytest.raises(UnveilError, match=name) as raised:
            convert_face(tmp_path / name, target)
        assert "\n" not in str(raised.value)
        assert not target.exists()


def changed(converted: Path, target: Path, **change: torch.Tensor | None) -> Path:
    parameters = safetensors.load_file(converted / MADE[0])
    parameters |= {name.replace("__", "."): value for name, value in change.items()}
    safetensors.save_file({name: value for name, value in parameters.items() if value is not None}, target)
    return target


def test_weights_that_are_not_the_networks(converted: Path, tmp_path: Path) -> None:
    path = tmp_path / MADE[0]

    def complaint() -> str:
        with pytest.raises(UnveilError, match=path.name) as raised:
            TorchMgcnet(path).predict(crops(1))
        assert "\n" not in str(raised.value)
        assert "unveil assets convert mgcnet" in str(raised.value)
        return str(raised.value)

    assert "does not exist" in complaint()
    path.write_bytes((converted / MADE[0]).read_bytes()[:5000])
    assert "cut short" in complaint()
    changed(converted, path, conv1__convolution__weight=None)
    assert "conv1.convolution.weight" in complaint()
    changed(converted, path, block1__unit_2__conv1__convolution__bias=torch.zeros(99))
    assert "block1.unit_2.conv1.convolution.bias (99,) instead of (4,)" in complaint()
    changed(converted, path, logits__convolution__bias=torch.full((257,), torch.nan))
    assert "not finite" in complaint()
    width = torch.zeros(9, 128, 1, 1)
    changed(converted, path, logits__convolution__bias=torch.zeros(9), logits__convolution__weight=width)
    assert "9 numbers instead of 257" in complaint()


def test_encode_and_decode(converted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "crops").mkdir()
    for k, picture in enumerate(crops(2)):
        write_image(tmp_path / "crops" / f"{k}.png", picture)
    encode = ("encode", tmp_path / "crops", "-o", tmp_path / "codes.npz", "--model", "mgcnet", "--assets", converted)
    assert "layout mgcnet" in Answer(capsys, *encode).out
    decode = ("decode", tmp_path / "codes.npz", "-o", tmp_path / "geometry.npz", "--assets", converted)
    assert Answer(capsys, *decode).status == 0
    with np.load(tmp_path / "codes.npz") as codes, np.load(tmp_path / "geometry.npz") as geometry:
        assert str(codes["model"]) == "mgcnet"
        assert codes["coefficients"].shape == (2, 257)
        count = len(made_up_mgcnet.face_file()["shape/model/mean"]) // 3
        assert geometry["vertices"].shape == geometry["colours"].shape == (2, count, 3)
        inside = (geometry["landmarks2d"] > 0) & (geometry["landmarks2d"] < 224)
        assert inside.all()


def test_reconstruct_a_photograph(
    teacher: TorchMgcnet, converted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = packaged("demo.jpg")
    answer = Answer(capsys, "reconstruct", photo, "-o", tmp_path / "out", "--model", "mgcnet", "--assets", converted)
    assert answer.status == 0, answer.err
    (face,) = json.loads((tmp_path / "out" / "demo.json").read_text())["faces"]
    assert {"glb", "obj", "ply", "npz", "overlay"} <= set(face["files"])
    # The crop is that of the packaged learner's landmarks, and the made-up network leaves the face near its places.
    (open_head,) = Reconstructor().reconstruct(read_image(photo))
    matrix = np.array(face["crop"]["matrix"])
    expected = teacher.framing.of_landmarks(open_head.landmarks2d, 224).matrix
    assert np.abs((matrix - expected) @ [*open_head.landmarks2d.mean(axis=0), 1]).max() < 4  # pixels
    distance = np.linalg.norm(np.array(face["landmarks2d"]) - open_head.landmarks2d, axis=1)[17:]
    assert distance.mean() < 0.2 * np.ptp(open_head.landmarks2d, axis=0).mean()


def test_what_is_said_of_the_files(converted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mgcnet"
    folder.mkdir()

    def status() -> dict[str, str]:
        return {check.name: check.status for check in check_files("mgcnet", folder)}

    assert set(status().values()) == {"missing"}
    for name in MADE:
        (folder / name).write_bytes((converted / name).read_bytes())
    assert {name for name, found in status().items() if found == "ok"} == set(MADE)
    with (folder / MADE[0]).open("ab") as stream:
        stream.write(b"more")
    (folder / "renamed.index").write_bytes(b"no table")
    (folder / "bfm09_trim_exp_uv_presplit.h5").write_bytes(b"<html>")
    found = status()
    assert [found[name] for name in (MADE[0], "model-400000.index", "bfm09_trim_exp_uv_presplit.h5")] == ["wrong"] * 3
    (folder / "another.index").write_bytes(b"no table")
    assert status()["model-400000.index"] == "missing"  # which of the two is not to be guessed


def test_without_tensorflow_one_line_says_so(
    converted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorflow", None)
    for name in ("model-400000.index", "bfm09_trim_exp_uv_presplit.h5"):
        (tmp_path / name).write_bytes(b"")
    answer = Answer(capsys, "assets", "convert", "mgcnet", "--assets", tmp_path)
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert "unveil[mgcnet]" in answer.err
