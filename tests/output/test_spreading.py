"""Photographs that several processes share: the same files as one process writes, each once, and on after a stop."""

import json
import signal
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from cli_answer import Answer
from extras import needs
from killed import run_killed, visible

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.faces.formats import FORMATS
from unveil.output import batch, spreading
from unveil.output.photo_files import Options
from unveil.output.photo_work import PhotoTask, PhotoWork
from unveil.storage.outputs import OutputError, results_in

COMMAND = ("reconstruct", "--formats", "glb,npz")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    demo = cv2.imread(str(packaged("demo.jpg")))
    cv2.imwrite(str(folder / "a.png"), demo)
    cv2.imwrite(str(folder / "b.png"), demo[:, ::-1])
    (folder / "c.png").write_bytes(b"no picture")
    cv2.imwrite(str(folder / "d.png"), np.full((99, 99, 3), 90, np.uint8))
    return folder


def require_the_same(folder: Path, other: Path) -> None:
    """The same files, which say the same but for rounding: with other threads sums have another order."""
    names, others = ({path.name for path in each.iterdir()} for each in (folder, other))
    assert names == others
    for name in sorted(name for name in names if name.endswith(".json")):
        one, two = (json.loads((each / name).read_text()) for each in (folder, other))
        assert (one["photo"], one["source"], one["options"]) == (two["photo"], two["source"], two["options"])
        for face, same in zip(one["faces"], two["faces"], strict=True):
            assert face["files"] == same["files"]
            np.testing.assert_allclose(face["landmarks2d"], same["landmarks2d"], atol=0.5)


def lines(answer: Answer) -> list[str]:
    return sorted(answer.err.splitlines())


def test_two_processes_write_what_one_writes(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = Answer(capsys, *COMMAND, photos, "-o", tmp_path / "alone")
    shared = Answer(capsys, *COMMAND, photos, "-o", tmp_path / "shared", "--workers", "2")
    assert shared.status == alone.status == 2
    assert shared.out == alone.out.replace("alone", "shared")
    assert lines(shared) == lines(alone)
    require_the_same(tmp_path / "shared", tmp_path / "alone")
    log = (tmp_path / "shared" / ".unveil.jsonl").read_text().splitlines()
    written = [name for line in log for name in json.loads(line).get("files", ())]
    assert len(written) == len(set(written))  # each file once
    (tmp_path / "shared" / "a_0.glb").unlink()
    again = Answer(capsys, *COMMAND, photos, "-o", tmp_path / "shared", "--workers", "2")
    assert "b.png: 1 face (already done)" in again.out
    assert "a.png: 1 face\n" in again.out
    require_the_same(tmp_path / "shared", tmp_path / "alone")


def test_on_a_cluster_the_same(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("ray")
    alone = Answer(capsys, *COMMAND, photos, "-o", tmp_path / "alone")
    shared = Answer(capsys, *COMMAND, photos, "-o", tmp_path / "shared", "--ray")
    assert shared.out == alone.out.replace("alone", "shared")
    require_the_same(tmp_path / "shared", tmp_path / "alone")


def test_a_run_on_a_cluster_that_is_killed_goes_on(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs("ray")
    alone = Answer(capsys, *COMMAND, photos, "-o", tmp_path / "alone")
    call = (*COMMAND, photos, "--ray", "-o", tmp_path / "shared")
    first = len([name for name in visible(tmp_path / "alone") if name.name.startswith("a")])
    assert run_killed(first + 1, *call) == -signal.SIGKILL  # in the middle of the second photograph
    again = Answer(capsys, *call)
    assert "a.png: 1 face (already done)" in again.out
    assert lines(again) == lines(alone)
    require_the_same(tmp_path / "shared", tmp_path / "alone")


class OneFails:
    """Stands for a reconstructor with a fault that cannot be sent to another process."""

    def reconstruct(self, image: object, max_faces: int | None) -> list:
        error = RuntimeError("this and that")
        error.args = (lambda: None,)
        raise error


def test_any_error_is_sent_back(photos: Path, tmp_path: Path) -> None:
    work = PhotoWork(OneFails(), Options("model", "00", FORMATS))  # type: ignore[arg-type]
    made = work(PhotoTask(photos / "a.png", "a", tmp_path / "part", None))
    assert isinstance(made, RuntimeError)
    assert "unexpected RuntimeError" in str(made)
    assert not (tmp_path / "part").exists()


def test_a_disk_that_is_full_for_a_worker_ends_the_run(photos: Path, tmp_path: Path) -> None:
    with results_in(tmp_path / "out", "reconstruct") as outputs:
        targets = batch.name_targets([photos / "a.png", photos / "b.png"], outputs)
        full = OutputError("the disk is full")
        options = Options("model", "00", FORMATS)
        running = batch.reconstruct_photos(targets, OneFails(), options, spread=lambda work, tasks: [full] * len(tasks))  # type: ignore[arg-type]
        with pytest.raises(OutputError, match="full"):
            list(running)
    assert not (tmp_path / "out").exists()


def test_without_ray_there_is_one_line(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    spread = spreading.on_cluster(None)
    task = PhotoTask(photos / "a.png", "a", tmp_path / "part", None)
    with pytest.raises(UnveilError, match="Ray is not installed"):
        list(spread(lambda task: {}, [task]))
    assert not list(spread(lambda task: {}, []))
