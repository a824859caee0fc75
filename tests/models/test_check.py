"""What is said about model files that are whole, missing, damaged, or something else."""

import gzip
import io
import os
import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from made_up_flame import flame_arrays, write_data_folder, write_flame_pickle

torch = needs("torch")

from unveil.assets.torch_file import checkpoint_keys
from unveil.models.check import FileCheck, check_file, check_files, families_present
from unveil.models.deca.check import FLAME_EYEBALLS
from unveil.models.deca.files import FILES
from unveil.models.family import Family
from unveil.models.registry import RESEARCH

PAGE = b"\n<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head></html>"
REQUIRED = [file.name for file in FILES if file.required]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data_folder(tmp_path_factory.mktemp("deca"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """The whole folder again, by links: a test must `replace` files and not write into them."""
    return Path(shutil.copytree(whole, tmp_path / "data", copy_function=os.link))


def replace(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def check(folder: Path, name: str) -> FileCheck:
    file = next(file for file in FILES if file.name == name)
    return check_file(file, folder)


def test_a_whole_folder_is_ok(whole: Path) -> None:
    checks = check_files("deca", whole)
    assert {found.name for found in checks} == {file.name for file in FILES}
    made_by_the_user = {"deca_encoders.onnx", "deca_detail_decoder.onnx"}
    assert {found.name for found in checks if found.status != "ok"} == made_by_the_user
    assert all(found.status == "missing" and not found.required for found in checks if found.name in made_by_the_user)
    assert all(found.path == str(whole / found.name) for found in checks if found.status == "ok")


def test_chumpy_arrays_are_read_without_chumpy(folder: Path) -> None:
    (folder / "generic_model.pkl").unlink()
    write_flame_pickle(folder / "generic_model.pkl", chumpy=True)
    assert check(folder, "generic_model.pkl").status == "ok"


@pytest.mark.parametrize("name", REQUIRED)
def test_each_missing_file_is_named_with_its_page(folder: Path, name: str) -> None:
    (folder / name).unlink()
    found = check(folder, name)
    assert (found.status, found.required, found.path) == ("missing", True, "")
    for part in (name, str(folder), next(file.page for file in FILES if file.name == name)):
        assert part in found.detail


@pytest.mark.parametrize("name", [file.name for file in FILES])
def test_a_saved_web_page_is_recognised_everywhere(folder: Path, name: str) -> None:
    replace(folder / name, PAGE)
    found = check(folder, name)
    assert found.status == "wrong"
    assert found.detail.startswith(str(folder / name))
    assert "saved web page" in found.detail


INSTEAD = {
    b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 434071850\n": "it is a git-LFS pointer",
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>': "it is XML",
    b'{"error": "Invalid username or password."}': "it is JSON",
    gzip.compress(bytes(100)): "it is a gzip file",
    b"": "it is an empty file",
}


@pytest.mark.parametrize("name", [file.name for file in FILES])
def test_what_came_instead_of_a_file_is_called_by_its_name(folder: Path, name: str) -> None:
    for data, what in INSTEAD.items():
        replace(folder / name, data)
        found = check(folder, name)
        assert found.status == "wrong"
        assert what in found.detail
        assert str(folder / name) in found.detail
        assert "\n" not in found.detail
    replace(folder / name, b"PK\x03\x04" + bytes(60))
    assert check(folder, name).status == "wrong"


@pytest.mark.parametrize(
    "name", [file.name for file in FILES if not file.made_by and file.name[-4:] not in {".obj", ".npy"}]
)
def test_a_file_that_was_copied_as_text_is_wrong(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    replace(folder / name, data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    found = check(folder, name)
    assert found.status == "wrong", found.detail
    if data.count(b"\n") >= 8:
        assert "it was copied as text" in found.detail


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.98])
@pytest.mark.parametrize("name", [file.name for file in FILES if not file.made_by])
def test_a_cut_download_is_wrong(folder: Path, name: str, keep: float) -> None:
    data = (folder / name).read_bytes()
    replace(folder / name, data[: int(keep * len(data))])
    found = check(folder, name)
    assert found.status == "wrong", found.detail
    assert str(folder / name) in found.detail
    assert "\n" not in found.detail


def test_another_files_content_is_wrong(folder: Path) -> None:
    for name, other in [
        ("generic_model.pkl", "head_template.obj"),
        ("deca_model.tar", "FLAME_texture.npz"),
        ("landmark_embedding.npy", "fixed_displacement_256.npy"),
        ("fixed_displacement_256.npy", "landmark_embedding.npy"),
        ("uv_face_mask.png", "head_template.obj"),
        ("FLAME_albedo_from_BFM.npz", "FLAME_texture.npz"),
    ]:
        original = (folder / name).read_bytes()
        replace(folder / name, (folder / other).read_bytes())
        assert check(folder, name).status == "wrong", name
        replace(folder / name, original)


def test_flame_of_another_year_by_name_by_shape_and_by_its_eyes(folder: Path) -> None:
    path = folder / "generic_model.pkl"
    path.rename(folder / "flame2023.pkl")
    found = check(folder, path.name)
    assert (found.status, found.path) == ("wrong", str(folder / "flame2023.pkl"))
    assert "is FLAME 2023, but deca needs the FLAME 2020" in found.detail
    replace(path, pickle.dumps(flame_arrays() | {"shapedirs": np.zeros((20, 3, 150))}))
    assert "has shapedirs of shape (20, 3, 150), expected (" in check(folder, path.name).detail


def test_flame_2023_under_the_name_of_2020_is_told_by_its_eyes(folder: Path) -> None:
    vertices = np.random.default_rng(0).normal(0, 0.1, (FLAME_EYEBALLS.stop, 3)).round(6)
    other = vertices.copy()
    other[FLAME_EYEBALLS, 2] += 2e-3
    sides = {"shapedirs": (3, 400), "posedirs": (3, 36), "weights": (5,)}
    arrays = {name: np.zeros((FLAME_EYEBALLS.stop, *rest), np.int8) for name, rest in sides.items()}
    arrays = flame_arrays() | arrays | {"J_regressor": np.zeros((5, FLAME_EYEBALLS.stop), np.int8)}
    lines = (folder / "head_template.obj").read_text().splitlines()
    positions = ["v {:.6f} {:.6f} {:.6f}".format(*v) for v in vertices]
    template = "\n".join([*positions, *(line for line in lines if not line.startswith("v "))])
    replace(folder / "head_template.obj", template.encode())
    for v_template, status in ((vertices, "ok"), (other, "wrong"), (vertices[:-1], "wrong")):
        replace(folder / "generic_model.pkl", pickle.dumps(arrays | {"v_template": v_template}))
        assert check(folder, "generic_model.pkl").status == status
    replace(folder / "generic_model.pkl", pickle.dumps(arrays | {"v_template": other}))
    assert "eyes of FLAME 2023" in check(folder, "generic_model.pkl").detail


def test_a_pickle_that_would_run_something_is_refused(folder: Path, tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "touched",)  # type: ignore[return-value]

    replace(folder / "generic_model.pkl", pickle.dumps({"v_template": Harm()}))
    replace(folder / "deca_model.tar", pickle.dumps({"E_flame": Harm()}))
    assert check(folder, "generic_model.pkl").status == "wrong"
    assert check(folder, "deca_model.tar").status == "wrong"
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoints_keys_are_those_torch_reads(tmp_path: Path, *, zipped: bool) -> None:
    path = tmp_path / "checkpoint.tar"
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).half()
    torch.save({"a": network.state_dict(), "b": 1}, path, _use_new_zipfile_serialization=zipped)
    assert checkpoint_keys(path) == list(torch.load(path, weights_only=True))


def test_a_checkpoint_without_a_part_names_it(folder: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"E_flame": {}, "E_detail": {}}, buffer)
    replace(folder / "deca_model.tar", buffer.getvalue())
    assert "has no networks named D_detail" in check(folder, "deca_model.tar").detail


def test_without_torch_what_cannot_be_checked_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "unveil.models.deca.torch", raising=False)
    found = check(folder, "deca_model.tar")
    assert found.status == "ok"
    assert found.detail.endswith("; what is in it was not checked, which needs torch")
    data = (folder / "deca_model.tar").read_bytes()
    replace(folder / "deca_model.tar", data[: len(data) // 2])
    assert check(folder, "deca_model.tar").status == "wrong"
    buffer = io.BytesIO()
    torch.save({"E_flame": {}, "E_detail": {}}, buffer)
    replace(folder / "deca_model.tar", buffer.getvalue())
    assert "has no D_detail; it holds E_flame, E_detail" in check(folder, "deca_model.tar").detail


@pytest.mark.parametrize("family", RESEARCH.values(), ids=list(RESEARCH))
def test_every_file_is_inspected(family: Family) -> None:
    assert set(family.inspections()) == {file.name for file in family.files}


def test_only_families_with_a_file_are_looked_at(folder: Path, tmp_path: Path) -> None:
    assert families_present(folder) == ["deca"]
    (tmp_path / "empty").mkdir()
    assert families_present(tmp_path / "empty") == list(RESEARCH)
