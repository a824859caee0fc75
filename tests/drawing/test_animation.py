"""Animated pictures are read back as they were written."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from unveil.drawing.animation import write_animation
from unveil.errors import UnveilError

FRAMES = [np.full((24, 32, 3), level, np.uint8) for level in (0, 100, 200)]


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_frames_and_their_time(tmp_path: Path, suffix: str) -> None:
    if suffix == ".webp" and not features.check("webp"):
        pytest.skip("this Pillow cannot write WebP")
    write_animation(tmp_path / f"a{suffix}", iter(FRAMES), 20)
    with Image.open(tmp_path / f"a{suffix}") as picture:
        assert (picture.n_frames, picture.size, picture.info["loop"]) == (3, (32, 24), 0)
        for k, frame in enumerate(FRAMES):
            picture.seek(k)
            picture.load()
            assert picture.info["duration"] == 50
            assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - frame).max() <= 3


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match=r"end the name in \.gif or \.webp"):
        write_animation(tmp_path / "a.mp4", FRAMES, 20)
    assert not list(tmp_path.iterdir())
