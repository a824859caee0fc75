import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up_face import cutout, landmarks, photo

from unveil.errors import UnveilError
from unveil.occluders import MaskTemplates, load_pool
from unveil.occluders.base import Face
from unveil.occluders.cutouts import Cutouts, hand_alpha, with_arm
from unveil.occluders.pool import measuring_pool
from unveil.photos import decode
from unveil.typing import Image

ALWAYS = ["pixels", "mask", "glasses", "hair", "object", "drawn-hand", "piece", "hat"]


def hand_photo() -> Image:
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


def test_a_gap_between_fingers_is_no_hand() -> None:
    photograph = hand_photo()
    cv2.rectangle(photograph, (47, 44), (53, 56), (236, 236, 232), -1)
    alpha = hand_alpha(photograph) > 127
    assert not alpha[50, 50]
    assert alpha[50, 38]


def test_pool_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for name in ("cloth", "cloth_left", "cloth_right"):
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), cutout())
    cv2.imwrite(str(tmp_path / "leaf.png"), cutout())
    cv2.imwrite(str(tmp_path / "hand.jpg"), hand_photo()[..., ::-1])
    with tarfile.open(tmp_path / "hands.tar", "w") as tar:
        tar.add(tmp_path / "hand.jpg", "0.jpg")
    pool = load_pool(tmp_path)
    assert [occluder.kind for occluder in pool.occluders] == [*ALWAYS, "mask-picture", "hand", "picture"]
    templates = pool.occluders[len(ALWAYS)]
    assert isinstance(templates, MaskTemplates)
    assert [len(v) for v in (templates.front, templates.left, templates.right)] == [1, 1, 1]


def test_every_fifth_hand_is_kept_from_training(tmp_path: Path) -> None:
    (tmp_path / "hands").mkdir()
    for k in range(11):
        picture = hand_photo()
        picture[picture[..., 0] == 150] = (150, 100, 60 + 10 * k)
        cv2.imwrite(str(tmp_path / "hands" / f"{k:02d}.png"), picture[..., ::-1])
    blues = []
    for kept in (False, True):
        (hands,) = load_pool(tmp_path, kinds=("hand",), kept_hands=kept).occluders
        assert isinstance(hands, Cutouts)
        blues.append([round(int(hand[20, hand.shape[1] // 2, 2]) - 60, -1) // 10 for hand in hands.pictures])
    assert blues == [[0, 1, 2, 3, 5, 6, 7, 8, 10], [4, 9]]


def test_an_arm_goes_on_where_the_picture_of_a_hand_ends() -> None:
    hand = np.zeros((40, 30, 4), np.uint8)
    hand[:, 10:20] = (200, 150, 120, 255)
    whole = with_arm(hand, 0.5)
    assert whole.shape == (80, 30, 4)
    np.testing.assert_array_equal(whole[:40], hand)
    np.testing.assert_array_equal(whole[40:, :, 3], hand[:, :, 3])
    assert (np.diff(whole[40:, 15, 0].astype(int)) <= 0).all()
    assert 120 < whole[-1, 15, 0] < 190


def test_kinds_are_chosen() -> None:
    assert [o.kind for o in load_pool(kinds=("hair", "mask")).occluders] == ["mask", "hair"]
    assert [o.kind for o in load_pool().occluders] == ALWAYS
    for kinds in (("veil",), ("hand",), ()):
        with pytest.raises(UnveilError, match="choose from pixels, mask"):
            load_pool(kinds=kinds)


def test_faces_are_measured_with_what_can_hide_much_of_them() -> None:
    assert [o.kind for o in measuring_pool().occluders] == ALWAYS[:-1]
    assert measuring_pool().odds == load_pool().odds[:-1]


def test_pieces_are_cut_out_of_the_folders_pictures(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "meadow.png"), np.full((50, 70, 3), (20, 200, 20), np.uint8))
    pool = load_pool(tmp_path, kinds=("piece",))
    result = pool.apply(photo(), Face.of(landmarks()), np.random.default_rng(0), 0.3)
    assert (result.image[result.mask][:, 1] > 150).mean() > 0.9
    mine = load_pool(tmp_path, kinds=("piece",), draw=lambda rng: np.full((50, 50, 3), 7, np.uint8))
    result = mine.apply(photo(), Face.of(landmarks()), np.random.default_rng(0), 0.3)
    assert (result.image[result.mask] < 20).mean() > 0.8


def test_bad_folders_are_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="no folder"):
        load_pool(tmp_path / "absent")
    with pytest.raises(UnveilError, match="no occluder"):
        load_pool(tmp_path)
    (tmp_path / "leaf.png").write_bytes(b"no picture")
    with pytest.raises(UnveilError, match=r"leaf\.png"):
        load_pool(tmp_path)


def test_a_damaged_archive_of_hands_is_named(tmp_path: Path) -> None:
    (tmp_path / "hands.tar").write_bytes(b"x" * 2000)
    with pytest.raises(UnveilError, match=r"hands\.tar is no folder or tar"):
        load_pool(tmp_path)


def test_a_huge_picture_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(tmp_path / "leaf.png"), cutout())
    monkeypatch.setattr(decode, "MAX_PIXELS", 10)
    with pytest.raises(UnveilError, match=r"leaf\.png has more than .* pixels"):
        load_pool(tmp_path)
