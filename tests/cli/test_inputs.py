"""Which photographs the commands take, and what they say about the rest."""

import sys
from pathlib import Path

import pytest
from cli_answer import Answer
from PIL import Image

from unveil.assets.store import packaged
from unveil.output.batch import Outcome
from unveil.reconstruct import pipeline

HEIC = bytes(3) + b"\x24ftypheic" + bytes(4) + b"mif1heic" + bytes(40)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A photograph, another in a folder inside, and other files."""
    folder = tmp_path / "photos"
    (folder / "inside").mkdir(parents=True)
    with Image.open(packaged("demo.jpg")) as picture:
        picture.save(folder / "a.JFIF", format="JPEG")
        picture.save(folder / "inside" / "a.jpg")
    (folder / "a.pts").touch()
    return folder


def test_what_a_folder_holds_besides_is_one_line(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    command = ("reconstruct", photos, "-o", tmp_path / "out", "--model", learner, "--formats", "npz")
    answer = Answer(capsys, *command)
    assert answer.status == 0
    assert answer.err == (f"unveil: left out of {photos}: 1 folder (--recursive looks inside), 1 .pts\n")
    assert "a.JFIF: 1 face\n" in answer.out
    answer = Answer(capsys, *command, "--recursive")
    assert answer.status == 0
    assert answer.err == f"unveil: left out of {photos}: 1 .pts\n"
    assert "1 done, 1 skipped" in answer.out


def test_a_heic_picture_without_its_reader_is_a_failure(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (photos / "IMG_0001.HEIC").write_bytes(HEIC)
    answer = Answer(capsys, "reconstruct", photos, "-o", tmp_path / "out", "--model", learner, "--formats", "npz")
    assert answer.status == 2
    assert "IMG_0001.HEIC is a HEIC picture; pip install 'unveil[heic]'" in answer.err
    assert (tmp_path / "out" / "a.json").exists()


def test_json_stays_one_document(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    answer = Answer(
        capsys, "reconstruct", photos, "-o", tmp_path / "o", "--model", learner, "--formats", "npz", "--json"
    )
    assert answer.json["summary"]["done"] == 1
    assert "left out of" in answer.err


def test_a_view_that_learners_do_not_know_is_one_line() -> None:
    def face(index: int, pitch: float, yaw: float, *, doubtful: bool = False) -> dict[str, object]:
        return {"index": index, "pose_degrees": {"pitch": pitch, "yaw": yaw, "roll": 80}, "doubtful": doubtful}

    profile = face(4, 0, 41) | {"detector_turn_degrees": 62.0}
    faces = [face(0, 10, 45), face(1, 5, -72), face(2, 66, 3), face(3, 0, 80, doubtful=True), profile]
    warnings = list(Outcome(Path("a.jpg"), "done", {"faces": faces}).warnings())
    assert [line.split(";")[0] for line in warnings] == [
        "a.jpg: face 1 looks 72 degrees away from the camera",
        "a.jpg: face 2 looks 66 degrees away from the camera",
        "a.jpg: face 4 looks 62 degrees away from the camera",
    ]
    assert not list(Outcome(Path("a.jpg"), "failed", error="no face").warnings())


def test_doubtful_faces_are_counted(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "perhaps_no_face", lambda *_: True)
    answer = Answer(capsys, "reconstruct", photos, "-o", tmp_path / "out", "--model", learner, "--formats", "npz")
    assert "a.JFIF: 1 face, doubtful (perhaps no face)\n" in answer.out
