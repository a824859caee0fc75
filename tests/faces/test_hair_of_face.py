"""The hair of the bundled photograph, in everything that a face writes."""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from glb_reader import Glb

from unveil import Reconstruction, Reconstructor, read_image
from unveil.appearance.hair.frame import above_hairline
from unveil.assets.store import packaged
from unveil.evaluation.now.face_hider import FaceHider
from unveil.faces.hair import without_light
from unveil.faces.opaque_hair import without_opacity
from unveil.geometry.mesh import vertex_normals
from unveil.heads.parts import HairCap, HairEnds
from unveil.models.classes import CLOTH
from unveil.occluders.pool import load_pool
from unveil.photos.cielab import to_cielab


@lru_cache(maxsize=1)
def face() -> Reconstruction:
    (found,) = Reconstructor().reconstruct(packaged("demo.jpg"))
    return found


def test_the_bundled_person_has_hair_of_its_own_colour() -> None:
    hair = face().hair
    assert hair is not None
    red, _, blue = np.median(hair.picture, axis=(0, 1))
    assert 20 < blue < red - 20 < 120, "brown, as in the photograph"
    assert hair.vertices[:, 1].max() > face().neutral_vertices[:, 1].max()
    numbers = face().to_json()["hair"]
    assert numbers["drawn"]
    assert 0.5 < numbers["hidden_share"] < 1, "a photograph from the front shows less than half of it"


def test_cloth_and_background_are_not_taken_for_skin() -> None:
    """A collar of any colour that the learner calls cloth leaves the neck as it is."""
    classes, crop = face().classes, face().crop
    assert classes is not None
    assert face().photograph is not None
    in_crop = np.asarray(cv2.resize(classes[CLOTH], (crop.size, crop.size)), np.float32)
    cloth = crop.warp_back(in_crop, face().photograph.shape, beyond=None)
    dyed = face().photograph.copy()
    dyed[cloth > 0.3] = (0, 255, 0)
    textures = [replace(face(), photograph=image).texture(lit=False).astype(int) for image in (face().photograph, dyed)]
    necks = [texture[len(texture) // 2 :] for texture in textures]  # above is the hairline, where hair is dyed too
    assert np.abs(necks[0] - necks[1]).max() < 16
    assert (dyed != face().photograph).any(axis=-1).mean() > 0.01


def test_files_are_alike_on_one_core_and_on_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two, hair is painted while the texture is made, and pictures are written while the mesh is."""
    monkeypatch.setattr("unveil.processes.core_count", lambda: 2)
    files = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        (path,) = replace(face()).save(tmp_path / f"{threads}.glb")
        files.append(Glb(path))
    first, second = files
    assert len(first["accessors"]) == len(second["accessors"])
    for index in range(len(first["accessors"])):
        np.testing.assert_allclose(first.array(index), second.array(index), atol=1e-5)
    assert [image["name"] for image in first["images"]] == [image["name"] for image in second["images"]]
    for image in first["images"]:
        pictures = [
            cv2.imdecode(np.frombuffer(file.view(image["bufferView"]), np.uint8), cv2.IMREAD_UNCHANGED)
            for file in (first, second)
        ]
        assert cv2.absdiff(*pictures).mean() < 0.1, image["name"]  # sums may round differently on another thread


def test_hair_that_is_asked_for_first_is_the_same() -> None:
    first, second = replace(face()), replace(face())
    assert first.hair is not None
    textures = [one.texture() for one in (first, second)]
    assert cv2.absdiff(*textures).mean() < 0.1
    assert second.hair is not None
    assert cv2.absdiff(first.hair.picture, second.hair.picture).mean() < 0.1
    np.testing.assert_allclose(first.hair.vertices, second.hair.vertices, atol=1e-6)


def test_files_have_hair_or_none(tmp_path: Path) -> None:
    bald = replace(face(), bald=True)
    for one, expected in ((face(), True), (bald, False)):
        stem = tmp_path / f"hair_{expected}"
        names = one.write(stem, "obj")
        assert (
            ("hair_texture" in names) == (f"{stem.name}_hair.jpg" in {p.name for p in tmp_path.iterdir()}) == expected
        )
        one.write(stem, "glb")
        nodes = [node["name"] for node in Glb(stem.with_suffix(".glb"))["nodes"]]
        assert ("hair" in nodes) == expected
        one.write(stem, "npz")
        with np.load(stem.with_suffix(".npz")) as arrays:
            assert ("hair_vertices" in arrays) == expected
        one.write(stem, "json")
        assert json.loads(stem.with_suffix(".json").read_text())["hair"]["drawn"] == expected
    assert not Reconstructor(hair=False).reconstruct(packaged("demo.jpg"))[0].hair


def test_a_changed_face_keeps_its_hair() -> None:
    reconstructor = Reconstructor()
    coefficients = face().coefficients
    moved = reconstructor.changed(face(), coefficients.replace(expression=np.zeros_like(coefficients["expression"])))
    assert moved.hair is not None
    assert face().hair is not None
    np.testing.assert_allclose(moved.hair.vertices.mean(axis=0), face().hair.vertices.mean(axis=0), atol=2e-3)


def test_hair_loses_the_light_that_skin_loses() -> None:
    lit = np.full((64, 64, 3), 100, np.uint8)
    albedo = np.full((64, 64, 3), (120, 100, 80), np.uint8)
    hair = without_light(face().wearing, lit, albedo).hair
    assert hair is not None
    assert face().hair is not None
    before, after = face().hair.picture.mean(axis=(0, 1)), hair.picture.mean(axis=(0, 1))
    np.testing.assert_allclose(after / before, (1.2, 1, 0.8), atol=0.02)
    ends, darker = face().hair.ends, hair.ends
    assert ends is not None
    assert darker is not None
    np.testing.assert_array_equal(darker.picture[..., 3], ends.picture[..., 3])
    assert (darker.picture[..., 2] <= ends.picture[..., 2]).all()


def test_what_is_held_before_the_forehead_cuts_no_strip_into_the_hair() -> None:
    """Of a cup in the colour of skin, what rises above the crop is no bald scalp."""
    hider = FaceHider(load_pool(kinds={"object"}), seed=2)
    (one,) = Reconstructor().reconstruct(hider.hide(read_image(packaged("demo.jpg")), "demo.jpg", 0.35).image)
    assert one.hidden_share > 0.25
    assert one.hair is not None
    x, _, z = one.hair.vertices.T
    begins = above_hairline(one.hair.vertices[(np.abs(x) < 0.0075) & (z > 0)]).min()
    assert begins < 0.05, "hair in the middle before the crown; made up, it begins at 0.03"


def test_black_hair_that_hangs_before_fair_hair_is_not_the_persons_own() -> None:
    hider = FaceHider(load_pool(kinds={"hair"}), seed=5)
    (one,) = Reconstructor().reconstruct(hider.hide(read_image(packaged("demo.jpg")), "demo.jpg", 0.3).image)
    assert one.hidden_share > 0.2
    assert one.hair is not None
    assert np.median(to_cielab(one.hair.picture)[..., 0]) > 35, "43 without, 31 with the black hair on the head"


def test_without_opacity_hair_goes_over_into_the_skin() -> None:
    """At its edge opaque hair is coloured as the skin below it, and farther in as it was."""
    blue = np.full((64, 64, 3), (0, 0, 250), np.uint8)
    hair, opaque = face().hair, without_opacity(face().wearing, face().coefficients, blue).hair
    assert hair is not None
    assert opaque is not None
    assert opaque.ends is None
    np.testing.assert_array_equal(opaque.faces[: len(hair.faces)], hair.faces)
    edges = np.sort(opaque.faces[len(hair.faces) :][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    found, count = np.unique(edges, axis=0, return_counts=True)
    rim = np.unique(found[count == 1])
    colours = colours_of(opaque, rim)
    outer = rim[np.linalg.norm(opaque.vertices[rim][:, None] - hair.vertices, axis=-1).min(axis=1) > 0.008]
    assert len(outer) > 50
    assert np.median(colours_of(opaque, outer), axis=0).tolist() == [0, 0, 250]
    assert colours[:, 0].max() > 60, "where it begins, it is hair"
    inner = np.unique(hair.uv_faces)
    before, after = (picture_at(one.picture, hair.uv[inner]) for one in (hair, opaque))
    assert (np.abs(before.astype(int) - after).max(axis=1) < 60).mean() > 0.95


def test_without_opacity_hair_comes_down_to_the_skin() -> None:
    """Skin between strands that stands off the head would be a flap."""
    skin, model = face().neutral_vertices, face().wearing
    hair = model.hair
    assert hair is not None
    assert hair.ends is not None
    outwards = hair.ends.vertices - skin.mean(axis=0)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    thick = replace(hair.ends, vertices=np.asarray(hair.ends.vertices + 0.007 * outwards, np.float32))
    opaque = without_opacity(replace(model, hair=replace(hair, ends=thick)), face().coefficients, face().texture()).hair
    assert opaque is not None
    before = ends_beyond_hair(thick, np.arange(len(thick.vertices)), thick.picture)
    after = ends_beyond_hair(opaque, np.arange(len(hair.vertices), len(opaque.vertices)), thick.picture)
    assert np.quantile(heights(before, skin), 0.75) > 0.005
    assert np.quantile(heights(after, skin), 0.75) < 0.002


def ends_beyond_hair(hair: HairCap | HairEnds, vertices: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Those of the ``vertices`` around which a picture [h, w, 4] has hardly any opacity."""
    opacity = cv2.blur(picture[..., 3], (7, 7))[..., None]
    return hair.vertices[vertices][picture_at(opacity, uv_of(hair, vertices))[:, 0] < 20]


def test_without_opacity_no_skin_hangs_free() -> None:
    """Where no skin is near, ends are hair, and are cut off."""
    blue = np.full((64, 64, 3), (0, 0, 250), np.uint8)
    model = face().wearing
    hair = model.hair
    assert hair is not None
    assert hair.ends is not None
    lower = np.array([0, -0.3, 0], np.float32)
    long = replace(hair, ends=replace(hair.ends, vertices=hair.ends.vertices + lower))
    opaque = without_opacity(replace(model, hair=long), face().coefficients, blue).hair
    assert opaque is not None
    added = np.unique(opaque.faces[len(hair.faces) :])
    assert (picture_at(hair.ends.picture, uv_of(opaque, added))[:, 3] > 60).mean() > 0.95
    assert colours_of(opaque, added)[:, 2].max() < 200
    there = opaque.vertices[added] - lower
    away = np.linalg.norm(there[:, None] - hair.ends.vertices, axis=-1).min(axis=1)
    assert (away < 1e-5).mean() > 0.3, "but for the cut, what stays is where it was"


def heights(points: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """How far [N] points [N, 3] are from the planes through the vertices of a head nearest to them."""
    near = np.linalg.norm(points[:, None] - skin, axis=-1).argmin(axis=1)
    return ((points - skin[near]) * vertex_normals(skin, face().faces)[near]).sum(axis=1)


def colours_of(hair: HairCap, vertices: np.ndarray) -> np.ndarray:
    return picture_at(hair.picture, uv_of(hair, vertices))


def uv_of(hair: HairCap | HairEnds, vertices: np.ndarray) -> np.ndarray:
    uv = np.zeros((len(hair.vertices), 2))
    uv[hair.faces] = hair.uv[hair.uv_faces]
    return uv[vertices]


def picture_at(picture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    size = np.array(picture.shape[1::-1])
    x, y = np.clip(uv * [1, -1] * size + [0, size[1]], 0, size - 1).astype(int).T
    return picture[y, x]
