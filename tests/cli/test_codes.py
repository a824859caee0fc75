"""`unveil encode`, `decode` and `assets`, as a user and as a script meet them."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from cli_answer import Answer
from constant_learner import fitting_coefficients, write_learner
from made_up_flame import flame_arrays, write_data_folder
from PIL import Image

import unveil
from unveil.assets import fetch, store
from unveil.heads.layout import CoefficientLayout
from unveil.models.deca import files as deca_files
from unveil.models.deca import head as flame
from unveil.models.openhead import head as openhead
from unveil.models.registry import FAMILIES
from unveil.models.tddfa import files as tddfa_files
from unveil.training.crops import prepared


@pytest.fixture(scope="module")
def deca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up DECA data folder."""
    return write_data_folder(tmp_path_factory.mktemp("deca"))


@pytest.fixture
def learner(tmp_path: Path) -> Path:
    model = unveil.load_openhead()
    return write_learner(tmp_path / "learner.onnx", model.layout, fitting_coefficients(model))


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    folder = tmp_path / "crops"
    folder.mkdir()
    for k, colour in enumerate(["black", "red", "white"]):
        Image.new("RGB", (224, 224), colour).save(folder / f"{k}.png")
    return folder


def read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_openhead_from_crops_to_geometry(
    capsys: pytest.CaptureFixture[str], learner: Path, crops: Path, tmp_path: Path
) -> None:
    codes, geometry = tmp_path / "codes.npz", tmp_path / "new" / "geometry.npz"
    run = Answer(capsys, "encode", crops, "--model", learner, "-o", codes)
    assert (run.status, run.err) == (0, "")
    assert run.out == f"{codes}: 3 crops, layout openhead-geometry\n"
    content = read(codes)
    assert content["names"].tolist() == ["0.png", "1.png", "2.png"]
    assert content["coefficients"].shape == (3, 160)
    assert CoefficientLayout.from_json(str(content["layout"])) == openhead.GEOMETRY_LAYOUT
    assert str(content["model"]) == "openhead"
    run = Answer(capsys, "decode", codes, "-o", geometry)
    assert (run.status, run.err) == (0, "")
    arrays = read(geometry)
    assert arrays["names"].tolist() == content["names"].tolist()
    head = unveil.load_openhead()
    np.testing.assert_allclose(arrays["vertices"][1], head.head.template, atol=1e-6)
    assert arrays["landmarks2d"].shape == (3, 68, 2)
    run = Answer(capsys, "decode", codes, "-o", geometry, "--landmarks-only")
    assert (run.status, run.out, run.err) == (0, f"{geometry}: 3 heads of 68 landmarks\n", "")
    landmarks = read(geometry)
    assert set(landmarks) == {"names", "landmarks68", "landmarks68_contour", "landmarks2d"}
    np.testing.assert_allclose(landmarks["landmarks2d"], arrays["landmarks2d"], atol=1e-3)


def test_deca_from_crops_to_geometry_in_torch_and_without(
    capsys: pytest.CaptureFixture[str], deca: Path, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, geometry = tmp_path / "codes.npz", tmp_path / "geometry.npz"
    run = Answer(capsys, "encode", crops, "--model", "deca", "--assets", deca, "-o", codes)
    assert (run.status, run.err) == (0, "")
    content = read(codes)
    assert content["coefficients"].shape == (3, 364)
    assert CoefficientLayout.from_json(str(content["layout"])) == flame.DETAIL_LAYOUT
    assert str(content["model"]) == "deca"
    assert np.ptp(content["coefficients"], axis=0).max() > 0.01  # the crops differ
    assert Answer(capsys, "decode", codes, "--assets", deca, "-o", geometry).status == 0
    arrays = read(geometry)
    v = len(flame_arrays()["v_template"])
    shapes = {name: array.shape for name, array in arrays.items()}
    assert shapes == {
        "names": (3,),
        "vertices": (3, v, 3),
        "faces": flame_arrays()["f"].shape,
        "landmarks68": (3, 68, 3),
        "landmarks68_contour": (3, 68, 3),
        "landmarks2d": (3, 68, 2),
        "projected": (3, v, 3),
        "displacement": (3, 256, 256),
    }
    fixed = np.load(deca / "fixed_displacement_256.npy")
    assert 1e-4 < np.abs(arrays["displacement"] - fixed).max() <= 0.01 + 1e-6  # the decoder's part, within tanh * 0.01

    converted = Path(shutil.copytree(deca, tmp_path / "converted"))
    run = Answer(capsys, "assets", "convert", "deca", "--assets", converted)
    assert (run.status, run.err) == (0, "")
    (converted / "deca_model.tar").unlink()
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "unveil.models.deca.torch", raising=False)
    run = Answer(capsys, "encode", crops, "--model", "deca", "--assets", converted, "-o", codes, "--force")
    assert run.status == 0
    assert str(read(codes)["teacher"]) != str(content["teacher"])  # other weights, as far as their file tells
    assert Answer(capsys, "decode", codes, "--assets", converted, "-o", geometry).status == 0
    np.testing.assert_allclose(read(codes)["coefficients"], content["coefficients"], atol=1e-4)
    np.testing.assert_allclose(read(geometry)["displacement"], arrays["displacement"], atol=1e-6)
    run = Answer(capsys, "encode", crops, "--model", "deca", "--assets", deca, "-o", tmp_path / "none.npz")
    assert run.status == 2
    assert "pip install 'unveil[train]', or run `unveil assets convert deca`" in run.err
    assert not (tmp_path / "none.npz").exists()


def test_bad_crops_are_complained_of_and_left_out(
    capsys: pytest.CaptureFixture[str], learner: Path, crops: Path, tmp_path: Path
) -> None:
    (crops / "1.png").write_bytes(b"text")
    run = Answer(capsys, "encode", crops, "--model", learner, "-o", tmp_path / "codes.npz")
    assert run.status == 2
    assert run.err == f"unveil: {crops / '1.png'} is not a picture that can be read; use JPEG, PNG, TIFF, WebP or BMP\n"
    assert run.out.endswith("2 crops, layout openhead-geometry; 1 failed\n")
    assert read(tmp_path / "codes.npz")["names"].tolist() == ["0.png", "2.png"]


def prepared_folder(path: Path, count: int) -> Path:
    """Wide crops of 20 pixels, each of another colour."""
    rng = np.random.default_rng(count)
    crops = np.repeat(np.repeat(rng.integers(0, 256, (count, 1, 1, 3), dtype=np.uint8), 20, 1), 20, 2)
    path.mkdir()
    prepared.write_shard(path, 0, crops)
    samples = prepared.Samples(
        names=np.array([f"{k:04d}.jpg" for k in range(count)]),
        person=np.full(count, ""),
        split=np.zeros(count, np.int8),
        shard=np.zeros(count, np.int32),
        row=np.arange(count, dtype=np.int32)[::-1],
        matrix=np.tile(np.eye(2, 3), (count, 1, 1)),
    )
    prepared.finish(path, samples, [count], crop_size=20)
    return path


@pytest.fixture
def seeing_learner(tmp_path: Path) -> Path:
    """A learner for small crops whose answer depends on what it sees."""
    layout = openhead.GEOMETRY_LAYOUT
    zero, gain = np.zeros(layout.size, np.float32), np.linspace(1, 2, layout.size, dtype=np.float32)
    return write_learner(tmp_path / "learner.onnx", layout, zero, gain=gain, size=16)


def test_a_prepared_folder_is_encoded_in_its_order(
    capsys: pytest.CaptureFixture[str], seeing_learner: Path, tmp_path: Path
) -> None:
    folder, codes = prepared_folder(tmp_path / "prepared", 40), tmp_path / "codes.npz"
    run = Answer(capsys, "encode", folder, "--model", seeing_learner, "-o", codes)
    assert (run.status, run.err, run.out) == (0, "", f"{codes}: 40 crops, layout openhead-geometry\n")
    content, written = read(codes), codes.stat().st_mtime_ns
    reader = prepared.PreparedFolder.open(folder)
    assert content["names"].tolist() == reader.names.tolist()
    means = [reader.canonical(k, 16).mean() / 255 for k in range(40)]
    np.testing.assert_allclose(content["coefficients"][:, 0], means, rtol=1e-4)
    digest = hashlib.sha256(seeing_learner.read_bytes()).hexdigest()
    assert str(content["teacher"]) == f"constant {digest[:12]}"
    assert str(content["crops"]) == reader.fingerprint
    assert Answer(capsys, "encode", folder, "--model", seeing_learner, "-o", codes).out == run.out
    assert codes.stat().st_mtime_ns == written  # nothing was left to do
    (folder / prepared.MANIFEST).unlink()
    run = Answer(capsys, "encode", folder, "--model", seeing_learner, "-o", codes)
    assert run.status == 2
    assert run.err == f"unveil: {folder} is no finished prepared folder; run `unveil prepare` to the end\n"


SLOW_ENCODE = """
import sys, time
from unveil import cli
from unveil.codes import encode, partial

encode_batch = encode.encode_batch

def slowly(*arguments):
    time.sleep(0.02)
    return encode_batch(*arguments)

encode.encode_batch, partial.PART = slowly, 64
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_stopped_run_goes_on_where_it_was(
    capsys: pytest.CaptureFixture[str], seeing_learner: Path, tmp_path: Path, how: str
) -> None:
    folder = prepared_folder(tmp_path / "prepared", 1500)  # takes two seconds, slowly
    whole, codes, kept = tmp_path / "whole.npz", tmp_path / "codes.npz", tmp_path / "codes.npz.parts"
    call = ["encode", str(folder), "--model", str(seeing_learner), "-o"]
    assert Answer(capsys, *call, whole).status == 0
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_ENCODE, *call, codes], stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while len(list(kept.glob("0*.npz"))) < 3:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(getattr(signal, how))
        _, err = process.communicate(timeout=60)
    left = sorted(path.stem for path in kept.glob("0*.npz"))
    assert left[:3] == ["000000000-000000064", "000000064-000000128", "000000128-000000192"]
    assert not codes.exists()
    if how == "SIGINT":
        assert process.returncode == 130
        assert err.splitlines() == [
            f"unveil: {64 * len(left)} of 1500 crops are kept in {kept}",
            "unveil: stopped; run the same command again to continue",
        ]
    run = Answer(capsys, *call, codes)
    assert (run.status, run.err, run.out) == (0, "", f"{codes}: 1500 crops, layout openhead-geometry\n")
    assert codes.read_bytes() == whole.read_bytes()
    assert not kept.exists()


@pytest.mark.parametrize("name", ["generic_model.pkl", "deca_model.tar", "fixed_displacement_256.npy"])
def test_a_missing_file_is_one_line_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], crops: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "deca"
    write_data_folder(folder, checkpoint=False)
    layout, values = flame.DETAIL_LAYOUT, np.zeros((1, 364), np.float32)
    np.savez(tmp_path / "codes.npz", names=["a"], coefficients=values, layout=layout.to_json(), model="deca")
    (folder / name).unlink(missing_ok=True)
    calls = [("decode", tmp_path / "codes.npz")]
    if name == "deca_model.tar":
        calls.append(("encode", crops, "--model", "deca"))
    for call in calls:
        run = Answer(capsys, *call, "--assets", folder, "-o", tmp_path / "out.npz")
        assert (run.status, run.out) == (2, "")
        assert run.err.startswith(f"unveil: no {name} (")
        assert run.err.count("\n") == 1
        assert "https://" in run.err
        assert not (tmp_path / "out.npz").exists()


def test_wrong_calls_are_one_line(
    capsys: pytest.CaptureFixture[str], learner: Path, crops: Path, tmp_path: Path
) -> None:
    other = CoefficientLayout.from_json(openhead.LAYOUT.to_json().replace("openhead", "somehead"))
    values = np.zeros((1, other.size), np.float32)
    np.savez(tmp_path / "other.npz", names=["a"], coefficients=values, layout=other.to_json(), model="somehead")
    calls = {
        "no head model for coefficients of layout 'somehead'": ("decode", tmp_path / "other.npz"),
        "does not exist": ("decode", tmp_path / "none.npz"),
        "unknown model 'bogus'": ("encode", crops, "--model", "bogus"),
        "is no folder": ("encode", crops, "--model", "deca", "--assets", tmp_path / "none"),
        "is no folder or tar": ("encode", learner, "--model", learner),
    }
    for message, call in calls.items():
        run = Answer(capsys, *call, "-o", tmp_path / "out.npz")
        assert (run.status, run.out, run.err.count("\n")) == (2, "", 1), run.err
        assert message in run.err
    assert not (tmp_path / "out.npz").exists()


def test_check_says_per_file_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_data_folder(tmp_path / "data", checkpoint=False)
    (folder / "deca_model.tar").write_bytes(b"<!DOCTYPE html><title>Google Drive</title>")
    (folder / "FLAME_texture.npz").unlink()
    run = Answer(capsys, "assets", "check", "--assets", folder)
    assert run.status == 2
    status = {line.split()[2].rstrip(":"): line.split()[0] for line in run.out.splitlines()}
    assert list(status) == [file.name for file in deca_files.FILES]
    assert status["generic_model.pkl"] == "ok"
    assert status["deca_model.tar"] == "wrong"
    assert status["FLAME_texture.npz"] == "missing"
    monkeypatch.setenv(store.ASSETS_VARIABLE, str(folder))
    run = Answer(capsys, "assets", "check", "deca", "--json")
    assert run.status == 2
    assert {entry["name"]: entry["status"] for entry in json.loads(run.out)["files"]} == status


def test_list_names_licence_and_source_of_every_file(capsys: pytest.CaptureFixture[str]) -> None:
    text = Answer(capsys, "assets", "list").out
    entries = json.loads(Answer(capsys, "assets", "list", "--json").out)["files"]
    assert len(entries) == sum(len(family.files) for family in FAMILIES.values())
    for entry in entries:
        assert all(entry[key] in text for key in ("name", "what", "licence", "page", "publisher"))
        assert entry["path"] is None


def test_get_downloads_what_is_free_and_tells_about_the_rest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"free")
    free = replace(tddfa_files.HALF_CHECKPOINT, url=source.as_uri(), sha256=hashlib.sha256(b"free").hexdigest())
    monkeypatch.setattr(type(FAMILIES["3ddfa"]), "files", (free,))
    monkeypatch.setattr(fetch, "urlopen", lambda request, timeout: Served(source))
    run = Answer(capsys, "assets", "get", "3ddfa", "--assets", tmp_path / "new")
    assert (run.status, run.err) == (0, "")
    assert run.out == f"{tmp_path / 'new' / free.name}: {free.what}; MIT\n"
    assert (tmp_path / "new" / free.name).read_bytes() == b"free"
    assert Answer(capsys, "assets", "get", "3ddfa", "--assets", tmp_path / "new").out == "3ddfa: every file is there\n"

    def unreachable(request: object, timeout: float) -> None:
        raise URLError("no network")

    monkeypatch.setattr(fetch, "urlopen", unreachable)
    run = Answer(capsys, "assets", "get", "3ddfa")
    assert (run.status, run.out, run.err.count("\n")) == (2, "", 1)
    assert "no network; run the command again" in run.err
    run = Answer(capsys, "assets", "get", "deca")
    assert run.status == 0
    assert f"put them in {tmp_path / 'user' / 'deca'}" in run.out
    for file in deca_files.FILES:
        line = next(line for line in run.out.splitlines() if line.strip().startswith(file.name))
        assert file.licence in line
        assert file.made_by in line
        assert file.made_by or file.page in line


class Served:
    """An answer of a server that knows no ranges and has a file."""

    status = 200

    def __init__(self, path: Path) -> None:
        self.stream = path.open("rb")
        self.headers = {"Content-Length": str(path.stat().st_size)}

    def read(self, size: int) -> bytes:
        return self.stream.read(size)

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *error: object) -> None:
        self.stream.close()
