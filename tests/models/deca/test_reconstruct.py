"""DECA from a photograph to files, on made-up assets, in torch and as ONNX; what is missing is said in one line."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_answer import Answer
from extras import needs
from glb_reader import Glb
from made_up_flame import files_in, write_data_folder
from PIL import Image

needs("torch")

from unveil.assets.store import packaged
from unveil.codes.decode import narrow
from unveil.errors import UnveilError
from unveil.faces.reconstruction import Reconstruction
from unveil.geometry.camera import to_pixels
from unveil.heads.layout import Coefficients
from unveil.heads.motion import transfer_expression
from unveil.meshes.maps import MICROMETRE, ZERO
from unveil.models.deca import head as flame
from unveil.models.deca.torch import TorchDeca
from unveil.output.batch import formats_for, options_for
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor

DEMO = packaged("demo.jpg")
FINE = {"displacement", "normals", "albedo", "relit", *(f"detail_{kind}" for kind in ("obj", "mtl", "jpg", "glb"))}


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data_folder(tmp_path_factory.mktemp("deca"))


@pytest.fixture(scope="module")
def reconstructor(assets: Path) -> Reconstructor:
    return Reconstructor(TorchDeca(assets / "deca_model.tar"), assets=assets)


@pytest.fixture(scope="module")
def face(reconstructor: Reconstructor) -> Reconstruction:
    (face,) = reconstructor.reconstruct(DEMO)
    return face


def test_the_face_is_that_of_the_coefficients(face: Reconstruction, reconstructor: Reconstructor, assets: Path) -> None:
    assert face.coefficients.layout == flame.DETAIL_LAYOUT
    crop = face.crop.warp(read_image(DEMO))
    seen = reconstructor.encoder.predict(crop[None]).coefficients.row(0)
    np.testing.assert_allclose(face.coefficients.values, seen.values, rtol=1e-3, atol=1e-4)
    model = flame.load(files_in(assets))
    own = narrow(face.coefficients, flame.LAYOUT)
    vertices = model.vertices(own)
    np.testing.assert_allclose(face.vertices, vertices, atol=1e-5)
    in_crop = to_pixels(model.project(vertices, own), 224)
    np.testing.assert_allclose(face.crop.to_crop(face.projected[:, :2]), in_crop[:, :2], atol=0.02)
    contour = to_pixels(model.project(model.contour68(vertices, own), own), 224)
    np.testing.assert_allclose(face.crop.to_crop(face.landmarks2d), contour[:, :2], atol=0.02)


def test_details_stand_out_from_the_coarse_mesh_by_their_displacement(
    face: Reconstruction, reconstructor: Reconstructor, assets: Path
) -> None:
    assert face.detail is not None
    batch = Coefficients(face.coefficients.layout, face.coefficients.values[None])
    fixed = np.load(assets / "fixed_displacement_256.npy")
    decoded = TorchDeca(assets / "deca_model.tar").displacement(batch)[0]
    np.testing.assert_allclose(face.detail.displacement, decoded + fixed, atol=1e-6)
    mesh = reconstructor.skin.surface.mesh  # type: ignore[union-attr]
    on_surface = mesh.interpolate(face.vertices)
    moved = np.linalg.norm(face.detail.vertices - on_surface, axis=1)
    np.testing.assert_allclose(moved, np.abs(mesh.at_texels(face.detail.displacement)), atol=1e-5)
    assert face.albedo is not None
    assert face.albedo.shape == (256, 256, 3)


def test_reconstruct_writes_every_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, assets: Path, face: Reconstruction
) -> None:
    out = tmp_path / "out"
    answer = Answer(capsys, "reconstruct", DEMO, "--model", "deca", "--assets", assets, "-o", out)
    assert (answer.status, answer.err) == (0, "")
    assert face.detail is not None
    content = np.load(out / "demo_0.npz", allow_pickle=False)
    np.testing.assert_allclose(content["coefficients"], face.coefficients.values, atol=1e-5)
    record_files = {path.name for path in out.iterdir()}
    assert record_files >= {f"demo_0_{name}.png" for name in ("displacement", "normals", "albedo", "relit", "overlay")}
    with Image.open(out / "demo_0_displacement.png") as picture:
        levels = np.asarray(picture).astype(np.uint16)
    displacement = (levels.astype(float) - ZERO) * MICROMETRE
    np.testing.assert_allclose(displacement, face.detail.displacement, atol=1e-6)
    dense = Glb(out / "demo_0_detail.glb")
    position = dense["accessors"][dense.primitive["attributes"]["POSITION"]]
    assert position["count"] >= len(np.unique(face.detail.faces))
    used = face.detail.vertices[np.unique(face.detail.faces)]
    np.testing.assert_allclose(position["min"], used.min(axis=0), atol=1e-5)
    np.testing.assert_allclose(position["max"], used.max(axis=0), atol=1e-5)
    coarse = Glb(out / "demo_0.glb")
    assert [image["name"] for image in coarse["images"]] == ["skin", "normals"]
    assert len(coarse.primitive["targets"]) == 50
    text = (out / "demo_0_detail.obj").read_text()
    assert text.count("\nv ") == len(face.detail.vertices)
    assert "map_Kd demo_0_detail.jpg" in (out / "demo_0_detail.mtl").read_text()


def test_onnx_files_give_the_same_without_torch(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, assets: Path, face: Reconstruction
) -> None:
    folder = tmp_path / "deca"
    shutil.copytree(assets, folder)
    assert Answer(capsys, "assets", "convert", "deca", "--assets", folder).status == 0
    (folder / "deca_model.tar").unlink()
    (again,) = Reconstructor("deca", assets=folder).reconstruct(DEMO)
    np.testing.assert_allclose(again.vertices, face.vertices, atol=1e-4)
    assert again.detail is not None
    assert face.detail is not None
    np.testing.assert_allclose(again.detail.displacement, face.detail.displacement, atol=1e-5)


def test_an_expression_takes_its_wrinkles_along(reconstructor: Reconstructor, face: Reconstruction) -> None:
    other = face.coefficients.replace(
        expression=face.coefficients["expression"] + 1,
        pose=face.coefficients["pose"] + np.array([0, 0, 0, 0.2, 0, 0], np.float32),
    )
    moved = reconstructor.changed(face, transfer_expression(reconstructor.morphable, face.coefficients, other))
    np.testing.assert_array_equal(moved.coefficients["detail"], face.coefficients["detail"])
    assert moved.detail is not None
    assert face.detail is not None
    assert np.abs(moved.detail.displacement - face.detail.displacement).max() > 1e-5
    np.testing.assert_array_equal(moved.albedo, face.albedo)


def test_without_the_optional_files(tmp_path: Path, assets: Path, reconstructor: Reconstructor) -> None:
    folder = tmp_path / "deca"
    optional = shutil.ignore_patterns("texture_data_256.npy", "FLAME_*")
    shutil.copytree(assets, folder, ignore=optional)
    without = Reconstructor(TorchDeca(folder / "deca_model.tar"), assets=str(folder))
    (face,) = without.reconstruct(DEMO)
    assert options_for(without, ("glb",), None) != options_for(reconstructor, ("glb",), None)
    assert face.albedo is None
    assert face.detail is not None
    assert len(face.detail.faces) > 10_000


@pytest.mark.parametrize(
    "name", ["generic_model.pkl", "landmark_embedding.npy", "head_template.obj", "fixed_displacement_256.npy"]
)
def test_a_missing_file_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, assets: Path, name: str
) -> None:
    folder = tmp_path / "deca"
    folder.mkdir()
    for path in assets.iterdir():
        if path.name != name:
            (folder / path.name).symlink_to(path)
    answer = Answer(capsys, "reconstruct", DEMO, "--model", "deca", "--assets", folder, "-o", tmp_path / "out")
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert f"no {name}" in answer.err
    assert "https://" in answer.err


def test_without_any_file_the_network_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match=r"no deca_model\.tar"):
        Reconstructor("deca", assets=tmp_path)


def test_details_are_for_models_that_have_them(reconstructor: Reconstructor) -> None:
    assert {*formats_for(reconstructor, None)} >= {"glb", "detail", "maps", "relit"}
    assert formats_for(reconstructor, ("detail",)) == ("detail",)
