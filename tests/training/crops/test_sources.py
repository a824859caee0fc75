"""Photographs of every kind of source, and what is said of a damaged one."""

import os
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import made_up_celeba
import numpy as np
import pytest
from made_up_photos import jpeg, photo, photo_and_points

from unveil.errors import UnveilError
from unveil.training.crops.people import with_people
from unveil.training.crops.photo import Photo, check_unique, fingerprint
from unveil.training.crops.sources import find_photos
from unveil.training.crops.tfrecord import read_example


def write_tar(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return path


def one_line(error: pytest.ExceptionInfo[UnveilError]) -> None:
    assert "\n" not in str(error.value)


def test_a_folder_is_searched_to_its_depths(tmp_path: Path) -> None:
    data = jpeg(photo(0))
    for name in ("b.JPG", "a/2.png", "a/1.jpg", ".hidden.jpg", ".git/x.jpg", "notes.txt"):
        path = tmp_path / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    said: list[str] = []
    photos = find_photos(tmp_path / "faces", person_folders=True, note=said.append)
    assert said == [f"left out of {tmp_path / 'faces'}: 1 .txt"]
    assert [(p.name, p.person) for p in photos] == [
        ("faces/b.JPG", ""),
        ("faces/a/1.jpg", "faces/a"),
        ("faces/a/2.png", "faces/a"),
    ]
    assert {p.read() for p in photos} == {data}
    assert {p.person for p in find_photos(tmp_path / "faces")} == {""}


def test_tars_are_read_in_their_order_and_not_unpacked(tmp_path: Path) -> None:
    content = {f"p{k % 2}/{k}.jpg": jpeg(photo(k)) for k in (2, 0, 1)}
    write_tar(tmp_path / "b.tar", content | {"p0/0.json": b"{}", "../../out.txt": b"x"})
    write_tar(tmp_path / "a.tar", {"./9.png": b"picture"})
    photos = find_photos(tmp_path, person_folders=True)
    assert [p.name for p in photos] == ["a/9.png", "b/p0/2.jpg", "b/p0/0.jpg", "b/p1/1.jpg"]
    assert [p.person for p in photos] == ["", "b/p0", "b/p0", "b/p1"]
    assert [p.read() for p in photos] == [b"picture", *content.values()]
    assert [p.name for p in find_photos(tmp_path / "b.tar")] == [p.name for p in photos[1:]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "b.tar"]


def test_files_and_folders_that_may_not_be_read_are_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "shut", "entered"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"picture")
    scandir, is_dir = os.scandir, Path.is_dir

    def refuse_listing(path: Path) -> object:
        if Path(path).name == "shut":
            raise PermissionError
        return scandir(path)

    def refuse_entering(path: Path) -> bool:
        if path.parent.name == "entered":
            raise PermissionError
        return is_dir(path)

    monkeypatch.setattr(os, "scandir", refuse_listing)
    monkeypatch.setattr(Path, "is_dir", refuse_entering)
    said: list[str] = []
    assert [found.path for found in find_photos(tmp_path, note=said.append)] == [tmp_path / "a" / "1.jpg"]
    assert said == [f"left out of {tmp_path}: 1 file that cannot be read, 1 folder that cannot be read"]


@pytest.mark.parametrize("write", [made_up_celeba.write_published, made_up_celeba.write_recorded])
def test_celeba_comes_with_people_split_attributes_and_landmarks(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    photos = find_photos(write(tmp_path / "celeba"))
    assert len(photos) == 6
    by_data = {p.read(): p for p in photos}
    people = set()
    for number in range(6):
        found = by_data[jpeg(photo_and_points(number)[0])]
        assert found.split == made_up_celeba.PARTITION[number]
        wanted = {name for name, yes in zip(made_up_celeba.ATTRIBUTES, made_up_celeba.has(number), strict=True) if yes}
        assert found.attributes == wanted
        assert found.points is not None
        np.testing.assert_array_equal(found.points, made_up_celeba.points(number))
        assert found.person.endswith(f"/{made_up_celeba.person(number)}")
        people.add(found.person)
    assert len(people) == 3


def test_celeba_of_photographs_as_they_were_found(tmp_path: Path) -> None:
    folder = made_up_celeba.write_published(tmp_path / "celeba")
    (folder / "Img/img_align_celeba").rename(folder / "img_celeba")
    (folder / "Anno/list_landmarks_align_celeba.txt").rename(folder / "list_landmarks_celeba.txt")
    photos = find_photos(folder)
    assert [p.name for p in photos] == [f"celeba/{name}" for name in made_up_celeba.names(6)]
    assert photos[3].points == tuple(made_up_celeba.points(3))


def test_tfds_without_people(tmp_path: Path) -> None:
    picture = made_up_celeba.message((1, made_up_celeba.message((1, b"picture"))))
    data = made_up_celeba.record(
        made_up_celeba.example({"image": picture, "other": made_up_celeba.message((2, b"\0" * 8))})
    )
    (tmp_path / "celeb_a-test.tfrecord-00000-of-00001").write_bytes(data * 2)
    photos = find_photos(tmp_path)
    assert [(p.person, p.split, p.attributes, p.points) for p in photos] == [("", 2, None, None)] * 2
    assert [p.read() for p in photos] == [b"picture"] * 2


def test_numbers_of_examples_have_a_sign() -> None:
    data = made_up_celeba.example(
        {"packed": made_up_celeba.numbers(3, -1, 1 << 40), "plain": made_up_celeba.numbers(-5, 300, packed=False)}
    )
    assert read_example(data) == {"packed": [3, -1, 1 << 40], "plain": [-5, 300]}


@pytest.mark.parametrize("at", range(1, 60, 7))
def test_an_example_cut_short_is_no_example(at: int) -> None:
    data = made_up_celeba.example({"image": made_up_celeba.message((1, made_up_celeba.message((1, b"picture" * 9))))})
    with pytest.raises(ValueError, match=r"runs past|ends within"):
        read_example(data[:at])


def edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda f: (f / "Anno/identity_CelebA.txt").unlink(), "identity_CelebA.txt does not exist; get it again"),
        (lambda f: (f / "Eval/list_eval_partition.txt").unlink(), "list_eval_partition.txt does not exist"),
        (lambda f: edit(f / "Anno/list_attr_celeba.txt", lambda t: "7" + t[1:]), "should have 7 pictures but has 6"),
        (lambda f: edit(f / "Anno/list_attr_celeba.txt", lambda t: t[:-4]), "000006.jpg has 2 values, not 3"),
        (
            lambda f: edit(f / "Anno/list_attr_celeba.txt", lambda t: "<html>" + t),
            "list_attr_celeba.txt is no list of CelebA",
        ),
        (lambda f: (f / "Anno/list_attr_celeba.txt").write_text(""), "list_attr_celeba.txt is no list of CelebA"),
        (
            lambda f: edit(f / "Anno/identity_CelebA.txt", lambda t: t.replace("000003.jpg 100\n", "")),
            "differ in 1 pict",
        ),
        (lambda f: edit(f / "Eval/list_eval_partition.txt", lambda t: t.replace("jpg 2", "jpg 3")), "has 3 for 000006"),
        (lambda f: edit(f / "Anno/list_landmarks_align_celeba.txt", lambda t: t.replace("nose_x", "")), "damaged"),
        (lambda f: (f / "Img/img_align_celeba/000002.jpg").unlink(), "lacks 1 of the 6 pictures"),
        (lambda f: (f / "Img/img_align_celeba").rename(f / "pictures"), "has no folder img_align_celeba or img_celeba"),
    ],
)
def test_a_damaged_celeba_is_one_clear_line(tmp_path: Path, damage: Callable[[Path], object], complaint: str) -> None:
    folder = made_up_celeba.write_published(tmp_path)
    damage(folder)
    with pytest.raises(UnveilError, match=complaint) as error:
        find_photos(folder)
    one_line(error)


def record_of(features: dict[str, bytes]) -> bytes:
    return made_up_celeba.record(made_up_celeba.example(features))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda data: data[:-3], "no whole TFRecord file .it ends within a record"),
        (lambda data: data[:5], "it ends within a record"),
        (lambda data: b"\x01" + data[1:], "the length of a record is wrong"),
        (lambda _: made_up_celeba.record(b"\xff" * 20), "record 0 of .* holds no image"),
        (lambda data: made_up_celeba.record(made_up_celeba.example({"text": b""})), "record 0 of .* holds no image"),
        (
            lambda data: made_up_celeba.record(made_up_celeba.example({"image": made_up_celeba.numbers(3)})),
            "holds no image",
        ),
    ],
)
def test_a_damaged_tfrecord_is_one_clear_line(tmp_path: Path, change: Callable[[bytes], bytes], complaint: str) -> None:
    folder = made_up_celeba.write_recorded(tmp_path / "celeb_a", 3)
    path = folder / "celeb_a-train.tfrecord-00001-of-00002"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UnveilError, match=complaint) as error:
        find_photos(folder)
    one_line(error)


def test_a_missing_tfrecord_is_one_clear_line(tmp_path: Path) -> None:
    folder = made_up_celeba.write_recorded(tmp_path / "celeb_a", 3)
    (folder / "celeb_a-train.tfrecord-00001-of-00002").unlink()
    with pytest.raises(UnveilError, match="has 1 of the 2 files of celeb_a-train"):
        find_photos(folder)


def cut_tar(folder: Path) -> Path:
    path = write_tar(folder / "cut.tar", {f"{k}.jpg": bytes(3000) for k in range(4)})
    path.write_bytes(path.read_bytes()[:9000])
    return path


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (cut_tar, "cut.tar is no folder or tar .*cut short"),
        (lambda f: write_tar(f / "x.tar.gz", {"a.jpg": b"x"}, "w:gz"), "a gzip file: unpack it"),
        (lambda f: write_tar(f / "x.tar", {"a.txt": b"x"}), "there is no picture in"),
        (lambda f: f, "no pictures in"),
        (lambda f: f / "nothing", "does not exist"),
    ],
)
def test_other_sources_that_cannot_be_used(tmp_path: Path, make: Callable[[Path], Path], complaint: str) -> None:
    with pytest.raises(UnveilError, match=complaint) as error:
        find_photos(make(tmp_path))
    one_line(error)


def made_up(count: int) -> list[Photo]:
    return [Photo(f"source/{k}.jpg", Path("x.tar"), 100 * k, 100) for k in range(count)]


def test_people_from_an_npy_and_from_text(tmp_path: Path) -> None:
    np.save(tmp_path / "people.npy", np.array([7, 7, 8]))
    assert [p.person for p in with_people(made_up(3), tmp_path / "people.npy")] == ["7", "7", "8"]
    (tmp_path / "people.txt").write_text("2.jpg ann\nsource/0.jpg  bob\n\nsomething else.jpg cy\n")
    assert [p.person for p in with_people(made_up(3), tmp_path / "people.txt")] == ["bob", "", "ann"]


def save_text(folder: Path, text: str) -> Path:
    (folder / "people.txt").write_text(text)
    return folder / "people.txt"


def save_npy(folder: Path, array: object) -> Path:
    np.save(folder / "people.npy", np.array(array))
    return folder / "people.npy"


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda f: f / "none.txt", "none.txt does not exist"),
        (lambda f: f / "none.npy", "none.npy does not exist"),
        (lambda f: save_text(f, "0.jpg\n"), "line 1, is no name with a person"),
        (lambda f: save_text(f, "other.jpg 3\n"), "names no photograph, such as source/0.jpg"),
        (lambda f: save_npy(f, [1, 2]), "for each of the 3 photographs"),
        (lambda f: save_npy(f, [1.0, 2.0, 3.0]), "not one whole number"),
        (lambda f: save_npy(f, [[1], [2], [3]]), "not one whole number"),
    ],
)
def test_people_that_cannot_be_used(tmp_path: Path, make: Callable[[Path], Path], complaint: str) -> None:
    with pytest.raises(UnveilError, match=complaint) as error:
        with_people(made_up(3), make(tmp_path))
    one_line(error)


def test_a_name_may_occur_once() -> None:
    check_unique(made_up(3))
    with pytest.raises(UnveilError, match=r"two photographs are named source/0.jpg"):
        check_unique(made_up(3) + made_up(1))


def test_the_fingerprint_of_a_list_does_not_depend_on_where_it_is(tmp_path: Path) -> None:
    paths = [made_up_celeba.write_published(tmp_path / place / "celeba") for place in ("a", "b")]
    first, second = (find_photos(path) for path in paths)
    assert fingerprint(first) == fingerprint(second)
    assert fingerprint(first) != fingerprint(first[:-1])


def test_a_photograph_that_shrank_is_one_clear_line(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", {"a.jpg": bytes(5000)})
    (found,) = find_photos(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UnveilError, match=r"x.tar is cut short within x/a.jpg"):
        found.read()
