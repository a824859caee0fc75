"""Pictures are found in folders and written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from unveil.errors import UnveilError
from unveil.photos import io

RED_GREEN_BLUE = np.repeat(np.repeat(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8), 8, 0), 8, 1)


def test_find_images_in_a_folder(tmp_path: Path) -> None:
    for name in ["b.JPG", "a.png", "notes.txt", ".hidden.png"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "c.png").touch()
    assert io.find_images(tmp_path) == [tmp_path / "a.png", tmp_path / "b.JPG"]
    assert io.find_images(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]


def test_find_images_refuses(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="no pictures in the folder"):
        io.find_images(tmp_path)
    with pytest.raises(UnveilError, match="does not exist"):
        io.find_images(tmp_path / "missing")


def test_written_png_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "out.png"
    io.write_image(path, RED_GREEN_BLUE)
    np.testing.assert_array_equal(io.read_image(path), RED_GREEN_BLUE)
    assert [child.name for child in path.parent.iterdir()] == ["out.png"]


def test_written_jpeg_is_close(tmp_path: Path) -> None:
    path = tmp_path / "out.JPG"
    smooth = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8)[:, None, None], (64, 64, 3))
    io.write_image(path, np.ascontiguousarray(smooth))
    assert np.abs(io.read_image(path).astype(int) - smooth).max() <= 4


def test_unknown_suffix_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="end the name in"):
        io.write_image(tmp_path / "out.xyz", RED_GREEN_BLUE)


@pytest.mark.parametrize("problem", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, problem: Callable[[], BaseException]
) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")

    def write_half() -> None:
        with io.atomic_path(path) as temporary:
            assert temporary.parent == tmp_path
            assert temporary.suffix == ".txt"
            temporary.write_text("half")
            raise problem()

    with pytest.raises(BaseException) as raised:  # noqa: PT011 the very class is checked below
        write_half()
    assert raised.type is problem
    assert [(child.name, child.read_text()) for child in tmp_path.iterdir()] == [("out.txt", "old")]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_full_disk(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="No space left on device; free some space") as refusal:  # noqa: SIM117, PT012
        with io.atomic_path(tmp_path / "out.png") as temporary:
            temporary.unlink()
            temporary.symlink_to("/dev/full")
            temporary.write_bytes(b"x" * 100_000)
    assert "out.png" in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_unwritable_places(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for path in [tmp_path / "file" / "out.png", tmp_path / "folder.png", tmp_path / ("long" * 100 + ".png")]:
        with pytest.raises(UnveilError, match="cannot write"):
            io.write_image(path, RED_GREEN_BLUE)
    assert {child.name for child in tmp_path.iterdir()} == {"file", "folder.png"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UnveilError, match="may write"):
        io.write_image(tmp_path / "out.png", RED_GREEN_BLUE)


def test_an_interrupted_process_leaves_no_file_under_the_final_name(tmp_path: Path) -> None:
    """Killed without warning in the middle of a write."""
    script = (
        "import os, signal, sys\n"
        "from unveil.photos.io import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.abort()\n"
    )
    path = tmp_path / "out.txt"
    ended = subprocess.run([sys.executable, "-c", script, path], check=False, capture_output=True)
    assert ended.returncode != 0
    assert not path.exists()
