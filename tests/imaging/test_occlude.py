import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.imaging import decode
from unveil.imaging.occlude import Face, Occluder, Pool, composite, fill_polygon, hidden_share
from unveil.imaging.occluders import (
    ArbitraryPixels,
    Cutouts,
    DrawnGlasses,
    DrawnMask,
    MaskTemplates,
    WornGlasses,
    WornMask,
    load_pool,
)
from unveil.imaging.occluders.arbitrary import FILLS, FORMS
from unveil.imaging.occluders.cutouts import Pieces, hand_alpha
from unveil.imaging.occluders.drawn import mask_outline
from unveil.imaging.occluders.hair import Hair
from unveil.imaging.occluders.things import Things

SIZE = 128


def landmarks(yaw: float = 0.0) -> NDArray[np.float64]:
    """A made-up face in iBUG-68 order; ``yaw`` from -1 to 1 moves the nose to the image's left or right."""
    turn = np.linspace(np.pi, 0, 17)
    jaw = np.stack([np.cos(turn), 0.2 + np.sin(turn)], axis=1)
    brows = np.stack([np.linspace(-0.7, 0.7, 10), np.full(10, -0.45)], axis=1)
    ridge = np.stack([np.full(4, 0.6 * yaw), np.linspace(-0.2, 0.25, 4)], axis=1)
    base = np.stack([np.linspace(-0.2, 0.2, 5) + 0.5 * yaw, np.full(5, 0.35)], axis=1)
    circle = np.linspace(np.pi, -np.pi, 6, endpoint=False)
    eye = np.stack([0.18 * np.cos(circle), -0.2 - 0.08 * np.sin(circle)], axis=1)
    shift = np.array([0.4, 0])
    circle = np.linspace(np.pi, -np.pi, 20, endpoint=False)
    mouth = np.stack([0.35 * np.cos(circle), 0.7 - 0.15 * np.sin(circle)], axis=1)
    points = np.concatenate([jaw, brows, ridge, base, eye - shift, eye + shift, mouth])
    return points * 35 + (64, 50)


def photo(seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


def cutout(height: int = 60, width: int = 40) -> NDArray[np.uint8]:
    picture = np.zeros((height, width, 4), np.uint8)
    picture[2:-2, 2:-2] = (200, 10, 90, 255)
    return picture


OCCLUDERS: list[Occluder] = [
    *(ArbitraryPixels(forms=(form,), fills=(fill,)) for form in FORMS for fill in FILLS),
    DrawnMask(),
    DrawnMask(colour=(10, 20, 30)),
    DrawnGlasses(),
    MaskTemplates((cutout(),)),
    Cutouts((cutout(),)),
    Hair(),
    Things(),
    Pieces(),
]


@pytest.mark.parametrize("occluder", OCCLUDERS, ids=lambda occluder: occluder.kind)
def test_only_masked_pixels_change_and_the_generator_decides(occluder: Occluder) -> None:
    image, face = photo(), Face.of(landmarks())
    before = image.copy()
    results = [occluder.apply(image, face, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(image, before)  # the argument is left alone
    np.testing.assert_array_equal(results[0].image, results[1].image)
    np.testing.assert_array_equal(results[0].mask, results[1].mask)
    if occluder != DrawnMask(colour=(10, 20, 30)):
        assert (results[0].image != results[2].image).any()
    for result in results:
        assert result.image.shape == image.shape
        assert result.image.dtype == np.uint8
        assert 0.005 < result.mask.mean() < 0.7
        near = cv2.dilate(result.mask.astype(np.uint8), np.ones((21, 21), np.uint8)) > 0  # and its shadow
        np.testing.assert_array_equal(result.image[~near], image[~near])


def test_masks_cover_mouth_and_nose_but_not_eyes() -> None:
    points = landmarks()
    for occluder in (DrawnMask(), DrawnMask(colour=(0, 0, 0)), MaskTemplates((cutout(),))):
        mask = occluder.apply(photo(), Face.of(points), np.random.default_rng(3)).mask
        x, y = np.rint(points).astype(int).T
        assert mask[y[48:], x[48:]].all()
        assert mask[y[30], x[30]]
        assert not mask[y[36:48] - 4, x[36:48]].any()


def test_glasses_cover_both_eyes() -> None:
    points = landmarks()
    mask = DrawnGlasses().apply(photo(), Face.of(points), np.random.default_rng(3)).mask
    for eye in (slice(36, 42), slice(42, 48)):
        x, y = np.rint(points[eye].mean(axis=0)).astype(int)
        assert mask[y, x]


def test_side_templates_are_taken_for_turned_faces() -> None:
    colours = [(250, 0, 0, 255), (0, 250, 0, 255), (0, 0, 250, 255)]
    front, left, right = (np.full((50, 50, 4), colour, np.uint8) for colour in colours)
    occluder = MaskTemplates((front,), (left,), (right,))
    for yaw, channel in ((0.0, 0), (-1.0, 1), (1.0, 2)):
        result = occluder.apply(photo(), Face.of(landmarks(yaw)), np.random.default_rng(0))
        mean = result.image[result.mask].mean(axis=0)
        assert np.argmax(mean) == channel


def test_shuffled_pixels_are_the_same_pixels() -> None:
    image = photo()
    occluder = ArbitraryPixels(fills=("shuffled",))
    result = occluder.apply(image, Face.of(landmarks()), np.random.default_rng(5))
    before, after = image[result.mask], result.image[result.mask]
    assert (before != after).any()
    np.testing.assert_array_equal(np.sort(before.view("u1,u1,u1"), axis=0), np.sort(after.view("u1,u1,u1"), axis=0))


def test_polygon_covers_its_area() -> None:
    square = np.array([[20.0, 30], [60, 30], [60, 50], [20, 50]])
    assert fill_polygon(square, (SIZE, SIZE)).sum() == pytest.approx(41 * 21, rel=0.04)
    assert mask_outline(landmarks()).shape == (16, 2)


def test_composite_mixes_by_opacity() -> None:
    alpha = np.zeros((SIZE, SIZE), np.float32)
    alpha[10:20, 10:20] = 0.25
    result = composite(np.zeros((SIZE, SIZE, 3), np.uint8), (200, 100, 40), alpha, "test")
    assert result.image[15, 15].tolist() == [50, 25, 10]
    assert not result.mask.any()


def test_pool_draws_by_odds() -> None:
    pool = Pool((DrawnMask(colour=(1, 1, 1)), DrawnMask(colour=(250, 250, 250))), (1.0, 3.0), second=0.0)
    face, rng = Face.of(landmarks()), np.random.default_rng(0)
    bright = sum(pool.apply(photo(), face, rng).image[80, 64, 0] == 250 for _ in range(400))
    assert 260 < bright < 340
    with pytest.raises(ValueError, match="odds"):
        Pool((DrawnMask(),), (1.0, 2.0))


def hand_photo() -> NDArray[np.uint8]:
    """A dark disc and an arm on a wall that is lit from one side."""
    x = np.mgrid[:100, :100][1]
    wall = np.stack([180 + x // 4, 180 + x // 4, 175 + x // 4], axis=-1).astype(np.uint8)
    cv2.circle(wall, (50, 50), 20, (150, 100, 80), -1)
    cv2.rectangle(wall, (42, 60), (58, 99), (150, 100, 80), -1)
    return wall


def test_hand_is_cut_from_its_wall() -> None:
    alpha = hand_alpha(hand_photo()) > 127
    assert alpha[50, 50]
    assert alpha[90, 50]
    assert not alpha[20, 20]
    assert alpha.mean() == pytest.approx(0.18, abs=0.04)


def test_pool_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for name in ("cloth", "cloth_left", "cloth_right"):
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), cutout())
    cv2.imwrite(str(tmp_path / "leaf.png"), cutout())
    cv2.imwrite(str(tmp_path / "hand.jpg"), hand_photo()[..., ::-1])
    with tarfile.open(tmp_path / "hands.tar", "w") as tar:
        tar.add(tmp_path / "hand.jpg", "0.jpg")
    pool = load_pool(tmp_path)
    kinds = [type(occluder) for occluder in pool.occluders]
    assert kinds == [ArbitraryPixels, WornMask, WornGlasses, Hair, Things, Pieces, MaskTemplates, Cutouts, Cutouts]
    templates = pool.occluders[6]
    assert isinstance(templates, MaskTemplates)
    assert [len(v) for v in (templates.front, templates.left, templates.right)] == [1, 1, 1]


def test_bad_folders_are_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="no folder"):
        load_pool(tmp_path / "absent")
    with pytest.raises(UnveilError, match="no occluder"):
        load_pool(tmp_path)
    (tmp_path / "leaf.png").write_bytes(b"no picture")
    with pytest.raises(UnveilError, match=r"leaf\.png"):
        load_pool(tmp_path)


def test_a_huge_picture_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(tmp_path / "leaf.png"), cutout())
    monkeypatch.setattr(decode, "MAX_PIXELS", 10)
    with pytest.raises(UnveilError, match=r"leaf\.png has more than .* pixels"):
        load_pool(tmp_path)


@pytest.mark.parametrize("occluder", OCCLUDERS, ids=lambda occluder: occluder.kind)
@pytest.mark.parametrize("severity", [0.1, 0.3])
def test_the_wanted_share_is_hidden(occluder: Occluder, severity: float) -> None:
    face = Face.of(landmarks())
    for seed in range(3):
        result = occluder.apply(photo(), face, np.random.default_rng(seed), severity)
        assert hidden_share(result.mask, face) == pytest.approx(severity, abs=0.05)
        assert result.kind == occluder.kind
