"""Movies keep the sound of the clip that they are made of."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import extras
import numpy as np
import pytest

av = extras.needs("av")

from unveil.video.movie import MovieWriter
from unveil.video.sound import open_sound

RATE, SAMPLES = 10, 16_000
FRAME = np.full((32, 32, 3), 90, np.uint8)


def write_with_sound(path: Path, codec: str, form: str, seconds: float = 1.0) -> Path:
    """A grey clip with a click in the middle."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=RATE)
        video.width = video.height = 32
        audio = container.add_stream(codec, rate=SAMPLES, layout="mono")
        for _ in range(round(seconds * RATE)):
            container.mux(video.encode(av.VideoFrame.from_ndarray(FRAME, format="rgb24")))
        container.mux(video.encode(None))
        wave = np.zeros((1, round(seconds * SAMPLES)), np.float32)
        wave[0, wave.size // 2 :][:400] = 0.9
        for at in range(0, wave.size, 1000):
            part = wave[:, at : at + 1000]
            samples = part if form == "fltp" else (part * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=form, layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLES, at, Fraction(1, SAMPLES)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


def movie_of(clip: Path, out: Path, start: float = 0.0, frames: int = 10) -> Path:
    with open_sound(clip, start) as sound, MovieWriter(out, RATE, sound) as movie:
        for _ in range(frames):
            movie.write(FRAME)
    with av.open(str(out)) as written:
        assert len(list(written.decode(video=0))) == frames
    return out


def click(path: Path) -> float | None:
    """Seconds at which a file is loud first; None without a sound."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.3)
            if len(loud):
                return float(frame.time) + loud[0] / frame.sample_rate
    return None


@pytest.mark.parametrize("start", [0.0, 0.2])
def test_the_sound_is_where_it_was(tmp_path: Path, start: float) -> None:
    clip = write_with_sound(tmp_path / "clip.mp4", "aac", "fltp")
    heard = click(clip)
    assert heard is not None
    assert abs(heard - 0.5) < 0.1
    assert click(movie_of(clip, tmp_path / "movie.mp4", start)) == pytest.approx(heard - start, abs=0.01)


def test_sound_that_mp4_does_not_hold_is_left_out(tmp_path: Path) -> None:
    clip = write_with_sound(tmp_path / "clip.avi", "pcm_s16le", "s16")
    assert click(movie_of(clip, tmp_path / "movie.mp4")) is None


def test_damaged_sound_ends_and_the_pictures_go_on(tmp_path: Path) -> None:
    clip = write_with_sound(tmp_path / "clip.mkv", "aac", "fltp")
    data = bytearray(clip.read_bytes())
    data[len(data) // 2 :] = np.random.default_rng(0).bytes(len(data) - len(data) // 2)
    clip.write_bytes(data)
    movie_of(clip, tmp_path / "movie.mp4")
