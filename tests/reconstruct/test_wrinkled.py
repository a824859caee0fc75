"""Reconstructions with the wrinkles that the photograph shows."""

import pickle
from pathlib import Path

import made_up_families
import numpy as np
import pytest
from glb_reader import Glb
from khronos import validator_report

from unveil import Reconstruction, Reconstructor, UnveilError
from unveil.assets.store import packaged
from unveil.faces.formats import ALL_FORMATS, FORMATS
from unveil.output.batch import formats_for


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor(wrinkles=True)


@pytest.fixture(scope="module")
def face(reconstructor: Reconstructor) -> Reconstruction:
    return reconstructor.reconstruct(packaged("demo.jpg"), max_faces=1)[0]


def test_only_who_asks_for_wrinkles_gets_them(face: Reconstruction, reconstructor: Reconstructor) -> None:
    plain = Reconstructor()
    assert plain.reconstruct(packaged("demo.jpg"), max_faces=1)[0].detail is None
    assert (formats_for(plain, None), formats_for(reconstructor, None)) == (FORMATS, ALL_FORMATS)
    with pytest.raises(UnveilError, match=r"no details of the skin.*or --wrinkles"):
        formats_for(plain, ("maps",))
    assert face.detail is not None
    assert face.detail.displacement.any()
    assert pickle.loads(pickle.dumps(reconstructor)).wrinkles  # noqa: S301 - written in this line


def test_a_glb_has_them_as_a_map_of_normals(face: Reconstruction, tmp_path: Path) -> None:
    face.save(tmp_path / "head.glb")
    document = Glb(tmp_path / "head.glb")
    assert all("normalTexture" in material for material in document["materials"] if material["name"] == "skin")
    assert all("TANGENT" in primitive["attributes"] for primitive in document["meshes"][0]["primitives"])
    report = validator_report(tmp_path / "head.glb")
    assert (report["numErrors"], report["numWarnings"]) == (0, 0)


def test_a_dense_mesh_and_maps_are_written_on_demand(face: Reconstruction, tmp_path: Path) -> None:
    assert face.write(tmp_path / "head", "maps") == {
        "displacement": "head_displacement.png",
        "normals": "head_normals.png",
    }
    assert set(face.write(tmp_path / "head", "detail")) == {f"detail_{kind}" for kind in ("obj", "mtl", "jpg", "glb")}
    report = validator_report(tmp_path / "head_detail.glb")
    assert (report["numErrors"], report["numWarnings"]) == (0, 0)


def test_wrinkles_stay_with_another_expression(face: Reconstruction, reconstructor: Reconstructor) -> None:
    moved = reconstructor.changed(face, face.coefficients.replace(expression=0 * face.coefficients["expression"]))
    assert face.detail is not None
    assert moved.detail is not None
    np.testing.assert_array_equal(moved.detail.displacement, face.detail.displacement)
    assert np.abs(moved.detail.vertices - face.detail.vertices).max() > 1e-3


def test_a_head_without_texture_coordinates_cannot_have_them() -> None:
    with pytest.raises(UnveilError, match="has no texture coordinates to put wrinkles in"):
        Reconstructor("3ddfa", assets=made_up_families.assets("3ddfa"), wrinkles=True)
