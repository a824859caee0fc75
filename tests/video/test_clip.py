"""Frames of clips, whole and damaged, and files that are none."""

from pathlib import Path

import extras
import numpy as np
import pytest

av = extras.needs("av")

from made_up_clips import comes_and_goes, photograph, write_clip

from unveil.errors import UnveilError
from unveil.video import clip as clips
from unveil.video.clip import Frame, clips_among, open_clip


def frames_of(path: Path) -> tuple[list[Frame], str]:
    with open_clip(path) as clip:
        return list(clip.frames()), clip.problem


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", comes_and_goes())


def test_what_is_written_is_read_again(path: Path) -> None:
    frames, problem = frames_of(path)
    assert not problem
    assert [frame.number for frame in frames] == list(range(16))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(16) / 10, atol=1e-4)
    assert np.abs(frames[0].image.astype(int) - photograph()).mean() < 6
    with open_clip(path) as clip:
        assert (clip.rate, clip.expected) == (10, 16)


def test_frames_of_a_phone_held_upright_are_upright(path: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    with av.open(str(path)) as source, av.open(str(turned), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.set_display_rotation(90) if hasattr(stream, "set_display_rotation") else pytest.skip("old PyAV")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    frames, _ = frames_of(turned)
    assert np.abs(frames[0].image.astype(int) - np.rot90(photograph())).mean() < 6


def test_odd_sides_lose_a_row_and_a_column(tmp_path: Path) -> None:
    frames, _ = frames_of(write_clip(tmp_path / "odd.mp4", [np.zeros((65, 99, 3), np.uint8)] * 2))
    assert frames[0].image.shape == (64, 98, 3)


def test_what_comes_before_damage_is_read_and_the_damage_is_told(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) * 3 // 4])
    frames, problem = frames_of(cut)
    assert 1 < len(frames) < 16
    assert problem
    garbled = tmp_path / "garbled.mp4"
    garbled.write_bytes(data[: len(data) * 3 // 4] + b"x" * (len(data) // 8) + data[len(data) * 7 // 8 :])
    more, problem = frames_of(garbled)
    assert len(more) >= len(frames)
    assert problem


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"#EXTM3U\n#EXTINF:1\n/etc/hostname\n", "begins as none"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "begins as none"),
        (b"", "empty file"),
        (b"\0\0\0\x18ftypmp42" + bytes(40), "no clip that can be read"),
        (b"\x1a\x45\xdf\xa3" + bytes(200), "no clip that can be read"),
        (b"RIFF\0\0\0\0AVI " + bytes(200), "no clip that can be read"),
    ],
)
def test_files_that_are_no_clips(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UnveilError, match=said) as error:
        frames_of(tmp_path / "a.mp4")
    assert "\n" not in str(error.value)
    assert "Errno" not in str(error.value)
    with pytest.raises(UnveilError, match="does not exist"):
        frames_of(tmp_path / "b.mp4")


def test_limits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "MOST_FRAMES", 4)
    frames, problem = frames_of(path)
    assert len(frames) == 4
    assert "too long" in problem
    monkeypatch.setattr(clips, "MOST_PIXELS", 1000)
    with pytest.raises(UnveilError, match="256 x 256 pixels"):
        frames_of(path)


def test_clips_are_known_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    paths = [tmp_path / name for name in ("a.MP4", "b.jpg", "folder.mp4", "c.webm", "a.MP4")]
    assert [clip.name for clip in clips_among(paths)] == ["a.MP4", "c.webm"]
