"""A folder's pictures come in the order that people count in, and nothing visible is left out in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unveil.errors import UnveilError
from unveil.photos.folder import look_through, natural
from unveil.photos.io import find_images


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_natural_order(tmp_path: Path) -> None:
    names = ["9.jpg", "10.jpg", "A2.jpg", "a10.jpg", "b.JPG", "me.jpg", "me2.jpg", "me_1.jpg", "me_2.jpg", "me_10.jpg"]
    fill(tmp_path, *names)
    assert [path.name for path in find_images(tmp_path)] == names
    folders = [Path("v1.2"), Path("v1.10")]
    assert sorted(folders, key=natural) == folders


def test_names_that_differ_only_in_zeros_or_capitals_have_one_order(tmp_path: Path) -> None:
    fill(tmp_path, "a01.jpg", "a1.jpg", "A1.jpg")
    assert [path.name for path in find_images(tmp_path)] == ["A1.jpg", "a01.jpg", "a1.jpg"]


def test_every_suffix_in_capitals_too(tmp_path: Path) -> None:
    names = ["a.jfif", "b.jpe", "c.AVIF", "d.HEIC", "e.JPG", "f.TIFF"]
    fill(tmp_path, *names)
    assert [path.name for path in find_images(tmp_path)] == names


def test_what_was_left_out_is_said_in_one_line(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", "a.pts", "b.PTS", "README", "inner/b.jpg", "deep/c.jpg", ".hidden.jpg", ".cache/d.jpg")
    (tmp_path / "nowhere.jpg").symlink_to(tmp_path / "gone.jpg")
    found = look_through(tmp_path)
    assert [path.name for path in found.pictures] == ["a.jpg"]
    assert found.left_out() == (
        f"left out of {tmp_path}: 2 folders (--recursive looks inside), 2 .pts, 1 .jpg (no file), 1 without a suffix"
    )


def test_many_kinds_stay_one_short_line(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", *(f"x.k{k}" for k in range(20)))
    line = look_through(tmp_path).left_out()
    assert "14 of other kinds" in line
    assert "\n" not in line


def test_nothing_left_out_is_not_mentioned(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", ".DS_Store")
    assert not look_through(tmp_path).left_out()


def test_recursive(tmp_path: Path) -> None:
    fill(tmp_path, "z.jpg", "in2/a.jpg", "in10/b.jpg", "in2/deep/c.jpg", "in2/notes.txt", "out/z_0.png", ".git/d.jpg")
    (tmp_path / "in2" / "round").symlink_to(tmp_path)
    found = look_through(tmp_path, recursive=True, without=(tmp_path / "out").resolve())
    assert [path.relative_to(tmp_path).as_posix() for path in found.pictures] == [
        "z.jpg", "in2/a.jpg", "in2/deep/c.jpg", "in10/b.jpg"
    ]  # fmt: skip
    assert found.left_out().endswith("1 .txt, 1 link to a folder")


def test_the_folder_of_results_is_not_left_out_in_words(tmp_path: Path) -> None:
    fill(tmp_path, "z.jpg", "out/z_0.png")
    assert not look_through(tmp_path, without=(tmp_path / "out").resolve()).left_out()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may look everywhere")
def test_an_inner_folder_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", "locked/b.jpg")
    (tmp_path / "locked").chmod(0)
    assert "1 folder that cannot be read" in look_through(tmp_path, recursive=True).left_out()
    (tmp_path / "locked").chmod(0o700)


def test_a_folder_without_pictures_says_what_it_has(tmp_path: Path) -> None:
    fill(tmp_path, "inner/a.jpg", "clip.mov")
    with pytest.raises(UnveilError, match=r"1 folder \(--recursive .*\), 1 \.mov"):
        find_images(tmp_path)
