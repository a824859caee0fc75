"""What stdout and stderr may be: of few letters, without a reader, full, closed; the work is done all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from constant_learner import fitting_coefficients, write_learner
from PIL import Image

import unveil
from unveil.assets.store import packaged
from unveil.cli import printing

NAMES = ("1 \u0142\u00f3d\u017a \u732b.jpg", "2 two\nlines\x1b[2J.jpg", "3 \udce9.jpg")
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes, /dev/full")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Reconstructs photographs with names of every kind."""
    folder = tmp_path_factory.mktemp("streams")
    model = unveil.load_openhead()
    learner = write_learner(folder / "constant.onnx", model.layout, fitting_coefficients(model))
    photos = folder / "photos"
    photos.mkdir()
    with Image.open(packaged("demo.jpg")) as picture:
        small = picture.resize([side // 3 for side in picture.size])
    for name in NAMES:
        small.save(photos / name)
    (photos / "0 no\nunveil: picture.jpg").write_text("no picture")
    return [sys.executable, "-m", "unveil", "reconstruct", str(photos), f"--model={learner}", "--formats=npz"]


def run(command: list[str], out: Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*command, "-o", str(out)], stderr=subprocess.PIPE, check=False, **options)  # type: ignore[call-overload,no-any-return]


def done(out: Path) -> int:
    return len(list(out.glob("*.json")))


@ON_LINUX
@pytest.mark.parametrize("encoding", ["utf-8", "ascii:strict", "cp1252"])
def test_every_name_is_printed_in_one_line_whatever_the_encoding(
    command: list[str], tmp_path: Path, encoding: str
) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    answer = run(command, tmp_path, env=environment, stdout=subprocess.PIPE)
    assert answer.returncode == 2
    assert done(tmp_path) == len(NAMES)
    lines = answer.stdout.decode(encoding.removesuffix(":strict")).splitlines()
    assert len(lines) == len(NAMES) + 1
    assert r"2 two\nlines\x1b[2J.jpg: 1 face" in lines[1]
    assert r"3 \xe9.jpg: 1 face" in lines[2]
    (complaint,) = answer.stderr.decode(encoding.removesuffix(":strict")).splitlines()
    assert complaint.startswith("unveil: ")
    assert r"0 no\nunveil: picture.jpg" in complaint


@ON_LINUX
def test_an_old_locale_prints_every_name(command: list[str], tmp_path: Path) -> None:
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    answer = run(command, tmp_path, env=environment, stdout=subprocess.PIPE)
    assert answer.returncode == 2
    assert done(tmp_path) == len(NAMES)
    assert len(answer.stdout.splitlines()) == len(NAMES) + 1
    assert len(answer.stderr.splitlines()) == 1


@ON_LINUX
def test_a_reader_that_has_gone_does_not_end_the_work(command: list[str], tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        answer = run(command, tmp_path, stdout=write_end)
    finally:
        os.close(write_end)
    assert answer.returncode == 2
    assert done(tmp_path) == len(NAMES)
    assert len(answer.stderr.splitlines()) == 1


@ON_LINUX
def test_a_closed_stdout_does_not_end_the_work(command: list[str], tmp_path: Path) -> None:
    shell = 'exec "$@" >&-'
    answer = run(["sh", "-c", shell, "sh", *command], tmp_path)
    assert answer.returncode == 2
    assert done(tmp_path) == len(NAMES)
    assert len(answer.stderr.splitlines()) == 1


@ON_LINUX
def test_a_full_disk_behind_stdout_is_one_line(command: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        answer = run([*command[:4], str(packaged("demo.jpg")), *command[5:]], tmp_path, stdout=full)
    assert answer.returncode == 2
    assert done(tmp_path) == 1
    assert answer.stderr.splitlines() == [
        b"unveil: cannot print: No space left on device; make room, or print to another place"
    ]


def test_lines_cannot_be_forged(capsys: pytest.CaptureFixture[str]) -> None:
    printing.say("a\nb", "c\r\x1b[0m\u2028d \u00e9")
    printing.complain("x\nunveil: y")
    out, err = capsys.readouterr()
    assert out == "a\\nb\nc\\r\\x1b[0m\\u2028d \u00e9\n"
    assert err == "unveil: x\\nunveil: y\n"
