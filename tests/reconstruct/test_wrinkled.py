"""Reconstructions with the wrinkles that the photograph shows."""

import pickle
from dataclasses import replace
from pathlib import Path

import made_up_families
import numpy as np
import pytest
from glb_reader import Glb
from khronos import validator_report

from unveil import Reconstruction, Reconstructor, UnveilError
from unveil.assets.store import packaged
from unveil.faces.formats import ALL_FORMATS, FORMATS
from unveil.faces.wrinkled import wrinkled
from unveil.heads.skin.detail import DetailSurface
from unveil.output.batch import formats_for
from unveil.output.moving_head import of_face


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


def test_a_dense_mesh_is_made_only_for_files_of_it(
    face: Reconstruction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = replace(face, detail=replace(face.detail))

    def refuse(*_: object) -> None:
        raise AssertionError("the dense mesh was made")

    monkeypatch.setattr(DetailSurface, "vertices", refuse)
    for kind in ("glb", "maps", "overlay"):
        assert fresh.write(tmp_path / "head", kind)
    with pytest.raises(AssertionError, match="was made"):
        fresh.write(tmp_path / "head", "detail")


def with_units(reconstructor: Reconstructor, face: Reconstruction, **units: float) -> Reconstruction:
    expression = np.array([units.get(name, 0) for name in face.expression_names], np.float32)
    return reconstructor.changed(face, face.coefficients.replace(expression=expression))


def test_folds_come_and_go_with_the_expression_and_wrinkles_stay(
    face: Reconstruction, reconstructor: Reconstructor
) -> None:
    rest, smile = with_units(reconstructor, face), with_units(reconstructor, face, mouthSmileLeft=1, mouthSmileRight=1)
    assert face.detail is not None
    assert rest.detail is not None
    assert smile.detail is not None
    change = smile.detail.displacement - rest.detail.displacement
    assert 2e-4 < np.abs(change).max() < 1.5e-3
    assert (np.abs(change) > 1e-5).mean() < 0.2, "elsewhere wrinkles stay"
    again = reconstructor.changed(smile, face.coefficients).detail
    assert again is not None
    np.testing.assert_allclose(again.displacement, face.detail.displacement, atol=1e-7)
    assert np.abs(rest.detail.vertices - face.detail.vertices).max() > 1e-3


def test_the_morph_targets_of_a_file_fold_the_skin(face: Reconstruction, reconstructor: Reconstructor) -> None:
    """What a viewer's standard morph targets do to positions and normals, with the map of normals staying as it is."""
    rest, grin = with_units(reconstructor, face), with_units(reconstructor, face, mouthSmileLeft=1, mouthSmileRight=1)
    assert rest.detail is not None
    assert grin.detail is not None
    folds = np.abs(grin.detail.displacement - rest.detail.displacement).max()
    smile = np.array([name.startswith("mouthSmile") for name in face.expression_names])
    plain, folding = (model.head.expression_basis[smile].sum(axis=0) for model in (face.morphable, face.wearing))
    raised = np.linalg.norm(folding - plain, axis=1)
    assert 0.5 * folds < raised.max() < 1.01 * folds, "vertices see of the map's folds what lies at them"
    assert 20 < (raised > 5e-5).sum() < 600
    np.testing.assert_array_equal(of_face(face).model.head.expression_basis, face.wearing.head.expression_basis)
    whole = face.wearing.complete(face.coefficients)[0].head.expression_basis
    np.testing.assert_array_equal(whole[: len(smile)][smile].sum(axis=0)[: len(raised)], folding)


def test_what_hides_a_face_hides_its_folds(face: Reconstruction, reconstructor: Reconstructor) -> None:
    assert face.hidden is not None
    assert face.photograph is not None
    assert reconstructor.skin.surface is not None
    covered = wrinkled(face.photograph, replace(face, hidden=np.ones_like(face.hidden)), reconstructor.skin.surface)
    smile = with_units(reconstructor, covered, mouthSmileLeft=1, mouthSmileRight=1)
    assert covered.detail is not None
    assert smile.detail is not None
    np.testing.assert_allclose(smile.detail.displacement, covered.detail.displacement, atol=1e-9)


def test_a_head_without_texture_coordinates_cannot_have_them() -> None:
    with pytest.raises(UnveilError, match="has no texture coordinates to put wrinkles in"):
        Reconstructor("3ddfa", assets=made_up_families.assets("3ddfa"), wrinkles=True)
