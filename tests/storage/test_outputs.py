"""What may be written: no input, nothing of somebody else's, and not what another process has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from unveil.errors import UnveilError
from unveil.storage.files import atomic_path
from unveil.storage.folder_log import LOG
from unveil.storage.names import path_of
from unveil.storage.outputs import alone_in, result_file, results_in

FRONT = ("/photographs/front.jpg",)


def write(folder: Path, text: str = "new", by: str = "test", of: tuple[str, ...] = (), *, force: bool = False) -> None:
    with results_in(folder, by, force=force) as outputs, outputs.part(of, last="last.txt") as part:
        (part / "a.txt").write_text(text)
        (part / "last.txt").write_text(text)


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != LOG}


def test_a_result_may_be_made_again(tmp_path: Path) -> None:
    for text in ("one", "two", "one"):
        write(tmp_path / "folder", text)
        assert content(tmp_path / "folder") == {"a.txt": text, "last.txt": text}
        with result_file(tmp_path / "file.txt", "test") as path:
            path.write_text(text)
        assert (tmp_path / "file.txt").read_text() == text


@pytest.mark.parametrize(
    ("by", "of", "reason"),
    [
        ("other", FRONT, "was written by `unveil test`"),
        ("test", ("/elsewhere/side.jpg",), "is of /photographs/front.jpg"),
        ("test", (), "is of /photographs/front.jpg"),
    ],
)
def test_results_of_something_else_stay(tmp_path: Path, by: str, of: tuple[str, ...], reason: str) -> None:
    write(tmp_path, "old", of=FRONT)
    with pytest.raises(UnveilError) as raised:
        write(tmp_path, "new", by, of)
    assert str(raised.value) == f"{tmp_path / 'a.txt'} {reason}; name another output, or replace it with --force"
    assert content(tmp_path) == {"a.txt": "old", "last.txt": "old"}
    write(tmp_path, "new", by, of, force=True)
    assert content(tmp_path) == {"a.txt": "new", "last.txt": "new"}


def test_photographs_of_one_name_are_told_apart_while_both_are_there(tmp_path: Path) -> None:
    one, two = tmp_path / "one" / "front.jpg", tmp_path / "two" / "front.jpg"
    one.parent.mkdir()
    one.touch()
    write(tmp_path / "out", "one", of=path_of(one))
    with pytest.raises(UnveilError, match="is of "):
        write(tmp_path / "out", "two", of=path_of(two))
    one.unlink()  # the photograph was moved, then
    write(tmp_path / "out", "two", of=path_of(two))


def put_foreign(path: Path) -> None:
    path.write_text("mine")


def put_changed(path: Path) -> None:
    write(path.parent)
    path.write_text("mine")


def put_link(path: Path) -> None:
    (path.parent / "target").write_text("mine")
    path.symlink_to("target")


@pytest.mark.parametrize("put", [put_foreign, put_changed, put_link])
@pytest.mark.parametrize("name", ["a.txt", "last.txt"])
def test_what_is_the_users_stays(tmp_path: Path, put: object, name: str) -> None:
    put(tmp_path / name)  # type: ignore[operator]
    before = content(tmp_path)
    with pytest.raises(UnveilError, match=r"; name another output, or replace it with --force$") as raised:
        write(tmp_path, "other")
    assert str(raised.value).startswith(f"{tmp_path / name} ")
    assert content(tmp_path) == before
    write(tmp_path, "other", force=True)
    assert content(tmp_path) | {"target": ""} == {"a.txt": "other", "last.txt": "other", "target": ""}
    if put is put_link:
        assert (tmp_path / "target").read_text() == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8")
def test_a_name_that_is_no_utf8_is_known_again(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with result_file(tmp_path / "\udcff.txt", "decode") as path:
            path.write_text(text)
    assert (tmp_path / "\udcff.txt").read_text() == "two"
    assert "\\\\xff.txt" in (tmp_path / LOG).read_text("ascii")
    (tmp_path / "\udcff.txt").write_text("mine")
    with pytest.raises(UnveilError, match=r"\\xff\.txt was changed since unveil wrote it"):
        result_file(tmp_path / "\udcff.txt", "decode").__enter__()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("target", ["a.txt", "nowhere"])
def test_a_link_that_leads_nowhere_is_called_that(tmp_path: Path, target: str) -> None:
    (tmp_path / "a.txt").symlink_to(target)
    with pytest.raises(UnveilError, match=r"a\.txt is a link that leads nowhere; name another output"):
        result_file(tmp_path / "a.txt", "decode").__enter__()
    with result_file(tmp_path / "a.txt", "decode", force=True) as path:
        path.write_text("new")
    assert not (tmp_path / "a.txt").is_symlink()
    assert (tmp_path / "a.txt").read_text() == "new"


def test_what_is_the_same_already_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path)
    before = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    write(tmp_path)
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("how", ["itself", "spelling", "link", "hard link", "folder"])
def test_an_input_is_never_replaced(tmp_path: Path, how: str, force: bool) -> None:
    given, out = tmp_path / "a.txt", tmp_path / "a.txt"
    with result_file(given, "test") as path:  # even one that unveil wrote
        path.write_text("precious")
    if how == "spelling":
        (tmp_path / "x").mkdir()
        out = tmp_path / "x" / ".." / "a.txt"
    elif how == "link":
        out = tmp_path / "b.txt"
        out.symlink_to(given)
    elif how == "hard link":
        out = tmp_path / "b.txt"
        os.link(given, out)
    elif how == "folder":
        (tmp_path / "x").symlink_to(tmp_path, target_is_directory=True)
        out = tmp_path / "x" / "a.txt"
    with (
        pytest.raises(UnveilError, match=r"is one of the inputs, and those are never replaced; name another output$"),
        result_file(out, "test", inputs=[given], force=force) as path,
    ):
        path.write_text("evil")
    assert given.read_text() == "precious"


def test_a_folder_in_the_place_of_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(UnveilError, match=r"a\.txt is a folder; name another output$"):
        write(tmp_path, force=True)


def test_nothing_is_left_of_a_block_that_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with results_in(tmp_path, "test") as outputs, outputs.part() as part:
            (part / "a.txt").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert content(tmp_path) == {}


def test_a_folder_is_one_processs_at_a_time(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom unveil.storage.outputs import results_in\n"
        "with results_in(Path(sys.argv[1]), 'reconstruct'):\n    print('here', flush=True)\n    sys.stdin.read()\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], **pipes) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"here"
        for opened in (results_in, alone_in):
            with pytest.raises(UnveilError) as raised, opened(tmp_path, "test"):
                pass
            assert str(raised.value).startswith(
                f"{tmp_path} is in use by `unveil reconstruct` (process {other.pid} on "
            )
            assert str(raised.value).endswith("; wait until that has ended, or name another output")
        with result_file(tmp_path / "b.txt", "test") as path:  # a single file is in nobody's way
            path.write_text("new")
        other.kill()
    write(tmp_path)  # nobody has to clean up after a process that was killed


def test_runs_that_start_at_once_take_turns_or_say_who_has_the_folder(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom unveil.errors import one_line_errors\n"
        "from unveil.storage.outputs import alone_in\n"
        "with one_line_errors(), alone_in(Path(sys.argv[1]), 'prepare'):\n"
        "    (Path(sys.argv[1]) / 'mine').open('x').close()\n"
        "    (Path(sys.argv[1]) / 'mine').unlink()\n"
    )
    call = [sys.executable, "-c", code, str(tmp_path)]
    started = [subprocess.Popen(call, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in started]
    assert ("", 0) in ended
    for complaint, status in ended:
        assert status == 0 or (status == 2 and "is in use by `unveil prepare` (process" in complaint)
        assert complaint.count("\n") == (status == 2)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(file: int) -> bool:
        raise OSError

    monkeypatch.setattr("unveil.storage.folder_log.lock", no_locks)
    monkeypatch.setattr("unveil.storage.leftovers.lock", no_locks)
    (tmp_path / ".unveil-0123456789abcdef").mkdir()
    (tmp_path / ".unveil-0123456789abcdef" / ".lock").touch()
    write(tmp_path)
    assert (tmp_path / ".unveil-0123456789abcdef").exists()  # it may be another process's


def test_what_killed_runs_leave_goes_with_the_next(tmp_path: Path) -> None:
    left = tmp_path / ".unveil-0123456789abcdef"
    left.mkdir()
    (left / ".lock").touch()
    (left / "half").touch()
    (tmp_path / "inside").mkdir()
    temporary = [tmp_path / ".unveil-0123456789abcdef.npz", tmp_path / "inside" / ".unveil-0123456789abcdef.npz"]
    others = [tmp_path / ".unveil-notes", tmp_path / ".unveil-trial"]
    for path in (*temporary, others[0]):
        path.touch()
    others[1].symlink_to(tmp_path / "precious")
    with results_in(tmp_path, "test") as outputs, outputs.part() as living:
        with result_file(tmp_path / "b.txt", "test") as path:
            path.touch()
        assert living.is_dir()
        assert not left.exists()
    assert all(path.exists() for path in temporary)  # they may be another process's
    with alone_in(tmp_path, "test"):
        assert not any(path.exists() for path in temporary)
    assert all(os.path.lexists(path) for path in others)


def test_a_log_that_is_none_is_one_line_and_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    for make in (lambda log: log.symlink_to(tmp_path / "precious"), lambda log: log.mkdir(), os.mkfifo):
        make(tmp_path / LOG)
        with pytest.raises(UnveilError) as raised:
            write(tmp_path)
        assert "\n" not in str(raised.value)
        assert (tmp_path / "precious").read_text() == "precious"
        if (tmp_path / LOG).is_dir():
            (tmp_path / LOG).rmdir()
        else:
            (tmp_path / LOG).unlink()


def test_damaged_lines_of_the_log_say_nothing(tmp_path: Path) -> None:
    write(tmp_path, "one")
    with (tmp_path / LOG).open("ab") as stream:
        stream.write(b'[1]\n\xff\n{"by": 1}\n{"by": "test", "of": [], "files": {"a.txt": 5}}\n{"by": "te')
    write(tmp_path, "two")
    write(tmp_path, "three")
    lines = (tmp_path / LOG).read_text(errors="replace").splitlines()
    assert json.loads(lines[-1])["files"].keys() == {"a.txt", "last.txt"}


def test_a_run_that_was_killed_between_files_is_repaired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was moved already is known as unveil's; what says that all is whole comes last and goes first."""
    write(tmp_path, "one")
    replace = Path.replace

    def killed_after_one(path: Path, destination: Path) -> Path:
        replace(path, destination)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed_after_one)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, "two")
    assert content(tmp_path) == {"a.txt": "two"}
    write(tmp_path, "three")
    assert content(tmp_path) == {"a.txt": "three", "last.txt": "three"}


@pytest.mark.parametrize("inner", ["out", "a/b/out"])
def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path: Path, inner: str) -> None:
    folder, before = tmp_path / inner, [tmp_path / "empty"]
    before[0].mkdir()
    makers = (
        lambda folder: results_in(folder, "test"),
        lambda folder: result_file(folder / "file.txt", "test"),
        lambda folder: alone_in(folder, "test"),
        lambda folder: atomic_path(folder / "file.txt"),
    )
    for maker in makers:
        for path in (folder, *before):
            with pytest.raises(ZeroDivisionError), maker(path):
                raise ZeroDivisionError
            assert list(tmp_path.iterdir()) == before
            assert not list(before[0].iterdir())
    write(folder)
    with pytest.raises(ZeroDivisionError), results_in(folder, "test"):
        raise ZeroDivisionError
    assert content(folder) == {"a.txt": "new", "last.txt": "new"}
