"""No command replaces its input, or what somebody else wrote or changed, or leaves half a file when it is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_answer import Answer
from constant_learner import fitting_coefficients, write_learner
from extras import needs
from killed import run_killed
from PIL import Image

import unveil
from unveil.assets.store import packaged
from unveil.evaluation.landmarks.landmark_file import LandmarkFile
from unveil.meshes.read import read_mesh
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.folder_log import LOG

Call = tuple[str | Path, ...]


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = unveil.load_openhead()
    return write_learner(
        tmp_path_factory.mktemp("learner") / "constant.onnx", model.layout, fitting_coefficients(model)
    )


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, learner: Path) -> Path:
    """Inputs for every command."""
    folder = tmp_path_factory.mktemp("given")
    for name in ("me.jpg", "other.jpg"):
        shutil.copy(packaged("demo.jpg"), folder / name)
    (folder / "crops").mkdir()
    Image.new("RGB", (224, 224), "red").save(folder / "crops" / "a.png")
    (face,) = Reconstructor(learner).reconstruct(folder / "me.jpg", max_faces=1)
    np.save(folder / "landmarks.npy", face.landmarks2d)
    landmarks = LandmarkFile(("a",), np.asarray(face.landmarks2d, np.float64)[None])
    for name in ("truth", "clear"):
        landmarks.save(folder / "predictions" / f"{name}.npz")
    return folder


def calls(given: Path, learner: Path) -> dict[str, tuple[Call, str]]:
    """A call of each command without its ``-o``, and one of the files that it writes into a folder."""
    me, model = given / "me.jpg", ("--model", learner)
    return {
        "reconstruct": (("reconstruct", me, *model, "--formats", "glb"), "me_0.glb"),
        "transfer": (("transfer", me, given / "other.jpg", *model, "--formats", "glb"), "me_as_other_0.glb"),
        "animate": (("animate", me, "--follow", given / "other.jpg", *model), "me_as_other.gif"),
        "compare": (("compare", me, "--models", learner), "compare.png"),
        "fit": (("fit", given / "landmarks.npy"), "landmarks_0.glb"),
        "encode": (("encode", given / "crops", *model), "codes.npz"),
        "decode": (("decode", given / "codes.npz"), "heads.npz"),
        "occlude": (("occlude", me, *model, "--kinds", "pixels", "--severities", "20"), "sheet.png"),
        "evaluate landmarks": (("evaluate", "landmarks", given / "predictions"), "landmarks.json"),
        "evaluate report": (("evaluate", "report", given / "scores"), "report.md"),
    }


COMMANDS = tuple(calls(Path(), Path()))
FILES = ("encode", "decode", "occlude")  # commands whose -o must be a file


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], given: Path, learner: Path) -> Callable[..., Answer]:
    """Calls a command by its name, with a folder to write to."""
    if not (given / "codes.npz").exists():
        assert Answer(capsys, "encode", given / "crops", "--model", learner, "-o", given / "codes.npz").status == 0
        scores = ("evaluate", "landmarks", given / "predictions", "-o", given / "scores")
        assert Answer(capsys, *scores).status == 0

    def answer(command: str, out: Path, *options: str | Path) -> Answer:
        arguments, name = calls(given, learner)[command]
        return Answer(capsys, *arguments, "-o", out / name if command in FILES else out, *options)

    return answer


def needs_what_it_draws_with(command: str) -> None:
    if command == "evaluate landmarks":
        needs("matplotlib")  # without it, a line says that there is no plot


def refused(answer: Answer, path: Path, why: str) -> bool:
    return (answer.status, answer.err.count("\n")) == (2, 1) and f"{path} {why}" in answer.err


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "encode"])
def test_results_may_be_made_again_but_not_over_what_somebody_changed(
    call: Callable[..., Answer], tmp_path: Path, given: Path, learner: Path, command: str
) -> None:
    needs_what_it_draws_with(command)
    result = tmp_path / calls(given, learner)[command][1]
    assert call(command, tmp_path).status == 0
    first = result.read_bytes()
    again = call(command, tmp_path)
    assert (again.status, again.err) == (0, "")
    assert result.read_bytes() == first
    result.write_bytes(b"mine")
    if command == "reconstruct":
        assert call(command, tmp_path).status == 0  # has nothing to do
        (tmp_path / "me.json").unlink()
    assert refused(
        call(command, tmp_path), result, "was changed since unveil wrote it; name another output, or replace"
    )
    assert result.read_bytes() == b"mine"
    assert call(command, tmp_path, "--force").status == 0
    assert result.read_bytes() == first


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_of_the_users_stays(
    call: Callable[..., Answer], tmp_path: Path, given: Path, learner: Path, command: str
) -> None:
    result = tmp_path / calls(given, learner)[command][1]
    result.write_bytes(b"mine")
    answer = call(command, tmp_path)
    assert result.read_bytes() == b"mine"
    if command in {"reconstruct", "animate"}:  # the photograph gets another name
        assert answer.status == 0
        assert result.with_name(result.name.replace("me_", "me_jpg_")).exists()
    elif command == "encode":
        assert refused(answer, result, "is there and is no codes file; choose another output, or begin anew with")
    else:
        assert refused(answer, result, "is there already, and unveil did not write it; name another output, or replace")
        assert {path.name for path in tmp_path.iterdir()} <= {result.name, LOG}
    assert call(command, tmp_path, "--force").status == 0


def test_inputs_are_never_replaced(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: Path, learner: Path, call: Callable[..., Answer]
) -> None:
    shutil.copytree(given, tmp_path, dirs_exist_ok=True)
    me, codes = tmp_path / "me.jpg", tmp_path / "codes.npz"
    (tmp_path / "link.png").symlink_to(me)
    os.link(me, tmp_path / "hard.png")
    os.link(codes, tmp_path / "hard.npz")
    np.savez(tmp_path / "crops.npz", images=np.zeros((1, 224, 224, 3), np.uint8))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != LOG}
    model = ("--model", learner)
    for arguments in (
        ("compare", me, "--models", learner, "-o", me),
        ("compare", me, "--models", learner, "-o", tmp_path / "crops" / ".." / "me.jpg"),
        ("compare", me, "--models", learner, "-o", tmp_path / "link.png"),
        ("compare", me, "--models", learner, "-o", tmp_path / "hard.png"),
        ("compare", tmp_path / "crops", "--models", learner, "-o", tmp_path / "crops" / "a.png"),
        ("occlude", me, *model, "-o", me),
        ("occlude", tmp_path / "crops", *model, "-o", tmp_path / "crops" / "a.png"),
        ("decode", codes, "-o", codes),
        ("decode", codes, "-o", tmp_path / "hard.npz"),
        ("encode", tmp_path / "crops.npz", *model, "-o", tmp_path / "crops.npz"),
        ("fit", tmp_path / "landmarks.npy", "-o", tmp_path / "landmarks.npz", "--photo", tmp_path / "landmarks.npz"),
    ):
        for options in ((), ("--force",)):
            answer = Answer(capsys, *arguments, *options)
            assert answer.status == 2
            assert answer.err.count("\n") == 1, answer.err
            if options and arguments[0] != "fit":
                assert "is one of the inputs, and those are never replaced; name another output\n" in answer.err
            assert before == {path: path.read_bytes() for path in before}


def test_an_input_may_lie_in_the_folder_of_the_results(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, learner: Path
) -> None:
    """``me_0.jpg`` is what the texture of ``me.jpg`` would be called."""
    for name in ("me.jpg", "me_0.jpg"):
        shutil.copy(packaged("demo.jpg"), tmp_path / name)
    call = ("reconstruct", tmp_path / "me.jpg", tmp_path / "me_0.jpg", "-o", tmp_path, "--model", learner)
    for _ in range(2):
        assert Answer(capsys, *call, "--formats", "obj").status == 0
        assert (tmp_path / "me_0.jpg").read_bytes() == packaged("demo.jpg").read_bytes()
    assert (tmp_path / "me_jpg_0.obj").exists()
    assert (tmp_path / "me_0_0.obj").exists()


@pytest.mark.parametrize("command", ["reconstruct", "animate", "transfer", "occlude"])
def test_photographs_of_one_name_keep_their_results(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: Path, learner: Path, command: str
) -> None:
    photos, out = [tmp_path / side / "front.jpg" for side in "ab"], tmp_path / "out"
    for photo in photos:
        photo.parent.mkdir()
        shutil.copy(packaged("demo.jpg"), photo)

    def run(photo: Path) -> tuple[int, set[str]]:
        options = {
            "reconstruct": ("--formats", "glb", "-o", out),
            "animate": ("--follow", given / "me.jpg", "-o", out),
            "transfer": (given / "me.jpg", "--formats", "glb", "-o", out),
            "occlude": ("--kinds", "pixels", "--severities", "20", "--out-dir", out, "-o", photo.with_suffix(".png")),
        }[command]
        answer = Answer(capsys, command, photo, "--model", learner, *options)
        return answer.status, {path.name for path in out.iterdir()} - {LOG}

    status, first = run(photos[0])
    assert status == 0
    before = {name: (out / name).read_bytes() for name in first}
    status, both = run(photos[1])
    assert before == {name: (out / name).read_bytes() for name in first}
    assert (status, len(both)) == ((2, len(first)) if command == "transfer" else (0, 2 * len(first)))
    for photo in photos:  # and each finds its own again
        assert run(photo)[1] == both


def test_front_jpg_and_front_png_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path, learner: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    with Image.open(packaged("demo.jpg")) as picture:
        for name in ("front.jpg", "front.png"):
            picture.save(photos / name)
    options = ("--kinds", "pixels", "--severities", "20", "--faces", "2", "--out-dir", tmp_path / "out")
    assert Answer(capsys, "occlude", photos, "--model", learner, "-o", tmp_path / "sheet.png", *options).status == 0
    names = {f"{name}_0_pixels_20{end}.png" for name in ("front", "front_png") for end in ("", "_mask")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names | {LOG}


def test_other_formats_leave_the_earlier_ones(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: Path, learner: Path
) -> None:
    for formats in ("glb", "obj", "glb"):
        call = ("reconstruct", given / "me.jpg", "-o", tmp_path, "--model", learner, "--formats", formats)
        answer = Answer(capsys, *call)
        assert (answer.status, answer.err) == (0, "")
    assert "already done" in answer.out
    (face,) = json.loads((tmp_path / "me.json").read_text())["faces"]
    assert face["files"].keys() == {"glb", "obj", "mtl", "texture", "overlay"}
    assert all((tmp_path / name).is_file() for name in face["files"].values())


def test_the_second_of_two_runs_says_who_has_the_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: Path, learner: Path
) -> None:
    code = (
        "import sys\nfrom unveil import cli\nfrom unveil.output import photo_work\n"
        "def wait(*_): print('here', flush=True); sys.stdin.read()\n"
        "photo_work.read_whole = wait\ncli.main(sys.argv[1:])\n"
    )
    call = tuple(map(str, ("reconstruct", given / "me.jpg", "-o", tmp_path, "--model", learner)))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, *call], **pipes) as first:
        assert first.stdout is not None
        assert first.stdout.readline().strip() == b"here"
        for command in (call, ("transfer", given / "me.jpg", given / "other.jpg", "-o", tmp_path)):
            answer = Answer(capsys, *command)
            assert answer.status == 2
            assert answer.err.startswith(
                f"unveil: {tmp_path} is in use by `unveil reconstruct` (process {first.pid} on "
            )
        first.kill()
    assert Answer(capsys, *call, "--formats", "npz").status == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("moved", [0, 1])
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_between_files_it_leaves_none_half_and_goes_on(
    call: Callable[..., Answer], tmp_path: Path, given: Path, learner: Path, command: str, moved: int
) -> None:
    """Killed before the first file gets its name, and after it; the files are those of a run that was not.

    The first file of encode is one of its parts.
    """
    needs_what_it_draws_with(command)
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert call(command, whole).status == 0
    arguments, name = calls(given, learner)[command]
    status = run_killed(moved, *arguments, "-o", out / name if command in FILES else out)
    expected = {path.name: path.read_bytes() for path in whole.iterdir() if path.name != LOG}
    first = moved - (command == "encode")
    assert status == (0 if first >= len(expected) else -signal.SIGKILL)
    left = [path for path in out.iterdir() if not path.name.startswith(".") and path.is_file()]
    assert len(left) == max(first, 0)
    assert all(path.read_bytes() == expected[path.name] for path in left)
    again = call(command, out)
    assert (again.status, again.err) == (0, "")
    found = {path.name: path.read_bytes() for path in out.iterdir() if path.name != LOG}
    assert found.keys() == expected.keys()
    assert {n for n in found if found[n] != expected[n]} <= {f"{stem}.json" for stem in ("me", "me_as_other")}  # times


def test_material_and_texture_of_a_named_obj_are_under_the_same_rule(
    call: Callable[..., Answer], tmp_path: Path
) -> None:
    assert call("fit", tmp_path / "head.obj").status == 0
    assert len(read_mesh(tmp_path / "head.obj").vertices)
    (tmp_path / "head.mtl").write_text("mine")
    assert refused(call("fit", tmp_path / "head.obj"), tmp_path / "head.mtl", "was changed since unveil wrote it;")
