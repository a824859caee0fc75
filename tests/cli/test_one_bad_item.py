"""One bad photograph among many: a line about it, the others are done, and the status says so."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_answer import Answer
from PIL import Image

import unveil
from unveil.assets.store import packaged
from unveil.output import photo_work
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.names import LONGEST, shortened

ON_POSIX = pytest.mark.skipif(os.name == "nt", reason="links and names of 255 bytes")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "face.jpg"
    with Image.open(packaged("demo.jpg")) as demo:
        demo.resize([side // 3 for side in demo.size]).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path, picture: Path) -> Path:
    """A folder with two photographs, ``first.jpg`` and ``last.jpg``."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("first.jpg", "last.jpg"):
        shutil.copy(picture, folder / name)
    return folder


def call(capsys: pytest.CaptureFixture[str], learner: str, inputs: list[Path], out: Path, *more: str) -> Answer:
    return Answer(capsys, "reconstruct", *inputs, "-o", out, f"--model={learner}", "--formats=npz", *more)


RECORDS: dict[str, Any] = {
    "nothing": "",
    "null": "null",
    "half": '{"record_format": 1, "photo": "x", "sou',
    "no fields": '{"record_format": 1}',
    "other types": json.dumps({"record_format": 1, "photo": 3, "source": [], "options": 0, "faces": 7}),
    "no numbers": '{"record_format": 1, "photo": NaN, "source": {"bytes": 1e999}, "faces": []}',
    "deep": "[" * 100_000,
    "digits": '{"record_format": ' + "9" * 5000 + "}",
    "not UTF-8": b'{"record_format": "\xff\xfe"}',
    "another format": '{"record_format": 99}',
}
WHOLE: dict[str, Any] = {
    "record_format": 1,
    "photo": "x",
    "source": {"name": "first.jpg", "bytes": 1, "modified_ns": 1},
    "options": {},
    "timings_ms": {},
    "faces": [{"index": 0, "pose_degrees": {"pitch": 0, "yaw": 0, "roll": 0}, "files": {"npz": "first_0.npz"}}],
}
CHANGES: dict[str, Any] = {
    "a photograph that no system takes": {"photo": "x" * 5000},
    "files that no system takes": {"faces": [{**WHOLE["faces"][0], "files": {"npz": "first_" + "0" * 5000}}]},
    "files elsewhere": {"faces": [{**WHOLE["faces"][0], "files": {"npz": "../photos/last.jpg"}}]},
    "files that are no names": {"faces": [{**WHOLE["faces"][0], "files": {"npz": ["first_0.npz"]}}]},
    "faces that are none": {"faces": [None]},
    "no pose": {"faces": [{"index": 0, "files": {}}]},
}
RECORDS |= {name: json.dumps(WHOLE | change) for name, change in CHANGES.items()}


def test_damaged_and_foreign_records_are_no_records(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for number, content in enumerate(RECORDS.values()):
        shutil.copy(photos / "first.jpg", photos / f"{number}.jpg")
        text = content if isinstance(content, bytes) else content.replace("first", str(number)).encode()
        (out / f"{number}.json").write_bytes(text)
    answer = call(capsys, learner, [photos], out)
    assert (answer.status, answer.err) == (0, "")
    assert f"{len(RECORDS) + 2} photographs: {len(RECORDS) + 2} done" in answer.out
    assert len(list(photos.iterdir())) == len(RECORDS) + 2
    assert f": {len(RECORDS) + 2} skipped" in call(capsys, learner, [photos], out).out


@ON_POSIX
def test_names_as_long_as_the_system_takes(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    for letter in ("a", "\u00e9", "\u732b", "\U0001f642"):
        room = (255 - len(".jpg")) // len(letter.encode())
        for end in "xy":
            shutil.copy(photos / "first.jpg", photos / f"{letter * (room - 1)}{end}.jpg")
    out = tmp_path / "out"
    answer = call(capsys, learner, [photos], out, "--formats=npz,obj")
    assert (answer.status, answer.err) == (0, "")
    assert "10 photographs: 10 done" in answer.out
    assert "10 skipped" in call(capsys, learner, [photos], out, "--formats=npz,obj").out
    assert len(list(out.glob("*_0.npz"))) == 10


def test_shortened_names_are_told_apart() -> None:
    short, long = "a" * LONGEST, "a" * (LONGEST + 1)
    assert shortened(short) == short
    assert shortened(long) != shortened(long + "a")
    for name in (long, "é" * LONGEST, "a" + "猫" * LONGEST):
        assert len(shortened(name).encode()) <= LONGEST
        assert shortened(shortened(name)) == shortened(name)


@ON_POSIX
def test_inputs_that_are_no_files(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    odd = [tmp_path / f"{name}.jpg" for name in ("loop", "dangling", "folder", "pipe", "x" * 300)]
    odd[0].symlink_to(odd[0])
    odd[1].symlink_to(tmp_path / "nowhere")
    odd[2].mkdir()
    os.mkfifo(odd[3])
    answer = call(capsys, learner, [*odd, photos / "first.jpg", photos / "last.jpg"], tmp_path / "out")
    assert answer.status == 2
    complaints = answer.err.splitlines()
    assert len(complaints) == len(odd)
    assert all(any(path.name in line for line in complaints) for path in odd)
    assert "7 photographs: 2 done, 5 failed" in answer.out


@ON_POSIX
def test_the_same_within_a_folder(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    (photos / "loop.jpg").symlink_to(photos / "loop.jpg")
    (photos / "dangling.jpg").symlink_to(tmp_path / "nowhere")
    (photos / "folder.jpg").mkdir()
    os.mkfifo(photos / "pipe.jpg")
    answer = call(capsys, learner, [photos], tmp_path / "out")
    assert answer.status == 0
    (said,) = answer.err.splitlines()
    assert "1 folder (--recursive looks inside), 3 .jpg (no file)" in said
    assert "2 photographs: 2 done" in answer.out


@ON_POSIX
def test_a_loop_of_links_as_output_is_one_line(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    answer = call(capsys, learner, [photos], tmp_path / "a")
    assert answer.status == 2
    assert len(answer.err.splitlines()) == 1
    assert answer.err.endswith(": it is a link that leads nowhere; choose another folder with -o and run again\n")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="everything may be read")
def test_a_photograph_that_may_not_be_read(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    (photos / "first.jpg").chmod(0)
    answer = call(capsys, learner, [photos], tmp_path / "out")
    assert answer.status == 2
    assert "2 photographs: 1 done, 1 failed" in answer.out


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (unveil.UnveilError("first: gone"), 2, "first: gone"),
        (OSError(5, "Input/output error"), 2, "first.jpg: Input/output error"),
        (MemoryError(), 1, "unveil: unexpected MemoryError: "),
        (ZeroDivisionError("by\nzero"), 1, "unveil: unexpected ZeroDivisionError: by zero (set UNVEIL_DEBUG=1"),
    ],
)
def test_whatever_one_photograph_leads_to_the_others_are_done(
    request: pytest.FixtureRequest, learner: str, photos: Path, error: Exception, status: int, said: str
) -> None:
    capsys = request.getfixturevalue("capsys")
    request.getfixturevalue("fail_on_the_first")(error)
    answer = call(capsys, learner, [photos], photos.parent / "out")
    assert answer.status == status
    assert said in answer.err
    assert "first" in answer.err
    assert len(answer.err.splitlines()) == 1
    assert "2 photographs: 1 done, 1 failed" in answer.out


def test_a_photograph_replaced_while_it_is_read_is_not_kept(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = photo_work.read_image

    def read_slowly(path: Path) -> Any:
        image = read(path)
        if path.name == "first.jpg":
            Image.new("RGB", (500, 500)).save(path)
        return image

    monkeypatch.setattr(photo_work, "read_image", read_slowly)
    answer = call(capsys, learner, [photos], tmp_path / "out")
    assert answer.status == 2
    assert answer.err == (
        f"unveil: {photos / 'first.jpg'} was changed while it was read; run again when nobody writes to it\n"
    )
    assert [path.name for path in sorted((tmp_path / "out").glob("[!.]*"))] == [
        "last.json",
        "last_0.npz",
        "last_0_overlay.png",
    ]


def test_the_record_has_the_state_before_the_photograph_was_read(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photograph replaced while its head is computed is reconstructed again by the next run."""
    reconstruct = Reconstructor.reconstruct

    def replace_first(*arguments: Any, **options: Any) -> Any:
        os.utime(photos / "first.jpg", ns=(1, 1))
        return reconstruct(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Reconstructor, "reconstruct", replace_first)
        assert call(capsys, learner, [photos / "first.jpg"], tmp_path / "out").status == 0
    assert "1 photograph: 1 done" in call(capsys, learner, [photos / "first.jpg"], tmp_path / "out").out
    assert "1 photograph: 1 skipped" in call(capsys, learner, [photos / "first.jpg"], tmp_path / "out").out
