"""Views around heads, what they are changed to, and the network that learns from them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from worn_hat import without_and_with_hat

from tools.surroundings import changed, labels
from tools.surroundings.__main__ import main
from tools.surroundings.changed import View, finer
from tools.surroundings.labels import UNKNOWN, Worn, worn_in
from tools.surroundings.measure import CHANGES, alone, table, table_of_heads
from tools.surroundings.views import CHIN, Views, chosen
from unveil import Reconstructor, read_image
from unveil.appearance.hair.surroundings import Around
from unveil.appearance.hair.view import FARTHEST
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.faces.hair import sighted
from unveil.heads.surroundings import (
    BACKGROUND,
    CHANNELS,
    HAIR,
    OCCLUDER,
    SEGMENTS,
    SIZE,
    SKIN,
    SURROUNDINGS,
    SegmentationNetwork,
    SurroundingsNetworks,
)
from unveil.models.openhead.family import packaged_head
from unveil.models.openhead.networks import PackagedSurroundings
from unveil.photos.cielab import to_cielab
from unveil.training.crops.prepared import PreparedFolder, Samples, finish, wide_crop, write_shard
from unveil.training.crops.sources import find_photos
from unveil.typing import Bools, Float64s

CROP = 192
NETWORKS = packaged_head().surroundings
assert NETWORKS is not None
SEGMENTATION = NETWORKS.segmentation


def untouched(share: Any) -> Bools:
    """Where pictures [F, F] are not changed that are changed by a share [S, S]."""
    return np.asarray(finer(cv2.dilate(np.asarray(share, np.float32), np.ones((3, 3))) == 0))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Photographs and a prepared folder of them: one face twice, the second time of somebody held out."""
    path = tmp_path_factory.mktemp("around")
    photographs, prepared = path / "photographs", path / "prepared"
    photographs.mkdir()
    prepared.mkdir()
    image = read_image(packaged("demo.jpg"))
    for name in ("a.jpg", "b.jpg"):
        (photographs / name).write_bytes(packaged("demo.jpg").read_bytes())
    (face,) = Reconstructor().reconstruct(image, max_faces=1)
    crops = np.stack(2 * [wide_crop(face.crop, CROP).warp(image)])
    write_shard(prepared, 0, crops)
    rows, matrices = np.arange(2, dtype=np.int32), np.tile(np.eye(2, 3), (2, 1, 1))
    names, split = np.array(["photographs/a.jpg", "photographs/b.jpg"]), np.array([0, 2], np.int8)
    finish(prepared, Samples(names, np.array(["", ""]), split, np.zeros_like(rows), rows, matrices), [2], CROP)
    return photographs, prepared


@pytest.fixture(scope="module")
def views(sources: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Views:
    path = tmp_path_factory.mktemp("views") / "views.npz"
    main(["gather", *map(str, sources), "-o", str(path)])
    return Views.read(path)


def test_people_held_out_are_left_out_and_few_photographs_of_a_person_are_taken(sources: tuple[Path, Path]) -> None:
    photos, folder = find_photos(sources[0]), PreparedFolder.open(sources[1])
    assert [photo.name for photo in chosen(photos, folder, 0)] == ["photographs/a.jpg"]
    held_out = chosen(photos, folder, 0, held_out=True)
    assert [photo.name for photo in held_out] == ["photographs/b.jpg"]


def test_a_view_says_what_is_clear(views: Views) -> None:
    assert len(views) == 1
    shown, places = views.classes[0], views.places[0]
    shares = [float((shown == kind).mean()) for kind in range(len(SURROUNDINGS))]
    assert shares[SKIN] > 0.08
    assert shares[HAIR] > 0.02
    assert shares[BACKGROUND] > 0.1
    assert 0.02 < (shown == UNKNOWN).mean() < 0.5
    assert not ((shown == BACKGROUND) & (places[0] > 127)).any(), "no wall where the head is"
    bald = views.bald[0].astype(np.float32)
    assert (bald[finer(cv2.dilate(places[0], np.ones((3, 3))) < 128)] == 0).all()
    hair, picture = finer((shown == HAIR) & (places[0] > 127)), views.picture[0]
    of_skin = np.median(to_cielab(picture[finer(shown == SKIN)]), axis=0)
    off = [np.linalg.norm(np.median(to_cielab(one[hair]), axis=0) - of_skin) for one in (bald, picture)]
    assert off[0] < 0.6 * off[1], "a bald head has skin where hair was"
    assert (views.cover > 127).any()


def test_a_hat_that_somebody_saw_is_one_where_a_network_rather_takes_it_for_hair() -> None:
    _, (image, face), hat = without_and_with_hat()
    head = sighted(image, face)
    assert head is not None
    around = Around.of(head, packaged_head(), SEGMENTATION)
    there = around.crop.warp(hat)[..., 0] > 127
    rather_hair = _says({"hair": 0.8 * there, "others": 0.2 * there, "face": 1.0 - there})
    shown = labels.labels(around, rather_hair, Worn.HAT)
    below = (around.depth < FARTHEST) & (around.above_line < labels.BRIM_FROM) & (around.channels[6] > CHIN)
    assert (shown[there] == OCCLUDER).mean() > 0.75
    assert (shown[below & ~there] == SKIN).mean() > 0.9
    assert (shown[around.known < 0.5] == UNKNOWN).all()
    assert (labels.labels(around, rather_hair, Worn.NOTHING)[there] == HAIR).mean() > 0.9
    worn = _says({"others": 1.0 * there, "face": 1.0 - there})
    assert (labels.labels(around, worn, Worn.UNCLEAR)[there] == OCCLUDER).mean() > 0.75
    ours = labels.labels(around, worn, Worn.NOTHING)[there & (around.channels[8] < 0.5)]
    assert (ours == UNKNOWN).all(), "somebody saw that there is no hat"


def test_the_crown_of_a_bald_head_has_no_hair() -> None:
    (image, face), *_ = without_and_with_hat()
    head = sighted(image, face)
    assert head is not None
    around = Around.of(head, packaged_head(), SEGMENTATION)
    all_hair = _says({"hair": np.ones((SIZE, SIZE))})
    crown = (around.depth < FARTHEST) & (around.above_line > labels.CROWN) & (around.known > 0.5)
    assert (labels.labels(around, all_hair, Worn.NOTHING)[crown] == HAIR).mean() > 0.9
    assert not (labels.labels(around, all_hair, Worn.BALD)[crown] == HAIR).any()


def _says(classes: dict[str, Float64s]) -> SegmentationNetwork:
    """A network that gives classes some probabilities [S, S] in any picture."""
    said = np.zeros((len(SEGMENTS), labels.LOOKED_AT_SIZE, labels.LOOKED_AT_SIZE), np.float32)
    for name, where in classes.items():
        said[SEGMENTS.index(name)] = cv2.resize(where.astype(np.float32), said.shape[1:])
    return lambda _: said


def test_what_somebody_saw_is_written_once_for_each_photograph() -> None:
    names = [line.split(",")[0] for line in labels.LOOKED_AT.read_text(encoding="ascii").splitlines()]
    assert len(set(names)) == len(names)
    assert {worn_in(name) for name in names} == set(Worn)
    assert worn_in("utkface-adult-00/not listed.jpg") is Worn.NOTHING
    assert worn_in("ytfaces-landmarks68/not listed.jpg") is Worn.UNCLEAR


def test_hats_and_bald_heads_are_all_taken(sources: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    photos, folder = find_photos(sources[0]), PreparedFolder.open(sources[1])
    monkeypatch.setattr("tools.surroundings.views.OF_SOURCE", 0)
    assert not chosen(photos, folder, 0)
    monkeypatch.setattr("tools.surroundings.views.worn_in", lambda _: Worn.HAT)
    assert len(chosen(photos, folder, 0)) == 1


def test_a_hat_gets_another_colour_alone(views: Views) -> None:
    view = changed.covered(View.of(views, 0), views, 0, np.random.default_rng(0))
    found = changed.with_another_hat(view, np.random.default_rng(1))
    hat, other = finer(view.share(OCCLUDER) > 0.99), untouched(view.share(OCCLUDER))
    assert np.linalg.norm((to_cielab(found.picture) - to_cielab(view.picture))[hat].mean(axis=0)) > 5
    np.testing.assert_array_equal(found.picture[other], view.picture[other])


def test_what_is_laid_on_is_an_occluder_and_hides_what_was_there(views: Views) -> None:
    view = View.of(views, 0)
    found = changed.covered(view, views, 0, np.random.default_rng(0))
    cover = views.cover[0] > 0.8 * 255
    assert (found.classes[cover] == OCCLUDER).all()
    other = untouched(views.cover[0])
    np.testing.assert_array_equal(found.picture[other], view.picture[other])
    assert (found.occluder >= view.occluder).all()


@pytest.mark.parametrize("seed", range(6))
def test_without_hair_its_place_is_skin_or_wall(views: Views, seed: int) -> None:
    view = View.of(views, 0)
    found = changed.bald(view, views.bald[0], np.random.default_rng(seed))
    moved = (view.classes == HAIR) & (found.classes != HAIR) & (found.classes != UNKNOWN)
    assert moved.sum() > 50
    assert (found.classes[moved & view.on_head] == SKIN).all()
    assert (found.classes[moved & ~view.on_head] == BACKGROUND).all()
    near_hair = cv2.dilate((view.classes == HAIR).astype(np.uint8), np.ones((7, 7)))
    same = untouched(near_hair) & finer(view.classes == SKIN)
    np.testing.assert_array_equal(found.picture[same], view.picture[same])


@pytest.mark.parametrize("seed", range(6))
def test_another_wall_changes_the_wall_alone(views: Views, seed: int) -> None:
    view = View.of(views, 0)
    found = changed.before_another_wall(view, view, np.random.default_rng(seed))
    before = view.known > 0.5
    np.testing.assert_array_equal(found.classes[before], view.classes[before])
    assert (found.known[before] > 0.5).all()
    assert (found.classes[found.known < 0.5] == UNKNOWN).all()
    inside = finer(view.on_head) & untouched(view.share(BACKGROUND))
    np.testing.assert_array_equal(found.picture[inside], view.picture[inside])
    wall = finer(view.share(BACKGROUND) > 0.9)
    assert np.abs(found.picture - view.picture)[wall].mean() > 1


def test_hair_of_another_colour_keeps_its_strands(views: Views) -> None:
    view = View.of(views, 0)
    hair, other = finer(view.share(HAIR) > 0.99), untouched(view.share(HAIR))
    found = [changed.recoloured(view, np.random.default_rng(seed)) for seed in range(8)]
    light = np.array([to_cielab(one.picture)[hair][:, 0] for one in found])
    assert np.ptp(light.mean(axis=1)) > 25
    here = to_cielab(view.picture)[hair][:, 0]
    assert np.median([np.corrcoef(one, here)[0, 1] for one in light]) > 0.8
    for one in found:
        np.testing.assert_array_equal(one.picture[other], view.picture[other])


def test_all_changes_together_give_what_the_network_takes(views: Views) -> None:
    for seed in range(30):
        view = changed.changed(views, 0, np.random.default_rng(seed))
        channels = view.channels(SEGMENTATION)
        assert channels.shape == (CHANNELS, SIZE, SIZE)
        assert np.isfinite(channels).all()
        assert np.abs(channels[:3]).max() <= 0.5
        assert channels[3:].min() >= 0
        assert channels[3:].max() <= 1
        assert (view.classes[view.known < 0.5] == UNKNOWN).all()
        assert (channels[:3][:, view.known == 0] == 0).all()
        assert np.isin(view.classes, [*range(len(SURROUNDINGS)), UNKNOWN]).all()


def test_what_networks_say_is_measured_with_every_change(views: Views) -> None:
    hairy = np.stack([np.full((SIZE, SIZE), kind == HAIR, np.float32) for kind in range(len(SURROUNDINGS))])
    lines = list(table(views, SurroundingsNetworks(SEGMENTATION, lambda _: hairy), 0))
    assert len(lines) == 2 + 5
    plain, *_, hat = lines[2:]
    hair = float((views.classes == HAIR).sum() / (views.classes != UNKNOWN).sum())
    assert f"| {hair:.2f} |" in plain, "of all that is known, so much is hair"
    assert plain.count("0.00") == 3, "and nothing else is right; no occluder is there"
    assert hat.count("0.00") == 4


def test_how_hats_and_hair_are_told_is_measured(views: Views) -> None:
    hairy = np.stack([np.full((SIZE, SIZE), kind == HAIR, np.float32) for kind in range(len(SURROUNDINGS))])
    on_head = views.places[:, 0] > 127

    def told(worn: int) -> str:
        shown = replace(
            views, classes=np.where(on_head & (views.classes == HAIR), worn, views.classes).astype(np.uint8)
        )
        *_, whole = table_of_heads(shown, SurroundingsNetworks(SEGMENTATION, lambda _: hairy))
        return whole

    assert "| 0 of 1 | 0 of 0 |  |" in told(HAIR)
    assert "| 0 of 0 | 0 of 1 |  |" in told(OCCLUDER), "the hat is taken for hair"
    assert "| 0 of 0 | 0 of 0 | 100 % of 1 |" in told(SKIN), "and so is the scalp"


@pytest.fixture(scope="module")
def known(views: Views) -> Views:
    """With what MediaPipe's multiclass segmentation says of the packaged photograph; the palette is `SURROUNDINGS`."""
    image = read_image(packaged("demo.jpg"))
    drawn = np.asarray(PIL.Image.open(Path(__file__).with_name("demo_classes.png")).resize(image.shape[1::-1]))
    (face,) = Reconstructor().reconstruct(image, max_faces=1)
    head = sighted(image, face)
    assert head is not None
    crop = Around.of(head, packaged_head(), SEGMENTATION).crop
    there = [crop.warp(np.repeat(255 * (drawn == kind)[..., None], 3, axis=2).astype(np.uint8)) for kind in range(5)]
    shares = np.stack(there)[..., 0]
    shown = np.where(shares.max(axis=0) > 230, shares.argmax(axis=0), UNKNOWN).astype(np.uint8)
    return replace(views, classes=shown[None])


def test_the_larger_network_alone_tells_most_of_a_photograph(known: Views) -> None:
    channels = View.of(known, 0).channels(SEGMENTATION)
    found, clear = alone(NETWORKS).surroundings(channels).argmax(axis=0), known.classes[0] != UNKNOWN
    assert (found == known.classes[0])[clear].mean() > 0.9


@pytest.mark.parametrize("name", CHANGES)
def test_the_packaged_network_knows_what_is_around_a_head(known: Views, name: str) -> None:
    views, right = known, []
    for seed in range(8):
        view = CHANGES[name](View.of(views, 0), views, 0, np.random.default_rng(seed))
        known = view.classes != UNKNOWN
        found = NETWORKS.surroundings(view.channels(SEGMENTATION))
        right.append((found.argmax(axis=0) == view.classes)[known].mean())
    assert np.median(right) > 0.88, right


def test_training_goes_on_where_it_was_stopped_and_its_network_can_be_asked(
    views: Views, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = pytest.importorskip("tools.surroundings.train", reason="training needs torch")
    from tools import small_networks

    monkeypatch.setattr(small_networks, "KEPT_EVERY", 1)

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train([views], SEGMENTATION, tmp_path / "stopped.pt", 2, 0, stop)
    again = training.train([views], SEGMENTATION, tmp_path / "stopped.pt", 2, 0)
    at_once = training.train([views], SEGMENTATION, tmp_path / "at once.pt", 2, 0)
    for ours, theirs in zip(again.state_dict().values(), at_once.state_dict().values(), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    training.export(again, tmp_path / "surroundings.onnx", {})
    found = PackagedSurroundings(tmp_path / "surroundings.onnx")(View.of(views, 0).channels(SEGMENTATION))
    assert found.shape == (len(SURROUNDINGS), SIZE, SIZE)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-4)


def test_training_goes_on_from_a_file_and_ends_between_both(tmp_path: Path, views: Views) -> None:
    torch = pytest.importorskip("torch", reason="training needs torch")
    from tools.surroundings import train as training
    from tools.surroundings.further import mean_of, normalised, of_file

    path = packaged("openhead_surroundings.onnx")
    channels = View.of(views, 0).channels(SEGMENTATION)
    pictures = torch.from_numpy(np.stack([channels, channels[..., ::-1]]))

    def says(network: Any) -> Float64s:
        with torch.no_grad():
            return np.asarray(network.eval()(pictures).softmax(dim=1), np.float64)

    packaged_says = says(of_file(path))
    np.testing.assert_allclose(packaged_says[0], PackagedSurroundings(path)(channels), atol=1e-3)
    further = normalised(of_file(path), [pictures])
    assert further.training
    np.testing.assert_allclose(says(further), packaged_says, atol=1e-3)
    with torch.no_grad():
        further.last.bias[:4] += 3  # of skin, in each quarter of pixels
    skin = [says(network)[:, SKIN].mean() for network in (of_file(path), mean_of(of_file(path), further, 0.5), further)]
    assert skin[0] < skin[1] < skin[2]
    learned = training.train([views], SEGMENTATION, tmp_path / "kept.pt", 1, 0, lambda _: None, learned=path)
    assert np.abs(says(learned) - packaged_says).max() > 0
    with pytest.raises(UnveilError, match="another network"):
        of_file(packaged("blazeface.onnx"))


def test_a_folder_without_heads_is_refused(tmp_path: Path, sources: tuple[Path, Path]) -> None:
    blank = tmp_path / "photographs"
    blank.mkdir()
    cv2.imwrite(str(blank / "a.jpg"), np.full((100, 100, 3), 90, np.uint8))
    with pytest.raises(UnveilError, match="no photograph shows a head"):
        main(["gather", str(blank), str(sources[1]), "-o", str(tmp_path / "views.npz")])
