"""The command line, as a user and as a script meet it."""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from child import finished
from cli_answer import Answer
from PIL import Image

import unveil
from unveil import cli
from unveil.assets.store import packaged
from unveil.output import doctor
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.folder_log import LOG

DEMO = packaged("demo.jpg")


def run(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "unveil", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)


def modified(folder: Path) -> dict[str, int]:
    """When each file of a folder was written."""
    return {name: (folder / name).stat().st_mtime_ns for name in names(folder)}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {LOG} if folder.is_dir() else set()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two photographs of the same stem."""
    folder = tmp_path / "photos"
    folder.mkdir()
    with Image.open(DEMO) as picture:
        picture.save(folder / "a.jpg", quality=95)
        picture.save(folder / "a.png")
    return folder


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def bad_picture(kind: str, path: Path) -> Path:
    contents = {
        "text": b"This is not a photograph.\n",
        "empty": b"",
        "truncated": DEMO.read_bytes()[:9000],
        "bomb": png_header(30_000, 30_000),
    }
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind == "dot":
        Image.new("RGB", (1, 1)).save(path)
    elif kind == "no face":
        Image.new("RGB", (300, 200), (90, 120, 160)).save(path)
    return path  # "missing" writes nothing


EMPTY = "an argument is empty, perhaps a variable that is not set; give it a value"
BAD = ["missing", "text", "empty", "truncated", "bomb", "dot", "no face"]


def test_reconstructs_a_photograph(capsys: pytest.CaptureFixture[str], learner: str, tmp_path: Path) -> None:
    answer = Answer(capsys, "reconstruct", DEMO, "-o", tmp_path / "out", "--model", learner)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[0].endswith("demo.jpg: 1 face")
    assert answer.out.splitlines()[-1].startswith("1 photograph: 1 done; 1 face in ")
    endings = ("glb", "obj", "mtl", "jpg", "ply", "npz")
    assert names(tmp_path / "out") == {"demo.json", "demo_0_overlay.png", *(f"demo_0.{ending}" for ending in endings)}
    with Image.open(tmp_path / "out" / "demo_0_overlay.png") as overlay:
        overlay.load()
    assert (tmp_path / "out" / "demo_0.glb").read_bytes()[:4] == b"glTF"


def test_a_person_is_told_how_to_see_the_head(
    capsys: pytest.CaptureFixture[str], learner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    call = ("reconstruct", DEMO, "--model", learner, "-o")
    last = Answer(capsys, *call, tmp_path / "my heads").out.splitlines()[-1]
    assert last.replace('"', "'") == f"To turn it in the browser: unveil view '{tmp_path / 'my heads' / 'demo_0.glb'}'"
    assert "unveil view" not in Answer(capsys, *call, tmp_path / "npz", "--formats", "npz").out  # which is no head


def test_json_is_one_document_with_stable_keys(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    bad_picture("text", photos / "b.jpg")
    answer = Answer(capsys, "reconstruct", photos, "-o", tmp_path / "out", "--model", learner, "--json")
    assert answer.status == 2
    assert answer.json.keys() == {"out", "summary", "photos"}
    assert answer.json["summary"] == {"done": 2, "skipped": 0, "failed": 1, "faces": 2}
    first, _, bad = answer.json["photos"]
    assert first.keys() == bad.keys() == {"photo", "status", "error", "faces", "timings_ms"}
    assert first["faces"][0].keys() == {
        "index",
        "box_ltrb",
        "confidence",
        "detector_turn_degrees",
        "doubtful",
        "pose_degrees",
        "expression",
        "landmarks2d",
        "crop",
        "hidden_share",
        "occluded_share",
        "uncertainty_mm",
        "occlusion",
        "classes",
        "eyes_hidden",
        "hair",
        "head_to_image",
        "image_to_overlay",
        "files",
    }
    assert (bad["status"], bad["faces"]) == ("failed", [])
    assert answer.err == f"unveil: {bad['error']}\n"
    record = json.loads((tmp_path / "out" / "a.json").read_text())
    assert record["faces"] == first["faces"]


def test_one_stem_twice_and_the_second_run_skips(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    call = ("reconstruct", photos, "-o", tmp_path / "out", "--model", learner, "--formats", "npz")
    assert Answer(capsys, *call, "--json").json["summary"]["done"] == 2
    expected = {f"{name}{end}" for name in ("a", "a_png") for end in (".json", "_0.npz", "_0_overlay.png")}
    assert names(tmp_path / "out") == expected
    times = modified(tmp_path / "out")
    again = Answer(capsys, *call)
    assert again.status == 0
    assert again.out.count("1 face (already done)") == 2
    assert again.out.splitlines()[-1].startswith("2 photographs: 2 skipped; 2 faces in ")
    assert times == modified(tmp_path / "out")
    assert Answer(capsys, *call, "--force", "--json").json["summary"]["done"] == 2
    assert all(modified(tmp_path / "out")[name] > then for name, then in times.items())


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_photograph_is_one_line(
    capsys: pytest.CaptureFixture[str], learner: str, tmp_path: Path, kind: str
) -> None:
    photo = bad_picture(kind, tmp_path / "bad.jpg")
    answer = Answer(capsys, "reconstruct", photo, "-o", tmp_path / "out", "--model", learner)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert answer.err.startswith("unveil: ")
    assert "bad.jpg" in answer.err
    assert "Traceback" not in answer.err
    assert names(tmp_path / "out") == set()


def test_the_rest_of_a_folder_still_runs(
    capsys: pytest.CaptureFixture[str], learner: str, photos: Path, tmp_path: Path
) -> None:
    bad = [bad_picture(kind, photos / f"{number}.jpg") for number, kind in enumerate(BAD) if kind != "missing"]
    call = (
        "reconstruct",
        tmp_path / "none.jpg",
        photos,
        "-o",
        tmp_path / "out",
        "--model",
        learner,
        "--formats",
        "glb",
    )
    answer = Answer(capsys, *call)
    assert answer.status == 2
    assert len(answer.err.splitlines()) == len(bad) + 1
    assert answer.out.splitlines()[-1].startswith(f"{len(bad) + 3} photographs: 2 done, {len(bad) + 1} failed; 2 faces")
    assert {"a.json", "a_png.json"} < names(tmp_path / "out")


def test_a_folder_without_photographs(capsys: pytest.CaptureFixture[str], learner: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    answer = Answer(capsys, "reconstruct", tmp_path / "empty", "-o", tmp_path / "out", "--model", learner)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_unwritable_output(capsys: pytest.CaptureFixture[str], learner: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    answer = Answer(capsys, "reconstruct", DEMO, "-o", tmp_path / "file" / "out", "--model", learner)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert "choose another folder with -o" in answer.err


def test_full_disk(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, learner: str, photos: Path, tmp_path: Path
) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    answer = Answer(capsys, "reconstruct", photos, "-o", tmp_path / "out", "--model", learner)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1  # the second photograph is not even tried
    reason = "No space left on device; free some space and run again"
    assert answer.err == f"unveil: cannot write into {tmp_path / 'out'}: {reason}\n"  # no hidden folder in it
    assert names(tmp_path / "out") == set()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--formats", "glb,fbx"], "unknown format 'fbx': choose from glb, obj, ply, npz"),
        (["--formats", ","], "unknown format ','"),
        (["--model", "nobody"], "unknown model 'nobody'"),
        (["--model", "nobody.onnx"], "no model file at nobody.onnx"),
        (["--model", str(DEMO)], "unknown model"),
    ],
)
def test_wrong_options(capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], reason: str) -> None:
    answer = Answer(capsys, "reconstruct", DEMO, "-o", tmp_path / "out", *arguments)
    assert (answer.status, answer.out) == (2, "")
    assert reason in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nonsense"], "no such command 'nonsense' (see `unveil --help`)"),
        (["recontsruct"], "no such command 'recontsruct'. Did you mean 'reconstruct'? (see `unveil --help`)"),
        (["reconstruct"], "missing argument 'PHOTO_OR_FOLDER' (see `unveil reconstruct --help`)"),
        (["reconstruct", "a"], "missing option '--out' / '-o' (see `unveil reconstruct --help`)"),
        (["fit", "a", "-o"], "option '-o' requires an argument"),
        (["fit", "--phto", "a"], "no such option: --phto. Did you mean --photo? (see `unveil fit --help`)"),
        (["fit", "a", "b", "-o", "c"], "unexpected arguments: b (see `unveil fit --help`)"),
        (["fit", "a\0", "-o", "c"], "LANDMARKS embedded null byte (see `unveil fit --help`)"),
        (["doctor", "--json=1"], "option '--json' does not take a value"),
        (
            ["animate", "a.glb", "-o", "b", "--wrinkles"],
            "--wrinkles would do nothing: a saved head cannot be changed that way; give its photograph",
        ),
        (
            ["animate", "a.jpg", "-o", "b", "--texture", "lit", "--formats", "gif"],
            "--texture would do nothing: only a GLB has a texture; add one with --formats",
        ),
        (
            ["animate", "a.npz", "-o", "b", "--no-hair", "--texture", "lit"],
            "--texture and --no-hair would do nothing: a saved head cannot be changed that way; give its photograph",
        ),
        (
            ["animate", "a", "-o", "b", "--face", "1"],
            "--face would do nothing: name photographs to follow with --follow",
        ),
        (["animate", "a", "-o", "b", "--rate", "nan"], "--rate should be at most 100 (see `unveil animate --help`)"),
        (["animate", "a", "-o", "b", "--rate", ""], "--rate should be a number (see `unveil animate --help`)"),
        (["reconstruct", "", "-o", "b"], EMPTY),
        (["reconstruct", "a", "-o", ""], EMPTY),
        (["view", "a", "--out="], EMPTY),
        (["prepare", "a", "-o", "b", "--limit", "0"], "--limit should be at least 1 (see `unveil prepare --help`)"),
        (["prepare", "a", "-o", "b", "--seed", "1.5"], "--seed should be a whole number (see `unveil prepare --help`)"),
        (
            ["prepare", "a", "-o", "b", "--preset", "x"],
            "--preset 'x' is not one of 'paper' (see `unveil prepare --help`)",
        ),
    ],
)
def test_a_wrong_call_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str) -> None:
    answer = Answer(capsys, *arguments)
    assert (answer.status, answer.out, answer.err) == (2, "", f"unveil: {reason}\n")


@pytest.mark.parametrize("arguments", [[], ["assets"]])
def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    answer = Answer(capsys, *arguments)
    assert answer.status == 2
    assert answer.err == ""
    assert "Usage: unveil" in answer.out


def test_an_unexpected_error_is_one_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, learner: str, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr(Reconstructor, "reconstruct", broken)
    call = ("reconstruct", DEMO, "-o", tmp_path / "out", "--model", learner)
    monkeypatch.delenv(cli.DEBUG_VARIABLE, raising=False)
    answer = Answer(capsys, *call)
    assert answer.status == 1
    assert answer.err.startswith("unveil: unexpected ZeroDivisionError: two lines (set UNVEIL_DEBUG=1")
    assert answer.err.count("\n") == 1
    monkeypatch.setenv(cli.DEBUG_VARIABLE, "1")
    assert "Traceback" in Answer(capsys, *call).err


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    version = Answer(capsys, "--version")
    assert (version.status, version.out) == (0, f"unveil {unveil.__version__}\n")
    shown = Answer(capsys, "--help")
    assert shown.status == 0
    assert all(command in shown.out for command in ("reconstruct", "demo", "doctor"))


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, unveil.cli; unveil.cli.main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = finished([sys.executable, "-c", code])
    assert {"numpy", "numba", "cv2", "onnxruntime", "PIL"}.isdisjoint(done.stderr.split())


def test_doctor_answers_per_check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [doctor.Check("python", ok=True, detail="3"), doctor.Check("self-test", ok=False, detail="no")]
    monkeypatch.setattr(doctor, "examine", lambda: checks)
    answer = Answer(capsys, "doctor")
    assert (answer.status, answer.out) == (1, "ok    python: 3\nWRONG self-test: no\n")
    as_json = Answer(capsys, "doctor", "--json")
    assert as_json.status == 1
    assert as_json.json["checks"][1] == {"name": "self-test", "ok": False, "detail": "no"}


def test_doctor_sees_a_changed_file(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {"demo.jpg": doctor.PackagedFile("demo.jpg", "x", "x", "x", sha256="0" * 64)}
    monkeypatch.setattr(doctor, "PACKAGED", changed)
    monkeypatch.setattr(doctor, "_self_test", lambda: "fine")
    checks = {check.name: check for check in doctor.examine()}
    assert not checks["demo.jpg"].ok
    assert "has been changed" in checks["demo.jpg"].detail
    assert checks["numpy"].ok


def test_in_a_process_of_its_own(learner: str, tmp_path: Path) -> None:
    done = run("reconstruct", DEMO, "-o", tmp_path / "out", "--model", learner, "--formats", "glb", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["summary"]["done"] == 1
    failed = run("reconstruct", tmp_path / "none.jpg", "-o", tmp_path / "out")
    assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (2, "", 1)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize(("how", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGKILL", -9)])
def test_a_stopped_run_leaves_nothing_half_and_goes_on(learner: str, tmp_path: Path, how: str, status: int) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    count = 5
    for k in range(count):
        shutil.copy(DEMO, photos / f"{k:02d}.jpg")
    call = ["reconstruct", photos, "-o", out, "--model", learner, "--formats", "glb,npz"]
    process = subprocess.Popen([sys.executable, "-m", "unveil", *map(str, call)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120  # seconds; machines may be busy
    while not list(out.glob("*.json")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(getattr(signal, how))
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == status
    assert "Traceback" not in complaint
    done = {path.stem for path in out.glob("*.json")}
    assert 1 <= len(done) < count
    for name in done:
        assert_whole(out, name)
    if how != "SIGKILL":  # nobody can clean up after that but the next run
        assert complaint == "unveil: stopped; run the same command again to continue\n"
        assert names(out) == {
            f"{name}{end}" for name in done for end in (".json", "_0.glb", "_0.npz", "_0_overlay.png")
        }
    again = run(*call, "--json")
    assert json.loads(again.stdout)["summary"] == {
        "done": count - len(done),
        "skipped": len(done),
        "failed": 0,
        "faces": count,
    }
    assert len(names(out)) == 4 * count


def assert_whole(out: Path, name: str) -> None:
    for file in json.loads((out / f"{name}.json").read_text())["faces"][0]["files"].values():
        data = (out / file).read_bytes()
        if file.endswith(".glb"):
            assert struct.unpack("<4sII", data[:12]) == (b"glTF", 2, len(data))
        elif file.endswith(".npz"):
            with np.load(out / file) as content:
                assert content["vertices"].ndim == 2
        else:
            with Image.open(out / file) as picture:
                picture.load()
