"""CelebA is found from wherever somebody points, and never taken for loose pictures."""

import csv
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import made_up_celeba
import pytest
from made_up_photos import jpeg, photo

from unveil.errors import UnveilError
from unveil.training.crops.sources import find_photos

IMAGES = "img_align_celeba"


def as_torchvision(folder: Path) -> Path:
    """Everything in ``celeba``, with the archive beside the pictures."""
    archive = made_up_celeba.write_published(folder / "archive")
    (folder / "celeba").mkdir()
    for path in [*archive.glob("*/*.txt"), archive / "Img" / IMAGES]:
        path.rename(folder / "celeba" / path.name)
    shutil.rmtree(archive)
    (folder / "celeba" / f"{IMAGES}.zip").write_bytes(b"PK\x03\x04")
    return folder / "celeba"


def as_kaggle(folder: Path) -> Path:
    """Lists as CSV, none of people, and the pictures in a folder in a folder."""
    archive = made_up_celeba.write_published(folder / "archive")
    kaggle = folder / "celeba-dataset"
    (kaggle / IMAGES).mkdir(parents=True)
    (archive / "Img" / IMAGES).rename(kaggle / IMAGES / IMAGES)
    for path in archive.glob("*/list_*.txt"):
        lines = [line.split() for line in path.read_text().splitlines()]
        rows = [["image_id", *lines[1]], *lines[2:]] if len(lines[0]) == 1 else [["image_id", "partition"], *lines]
        with (kaggle / f"{path.stem}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    shutil.rmtree(archive)
    return kaggle


def as_archive_of_archives(folder: Path) -> Path:
    """The authors' folders, where the pictures' archive was unpacked into a folder of its name."""
    archive = made_up_celeba.write_published(folder / "CelebA")
    (archive / "Img" / IMAGES).rename(archive / "pictures")
    (archive / "Img" / IMAGES).mkdir()
    (archive / "pictures").rename(archive / "Img" / IMAGES / IMAGES)
    return archive


def as_tfds(folder: Path) -> Path:
    return made_up_celeba.write_recorded(folder / "celeb_a" / "2.1.0")


PLACES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "torchvision's root": (as_torchvision, ".."),
    "torchvision's folder": (as_torchvision, "."),
    "torchvision's pictures": (as_torchvision, IMAGES),
    "one above torchvision's root": (as_torchvision, "../.."),
    "Kaggle": (as_kaggle, "."),
    "one above Kaggle": (as_kaggle, ".."),
    "Kaggle's pictures": (as_kaggle, IMAGES),
    "Kaggle's inner pictures": (as_kaggle, f"{IMAGES}/{IMAGES}"),
    "archives": (as_archive_of_archives, "."),
    "one above the archives": (as_archive_of_archives, ".."),
    "Img": (as_archive_of_archives, "Img"),
    "Anno": (as_archive_of_archives, "Anno"),
    "the archives' pictures": (as_archive_of_archives, f"Img/{IMAGES}/{IMAGES}"),
    "TFDS's version": (as_tfds, "."),
    "TFDS's data set": (as_tfds, ".."),
    "TFDS's root": (as_tfds, "../.."),
}


@pytest.mark.parametrize("place", PLACES)
def test_celeba_is_found_from_everywhere(place: str, tmp_path: Path) -> None:
    make, inside = PLACES[place]
    root = make(tmp_path / "home" / "data")
    said: list[str] = []
    photos = find_photos((root / inside).resolve(), note=said.append)
    assert len(photos) == 6
    assert [photo.split for photo in sorted(photos, key=lambda photo: photo.split or 0)] == [0, 0, 0, 1, 1, 2]
    for found in photos:
        assert found.points is not None
        assert found.attributes is not None
        assert found.read()
    if make is as_kaggle:
        assert {photo.person for photo in photos} == {""}
        (line,) = said
        assert "who is in the photographs is not known" in line
    else:
        assert len({photo.person for photo in photos}) == 3
        assert not said


def test_a_copy_without_people_says_so(tmp_path: Path) -> None:
    picture = made_up_celeba.message((1, made_up_celeba.message((1, b"picture"))))
    data = made_up_celeba.record(made_up_celeba.example({"image": picture}))
    (tmp_path / "celeb_a-test.tfrecord-00000-of-00001").write_bytes(data * 2)
    said: list[str] = []
    assert len(find_photos(tmp_path, note=said.append)) == 2
    (line,) = said
    assert "does not say who is in 2 of its 2 photographs" in line


def loose(folder: Path) -> Path:
    """The pictures alone."""
    root = as_torchvision(folder)
    (root / IMAGES).rename(folder / IMAGES)
    shutil.rmtree(root)
    return folder / IMAGES


def beside_pictures(folder: Path) -> Path:
    as_torchvision(folder)
    (folder / "me.jpg").write_bytes(jpeg(photo(0)))
    return folder


def beside_others(folder: Path) -> Path:
    as_torchvision(folder)
    (folder / "ffhq").mkdir()
    return folder


def two_copies(folder: Path) -> Path:
    as_torchvision(folder)
    as_kaggle(folder)
    return folder


def two_versions(folder: Path) -> Path:
    made_up_celeba.write_recorded(folder / "celeb_a" / "2.0.0")
    made_up_celeba.write_recorded(folder / "celeb_a" / "2.1.0")
    return folder


def another_data_set(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "lfw-train.tfrecord-00000-of-00001").write_bytes(made_up_celeba.record(b""))
    return folder


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "pictures alone": (loose, "without its lists"),
    "one above pictures alone": (lambda folder: loose(folder).parent, "without its lists"),
    "pictures beside": (beside_pictures, "holds CelebA in .*celeba and also .*me.jpg"),
    "other folders beside": (beside_others, "holds CelebA in .*celeba and also .*ffhq"),
    "two copies": (two_copies, "holds CelebA in .* and also .*; give each by itself"),
    "two versions": (two_versions, "and also .*2.1.0"),
    "another data set": (another_data_set, "has TFRecord files of lfw; give those of celeb_a"),
    "one file": (lambda f: as_tfds(f) / "celeb_a-test.tfrecord-00000-of-00001", "one file of a data set; give its fol"),
    "Kaggle's without a list": (
        lambda folder: (root := as_kaggle(folder), (root / "list_attr_celeba.csv").unlink())[0],
        "list_attr_celeba.txt does not exist",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_plainly_celeba_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    make, reason = REFUSED[case]
    with pytest.raises(UnveilError, match=reason) as raised:
        find_photos(make(tmp_path / "data"))
    assert "\n" not in str(raised.value)


def test_pictures_alone_will_do_where_people_are_known_otherwise(tmp_path: Path) -> None:
    assert len(find_photos(loose(tmp_path / "data"), people_known=True)) == 6


def test_pictures_beside_tars_are_said_to_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(photo(0)))
    with tarfile.open(tmp_path / "b.TAR", "w") as archive:
        archive.add(tmp_path / "a.jpg", "inside.jpg")
    said: list[str] = []
    assert [photo.name for photo in find_photos(tmp_path, note=said.append)] == ["b/inside.jpg"]
    assert said == [f"left out of {tmp_path}: 1 pictures beside its tars"]
