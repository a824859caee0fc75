"""The prepared folder: what is written is read back, and a damaged one is one clear line."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from unveil.errors import UnveilError
from unveil.photos.crop import Crop
from unveil.training.crops.prepared import PreparedFolder, Samples, canonical_crop, finish, wide_crop, write_shard

W = 40


def write_folder(folder: Path, seed: int = 0) -> Samples:
    """Two shards of 3 and 2 crops; the second crop of the first was dropped."""
    rng = np.random.default_rng(seed)
    for number, count in enumerate((3, 2)):
        write_shard(folder, number, rng.integers(0, 256, (count, W, W, 3), dtype=np.uint8))
    samples = Samples(
        names=np.array(["a/1.jpg", "ä 2.jpg", "3", "4"]),
        person=np.array(["x", "", "y", "x"]),
        split=np.array([0, 1, 2, 0], np.int8),
        shard=np.array([0, 0, 1, 1], np.int32),
        row=np.array([0, 2, 0, 1], np.int32),
        matrix=rng.normal(0, 1, (4, 2, 3)),
    )
    finish(folder, samples, [3, 2], W, {"dropped": {"duplicate": 1}, "settings": {"limit": None}})
    return samples


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    samples = write_folder(tmp_path)
    folder = PreparedFolder.open(tmp_path)
    assert len(folder) == 4
    assert (folder.widening, folder.crop_size) == (1.25, W)
    for name, values in vars(samples).items():
        np.testing.assert_array_equal(getattr(folder, name), values)
    np.testing.assert_array_equal(folder.crop(1), np.load(tmp_path / "crops-00000.npy")[2])
    np.testing.assert_array_equal(folder.crop(3), np.load(tmp_path / "crops-00001.npy")[1])
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["splits"] == {"train": 2, "validation": 1, "test": 1}
    assert manifest["dropped"] == {"duplicate": 1}


def test_the_fingerprint_follows_names_and_framings(tmp_path: Path) -> None:
    write_folder(tmp_path / "a")
    write_folder(tmp_path / "b")
    write_folder(tmp_path / "c", seed=1)
    a, b, c = (PreparedFolder.open(tmp_path / name).fingerprint for name in "abc")
    assert a == b
    assert a != c


def test_another_process_opens_the_folder_for_itself(tmp_path: Path) -> None:
    write_folder(tmp_path)
    folder = PreparedFolder.open(tmp_path)
    sent = pickle.dumps(folder)
    assert len(sent) < 1000
    np.testing.assert_array_equal(pickle.loads(sent).crop(2), folder.crop(2))  # noqa: S301  # our own bytes


def test_the_middle_of_a_wide_crop_is_the_canonical_crop(tmp_path: Path) -> None:
    canonical = Crop.from_square((61.3, 47.8), 50.0, 32)
    wide = wide_crop(canonical, 200)
    points = np.random.default_rng(0).uniform(0, 100, (20, 2))
    np.testing.assert_allclose(canonical_crop(200, 32).to_crop(wide.to_crop(points)), canonical.to_crop(points))

    noise = np.random.default_rng(1).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    photo = np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.uint8)
    write_shard(tmp_path, 0, wide.warp(photo)[None])
    zero = np.zeros(1, np.int32)
    samples = Samples(np.array(["x"]), np.array([""]), zero.astype(np.int8), zero, zero, wide.matrix[None])
    finish(tmp_path, samples, [1], 200)
    seen = PreparedFolder.open(tmp_path).canonical(0, 32)
    np.testing.assert_allclose(seen.astype(int), canonical.warp(photo).astype(int), atol=2)


def cut_short(path: Path, *, to: int) -> None:
    path.write_bytes(path.read_bytes()[:to])


def change_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_samples(folder: Path, **changes: np.ndarray) -> None:
    path = folder / "samples.npz"
    np.savez(path, **dict(np.load(path).items()) | changes)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "no finished prepared folder"),
        (lambda folder: cut_short(folder / "manifest.json", to=50), "manifest.json is no usable manifest"),
        (lambda folder: change_manifest(folder, format=2), "has format 2, not 1"),
        (lambda folder: change_manifest(folder, crop_size="wide"), "manifest.json is no usable manifest"),
        (lambda folder: change_manifest(folder, count=5), "has 4 samples, but the manifest 5"),
        (lambda folder: change_manifest(folder, shards=[{"file": "../x.npy", "count": 3}]), "is no usable manifest"),
        (lambda folder: change_manifest(folder, shards=[{"file": "crops-00000.npy", "count": 3}]), "no shard has"),
        (lambda folder: cut_short(folder / "samples.npz", to=100), "samples.npz is no usable list"),
        (lambda folder: change_samples(folder, row=np.full(4, np.inf)), "numbers that are not whole"),
        (lambda folder: change_samples(folder, shard=np.array([0, 0, 0, 0.5])), "numbers that are not whole"),
        (lambda folder: change_samples(folder, split=np.array([0, 1, 2, 300])), "not whole, or do not fit int8"),
        (lambda folder: (folder / "crops-00001.npy").unlink(), "crops-00001.npy does not exist"),
        (lambda folder: cut_short(folder / "crops-00001.npy", to=5000), "crops-00001.npy is no whole shard"),
        (lambda folder: cut_short(folder / "crops-00001.npy", to=0), "crops-00001.npy is no whole shard"),
        (lambda folder: np.save(folder / "crops-00001.npy", np.zeros((2, W, W), np.uint8)), "does not hold crops"),
        (lambda folder: np.save(folder / "crops-00001.npy", np.zeros((2, W, W, 3))), "does not hold crops"),
    ],
)
def test_a_damaged_folder_is_one_clear_line(tmp_path: Path, damage, complaint: str) -> None:  # type: ignore[no-untyped-def]
    write_folder(tmp_path)
    damage(tmp_path)
    with pytest.raises(UnveilError, match=complaint) as caught:
        PreparedFolder.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_person_in_two_splits_is_refused(tmp_path: Path) -> None:
    samples = write_folder(tmp_path)
    finish(tmp_path, replace(samples, split=np.array([0, 1, 2, 1], np.int8)), [3, 2], W)
    with pytest.raises(UnveilError, match="a person in two splits"):
        PreparedFolder.open(tmp_path)


def test_a_shard_without_crops_is_no_damage(tmp_path: Path) -> None:
    write_shard(tmp_path, 0, np.zeros((0, W, W, 3), np.uint8))
    none = np.zeros(0, np.int32)
    empty = Samples(none.astype(str), none.astype(str), none.astype(np.int8), none, none, np.zeros((0, 2, 3)))
    finish(tmp_path, empty, [0], W)
    assert len(PreparedFolder.open(tmp_path)) == 0
