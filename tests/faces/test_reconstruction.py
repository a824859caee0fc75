"""A face draws and saves itself, exactly as the command does, and says what it is on one short line."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from constant_learner import fitting_coefficients, write_learner
from PIL import Image

import unveil
from unveil import cli
from unveil.assets.store import packaged
from unveil.faces.reconstruction import GREY, Reconstruction
from unveil.reconstruct.pipeline import Reconstructor

PER_FACE = {".glb", ".obj", ".mtl", ".jpg", ".ply", ".npz", "_overlay.png"}


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = unveil.load_openhead()
    values = fitting_coefficients(model)
    return write_learner(tmp_path_factory.mktemp("learner") / "l.onnx", model.layout, values, occlusion=True)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of two people."""
    path = tmp_path_factory.mktemp("photos") / "two.png"
    photo = unveil.read_image(packaged("demo.jpg"))
    Image.fromarray(np.concatenate([photo, photo // 2], axis=1)).save(path)
    return path


@pytest.fixture(scope="module")
def faces(learner: Path, two: Path) -> list[Reconstruction]:
    return Reconstructor(learner).reconstruct(two)


def test_files_are_those_of_the_command_byte_for_byte(
    faces: list[Reconstruction], learner: Path, two: Path, tmp_path: Path
) -> None:
    assert cli.main(["reconstruct", str(two), "-o", str(tmp_path / "command"), "--model", str(learner)]) == 0
    command = {path.name: path.read_bytes() for path in (tmp_path / "command").glob("[!.]*")}
    record = json.loads(command.pop("two.json"))
    written = [path for face in faces for path in face.save(tmp_path / "library")]
    library = {path.name: path.read_bytes() for path in written}
    for k in range(2):
        numbers = json.loads(library.pop(f"two_{k}.json"))
        assert {"index": k, **numbers, "files": record["faces"][k]["files"]} == record["faces"][k]
    assert library.keys() == {f"two_{k}{ending}" for k in range(2) for ending in PER_FACE}
    assert library == command


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply", ".npz", ".json", ".GLB"])
def test_the_suffix_says_what_is_written(faces: list[Reconstruction], tmp_path: Path, suffix: str) -> None:
    (tmp_path / "all").mkdir()
    everything = {path.suffix: path.read_bytes() for path in replace(faces[0], name="head").save(tmp_path / "all")}
    written = faces[0].save(str(tmp_path / f"head{suffix}"))
    expected = {".obj": {".obj", ".mtl", ".jpg"}}.get(suffix, {suffix.lower()})
    assert {path.suffix for path in written} == expected
    assert all(path.read_bytes() == everything[path.suffix] for path in written)


def test_a_suffix_of_nobodys_is_one_line(faces: list[Reconstruction], tmp_path: Path) -> None:
    with pytest.raises(unveil.UnveilError, match=r"as .*head\.fbx: end the name in \.glb, \.obj, .*or name a folder"):
        faces[0].save(tmp_path / "head.fbx")
    assert not list(tmp_path.iterdir())
    for _ in range(2):  # the first makes it
        assert {path.parent.name for path in faces[0].save(f"{tmp_path}/v1.2/")} == {"v1.2"}
    assert {path.parent.name for path in faces[0].save(tmp_path / "v1.2")} == {"v1.2"}


def test_texture_and_overlay_are_pictures_of_the_photograph_it_was_given(faces: list[Reconstruction]) -> None:
    texture, overlay = faces[0].texture(), faces[0].overlay()
    assert texture.dtype == overlay.dtype == np.uint8
    assert texture.ndim == overlay.ndim == 3
    assert texture is faces[0].texture()
    assert overlay.shape[:2] == (480, 5 * 480)
    assert faces[0].photograph is faces[1].photograph  # kept, not copied
    with Image.open(BytesIO(faces[0]._repr_png_())) as shown:
        np.testing.assert_array_equal(np.asarray(shown), overlay)


def test_a_glb_is_without_the_light_of_the_photograph_unless_it_is_to_have_it(
    faces: list[Reconstruction], tmp_path: Path
) -> None:
    lit, albedo = faces[0].texture(), faces[0].texture(lit=False)
    assert albedo.shape == lit.shape
    assert np.abs(lit.astype(int) - albedo).mean() > 1
    (plain,), (in_light,) = (faces[0].save(tmp_path / f"{lit}.glb", lit=lit) for lit in (False, True))
    same = replace(faces[0], photograph=None)  # grey, with light or without
    (one,), (other,) = (same.save(tmp_path / f"grey{lit}.glb", lit=lit) for lit in (False, True))
    assert plain.read_bytes() != in_light.read_bytes()
    assert one.read_bytes() == other.read_bytes()
    with np.load(*faces[0].save(tmp_path / "head.npz")) as file:
        assert file["light"].shape == (9, 3)
        assert (file["tone"] > 0).all()


def test_an_array_is_kept_as_it_is(learner: Path) -> None:
    photo = unveil.read_image(packaged("demo.jpg"))
    (face,) = Reconstructor(learner).reconstruct(photo)
    assert face.photograph is photo
    assert face.name == "face_0"


def test_without_a_photograph_the_head_is_grey(faces: list[Reconstruction], tmp_path: Path) -> None:
    bare = replace(faces[0], photograph=None, confidence=None)
    assert (bare.texture() == GREY).all()
    assert bare.overlay().shape == faces[0].overlay().shape
    assert {path.name for path in bare.save(tmp_path)} == {f"two_0{end}" for end in (*PER_FACE, ".json")}
    with np.load(tmp_path / "two_0.npz") as file:
        assert "confidence" not in file.files


def test_a_face_pickles(faces: list[Reconstruction]) -> None:
    again = pickle.loads(pickle.dumps(faces[0]))  # noqa: S301 - written in this line
    np.testing.assert_array_equal(again.texture(), faces[0].texture())


def test_every_public_thing_has_a_short_repr(faces: list[Reconstruction], learner: Path) -> None:
    face, reconstructor = faces[0], Reconstructor(learner)
    assert face.photograph is not None
    detections = reconstructor.detector.detect(face.photograph)
    model = reconstructor.morphable
    prediction = unveil.Prediction(face.coefficients, face.deviations, face.occlusion)
    things = [face, face.coefficients, face.coefficients.layout, model, model.head, model.landmarks68, model.contour]
    things += [face.crop, detections[0], reconstructor, reconstructor.detector, reconstructor.encoder, prediction]
    things += face.coefficients.layout.with_statistics(*np.ones((2, 160))).groups
    for thing in things:
        assert len(repr(thing)) < 200
        assert repr(thing).startswith(type(thing).__name__)
        assert "\n" not in repr(thing)
    public = {getattr(unveil, name) for name in unveil.__all__} - {unveil.UnveilError, unveil.Encoder}
    assert {type(thing) for thing in things} >= {kind for kind in public if isinstance(kind, type)}
