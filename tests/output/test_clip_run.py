"""`unveil reconstruct` with a clip: what it writes, that it goes on and skips, and what it says of bad clips."""

from __future__ import annotations

import json
from pathlib import Path

import extras
import numpy as np
import pytest

av = extras.needs("av")

from glb_reader import Glb
from made_up_clips import SEEN, comes_and_goes, photograph, without_face, write_clip

from unveil import cli
from unveil.photos.io import write_image
from unveil.video.clip import open_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "walk.mp4", comes_and_goes())


@pytest.fixture(scope="module")
def out(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    assert cli.main(["reconstruct", str(clip), "-o", str(folder)]) == 0
    return folder


def stop(*_: object) -> None:
    raise cli.Stopped(143)


def test_one_person_with_all_files(out: Path) -> None:
    record = json.loads((out / "walk_clip.json").read_text())
    assert (record["frames"], record["frames_per_second"], record["problems"]) == (16, 10, [])
    (person,) = record["people"]
    assert person["frames"] == len(SEEN)
    assert set(person["files"]) == {"glb", "npz", "csv"}
    written = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert written == {"walk_clip.json", "walk_overlay.mp4", *person["files"].values()}


def test_the_head_moves_as_long_as_the_clip(out: Path) -> None:
    scene = Glb(out / "walk_person0.glb")
    (animation,) = scene["animations"]
    times = scene.array(animation["samplers"][0]["input"])
    np.testing.assert_allclose(times.ravel(), np.arange(16) / 10, atol=1e-6)
    lines = (out / "walk_person0.csv").read_text().splitlines()
    assert len(lines) == 1 + 16


def test_the_npz_has_a_row_for_each_frame_that_shows_the_person(out: Path) -> None:
    with np.load(out / "walk_person0.npz") as arrays:
        assert arrays["frame"].tolist() == SEEN
        assert arrays["coefficients"].shape == (len(SEEN), 160)
        one = np.tile(arrays["shape"], (len(SEEN), 1))
        np.testing.assert_allclose(arrays["coefficients_shape"], one, rtol=1e-6)
        assert arrays["shape_deviations"].max() <= 1


def test_the_head_is_drawn_where_the_person_is_and_not_where_nobody_is(clip: Path, out: Path) -> None:
    with open_clip(clip) as before, open_clip(out / "walk_overlay.mp4") as after:
        pairs = zip(before.frames(), after.frames(), strict=True)
        changed = [np.abs(a.image.astype(int) - b.image).mean() for a, b in pairs]
    assert min(changed[k] for k in SEEN) > 1
    assert changed[6] > 1  # through the occluder


def test_a_clip_that_is_done_is_skipped(clip: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reconstruct", str(clip), "-o", str(out)]) == 0
    assert "1 person in 16 frames, 1.5 s (already done)" in capsys.readouterr().out


def test_a_run_that_was_stopped_goes_on(
    clip: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stopped while it draws, it has followed everybody already; the results are the same."""
    command = ["reconstruct", str(clip), "-o", str(tmp_path)]
    with monkeypatch.context() as patched:
        patched.setattr("unveil.output.clip_run.draw_track", stop)
        assert cli.main(command) == 143
    assert "run the same command again to continue" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")} == {"walk_clip.parts"}
    monkeypatch.setattr("unveil.video.tracker.Tracker.track", lambda *_: pytest.fail("it was followed already"))
    assert cli.main(command) == 0
    for name in ("walk_person0.csv", "walk_person0.glb", "walk_overlay.mp4"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes(), name
    assert not (tmp_path / "walk_clip.parts").exists()


def test_clips_that_show_nobody_or_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(tmp_path / "wall.mp4", [without_face()] * 2)
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    data = (tmp_path / "wall.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: data.index(b"mdat") + 4])  # before its first pictures
    # Most cameras write last where the pictures are.
    (tmp_path / "half.mp4").write_bytes(data[: data.index(b"moov") - 4] + data[data.index(b"mdat") - 4 :])
    names = ("bad.mp4", "cut.mp4", "half.mp4", "wall.mp4")
    status = cli.main(["reconstruct", *(str(tmp_path / name) for name in names), "-o", str(tmp_path / "o")])
    assert status == 2
    said = capsys.readouterr()
    assert said.out == "4 clips: 4 failed\n"
    lines = said.err.splitlines()
    reasons = ("begins as none", "it has no frames", "it is damaged or cut short", "no face found in ")
    assert len(lines) == len(reasons)
    for line, reason in zip(lines, reasons, strict=True):
        assert reason in line
    assert not (tmp_path / "o").exists()


def test_a_damaged_clip_gives_what_comes_before_the_damage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_clip(tmp_path / "cut.mp4", [photograph()] * 12)
    data = path.read_bytes()
    path.write_bytes(data[:-300])
    assert cli.main(["reconstruct", str(path), "-o", str(tmp_path / "out"), "--formats", "npz", "--json"]) == 0
    out, err = capsys.readouterr()
    (answer,) = json.loads(out)["clips"]
    assert 0 < answer["frames"] < 12
    assert len(answer["problems"]) == 1
    assert "cut.mp4: " in err


def test_clips_in_folders_come_after_photographs_each_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    (folder / "inner").mkdir(parents=True)
    write_image(folder / "z.png", photograph())
    write_clip(folder / "a.mp4", [photograph()] * 6)
    write_clip(folder / "inner" / "b.MOV", [photograph()] * 6)
    command = ["reconstruct", str(folder), "-o", str(out), "--formats", "npz", "--recursive"]
    assert cli.main(command) == 0
    said = capsys.readouterr()
    assert not said.err
    assert [line.split(":")[0].rpartition("/")[2] for line in said.out.splitlines()] == [
        "z.png", "a.mp4", "b.MOV", "1 photograph", "2 clips"
    ]  # fmt: skip
    written = {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.suffix == ".npz"}
    assert set(written) == {"z_0.npz", "a_person0.npz", "b_person0.npz"}
    assert cli.main(command) == 0
    assert capsys.readouterr().out.count("already done") == 3
    assert all((out / name).stat().st_mtime_ns == when for name, when in written.items())


def test_clips_that_cannot_be_followed_are_left_out_of_a_folder_of_photographs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(tmp_path / "z.png", photograph())
    write_clip(tmp_path / "a.mp4", [photograph()] * 2)
    command = ["reconstruct", str(tmp_path), "-o", str(tmp_path / "out"), "--formats"]
    assert cli.main([*command, "ply"]) == 0
    assert capsys.readouterr().err == "unveil: left out 1 clip: clips give no more than glb, npz\n"
    monkeypatch.setattr("unveil.cli.heads.reconstruct.find_spec", lambda _: None)
    assert cli.main([*command, "npz"]) == 0
    assert capsys.readouterr().err == "unveil: left out 1 clip: to read them, pip install 'unveil[video]'\n"
