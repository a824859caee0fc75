from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.skin_space import vary
from tools.skin_space.__main__ import main
from tools.skin_space.folds import Cells, Frames, again, fold_arrays, learn
from tools.skin_space.learn import tone_weights
from tools.skin_space.measure import HEADING, with_section
from tools.skin_space.occluded import OccludedFaces
from tools.skin_space.photographs import Atlas, beyond
from tools.skin_space.samples import chosen
from tools.skin_space.tone import TONES, tone_bin
from tools.skin_space.vary import Faces, principal
from unveil import Reconstructor, load_openhead, read_image
from unveil.appearance.fixed_texels import fixed_texels
from unveil.appearance.wrinkles.clear_skin import wrinkle_surface
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.models.openhead import skin
from unveil.models.openhead.family import packaged_head
from unveil.models.openhead.networks import Completion
from unveil.photos.cielab import to_cielab
from unveil.training.crops.prepared import PreparedFolder, Samples, finish, wide_crop, write_shard
from unveil.typing import Images

SIZE = 192


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared folder of one face at three exposures, the last of a test person."""
    image = read_image(packaged("demo.jpg"))
    (face,) = Reconstructor().reconstruct(image, max_faces=1)
    crop = wide_crop(face.crop, SIZE).warp(image)
    crops = np.stack([cv2.convertScaleAbs(crop, alpha=alpha) for alpha in (0.6, 0.8, 1.0)]).astype(np.uint8)
    return write(tmp_path_factory.mktemp("skin") / "prepared", crops)


def write(path: Path, crops: Images, people: str = "") -> Path:
    names = np.array([f"{k}.jpg" for k in range(len(crops))])
    split = np.array([0] * (len(crops) - 1) + [2], np.int8)
    if people:
        split = np.array([2 if person.isupper() else 0 for person in people], np.int8)
    path.mkdir()
    write_shard(path, 0, crops)
    rows = np.arange(len(crops), dtype=np.int32)
    matrices = np.tile(np.eye(2, 3), (len(crops), 1, 1))
    persons = np.array(list(people)) if people else names
    finish(path, Samples(names, persons, split, np.zeros_like(rows), rows, matrices), [len(crops)], SIZE)
    return path


def test_samples_are_taken_at_the_texels_of_textures() -> None:
    model = packaged_head()
    texels, used = Atlas.of(model, 64).texels, fixed_texels(model, 64).atlas.texels
    np.testing.assert_array_equal(texels.texels, used.texels)
    np.testing.assert_array_equal(texels.triangle, used.triangle)


def test_what_lies_beyond_the_edge_of_a_photograph_is_not_seen() -> None:
    crop = np.full((40, 40, 3), 90, np.uint8)
    crop[20, 20] = 0  # a dark pupil is part of it
    assert not beyond(crop).any()
    crop[:10] = crop[:, 32:] = 0
    found = beyond(crop)
    assert found[:10].all()
    assert found[:, 32:].all()
    assert not found[14:, :28].any()


def test_what_is_learned_can_be_read_and_says_where_skin_is(folder: Path, tmp_path: Path) -> None:
    main(["learn", str(folder), "-o", str(tmp_path / "skin.npz")])
    space = skin.load(tmp_path / "skin.npz")
    assert space.mean.shape == (256, 256, 3)
    assert 0.1 < (space.certainty > 0.5).mean() < 0.5
    assert np.isfinite(space.mean).all()


def test_how_faces_differ_comes_on_top_of_the_packaged_mean(folder: Path, tmp_path: Path) -> None:
    main(["vary", str(folder), "-o", str(tmp_path / "skin.npz")])
    space, packed = skin.load(tmp_path / "skin.npz"), skin.load(packaged("openhead_skin.npz"))
    np.testing.assert_array_equal(space.mean, packed.mean)
    assert space.variation is not None
    assert all(np.isfinite(values).all() for values in vars(space.variation).values() if values is not None)
    assert 1 <= len(space.variation.components) <= 4, "no more than photographs and their mirror images"
    assert space.variation.variance.min() > 0


def test_components_are_found_though_a_third_is_hidden_and_some_is_hair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vary, "COMPONENTS", 2)
    rng = np.random.default_rng(0)
    true = np.linalg.qr(rng.normal(size=(180, 2)))[0].T.reshape(2, 60, 3)
    scores = rng.normal(size=(400, 2)) * [1.5, 0.8]
    colours = 0.5 + np.einsum("pc,ckx->pkx", scores, true) + rng.normal(0, 0.01, (400, 60, 3))
    weight = (rng.random((400, 60)) > 0.3).astype(np.float32)
    hair = rng.random((400, 60)) < 0.03
    colours[hair | (weight == 0)] = -1
    mean, components, variance = principal(Faces(colours.astype(np.float32), weight), np.ones(60, np.float32))
    found = np.linalg.svd(components[:2].reshape(2, -1), full_matrices=False)[2]
    assert np.linalg.svd(found @ true.reshape(2, -1).T)[1].min() > 0.95
    away = (mean - 0.5).ravel()  # tones count alike, so the mean may lie elsewhere among the faces, but not beside them
    assert np.abs(away - found.T @ (found @ away)).mean() < 0.02
    assert variance.mean() < 0.01


def test_the_network_that_completes_skin_goes_on_where_it_was_stopped(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = pytest.importorskip("tools.skin_space.complete", reason="training needs torch")
    from tools import small_networks

    monkeypatch.setattr(small_networks, "KEPT_EVERY", 1)
    main(["occlude", str(folder), "-o", str(tmp_path / "faces.npz")])
    faces, model = OccludedFaces.read(tmp_path / "faces.npz"), packaged_head()
    assert (faces.shown < 128).mean() > 0.02, "the occluder hides some"

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        complete.train(model, faces, tmp_path / "stopped.pt", 2, 0, stop)
    again = complete.train(model, faces, tmp_path / "stopped.pt", 2, 0)
    at_once = complete.train(model, faces, tmp_path / "at once.pt", 2, 0)
    for ours, theirs in zip(again.state_dict().values(), at_once.state_dict().values(), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    complete.export(again, tmp_path / "completion.onnx", {})
    face = [np.float32(faces.colours[0]) / 255, np.float32(faces.weight[0]) / 255]
    found = Completion(tmp_path / "completion.onnx")(*face, face[0], np.float32(faces.normals[0]) / 127)
    assert found.shape == face[0].shape
    assert np.abs(found - face[0]).max() < 0.05, "two steps of training change little"


def test_the_network_learns_by_the_differences_that_are_measured() -> None:
    complete = pytest.importorskip("tools.skin_space.complete", reason="training needs torch")
    import torch

    rgb = np.random.default_rng(0).integers(1, 256, (50, 3)).astype(np.float32)
    np.testing.assert_allclose(complete._lab(torch.from_numpy(rgb / 255)).numpy(), to_cielab(rgb), atol=0.01)


def test_a_face_is_measured_and_the_page_keeps_its_other_sections(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    page.write_text("# Results\n\n## Others\n\nkept\n", encoding="utf-8")
    main(["measure", str(folder), "--count", "2", "-o", str(page)])
    text = page.read_text(encoding="utf-8")
    assert "kept" in text
    assert text.count(HEADING) == 1
    assert "| mask-40 |" in text
    assert with_section(text, f"{HEADING}\n\nnew\n").endswith(f"kept\n\n{HEADING}\n\nnew\n")


def test_a_folder_without_photographs_to_learn_from_is_refused(tmp_path: Path) -> None:
    only_a_test_person = write(tmp_path / "one", np.zeros((1, SIZE, SIZE, 3), np.uint8))
    with pytest.raises(UnveilError, match="no photograph"):
        main(["learn", str(only_a_test_person), "-o", str(tmp_path / "skin.npz")])


def test_tones_go_from_dark_to_light_and_count_alike() -> None:
    tones = [np.array([0.9, 0.75, 0.6]) * scale for scale in (0.05, 0.12, 0.25, 0.4, 0.6, 1.0)]
    bins = [tone_bin(tone) for tone in tones]
    assert bins == sorted(bins)
    assert bins[0] == 0
    assert max(bins) < len(TONES)
    weights = tone_weights([0] * 300 + [1] * 100)
    assert weights[:300].sum() == pytest.approx(weights[300:].sum())


def test_few_photographs_of_each_person_are_chosen(folder: Path) -> None:
    opened = PreparedFolder.open(folder)
    assert sorted(chosen(opened, 10, 1).tolist()) == [0, 1]
    assert len(chosen(opened, 1, 1)) == 1


def test_folds_are_learned_from_changes_within_people_and_no_others() -> None:
    """Of people whose skin is uneven, smiles fold it at the mouth; frames have noise, and half the people are blank."""
    model = load_openhead()
    names = model.expression_names
    cells = Cells.of(wrinkle_surface(model))
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(24), 6)
    expression = rng.uniform(0, 1, (len(person), len(names))).astype(np.float32)
    smiles = [names.index(f"mouthSmile{side}") for side in ("Left", "Right")]
    true = np.zeros((len(names), len(cells.places)), np.float32)
    true[smiles] = -0.3 * np.exp(-(((cells.points - [0.04, -0.062, 0.058]) / 0.008) ** 2).sum(axis=1))
    true[smiles] += true[smiles][:, cells.mirror]
    own = rng.normal(0, 0.3, (24, len(cells.places)))[person]
    relief = own + expression @ true + rng.normal(0, 0.1, own.shape)
    ones, still = np.ones(own.shape, np.float32), np.zeros((len(person), 3), np.float32)
    frames = Frames(person, expression, still, relief.astype(np.float32), ones, person % 3 == 0)
    found = learn(frames, cells, names)
    inside = cells.may_fold
    for unit in smiles:
        assert np.corrcoef(found[unit][inside], true[unit][inside])[0, 1] > 0.8
    others = np.delete(found, smiles, axis=0)
    assert np.abs(others).max() < 0.3 * np.abs(found[smiles]).max()
    assert not found[:, ~inside].any()
    assert again(found, frames, cells, names)["mouthSmileLeft"] > 0.4


def test_folds_come_on_top_of_the_packaged_mean(tmp_path: Path) -> None:
    image = read_image(packaged("demo.jpg"))
    (face,) = Reconstructor().reconstruct(image, max_faces=1)
    crop = wide_crop(face.crop, SIZE).warp(image)
    folder = write(tmp_path / "frames", np.stack([crop] * 6), "aabbCC")
    main(["folds", str(folder), "-o", str(tmp_path / "skin.npz")])
    space, packed = skin.load(tmp_path / "skin.npz"), skin.load(packaged("openhead_skin.npz"))
    np.testing.assert_array_equal(space.mean, packed.mean)
    assert space.folds is not None
    assert np.abs(space.folds.raised).max(initial=0) < 1e-6, "nothing changed between the frames"
    for people, message in (("aabbC", "no two frames of a person held out"), ("aaCC", "fewer than two people")):
        few = write(tmp_path / people, np.stack([crop] * len(people)), people)
        with pytest.raises(UnveilError, match=message):
            main(["folds", str(few), "-o", str(tmp_path / "other.npz")])


def test_folds_are_kept_as_deep_as_they_are() -> None:
    model = load_openhead()
    cells = Cells.of(wrinkle_surface(model))
    folds = np.zeros((2, len(cells.places)), np.float32)
    folds[0, 5], folds[1, 7] = -0.1, 0.05
    arrays = fold_arrays(folds, cells)
    raised = arrays["folds_raised"] * arrays["folds_step"]
    np.testing.assert_array_equal(arrays["folds_cells"], cells.places[[5, 7]])
    assert raised[1, 1] / raised[0, 0] == pytest.approx(-0.5, abs=0.01)
    assert raised[0, 0] < -1e-4, "deeper than they are found"
