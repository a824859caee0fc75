"""Labels of pixels: on pictures of which they are known, in folders, and in what training sees."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import rerendered

from unveil.errors import UnveilError
from unveil.geometry.rasterize import rasterize
from unveil.heads.face_points import face_points
from unveil.models.classes import BACKGROUND, BROWS, CLOTH, EYES, HAIR, LIPS, OCCLUDER, SKIN, UNKNOWN
from unveil.occluders.base import Face, Occlusion, Pool
from unveil.training.classes.folder import label_sample, write_class_maps
from unveil.training.classes.head_parts import HeadParts
from unveil.training.classes.label import label, photograph
from unveil.training.classes.maps import NOTE, ClassMaps, maps_name
from unveil.training.config import TrainConfig
from unveil.training.data import TrainingData
from unveil.training.sampler import Sampler
from unveil.typing import Image, UInt8s

SIZE = 160
COLOURS = {
    BACKGROUND: (60, 90, 170),
    SKIN: (225, 170, 140),
    HAIR: (60, 40, 25),
    BROWS: (80, 60, 50),
    EYES: (240, 240, 240),
    LIPS: (180, 70, 80),
    CLOTH: (40, 140, 60),
}


@lru_cache(maxsize=1)
def parts() -> HeadParts:
    return HeadParts.of(rerendered.surface())


def person(*, bald: bool = False, yaw: float = 0.0) -> tuple[Image, UInt8s]:
    """A picture of plain colours with a little noise, and its classes [W, W]; the neck ends in cloth."""
    pixels = rerendered.placed(yaw=yaw, size=SIZE).pixels
    shown = parts().shown(rasterize(pixels, rerendered.surface().faces, SIZE, SIZE))
    rows = np.arange(SIZE)[:, None]
    chin = np.flatnonzero(shown.head.any(axis=1))[-1]
    classes = np.full((SIZE, SIZE), BACKGROUND, np.uint8)
    classes[np.broadcast_to(rows > chin + 8, classes.shape)] = CLOTH
    for where, kind in (
        (shown.neck | shown.head, SKIN),
        (shown.scalp, SKIN if bald else HAIR),
        (shown.lips | shown.mouth, LIPS),
        (shown.eyes, EYES),
        (shown.brows, BROWS),
    ):
        classes[where] = kind
    picture = np.zeros((SIZE, SIZE, 3))
    for kind, colour in COLOURS.items():
        picture[classes == kind] = colour
    picture += np.random.default_rng(0).normal(0, 4, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8), classes


def labelled(picture: Image, yaw: float = 0.0) -> UInt8s:
    placed = rerendered.placed(yaw=yaw, size=SIZE)
    scale = float(rerendered.model().placement.scale(placed.coefficients)) / 2 * SIZE / 1.25
    return label(picture, placed.pixels, parts(), scale)


@pytest.mark.parametrize("yaw", [0.0, 0.6])
def test_plain_pictures_are_labelled_right(yaw: float) -> None:
    picture, truth = person(yaw=yaw)
    told = labelled(picture, yaw)
    assert (told == UNKNOWN).mean() < 0.05
    for kind in COLOURS:
        where = truth == kind
        assert (told[where] == kind).mean() > 0.8, kind
        assert (truth[told == kind] == kind).mean() > 0.8, kind


def test_bald_heads_have_no_hair() -> None:
    picture, _ = person(bald=True)
    assert (labelled(picture) == HAIR).mean() < 0.01


def test_what_is_in_front_of_the_face_is_unknown() -> None:
    picture, _ = person()
    marks = np.asarray(rerendered.model().landmarks68(rerendered.placed(size=SIZE).pixels))
    top, bottom = int(marks[36:48, 1].max()) + 4, int(marks[33, 1]) - 2
    picture[top:bottom, 82:105] = (30, 200, 220)  # across one cheek
    told = labelled(picture)
    assert (told[top + 2 : bottom - 2, 85:102] == UNKNOWN).mean() > 0.8


def test_beyond_the_photograph_is_background() -> None:
    picture, _ = person()
    picture[:, :30] = 0
    picture[140:] = 0
    assert not photograph(picture)[:, :30].any()
    told = labelled(picture)
    assert (told[:, :30] == BACKGROUND).all()
    assert (told[140:] == BACKGROUND).all()


def test_points_that_are_known_move_the_mesh_around_them() -> None:
    pixels = rerendered.placed(size=SIZE).pixels
    points = face_points(rerendered.model()).vertices
    moved = parts().moved(pixels, pixels[points, :2] + (3, -2))
    np.testing.assert_allclose(moved[points, :2], pixels[points, :2] + (3, -2), atol=1e-3)
    behind = np.argmin(rerendered.model().head.template[:, 2])
    assert np.linalg.norm(moved[behind] - pixels[behind]) < 1.5
    np.testing.assert_array_equal(moved[:, 2], pixels[:, 2])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return rerendered.write(tmp_path_factory.mktemp("photographs") / "prepared")


@pytest.fixture(scope="module")
def maps(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    assert sum(write_class_maps(data, folder)) == 6
    return folder


def test_a_folder_holds_the_maps_of_its_crops(data: TrainingData, maps: Path) -> None:
    opened = ClassMaps.open(maps, data.folder)
    for index in range(6):
        expected = label_sample(data, parts(), index)
        np.testing.assert_array_equal(opened.of(int(data.rows[index])), expected)
    assert sum(write_class_maps(data, maps)) == 6  # again; nothing is left to do
    with pytest.raises(UnveilError, match="other crops or labels"):
        next(write_class_maps(replace(data, teacher="somebody else"), maps))


def test_maps_that_do_not_belong_are_named(data: TrainingData, maps: Path, tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="does not exist"):
        ClassMaps.open(tmp_path, data.folder)
    (tmp_path / NOTE).write_text((maps / NOTE).read_text())
    with pytest.raises(UnveilError, match=r"classes-00000\.npy"):
        ClassMaps.open(tmp_path, data.folder)
    np.save(tmp_path / maps_name(0), np.zeros((6, 4, 4), np.uint8))
    with pytest.raises(UnveilError, match="does not hold"):
        ClassMaps.open(tmp_path, data.folder)
    (tmp_path / NOTE).write_text("{}")
    with pytest.raises(UnveilError, match="of other crops"):
        ClassMaps.open(tmp_path, data.folder)
    (tmp_path / NOTE).write_text("[1]")
    with pytest.raises(UnveilError, match=r"classes\.json"):
        ClassMaps.open(tmp_path, data.folder)


class Left:
    """Something in front of the left half."""

    kind = "left"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        mask = np.zeros(image.shape[:2], bool)
        mask[:, : image.shape[1] // 2] = True
        return Occlusion(image, mask, self.kind)


def test_training_sees_the_maps_with_the_occluder_in_them(data: TrainingData, maps: Path) -> None:
    config = TrainConfig(input_size=64, class_weight=1.0, classes=str(maps))
    sampler = Sampler(data, config, Pool((Left(),), (1.0,)))
    clear, hidden = (sampler.validation_batch(np.arange(6), occluded=occluded) for occluded in (False, True))
    assert clear.classes.shape == (6, 56, 56)
    assert not (clear.classes == OCCLUDER).any()
    np.testing.assert_array_equal(hidden.classes[:, :, :28], OCCLUDER)
    np.testing.assert_array_equal(hidden.classes[:, :, 28:], clear.classes[:, :, 28:])
    wide = label_sample(data, parts(), 0)
    side = len(wide)
    inner = wide[side // 10 : side - side // 10, side // 10 : side - side // 10]  # the canonical crop
    rows = np.clip(np.round((np.arange(56) + 0.5) / 56 * len(inner) - 0.5), 0, None).astype(int)
    assert (clear.classes[0] == inner[rows][:, rows]).mean() > 0.95


def test_maps_are_mirrored_and_moved_like_their_pictures(data: TrainingData, maps: Path) -> None:
    config = TrainConfig(input_size=64, class_weight=1.0, classes=str(maps))
    sampler = Sampler(data, config, Pool((Left(),), (1.0,)))
    still = np.eye(2, 3)
    straight, mirrored = (sampler.crops.warp(5, still, flip=flip)[1] for flip in (False, True))
    assert (straight != mirrored).mean() > 0.15
    assert (straight[:, ::-1] != mirrored).mean() < 0.12  # the middle of a cell is not always in the same pixel
    shifted = sampler.crops.warp(5, still + np.array([[0, 0, 8], [0, 0, 0]]), flip=False)[1]
    np.testing.assert_array_equal(shifted[:, 7:], straight[:, :-7])


def test_without_a_weight_there_are_no_maps(data: TrainingData) -> None:
    batch = Sampler(data, TrainConfig(input_size=64), Pool((Left(),), (1.0,))).validation_batch(
        np.arange(2), occluded=True
    )
    assert batch.classes.shape == (2, 0, 0)
