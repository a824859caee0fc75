"""Photographs to a prepared folder: what is kept, what is dropped and why, and what a stop costs."""

import csv
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import made_up_celeba
import numpy as np
import PIL.Image
import pytest
from cli_answer import Answer
from made_up_photos import HEIGHT, WIDTH, jpeg, photo

from unveil.errors import UnveilError
from unveil.photos.crop import Crop
from unveil.photos.decode import decode_rgb
from unveil.photos.detection import Detection
from unveil.storage import files
from unveil.training.crops.chunks import RECORDS
from unveil.training.crops.cutter import main_face
from unveil.training.crops.duplicates import Gallery, perceptual_hash
from unveil.training.crops.photo import Photo
from unveil.training.crops.prepare import PrepareSettings, prepare
from unveil.training.crops.prepared import PreparedFolder
from unveil.training.crops.selection import assign_splits
from unveil.training.crops.sources import find_photos
from unveil.typing import Image

SMALL = PrepareSettings(crop_size=64, chunk=3)


def png(image: Image) -> bytes:
    buffer = BytesIO()
    PIL.Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_faces(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:02d}.jpg").write_bytes(jpeg(photo(number)))
    return folder


def run(source: Path, out: Path, settings: PrepareSettings = SMALL, processes: int = 1) -> PreparedFolder:
    for _ in prepare(find_photos(source), out, settings, processes):
        pass
    return PreparedFolder.open(out)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def dropped(folder: Path) -> dict[str, tuple[str, str]]:
    with (folder / "dropped.csv").open(newline="") as file:
        return {row["name"]: (row["reason"], row["detail"]) for row in csv.DictReader(file)}


def test_faces_are_kept_and_all_else_is_dropped_with_its_reason(tmp_path: Path) -> None:
    source = write_faces(tmp_path / "faces", 4)
    brighter = np.clip(photo(1) * 1.08 + 5, 0, 255).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    small = cv2.resize(photo(3), (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    odd = {
        "10 copy.jpg": jpeg(photo(0)),
        "11 again.jpg": jpeg(cv2.resize(brighter, (320, 392), interpolation=cv2.INTER_CUBIC), quality=50),
        "12 cut.jpg": jpeg(photo(5))[:3000],
        "13 text.jpg": b"<html>not found</html>",
        "14 noise.png": png(noise),
        "15 small.png": png(np.asarray(small, np.uint8)),
    }
    for name, data in odd.items():
        (source / name).write_bytes(data)
    folder = run(source, tmp_path / "out", PrepareSettings(crop_size=64, chunk=3, smallest_face=60))
    assert list(folder.names) == [f"faces/{k:02d}.jpg" for k in range(4)]
    reasons = dropped(tmp_path / "out")
    assert {name: reason for name, (reason, _) in reasons.items()} == {
        "faces/10 copy.jpg": "duplicate",
        "faces/11 again.jpg": "duplicate",
        "faces/12 cut.jpg": "unreadable",
        "faces/13 text.jpg": "unreadable",
        "faces/14 noise.png": "no face",
        "faces/15 small.png": "face too small",
    }
    assert reasons["faces/10 copy.jpg"][1] == "of faces/00.jpg"
    assert reasons["faces/11 again.jpg"][1] == "of faces/01.jpg"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["dropped"] == {"duplicate": 2, "unreadable": 2, "no face": 1, "face too small": 1}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *(f"crops-{k:05d}.npy" for k in range(4)),
        "dropped.csv",
        "manifest.json",
        "samples.npz",
        "settings.json",
    ]


def test_crops_are_where_their_matrices_say_and_frame_the_face(tmp_path: Path) -> None:
    source = write_faces(tmp_path / "faces", 3)
    folder = run(source, tmp_path / "out", PrepareSettings(crop_size=96))
    for k in range(3):
        image = decode_rgb((source / f"{k:02d}.jpg").read_bytes(), "")
        np.testing.assert_array_equal(folder.crop(k), Crop(folder.matrix[k], 96).warp(image))
        _, points = made_up_celeba.photo_and_points(k)
        middle = Crop(folder.matrix[k], 96).to_crop(points).mean(axis=0)
        assert np.abs(middle - 48).max() < 8  # the face is in the middle of the wide crop
        eyes = np.linalg.norm(points[1] - points[0]) * Crop(folder.matrix[k], 96).scale
        assert 0.2 < eyes / (96 / 1.25) < 0.45  # of the side of the canonical crop


def test_a_run_that_is_killed_goes_on_to_the_same_folder(tmp_path: Path) -> None:
    source = write_faces(tmp_path / "faces", 20)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run(source, whole)
    script = (
        "import sys; from pathlib import Path; from unveil.training.crops.prepare import *; "
        "from unveil.training.crops.sources import find_photos\n"
        "if __name__ == '__main__': list(prepare(find_photos(Path(sys.argv[1])), Path(sys.argv[2]), "
        "PrepareSettings(crop_size=64, chunk=3), 2))"
    )
    started = subprocess.Popen([sys.executable, "-c", script, source, stopped], stdout=subprocess.PIPE)
    record = stopped / RECORDS / "00000.json"
    deadline = time.monotonic() + 60
    while not record.exists() and started.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    started.kill()
    started.communicate(timeout=30)  # comes to an end when the processes that it had started have ended, too
    assert started.returncode == (1 if os.name == "nt" else -signal.SIGKILL)
    assert record.exists()
    assert not (stopped / "manifest.json").exists()
    with pytest.raises(UnveilError, match="no finished prepared folder"):
        PreparedFolder.open(stopped)
    done = list((stopped / RECORDS).glob("0*.json"))
    (stopped / ".unveil-0123456789abcdef.npy").write_bytes(b"what a killed run leaves")
    seen = list(prepare(find_photos(source), stopped, SMALL))
    finished = [min(3, 20 - 3 * int(path.stem)) for path in done]
    assert seen.count(False) == sum(finished)
    assert content(stopped) == content(whole)


def test_a_finished_folder_is_left_alone(tmp_path: Path) -> None:
    source = write_faces(tmp_path / "faces", 2)
    run(source, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert list(prepare(find_photos(source), tmp_path / "out", SMALL)) == []
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before


def test_other_settings_or_photographs_are_refused_by_name(tmp_path: Path) -> None:
    source = write_faces(tmp_path / "faces", 2)
    run(source, tmp_path / "out")
    with pytest.raises(UnveilError, match=r"was begun with other settings \(crop_size 64, not 96\); give the same"):
        run(source, tmp_path / "out", PrepareSettings(crop_size=96, chunk=3))
    (source / "9.jpg").write_bytes(jpeg(photo(9)))
    with pytest.raises(UnveilError, match=r"was begun with other settings \(photographs 2, not 3; list "):
        run(source, tmp_path / "out")


def test_a_folder_of_something_else_is_not_written_to(tmp_path: Path) -> None:
    source = write_faces(tmp_path / "faces", 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("x")
    with pytest.raises(UnveilError, match="holds other files; name a new folder"):
        run(source, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_damaged_settings_are_one_clear_line(tmp_path: Path) -> None:
    source = write_faces(tmp_path / "faces", 1)
    (tmp_path / "out").mkdir()
    for damage in ("3", '{"crop_size": 6'):
        (tmp_path / "out" / "settings.json").write_text(damage)
        with pytest.raises(UnveilError, match=r"settings.json is no usable note .*name another folder"):
            run(source, tmp_path / "out")


def test_a_damaged_record_is_one_clear_line(tmp_path: Path) -> None:
    source = write_faces(tmp_path / "faces", 4)
    running = prepare(find_photos(source), tmp_path / "out", SMALL)
    next(running)
    running.close()
    record = tmp_path / "out" / RECORDS / "00000.json"
    record.write_bytes(record.read_bytes()[:40])
    with pytest.raises(UnveilError, match=r"00000.json is no usable record .*remove it and run the command again"):
        run(source, tmp_path / "out")
    record.unlink()
    assert len(run(source, tmp_path / "out")) == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_clear_line_and_the_run_can_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = write_faces(tmp_path / "faces", 4), tmp_path / "out"
    running = prepare(find_photos(source), out, SMALL)
    next(running)
    running.close()
    with monkeypatch.context() as patch:
        # Every new file is a full disk.
        patch.setattr(files.Path, "touch", lambda path, **_: path.symlink_to("/dev/full"))
        with pytest.raises(UnveilError, match=r"crops-00001.npy: No space left on device; free some space") as error:
            run(source, out)
        assert "\n" not in str(error.value)
    assert not list(out.glob(".unveil-*"))
    assert not (out / "crops-00001.npy").exists()
    assert len(run(source, out)) == 4


def test_a_limit_draws_the_same_photographs_for_the_same_seed(tmp_path: Path) -> None:
    source = write_faces(tmp_path / "faces", 8)
    draws = [
        list(run(source, tmp_path / f"{k}", PrepareSettings(crop_size=32, limit=3, seed=seed, chunk=2)).names)
        for k, seed in enumerate((0, 0, 1))
    ]
    assert [len(names) for names in draws] == [3, 3, 3]
    assert draws[0] == draws[1] != draws[2]
    assert content(tmp_path / "0") == content(tmp_path / "1")
    assert not list((tmp_path / "0").glob("crops-00002*"))
    assert len(run(source, tmp_path / "all", PrepareSettings(crop_size=32, limit=99))) == 8


def test_celeba_keeps_its_split_and_leaves_out_attributes(tmp_path: Path) -> None:
    source = made_up_celeba.write_published(tmp_path / "celeba")
    landmarks = source / "Anno" / "list_landmarks_align_celeba.txt"
    lines = landmarks.read_text().splitlines()
    lines[2 + 2] = "000003.jpg " + " ".join(["5"] * 10)  # a face somewhere else
    landmarks.write_text("\n".join(lines))
    folder = run(
        source, tmp_path / "out", PrepareSettings(crop_size=32, without=("Eyeglasses",), only_known_people=True)
    )
    assert dict(zip(folder.names, folder.split, strict=True)) == {
        "celeba/000001.jpg": 0,
        "celeba/000004.jpg": 1,
        "celeba/000005.jpg": 1,
        "celeba/000006.jpg": 2,
    }
    assert list(folder.person) == [f"celeba/{made_up_celeba.person(k)}" for k in (0, 3, 4, 5)]
    reasons = dropped(tmp_path / "out")
    assert reasons["celeba/000002.jpg"] == ("attribute", "Eyeglasses")
    assert reasons["celeba/000003.jpg"][0] == "landmarks disagree"
    with pytest.raises(UnveilError, match="no photograph has the attribute Glasses; they have Eyeglasses, Smiling"):
        run(source, tmp_path / "other", PrepareSettings(without=("Glasses",)))


def face(left: float, size: float = 60) -> Detection:
    corner = np.array([left, 50.0])
    keypoints = corner + size * np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.55], [0.5, 0.8], [0, 0.4], [1, 0.4]])
    return Detection(np.array([*corner, *(corner + size)], np.float32), keypoints.astype(np.float32), 0.9)


def test_annotated_points_say_which_face_is_meant() -> None:
    large, meant = face(200, 80), face(20)
    points = [*meant.keypoints[:3].ravel(), *(meant.keypoints[3] - (12, 0)), *(meant.keypoints[3] + (12, 0))]
    assert main_face([large, meant], tuple(float(value) for value in points)) is meant
    assert main_face([large, meant], None) is large


def person_photos(names: dict[str, str], **official: int) -> list[Photo]:
    return [Photo(name, Path("x"), 0, 1, person, official.get(name)) for name, person in names.items()]


def test_a_person_is_in_one_split_and_shares_are_kept() -> None:
    photos = [Photo(f"{k}", Path("x"), 0, 1, f"person {k // 4}") for k in range(8000)]
    splits = assign_splits(photos, (80, 15, 5))
    assert (splits.reshape(-1, 4) == splits.reshape(-1, 4)[:, :1]).all()
    np.testing.assert_allclose(np.bincount(splits) / 8000, [0.8, 0.15, 0.05], atol=0.03)
    order = np.random.default_rng(0).permutation(8000)
    np.testing.assert_array_equal(assign_splits([photos[k] for k in order], (80, 15, 5)), splits[order])
    unknown = [Photo(f"{k}", Path("x"), 0, 1) for k in range(2000)]
    np.testing.assert_allclose(np.bincount(assign_splits(unknown, (1, 1, 2))) / 2000, [0.25, 0.25, 0.5], atol=0.04)
    assert not assign_splits(unknown, (1, 0, 0)).any()


def test_an_official_split_is_kept_unless_it_divides_a_person() -> None:
    photos = person_photos({"a": "x", "b": "x", "c": "x", "d": "y", "e": ""}, a=0, b=2, d=1, e=0)
    assert list(assign_splits(photos, (90, 5, 5))) == [2, 2, 2, 1, 0]


def test_a_gallery_finds_copies_and_nothing_else() -> None:
    gallery = Gallery()
    crops = [photo(k)[40:190, 14:164] for k in range(30)]
    for number, crop in enumerate(crops):
        assert gallery.find(perceptual_hash(crop)) is None, number
        gallery.add(perceptual_hash(crop))
    copy = decode_rgb(jpeg(np.asarray(cv2.resize(crops[17], (90, 90)), np.uint8), 60), "")
    assert gallery.find(perceptual_hash(copy)) == 17


def test_a_gallery_grows() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, (1500, 4), dtype=np.uint64)
    gallery = Gallery()
    for one in hashes:
        assert gallery.find(one) is None
        gallery.add(one)
    assert gallery.find(hashes[1400] ^ np.uint64(0b1011)) == 1400


@pytest.mark.parametrize("processes", [1, 2])
def test_photographs_that_are_gone_or_cut_short_are_dropped_and_the_run_goes_on(tmp_path: Path, processes: int) -> None:
    source, out = write_faces(tmp_path / "faces", 6), tmp_path / "out"
    photos = find_photos(source)
    (source / "00.jpg").unlink()
    (source / "02.jpg").write_bytes(b"")
    (source / "03.jpg").unlink()
    (source / "03.jpg").mkdir()
    assert list(prepare(photos, out, SMALL, processes)) == [True] * 6
    assert list(PreparedFolder.open(out).names) == ["faces/01.jpg", "faces/04.jpg", "faces/05.jpg"]
    reasons = dropped(out)
    assert {name: reason for name, (reason, _) in reasons.items()} == dict.fromkeys(
        ("faces/00.jpg", "faces/02.jpg", "faces/03.jpg"), "unreadable"
    )
    assert "does not exist" in reasons["faces/00.jpg"][1]
    assert "is cut short" in reasons["faces/02.jpg"][1]
    assert "it is a folder" in reasons["faces/03.jpg"][1]


def test_a_photograph_that_may_not_be_read_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = write_faces(tmp_path / "faces", 2), tmp_path / "out"
    opened = Path.open

    def refuse_first(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "00.jpg":
            raise PermissionError
        return opened(path, *arguments, **options)

    photos = find_photos(source)
    monkeypatch.setattr(Path, "open", refuse_first)
    assert list(prepare(photos, out, SMALL)) == [True] * 2
    reason, detail = dropped(out)["faces/00.jpg"]
    assert (reason, "may not be read" in detail) == ("unreadable", True)


def test_a_tar_that_is_away_stops_the_run_and_loses_none_of_its_photographs(tmp_path: Path) -> None:
    source, out = write_faces(tmp_path / "faces", 4), tmp_path / "out"
    with tarfile.open(tmp_path / "faces.tar", "w") as tar:
        tar.add(source, "faces")
    photos = find_photos(tmp_path / "faces.tar")
    (tmp_path / "faces.tar").rename(tmp_path / "away.tar")
    with pytest.raises(UnveilError, match=r"faces.tar does not exist"):
        list(prepare(photos, out, SMALL))
    (tmp_path / "away.tar").rename(tmp_path / "faces.tar")
    assert list(prepare(photos, out, SMALL)) == [True] * 4
    assert len(PreparedFolder.open(out)) == 4


def test_nothing_usable_is_one_clear_line(tmp_path: Path) -> None:
    source = tmp_path / "faces"
    source.mkdir()
    for k in range(2):
        (source / f"{k}.jpg").write_bytes(b"no picture")
    with pytest.raises(UnveilError, match=r"no photograph can be used \(2 unreadable\)"):
        run(source, tmp_path / "out")


def test_the_command_says_what_it_kept_and_dropped(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source, out = write_faces(tmp_path / "faces", 3), tmp_path / "out"
    (source / "broken.jpg").write_bytes(b"no picture")
    people = tmp_path / "people.txt"
    people.write_text("00.jpg ann\n01.jpg bob\nbroken.jpg bob\n")
    options = ("--people", people, "--crop-size", 64, "--shares", "1,0,0", "--processes", 1)
    answer = Answer(capsys, "prepare", source, "-o", out, *map(str, options))
    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == f"{out}: 2 faces: 2 train, 0 validation, 0 test"
    assert lines[1] == "dropped 2: 1 unknown person, 1 unreadable (dropped.csv says which)"
    assert lines[2].endswith(" photographs/s")
    again = Answer(capsys, "prepare", source, "-o", out, *map(str, options))
    assert again.out.splitlines() == lines[:2]
    more = Answer(capsys, "prepare", source, "-o", tmp_path / "two", "--limit", "9", "--processes", "1")
    assert more.err == "unveil: 9 photographs were asked for; of the 4 given, 3 can be used\n"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--shares", "90,10"), "--shares 90,10 is not three numbers"),
        (("--shares", "0,5,5"), "of which the first is not 0"),
        (("--shares", "a,b,c"), "is not three numbers"),
        (("--without", "Eyeglasses"), "no photograph has the attribute Eyeglasses; their source notes no attributes"),
        (("--people", "none.npy"), "none.npy does not exist"),
    ],
)
def test_a_mistake_in_the_call_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    source = write_faces(tmp_path / "faces", 1)
    answer = Answer(capsys, "prepare", source, "-o", tmp_path / "out", *options)
    assert answer.status == 2
    assert complaint in answer.err
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
